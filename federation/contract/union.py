"""Union: the contract of a DocType as a pure fold over the schemas of all satellites."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce

import pyarrow as pa

from federation.contract.asked_field import AskedField
from federation.contract.columns import Column, Contract, TableContract
from federation.contract.fieldtypes import DATETIME, INTEGER, TEXT, column_type, widen
from federation.contract.names import OBSERVED, SATELLITE, column_name, utc_name
from federation.contract.satellite_schema import (
    CHILD_FIELDS,
    DOCUMENT_FIELDS,
    DocTypeSchema,
    FieldSchema,
    SatelliteSchema,
)

Keeps = Callable[[str, AskedField], bool]
"""(satellite, field) → the policy lets the field leave the satellite, as it is, masked or hashed."""

Hashes = Callable[[str, AskedField], bool]
"""(satellite, field) → the field leaves the satellite as a hash, so its column is text."""


def contract_of(doctype: str, schemas: Iterable[SatelliteSchema], *, keeps: Keeps, hashes: Hashes) -> Contract | None:
    """Return the contract of `doctype` over all satellites, or None where no satellite has shown it.

    The result doesn't depend on the order of `schemas`. Fields that no satellite has any more keep their column. A
    child table is folded over all satellites that show it: it is the same under each of the DocTypes that share it.
    """
    ordered = sorted(schemas, key=lambda schema: schema.satellite)
    versions = _versions(doctype, ordered)
    if not versions:
        return None
    child_doctypes = {
        child for version in versions.values() for child in (*version.tables.values(), *version.past_tables)
    }
    children = {
        child: _table(child, child_versions, is_child=True, keeps=keeps, hashes=hashes)
        for child in sorted(child_doctypes)
        if (child_versions := _versions(child, ordered))
    }
    return Contract(doctype, _table(doctype, versions, is_child=False, keeps=keeps, hashes=hashes), children)


def _versions(doctype: str, schemas: Iterable[SatelliteSchema]) -> dict[str, DocTypeSchema]:
    """Satellite → its version of a DocType, where it has one."""
    return {schema.satellite: schema.doctypes[doctype] for schema in schemas if doctype in schema.doctypes}


def _table(
    doctype: str, versions: Mapping[str, DocTypeSchema], *, is_child: bool, keeps: Keeps, hashes: Hashes
) -> TableContract:
    # MariaDB takes column names without regard to case, so two spellings are one field.
    fields: dict[str, list[tuple[str, FieldSchema]]] = {}
    for satellite, version in versions.items():
        for field in version.fields.values():
            if not field.hidden_reason and keeps(satellite, field.asked(doctype)):
                fields.setdefault(field.fieldname.casefold(), []).append((satellite, field))
    standard = DOCUMENT_FIELDS + (CHILD_FIELDS if is_child else ())
    ours = [fieldname for fieldname, _, _ in standard if fieldname in fields]
    ordered = [*ours, *(key for key in _form_order(versions) if key in fields and key not in ours)]
    columns = [Column(SATELLITE, TEXT, label="Satellite", description="The site that the row comes from.")]
    for key in ordered:
        hashed = any(hashes(satellite, field.asked(doctype)) for satellite, field in fields[key])
        columns.extend(_columns(column_name(key), fields[key], hashed=hashed))
    observed = Column(
        OBSERVED,
        DATETIME,
        label="Observed",
        description="When the site's state was seen (UTC): the row is true as of then.",
    )
    columns.insert(2, observed)
    return TableContract(doctype, tuple(columns), is_child=is_child)


def _form_order(versions: Mapping[str, DocTypeSchema]) -> list[str]:
    """Fields in the order of the form, satellite by satellite."""
    return list(dict.fromkeys(name.casefold() for version in versions.values() for name in version.fields))


def _columns(name: str, owners: Sequence[tuple[str, FieldSchema]], *, hashed: bool) -> list[Column]:
    current = [(satellite, field) for satellite, field in owners if field.present]
    _, described = (current or list(owners))[0]
    column = Column(
        name,
        TEXT if hashed else _arrow_type(described.fieldname, [field for _, field in owners]),
        fieldname=described.fieldname,
        fieldtype=described.fieldtype,
        label=described.label,
        description=described.description,
        options=described.options,
        mandatory=bool(current) and all(field.mandatory for _, field in current),
        non_negative=bool(current) and all(field.non_negative for _, field in current),
        satellites=tuple(sorted({satellite for satellite, _ in current})),
    )
    if column.type != DATETIME:
        return [column]
    in_utc = Column(
        utc_name(name),
        DATETIME,
        fieldname=column.fieldname,
        fieldtype=column.fieldtype,
        label=f"{column.label} (UTC)" if column.label else "",
        description="The same instant in UTC.",
        satellites=column.satellites,
        utc_of=name,
    )
    return [column, in_utc]


def _arrow_type(fieldname: str, fields: Iterable[FieldSchema]) -> pa.DataType:
    if fieldname == "idx":
        return INTEGER
    types = [kept.arrow for field in fields for fieldtype in field.fieldtypes if (kept := column_type(fieldtype))]
    return reduce(widen, types)

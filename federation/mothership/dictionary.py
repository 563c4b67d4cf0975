"""Dictionary: what `federation_dictionary` says of the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from federation.contract.asked_field import AskedField
from federation.contract.columns import TableContract
from federation.contract.satellite_schema import SatelliteSchema
from federation.mothership.interface import FieldPolicy

Entry = tuple[str, ...]
"""The columns of `DICTIONARY`, in its order, without the type, which the table itself tells."""


def entries(
    table: str, contract: TableContract, schemas: Iterable[SatelliteSchema], policy: FieldPolicy
) -> dict[str, Entry]:
    """Return column name → what the dictionary says of it."""
    fates = _fates(contract.doctype, schemas, policy)
    return {
        column.name: (
            table,
            column.name,
            column.label,
            column.description,
            contract.doctype,
            column.fieldname,
            column.fieldtype,
            column.options,
            ", ".join(column.satellites),
            "; ".join(
                f"{fate} at {', '.join(satellites)}"
                for fate, satellites in sorted(fates.get(column.fieldname.casefold(), {}).items())
            ),
        )
        for column in contract.columns
    }


def _fates(
    doctype: str, schemas: Iterable[SatelliteSchema], policy: FieldPolicy
) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return casefolded fieldname → hashed, masked or withheld → where, for the fields that sites have now."""
    fates: dict[str, dict[str, list[str]]] = {}
    for schema in sorted(schemas, key=lambda schema: schema.satellite):
        version = schema.doctypes.get(doctype)
        for field in version.fields.values() if version else ():
            fate = _fate(policy, schema.satellite, field.asked(doctype))
            if fate and field.present:
                fates.setdefault(field.fieldname.casefold(), {}).setdefault(fate, []).append(schema.satellite)
    return fates


def _fate(policy: FieldPolicy, satellite: str, asked: AskedField) -> str:
    if not policy.keeps(satellite, asked):
        return "withheld"
    if policy.hashes(satellite, asked):
        return "hashed"
    return "masked" if policy.masks(satellite, asked) else ""

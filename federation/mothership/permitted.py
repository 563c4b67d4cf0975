"""Permitted: what of a package may reach the mothership under today's policy, whatever held when it was written.

A column is taken from a package only where it was treated then as it is now: older packages may hold it in clear, under
another mask or another key, and never bring it back. What is kept on the lake alone is taken from none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from federation.contract.names import column_name, utc_name
from federation.contract.satellite_schema import SatelliteSchema
from federation.lake.manifest import DocTypeState
from federation.mothership.interface import FieldPolicy
from federation.mothership.package_files import ReadyFile, ReadyPackage
from federation.policy.apply import HIDDEN
from federation.policy.treatment import NAME, PARENT, is_stricter, named_fields

_DROP: Final = "drop"
_HASH: Final = "hash"


@dataclass(frozen=True, slots=True)
class Permission:
    """What the policy makes of the documents of one DocType of one satellite on their way to the mothership.

    Attributes:
        treatments: field, a child table's with its DocType in front → its treatment, "" where it is taken as it is: for
            all that the DocType and its child DocTypes have or had.
        held_back: child DocTypes whose rows don't go so far.
    """

    treatments: Mapping[str, str]
    held_back: frozenset[str]

    def left_out(self, then: Mapping[str, str] | None) -> frozenset[str]:
        """Return the fields that aren't taken from a package.

        Args:
            then: as the package was read; None where that wasn't remembered: what is treated now isn't taken.
        """
        if then is None:
            return frozenset(name for name, now in self.treatments.items() if now)
        return frozenset(name for name, now in self.treatments.items() if now != then.get(name, "") or now == _DROP)


def permission_of(schema: SatelliteSchema, doctype: str, state: DocTypeState, policy: FieldPolicy) -> Permission:
    """Return what today's policy permits of a DocType.

    Where the settings loosened it, it holds once the site was read so; where they tightened it, at once.

    Args:
        schema: what the satellite says, of that DocType at least.
        doctype: whose documents they are.
        state: what the lake remembers of it.
        policy: on the way to the mothership.
    """
    shape = schema.doctypes[doctype]
    children = sorted({*shape.tables.values(), *shape.past_tables} & schema.doctypes.keys())
    shapes = [("", shape), *((f"{child}.", schema.doctypes[child]) for child in children)]
    treatments = {
        name: _today(name, policy.treatment(schema.satellite, asked), state) for name, asked in named_fields(shapes)
    }
    held_back = {child for fieldname, child in shape.tables.items() if treatments[fieldname] == _DROP}
    return Permission(treatments, frozenset(held_back))


def permitted(package: ReadyPackage, then: Mapping[str, str] | None, now: Permission, scratch: Path) -> ReadyPackage:
    """Return a package without what may not reach the mothership.

    Args:
        package: as it lies on the lake.
        then: how its fields were treated when it was read; None where that wasn't remembered.
        now: what is permitted.
        scratch: an existing local folder for what must be written anew.
    """
    fields = now.left_out(then)
    if not fields:
        return package
    if NAME in fields:
        # Its documents bear names that aren't theirs any more.
        return ReadyPackage(package.seq, package.package, {}, None, None)
    quarantine = package.quarantine and _redacted(package, fields, now.held_back, scratch)
    return replace(
        package,
        tables=_narrowed(package, package.tables, fields, now.held_back),
        patches=_narrowed(package, package.patches, fields, now.held_back),
        quarantine=quarantine,
    )


def _today(name: str, said: str | None, state: DocTypeState) -> str:
    is_name = name == NAME or name.endswith(f".{PARENT}")
    reloading = is_name and state.through is None and state.replaced is not None
    last = ((state.replaced if reloading else state.treatments) or {}).get(name, "")
    if said is None:
        return _DROP if name in state.withheld else last
    # Which key a hash has is remembered; to merge, nobody needs the key.
    same_hash = said == _HASH and last.startswith(f"{_HASH} ")
    return last if same_hash or is_stricter(last, said) else said


def _narrowed(
    package: ReadyPackage, files: Mapping[str, ReadyFile], fields: Collection[str], held_back: Collection[str]
) -> dict[str, ReadyFile]:
    return {
        doctype: _without(file, {name for name in fields if _doctype_of(name, package) == doctype})
        for doctype, file in files.items()
        if doctype not in held_back
    }


def _without(file: ReadyFile, names: Collection[str]) -> ReadyFile:
    """Return the file without columns: what its schema doesn't name is never read."""
    columns = {column_name(name.rpartition(".")[2]) for name in names}
    columns |= {utc_name(column) for column in columns}
    if columns.isdisjoint(file.schema.names):
        return file
    return replace(file, schema=pa.schema([column for column in file.schema if column.name not in columns]))


def _redacted(
    package: ReadyPackage, fields: Collection[str], held_back: Collection[str], scratch: Path
) -> ReadyFile | None:
    """Return the documents set aside without what is left out, in a file of its own."""
    if package.quarantine is None:
        return None
    rows = pq.read_table(package.quarantine.path)
    own = {name for name in fields if _doctype_of(name, package) == package.package.doctype}
    of_children = {name.rpartition(".") for name in fields if name not in own}
    anywhere = own | {fieldname for _, _, fieldname in of_children}
    # A loop per row: few documents are set aside, and each is a JSON text of its own.
    values = [
        HIDDEN if value and fieldname in anywhere else value
        for fieldname, value in zip(rows["fieldname"].to_pylist(), rows["value"].to_pylist(), strict=True)
    ]
    documents = [_document_without(text, own | {*held_back}, of_children) for text in rows["document"].to_pylist()]
    for column, cells in (("value", values), ("document", documents)):
        rows = rows.set_column(
            rows.schema.get_field_index(column), rows.schema.field(column), pa.array(cells, pa.string())
        )
    path = scratch / f"{package.package.id.replace('/', ' ')} quarantine.parquet"
    pq.write_table(rows, path)
    return replace(package.quarantine, path=str(path))


def _document_without(text: str, keys: Collection[str], of_children: Collection[tuple[str, str, str]]) -> str:
    document = {key: value for key, value in json.loads(text).items() if key not in keys}
    for child, _, fieldname in of_children:
        for row in document.get(child, ()):
            row.pop(fieldname, None)
    return json.dumps(document, sort_keys=True)


def _doctype_of(name: str, package: ReadyPackage) -> str:
    return name.rpartition(".")[0] or package.package.doctype

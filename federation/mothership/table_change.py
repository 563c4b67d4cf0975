"""Table change: which columns of a table packages and patches set, and which stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from federation.contract.columns import Contract, TableContract
from federation.contract.names import SATELLITE
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.lake.packages import CHILD_KEYS, MODIFIED, PATCH_KEYS
from federation.mothership.package_files import ReadyFile, ReadyPackage
from federation.mothership.tables import StoredTable

_KEYS: Final = {*PATCH_KEYS, *CHILD_KEYS, SATELLITE}


@dataclass(frozen=True, slots=True)
class TableColumns:
    """Columns of the contract, and those among them that the satellite has or had."""

    contracted: frozenset[str]
    had: frozenset[str]

    @classmethod
    def of(cls, table: TableContract, version: DocTypeSchema | None) -> TableColumns:
        """Return the columns of a table, seen from a satellite that says `version` of it."""
        fields = {fieldname.casefold() for fieldname in version.fields} if version else set()
        return cls(
            frozenset(column.name for column in table.columns),
            frozenset(column.name for column in table.columns if column.fieldname.casefold() in fields),
        )


@dataclass(frozen=True)
class TableChange:
    """How the rows of one table of a group become rows of the mothership's.

    Attributes:
        stored: the table.
        files: one a package, in the order of their packages.
        carried: the columns of the files that the contract has.
        kept: columns that the files don't carry and the site had: their values stay.
    """

    stored: StoredTable
    files: Sequence[ReadyFile]
    carried: pa.Schema
    kept: tuple[str, ...]


def columns_of(contract: Contract, schema: SatelliteSchema) -> dict[str, TableColumns]:
    """Return DocType → the columns of its table, for the tables of a contract, seen from one satellite."""
    return {table.doctype: TableColumns.of(table, schema.doctypes.get(table.doctype)) for table in contract.tables}


def table_change(
    stored: StoredTable, group: Sequence[ReadyPackage], columns: Mapping[str, TableColumns]
) -> TableChange | None:
    """Return how a table changes, or None where the group doesn't cover it.

    Args:
        stored: the table.
        group: packages with the same columns; what a file carries beyond today's contract is left there.
        columns: by DocType.
    """
    known = columns[stored.doctype]
    files = [package.tables[stored.doctype] for package in group if stored.doctype in package.tables]
    if not files:
        return None
    carried = pa.schema([field for field in files[0].schema if field.name in known.contracted])
    kept = tuple(name for name in stored.columns if name in known.had - set(carried.names))
    return TableChange(stored, files, carried, kept)


def table_patches(
    tables: Iterable[StoredTable], patches: Mapping[str, ReadyFile], columns: Mapping[str, TableColumns]
) -> Iterator[tuple[StoredTable, ReadyFile, list[str]]]:
    """Yield the tables whose rows a package patches, its patches, and the columns that are set.

    Args:
        tables: the parent's and the children's.
        patches: DocType → its patches.
        columns: by DocType; what else a patch carries than today's contract is left there.
    """
    for table in tables:
        patch = patches.get(table.doctype)
        if patch is None or MODIFIED not in table.columns:
            continue
        if names := [name for name in patch.schema.names if name in columns[table.doctype].contracted - _KEYS]:
            yield table, patch, names

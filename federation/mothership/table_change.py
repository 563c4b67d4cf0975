"""Table change: which columns of a table a group of packages sets, and which stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from federation.contract.columns import Contract, TableContract
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.mothership.package_files import ReadyFile, ReadyPackage
from federation.mothership.tables import StoredTable


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

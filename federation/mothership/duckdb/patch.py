"""Patch: columns are set in rows that stand as they were read; no row comes or goes by it."""

from __future__ import annotations

from collections.abc import Mapping

from federation.mothership.duckdb.sql import parquet, widened
from federation.mothership.duckdb.stage import Target
from federation.mothership.package_files import ReadyFile
from federation.mothership.sql import Fragment, column, identifier, listed
from federation.mothership.table_change import TableColumns, table_patches
from federation.mothership.tables import StoredTable


def apply_patches(target: Target, patches: Mapping[str, ReadyFile], columns: Mapping[str, TableColumns]) -> None:
    """Set columns in the rows whose `modified` is the patch's and that weren't observed later than it was."""
    for table, patch, names in table_patches((target.parent, *target.children), patches, columns):
        _apply(target, table, patch, names)


def _apply(target: Target, table: StoredTable, patch: ReadyFile, names: list[str]) -> None:
    values = listed(
        Fragment(
            f"{identifier(name)} = {widened(column('patch', name), patch.schema.field(name).type, table.columns[name])}"
        )
        for name in names
    )
    is_child = table is not target.parent
    of_document = "AND {table}.parent = patch.parent AND patch.parenttype = {doctype} " if is_child else ""
    target.connection.run(
        "UPDATE {table} SET {values} FROM {rows} AS patch WHERE {table}.satellite = {satellite} "
        "AND {table}.name = patch.name " + of_document + "AND {table}.modified = patch.modified "
        "AND {table}.observed <= patch.observed",
        **{**target.parts, "table": table.sql},
        values=values,
        rows=parquet([patch.path]),
    )

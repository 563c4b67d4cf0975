"""Patch: columns are set in rows that stand as they were read; no row comes or goes by it."""

from __future__ import annotations

from collections.abc import Mapping

from federation.lake.packages import CHILD_KEYS, PATCH_KEYS
from federation.mothership.duckdb.sql import parquet, widened
from federation.mothership.mariadb.bulk import load
from federation.mothership.mariadb.keys import Target
from federation.mothership.package_files import ReadyFile
from federation.mothership.sql import Fragment, column, identifier, listed
from federation.mothership.table_change import TableColumns, table_patches
from federation.mothership.tables import StoredTable


def apply_patches(target: Target, patches: Mapping[str, ReadyFile], columns: Mapping[str, TableColumns]) -> None:
    """Set columns in the rows whose `modified` is the patch's and that weren't observed later than it was."""
    for table, patch, names in table_patches((target.parent, *target.children), patches, columns):
        _apply(target, table, patch, names)


def _apply(target: Target, table: StoredTable, patch: ReadyFile, names: list[str]) -> None:
    is_child = table is not target.parent
    columns = [*PATCH_KEYS, *(CHILD_KEYS if is_child else ()), *names]
    # In the stored columns' own types: they hold every value, and a comparison converts nothing.
    target.connection.run(
        "CREATE OR REPLACE TEMPORARY TABLE _patch ENGINE = InnoDB AS SELECT {columns} FROM {table} LIMIT 0",
        table=table.sql,
        columns=columns,
    )
    values = [
        f"{widened(column('patch', name), patch.schema.field(name).type, table.columns[name])} AS {identifier(name)}"
        for name in columns
    ]
    select = f"SELECT {', '.join(values)} FROM {parquet([patch.path])} AS patch"
    load(target.connection, target.bench.raw, select, "_patch", columns, rows=patch.rows, replace=False)
    of_document = "AND stored.parent = _patch.parent AND _patch.parenttype = {doctype} " if is_child else ""
    target.connection.run(
        "UPDATE _patch STRAIGHT_JOIN {table} AS stored ON stored.satellite = {satellite} "
        "AND stored.name = _patch.name " + of_document + "AND stored.modified = _patch.modified "
        "AND stored.observed <= _patch.observed SET {values}",
        **{**target.parts, "table": table.sql},
        values=listed(Fragment(f"{column('stored', name)} = {column('_patch', name)}") for name in names),
    )

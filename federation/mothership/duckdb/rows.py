"""Rows: the rows of a group of packages take the place of the stored ones, parents and child rows alike."""

from __future__ import annotations

from typing import Final

from federation.contract.names import SATELLITE
from federation.mothership.duckdb.sql import parquet, widened
from federation.mothership.duckdb.stage import Target
from federation.mothership.sql import Fragment, column, listed, literal
from federation.mothership.table_change import TableChange
from federation.mothership.tables import StoredTable

_ARRIVED: Final = "arrived"
_KEPT: Final = "_kept"
_SAME_ROW: Final = "ON here.package = arrived.file_index AND here.row = arrived.file_row_number"


def replace_parents(target: Target, change: TableChange | None, *, overtaken: bool) -> tuple[int, int]:
    """Put the staged documents in the place of their earlier states, and take away those found absent.

    Returns:
        (documents deleted, documents that were there in an earlier state).
    """
    connection, parts = target.connection, target.parts
    deleted = updated = 0
    kept = False
    if target.holds(target.parent):
        if change and change.kept:
            kept = _keep(target, change, "name IN (SELECT name FROM _documents ANTI JOIN _graves USING (name))")
        deleted = connection.count(
            "DELETE FROM {table} WHERE satellite = {satellite} AND name IN (SELECT name FROM _graves)",
            **parts,
        )
        updated = connection.count(
            "DELETE FROM {table} WHERE satellite = {satellite} AND name IN (SELECT name FROM _documents)",
            **parts,
        )
    if change:
        chosen = f"ANTI JOIN _losers AS here {_SAME_ROW}" if overtaken else ""
        _insert(target, change, Fragment(chosen), kept=kept)
    return deleted, updated


def replace_children(target: Target, stored: StoredTable, change: TableChange | None) -> None:
    """Put the child rows that came with the staged documents in the place of those that these documents had.

    A document that was found absent loses its child rows also where it is there again by now and the group doesn't
    cover the table. A child row that has moved to another document belongs to the one observed later.
    """
    connection = target.connection
    parts = {**target.parts, "table": stored.sql}
    holds = target.holds(stored)
    kept = False
    if holds:
        if change and change.kept:
            # What a document had before it was absent is gone, also for rows that come back under their names.
            new = f"name IN (SELECT name FROM {_rows_of(change)})"
            kept = _keep(target, change, f"{new} AND parent NOT IN (SELECT name FROM _graves)")
        owners = "SELECT name FROM _graves" + (" UNION ALL SELECT name FROM _documents" if change else "")
        connection.run(
            "DELETE FROM {table} WHERE satellite = {satellite} AND parenttype = {doctype} AND parent IN ({owners})",
            **parts,
            owners=Fragment(owners),
        )
    if change is None:
        return
    connection.run(
        "CREATE OR REPLACE TEMP TABLE _child_rows AS SELECT arrived.name, arrived.observed, arrived.parent, "
        "arrived.file_index AS package, arrived.file_row_number AS row FROM {rows} AS arrived "
        "SEMI JOIN _documents ON _documents.name = arrived.parent AND _documents.observed = arrived.observed "
        "AND _documents.package = arrived.file_index WHERE arrived.parenttype = {doctype}",
        **parts,
        rows=_rows_of(change),
    )
    connection.run(
        "DELETE FROM _child_rows USING (SELECT package, row FROM _child_rows "
        "SEMI JOIN (SELECT hash(name) AS hashed FROM _child_rows GROUP BY hashed HAVING count(*) > 1) AS repeated "
        "ON repeated.hashed = hash(_child_rows.name) "
        "QUALIFY row_number() OVER (PARTITION BY name ORDER BY observed DESC, parent DESC, package DESC, row DESC) > 1"
        ") AS lost WHERE _child_rows.package = lost.package AND _child_rows.row = lost.row",
    )
    if holds:
        connection.run(
            "DELETE FROM _child_rows USING {table} AS stored WHERE stored.satellite = {satellite} "
            "AND stored.name = _child_rows.name AND stored.observed >= _child_rows.observed",
            **parts,
        )
        connection.run(
            "DELETE FROM {table} WHERE satellite = {satellite} AND name IN (SELECT name FROM _child_rows)",
            **parts,
        )
    whole = connection.count("SELECT count(*) FROM _child_rows") == sum(file.rows for file in change.files)
    chosen = f"SEMI JOIN _child_rows AS here {_SAME_ROW}"
    _insert(target, change, Fragment("" if whole else chosen), kept=kept)


def _rows_of(change: TableChange) -> Fragment:
    return parquet(file.path for file in change.files)


def _keep(target: Target, change: TableChange, rows: str) -> bool:
    """Set aside what columns that the files don't carry have in the satellite's `rows`; return whether any has."""
    return bool(
        target.connection.count(
            "CREATE OR REPLACE TEMP TABLE _kept AS SELECT {columns} FROM {table} "
            "WHERE satellite = {satellite} AND {rows}",
            table=change.stored.sql,
            satellite=literal(target.satellite),
            columns=("name", *change.kept) if change.stored is target.parent else ("name", "parent", *change.kept),
            rows=Fragment(rows),
        )
    )


def _insert(target: Target, change: TableChange, chosen: Fragment, *, kept: bool) -> None:
    fields = [field for field in change.carried if field.name != SATELLITE]
    names = [SATELLITE, *(field.name for field in fields)]
    values = [
        literal(target.satellite),
        *(widened(column(_ARRIVED, field.name), field.type, change.stored.columns[field.name]) for field in fields),
    ]
    joined = ""
    if kept:
        names += change.kept
        values += (column(_KEPT, name) for name in change.kept)
        joined = "LEFT JOIN _kept ON _kept.name = arrived.name"
        if change.stored is not target.parent:
            joined += " AND _kept.parent = arrived.parent"
    target.connection.run(
        "INSERT INTO {table} ({names}) SELECT {values} FROM {rows} AS arrived {joined} {chosen}",
        table=change.stored.sql,
        names=names,
        values=listed(values),
        rows=_rows_of(change),
        joined=Fragment(joined),
        chosen=chosen,
    )

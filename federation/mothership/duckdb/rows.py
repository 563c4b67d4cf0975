"""Rows: the rows of a group of packages take the place of the stored ones, parents and child rows alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from federation.contract.names import SATELLITE
from federation.mothership.duckdb.schema import StoredTable
from federation.mothership.duckdb.sql import Fragment, column, count, listed, literal, parquet, run, widened
from federation.mothership.duckdb.stage import Target
from federation.mothership.package_files import ReadyFile, ReadyPackage

_ARRIVED: Final = "arrived"
_KEPT: Final = "_kept"
_SAME_ROW: Final = "ON here.package = arrived.file_index AND here.row = arrived.file_row_number"


@dataclass(frozen=True)
class TableChange:
    """How the rows of one table of a group become rows of the mothership's.

    Attributes:
        stored: the table.
        files: one a package, in the order of `stage`.
        carried: the columns of the files that the contract has.
        kept: columns that the files don't carry and the site had: their values stay.
    """

    stored: StoredTable
    files: Sequence[ReadyFile]
    carried: pa.Schema
    kept: tuple[str, ...]

    @property
    def rows(self) -> Fragment:
        """The rows of the files."""
        return parquet(file.path for file in self.files)


def table_change(
    stored: StoredTable, group: Sequence[ReadyPackage], contracted: frozenset[str], had: frozenset[str]
) -> TableChange | None:
    """Return how a table changes, or None where the group doesn't cover it.

    Args:
        stored: the table.
        group: packages with the same columns.
        contracted: the columns of today's contract; what else a file carries is left there.
        had: those among them that the satellite has or had.
    """
    files = [package.tables[stored.doctype] for package in group if stored.doctype in package.tables]
    if not files:
        return None
    carried = pa.schema([field for field in files[0].schema if field.name in contracted])
    kept = tuple(name for name in stored.columns if name in had - set(carried.names))
    return TableChange(stored, files, carried, kept)


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
            kept = _keep(target, change, Fragment("SELECT name FROM _documents ANTI JOIN _graves USING (name)"))
        deleted = count(
            connection,
            "DELETE FROM {table} WHERE satellite = {satellite} AND name IN (SELECT name FROM _graves)",
            **parts,
        )
        updated = count(
            connection,
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
            names = f"SELECT new.name FROM {change.rows} AS new ANTI JOIN _graves ON _graves.name = new.parent"
            kept = _keep(target, change, Fragment(names))
        owners = "SELECT name FROM _graves" + (" UNION ALL SELECT name FROM _documents" if change else "")
        run(
            connection,
            "DELETE FROM {table} WHERE satellite = {satellite} AND parenttype = {doctype} AND parent IN ({owners})",
            **parts,
            owners=Fragment(owners),
        )
    if change is None:
        return
    run(
        connection,
        "CREATE OR REPLACE TEMP TABLE _child_rows AS SELECT arrived.name, arrived.observed, arrived.parent, "
        "arrived.file_index AS package, arrived.file_row_number AS row FROM {rows} AS arrived "
        "SEMI JOIN _documents ON _documents.name = arrived.parent AND _documents.observed = arrived.observed "
        "AND _documents.package = arrived.file_index WHERE arrived.parenttype = {doctype}",
        **parts,
        rows=change.rows,
    )
    run(
        connection,
        "DELETE FROM _child_rows USING (SELECT package, row FROM _child_rows "
        "SEMI JOIN (SELECT name FROM _child_rows GROUP BY name HAVING count(*) > 1) AS repeated USING (name) "
        "QUALIFY row_number() OVER (PARTITION BY name ORDER BY observed DESC, parent DESC, package DESC, row DESC) > 1"
        ") AS lost WHERE _child_rows.package = lost.package AND _child_rows.row = lost.row",
    )
    if holds:
        run(
            connection,
            "DELETE FROM _child_rows USING {table} AS stored WHERE stored.satellite = {satellite} "
            "AND stored.name = _child_rows.name AND stored.observed >= _child_rows.observed",
            **parts,
        )
        run(
            connection,
            "DELETE FROM {table} WHERE satellite = {satellite} AND name IN (SELECT name FROM _child_rows)",
            **parts,
        )
    whole = count(connection, "SELECT count(*) FROM _child_rows") == sum(file.rows for file in change.files)
    chosen = f"SEMI JOIN _child_rows AS here {_SAME_ROW}"
    _insert(target, change, Fragment("" if whole else chosen), kept=kept)


def _keep(target: Target, change: TableChange, names: Fragment) -> bool:
    """Set aside the values of columns that the files don't carry; return whether there are any."""
    return bool(
        count(
            target.connection,
            "CREATE OR REPLACE TEMP TABLE _kept AS SELECT {columns} FROM {table} "
            "WHERE satellite = {satellite} AND name IN ({names})",
            table=change.stored.sql,
            satellite=literal(target.satellite),
            columns=("name", *change.kept) if change.stored is target.parent else ("name", "parent", *change.kept),
            names=names,
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
    run(
        target.connection,
        "INSERT INTO {table} ({names}) SELECT {values} FROM {rows} AS arrived {joined} {chosen}",
        table=change.stored.sql,
        names=names,
        values=listed(values),
        rows=change.rows,
        joined=Fragment(joined),
        chosen=chosen,
    )

"""Rows: the rows of a group of packages take the place of the stored ones, parents and child rows alike."""

from __future__ import annotations

from typing import Final

from federation.contract.names import SATELLITE
from federation.mothership.duckdb.sql import parquet, widened
from federation.mothership.mariadb.bulk import load
from federation.mothership.mariadb.keys import Target, announce, take_back
from federation.mothership.mariadb.stage import Staged
from federation.mothership.sql import Fragment, column, identifier, listed, literal
from federation.mothership.table_change import TableChange
from federation.mothership.tables import StoredTable

_ARRIVED: Final = "arrived"
_SAME_ROW: Final = "ON here.package = arrived.file_index AND here.row = arrived.file_row_number"


def replace_parents(target: Target, change: TableChange | None, staged: Staged) -> int:
    """Put the staged documents in the place of their earlier states, and take away those found absent.

    Returns:
        How many documents were deleted.
    """
    kept = bool(change and change.kept and staged.updated)
    if change and kept:
        _keep(target, change, "_documents", Fragment("_graves.name = _documents.name"))
    deleted = target.connection.count(
        "DELETE stored FROM _graves STRAIGHT_JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.name = _graves.name",
        **target.parts,
    )
    if change:
        chosen = Fragment(f"ANTI JOIN _losers AS here {_SAME_ROW}" if staged.overtaken else "")
        _load(target, change, chosen, rows=staged.documents, replace=staged.updated > 0)
        if kept:
            _give_back(target, change)
    return deleted


def replace_children(target: Target, stored: StoredTable, change: TableChange | None, staged: Staged) -> None:
    """Put the child rows that came with the staged documents in the place of those that these documents had.

    A document that was found absent loses its child rows also where it is there again by now and the group doesn't
    cover the table. A child row that has moved to another document belongs to the one observed later.

    A row that comes again is replaced, not deleted before: indexes whose columns don't change are left alone then.
    """
    rows = _read_child_rows(target, change) if change else 0
    holds = target.holds(stored.name)
    kept = False
    if holds:
        announce(target, "_child_rows", ("name", "parent", "observed"), rows=rows)
        rows -= _drop_overtaken(target, stored, covered=change is not None) if rows else 0
        kept = bool(rows and change and change.kept)
        if change and kept:
            with_parent = "_graves.name = _child_rows.parent"
            _keep(target, change, "_child_rows", Fragment(with_parent), "AND stored.parent = _child_rows.parent")
        if staged.graves:
            _delete_orphans(target, stored, "_graves")
        if change and staged.updated:
            _delete_orphans(target, stored, "_documents")
    if change:
        whole = rows == sum(file.rows for file in change.files)
        chosen = Fragment("" if whole else f"SEMI JOIN _child_rows AS here {_SAME_ROW}")
        _load(target, change, chosen, rows=rows, replace=holds)
        if kept:
            _give_back(target, change)


def _read_child_rows(target: Target, change: TableChange) -> int:
    """Make `_child_rows` of the bench: the rows of the staged documents, one a name; return how many there are."""
    target.bench.run(
        "CREATE OR REPLACE TABLE _child_rows AS SELECT arrived.name, arrived.observed, arrived.parent, "
        "arrived.file_index AS package, arrived.file_row_number AS row FROM {rows} AS arrived "
        "SEMI JOIN _documents ON _documents.name = arrived.parent AND _documents.observed = arrived.observed "
        "AND _documents.package = arrived.file_index WHERE arrived.parenttype = {doctype}",
        **target.parts,
        rows=_rows_of(change),
    )
    target.bench.run(
        "DELETE FROM _child_rows USING (SELECT package, row FROM _child_rows "
        "SEMI JOIN (SELECT hash(name) AS hashed FROM _child_rows GROUP BY hashed HAVING count(*) > 1) AS repeated "
        "ON repeated.hashed = hash(_child_rows.name) "
        "QUALIFY row_number() OVER (PARTITION BY name ORDER BY observed DESC, parent DESC, package DESC, row DESC) > 1"
        ") AS lost WHERE _child_rows.package = lost.package AND _child_rows.row = lost.row",
    )
    return target.bench.count("SELECT count(*) FROM _child_rows")


def _drop_overtaken(target: Target, stored: StoredTable, *, covered: bool) -> int:
    """Leave the child rows that no document observed later has; return how many went.

    What documents have that are replaced or absent now doesn't count: it goes.
    """
    owners = ("_graves", "_documents") if covered else ("_graves",)
    leaving = " OR ".join(f"EXISTS (SELECT 1 FROM {owner} WHERE {owner}.name = stored.parent)" for owner in owners)
    found = target.connection.run(
        "SELECT _child_rows.name FROM _child_rows STRAIGHT_JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.name = _child_rows.name "
        "WHERE stored.observed >= _child_rows.observed AND NOT (stored.parenttype <=> {doctype} AND ({leaving}))",
        **{**target.parts, "table": stored.sql},
        leaving=Fragment(leaving),
    )
    if found:
        take_back(target, "_child_rows", [name for (name,) in found])
        target.bench.run("DELETE FROM _child_rows USING _found WHERE _found.name = _child_rows.name")
    return len(found)


def _delete_orphans(target: Target, stored: StoredTable, owners: str) -> None:
    """Delete the child rows that documents had and that don't come again."""
    target.connection.run(
        "DELETE stored FROM {owners} JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.parent = {owners}.name "
        "LEFT JOIN _child_rows ON _child_rows.name = stored.name "
        "WHERE stored.parenttype = {doctype} AND _child_rows.name IS NULL",
        **{**target.parts, "table": stored.sql},
        owners=owners,
    )


def _rows_of(change: TableChange) -> Fragment:
    return parquet(file.path for file in change.files)


def _keep(target: Target, change: TableChange, arriving: str, buried: Fragment, same_owner: str = "") -> None:
    """Set aside what stored rows have in columns that the files don't carry; nothing that a document in a grave had."""
    target.connection.run(
        "CREATE OR REPLACE TEMPORARY TABLE _kept (PRIMARY KEY (name)) ENGINE = InnoDB AS "
        "SELECT {columns} FROM {arriving} STRAIGHT_JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.name = {arriving}.name {same_owner} "
        "LEFT JOIN _graves ON {buried} WHERE _graves.name IS NULL",
        **{**target.parts, "table": change.stored.sql},
        columns=listed(column("stored", name) for name in ("name", *change.kept)),
        arriving=arriving,
        same_owner=Fragment(same_owner),
        buried=buried,
    )


def _give_back(target: Target, change: TableChange) -> None:
    target.connection.run(
        "UPDATE _kept STRAIGHT_JOIN {table} AS stored "
        "ON stored.satellite = {satellite} AND stored.name = _kept.name SET {values}",
        **{**target.parts, "table": change.stored.sql},
        values=listed(Fragment(f"{column('stored', name)} = {column('_kept', name)}") for name in change.kept),
    )


def _load(target: Target, change: TableChange, chosen: Fragment, *, rows: int, replace: bool) -> None:
    if not rows:
        return
    fields = [field for field in change.carried if field.name != SATELLITE]
    values = [
        Fragment(f"{widened(column(_ARRIVED, field.name), field.type, change.stored.columns[field.name])} "
                 f"AS {identifier(field.name)}")
        for field in fields
    ]  # fmt: skip
    select = listed([Fragment(f"{literal(target.satellite)} AS {identifier(SATELLITE)}"), *values])
    load(
        target.connection,
        target.bench.raw,
        f"SELECT {select} FROM {_rows_of(change)} AS {_ARRIVED} {chosen}",
        change.stored.name,
        [SATELLITE, *(field.name for field in fields)],
        rows=rows,
        replace=replace,
    )

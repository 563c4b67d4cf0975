"""Fold: one step from what is known of the documents of a DocType to what is known after some packages, as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import duckdb
import pyarrow as pa

from federation.contract.columns import Contract
from federation.contract.names import NAME, OBSERVED
from federation.lake.fold_rows import RowsStep
from federation.lake.history import Committed
from federation.lake.lake_sql import (
    VERSION,
    heads_sql,
    identifier,
    is_absent,
    literal,
    scan_of,
    stored_heads_sql,
    stored_rows_sql,
    union,
    version_columns,
)
from federation.lake.packages import QUARANTINE_SCHEMA
from federation.lake.storage import LakeFolder

CurrentKind = Literal["rows", "heads", "quarantine"]

HEADS_SCHEMA: Final = pa.schema(
    [(NAME, pa.string()), (OBSERVED, pa.timestamp("us")), ("seq", pa.int64()), ("absent", pa.bool_())]
)
"""One row for every name ever known: its newest version, a tombstone where it is absent."""

STORED_QUARANTINE_SCHEMA: Final = pa.schema(
    [
        *(each for each in QUARANTINE_SCHEMA if each.name != OBSERVED),
        *(each for each in HEADS_SCHEMA if each.name != NAME),
    ]
)
"""Documents whose newest version was set aside: why, and that version; `absent` is always false."""

Columns = frozenset[tuple[str, str]]
"""(column, DuckDB type)."""


@dataclass(frozen=True)
class Stored:
    """The files of what is known, as DuckDB names them.

    Attributes:
        rows: DocType or child DocType → its file.
        heads, quarantine: at most one file each.
    """

    rows: Mapping[str, str] = field(default_factory=dict)
    heads: Sequence[str] = ()
    quarantine: Sequence[str] = ()


@dataclass(frozen=True)
class Group:
    """Packages that can be folded in one step: they follow one another and have the same columns.

    Attributes:
        columns: covered DocType or child DocType → its columns, none where it came without rows.
    """

    packages: tuple[Committed, ...] = ()
    columns: Mapping[str, Columns] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """One file of what is known afterwards: the query that yields its rows, and their schema."""

    table: str
    kind: CurrentKind
    sql: str
    schema: pa.Schema


def group(connection: duckdb.DuckDBPyConnection, folder: LakeFolder, packages: Sequence[Committed]) -> list[Group]:
    """Return `packages` in as few groups as their columns allow, in order."""
    by_file = _columns_by_file(
        connection,
        [
            folder.uri(file.path)
            for each in packages
            for file in each.package.files
            if file.kind == "rows" and file.rows
        ],
    )
    groups: list[Group] = []
    for committed in packages:
        columns = {
            file.table: by_file.get(folder.uri(file.path), frozenset())
            for file in committed.package.files
            if file.kind == "rows"
        }
        last = groups[-1] if groups else None
        if last is not None and _fit(last.columns, columns):
            groups[-1] = Group((*last.packages, committed), _united(last.columns, columns))
        else:
            groups.append(Group((committed,), columns))
    return groups


def fold(
    connection: duckdb.DuckDBPyConnection, folder: LakeFolder, stored: Stored, step: Group, contract: Contract
) -> Iterator[Output]:
    """Yield the files of what is known after `step`; each query must be run before the next one is taken.

    The newest version of a document wins: its row, and the child rows that came with it. A column that the step
    doesn't carry keeps its stored value, a child table that it doesn't cover keeps its stored rows; neither outlives a
    tombstone. A child row that two documents claim belongs to the one observed later.
    """
    _find_changed(connection, folder, stored, step, contract.doctype)
    heads = f"SELECT name, {version_columns(VERSION)} FROM heads"
    yield Output(contract.doctype, "heads", heads, HEADS_SCHEMA)
    for table in contract.tables:
        doctype = table.doctype
        rows = RowsStep(
            table=table,
            stored=stored.rows.get(doctype),
            stored_columns=_columns_of(connection, stored.rows.get(doctype)),
            covered=doctype in step.columns,
            incoming=scan_of(folder, step.packages, "rows", doctype),
            incoming_columns=frozenset(name for name, _ in step.columns.get(doctype, ())),
        )
        if rows.schema.names:
            yield Output(doctype, "rows", rows.sql(connection), rows.schema)
    yield from _quarantine(folder, stored, step, contract.doctype)


def _find_changed(
    connection: duckdb.DuckDBPyConnection, folder: LakeFolder, stored: Stored, step: Group, doctype: str
) -> None:
    """Make `changed`: names whose newest version is in the step; and `heads`: the newest version of every name.

    `anew` tells that the stored version was followed by a tombstone, so nothing of it is kept.
    """
    connection.execute(f"CREATE VIEW stored_heads AS {stored_heads_sql(stored.heads)}")
    connection.execute(
        f"""
        CREATE TEMP TABLE changed AS
        WITH incoming AS ({heads_sql(folder, step.packages, doctype, "rows", "tombstones")}),
        newest AS (
            SELECT name, max({VERSION}) AS {VERSION}, max({VERSION}) FILTER (WHERE {is_absent(VERSION)}) AS gone
            FROM incoming GROUP BY name
        )
        SELECT
            newest.name, newest.{VERSION}, {is_absent(f"newest.{VERSION}")} AS absent,
            coalesce(newest.gone > stored.{VERSION}, false) AS anew
        FROM newest LEFT JOIN stored_heads AS stored USING (name)
        WHERE stored.name IS NULL OR newest.{VERSION} > stored.{VERSION}
        """
    )
    connection.execute(
        f"""
        CREATE VIEW heads AS
        SELECT name, {VERSION} FROM stored_heads ANTI JOIN changed USING (name)
        UNION ALL SELECT name, {VERSION} FROM changed
        """
    )


def _columns_of(connection: duckdb.DuckDBPyConnection, stored: str | None) -> frozenset[str]:
    if stored is None:
        return frozenset()
    return frozenset(name for name, _ in _columns_by_file(connection, [stored])[stored])


def _quarantine(folder: LakeFolder, stored: Stored, step: Group, doctype: str) -> Iterator[Output]:
    """Documents whose newest version of all was set aside."""
    known = stored_heads_sql(stored.quarantine)
    columns = QUARANTINE_SCHEMA.names
    rows = []
    if stored.quarantine:
        rows.append(stored_rows_sql(stored.quarantine, columns))
    if incoming := scan_of(folder, step.packages, "quarantine", doctype):
        # A package is folded again while an earlier one waits for its walk.
        rows.append(f"FROM ({incoming.sql(columns)}) ANTI JOIN ({known}) AS known USING (name, {VERSION})")
    if not rows:
        return
    brought = heads_sql(folder, step.packages, doctype, "quarantine")
    latest = f"SELECT name, max({VERSION}) AS {VERSION} FROM ({union([known, brought])}) GROUP BY name"
    standing = (
        f"FROM ({latest}) AS latest ANTI JOIN heads ON heads.name = latest.name AND heads.{VERSION} > latest.{VERSION}"
    )
    kept = ", ".join(identifier(name) for name in columns if name != OBSERVED)
    sql = (
        f"SELECT {kept}, {version_columns(VERSION)} FROM ({union(rows)}) SEMI JOIN ({standing}) USING (name, {VERSION})"
    )
    yield Output(doctype, "quarantine", sql, STORED_QUARANTINE_SCHEMA)


def _fit(first: Mapping[str, Columns], second: Mapping[str, Columns]) -> bool:
    """Two packages fit where they cover the same tables with the same columns; without rows any columns will do."""
    if not first or not second:
        return True
    return first.keys() == second.keys() and all(
        not columns or not second[table] or columns == second[table] for table, columns in first.items()
    )


def _united(first: Mapping[str, Columns], second: Mapping[str, Columns]) -> Mapping[str, Columns]:
    return {**first, **{table: columns or first.get(table, columns) for table, columns in second.items()}}


def _columns_by_file(connection: duckdb.DuckDBPyConnection, uris: Sequence[str]) -> dict[str, Columns]:
    if not uris:
        return {}
    found: dict[str, set[tuple[str, str]]] = {}
    for uri, name, kind in connection.execute(
        f"SELECT file_name, name, duckdb_type FROM parquet_schema([{', '.join(map(literal, uris))}]) "
        "WHERE num_children IS NULL"
    ).fetchall():
        found.setdefault(uri, set()).add((name, kind))
    return {uri: frozenset(columns) for uri, columns in found.items()}

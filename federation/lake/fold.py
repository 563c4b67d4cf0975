"""Fold: one step from what is known of the documents of a DocType to what is known after some packages, as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import duckdb
import pyarrow as pa

from federation.contract.columns import Contract
from federation.contract.names import NAME, OBSERVED
from federation.lake.fold_dropped import dropped_sql, not_overtaken
from federation.lake.fold_patch import PatchStep
from federation.lake.fold_rows import RowsStep
from federation.lake.history import Committed
from federation.lake.lake_sql import (
    NO_HEADS,
    VERSION,
    WITHOUT_RULE,
    WITHOUT_SEEN,
    columns_by_file,
    heads_sql,
    identifier,
    is_absent,
    observed_of,
    parquet,
    scan_of,
    stored_heads_sql,
    stored_rows_sql,
    union,
    version_columns,
)
from federation.lake.manifest import FileKind
from federation.lake.packages import DROPPED_SCHEMA, MODIFIED, QUARANTINE_SCHEMA
from federation.lake.storage import LakeFolder

CurrentKind = Literal["rows", "heads", "quarantine", "dropped"]

HEADS_SCHEMA: Final = pa.schema(
    [
        (NAME, pa.string()),
        (OBSERVED, pa.timestamp("us")),
        ("seq", pa.int64()),
        ("absent", pa.bool_()),
        ("seen", pa.timestamp("us")),
    ]
)
"""One row for every name ever known: its newest version, a tombstone where it is absent; and when it was last found as
known after that, null where it wasn't."""

STORED_QUARANTINE_SCHEMA: Final = pa.schema(
    [
        *(each for each in QUARANTINE_SCHEMA if each.name != OBSERVED),
        *(each for each in HEADS_SCHEMA if each.name != NAME),
    ]
)
"""Documents whose newest version was set aside: why, that version, and when it was last found as known after that;
`absent` is always false."""

STORED_DROPPED_SCHEMA: Final = pa.schema(
    [
        *(each for each in DROPPED_SCHEMA if each.name != OBSERVED),
        *(each for each in HEADS_SCHEMA if each.name not in (NAME, "seen")),
    ]
)
"""Documents whose newest version was set aside, and given up: its digest, and that version."""

Columns = frozenset[tuple[str, str]]
"""(column, DuckDB type)."""

_NEVER: Final = "NULL::TIMESTAMP AS seen"


@dataclass(frozen=True)
class Stored:
    """The files of what is known, as DuckDB names them.

    Attributes:
        rows: DocType or child DocType → its file.
        heads, quarantine, dropped: at most one file each.
    """

    rows: Mapping[str, str] = field(default_factory=dict)
    heads: Sequence[str] = ()
    quarantine: Sequence[str] = ()
    dropped: Sequence[str] = ()


@dataclass(frozen=True)
class Group:
    """Packages that can be folded in one step: they follow one another and have the same columns.

    Attributes:
        columns: covered DocType or child DocType → its columns, none where it came without rows.
        patched: patched DocType or child DocType → the columns of its patches. Patches of one walk, which meets every
            row once, are a step of their own: what came before them must stand when they apply.
    """

    packages: tuple[Committed, ...] = ()
    columns: Mapping[str, Columns] = field(default_factory=dict)
    patched: Mapping[str, Columns] = field(default_factory=dict)

    def brings(self, *kinds: FileKind) -> bool:
        """Return whether any file of these kinds has rows."""
        return any(file.kind in kinds and file.rows for each in self.packages for file in each.package.files)

    def joined_by(self, committed: Committed, columns: Mapping[str, Columns], patched: Mapping[str, Columns]) -> bool:
        """Return whether the next package can be folded in this step too."""
        if self.patched or patched:
            return self.patched == patched and self.packages[-1].package.walk == committed.package.walk
        return _fit(self.columns, columns)


@dataclass(frozen=True, slots=True)
class Output:
    """One file of what is known afterwards: the query that yields its rows, and their schema."""

    table: str
    kind: CurrentKind
    sql: str
    schema: pa.Schema


def group(connection: duckdb.DuckDBPyConnection, folder: LakeFolder, packages: Sequence[Committed]) -> list[Group]:
    """Return `packages` in as few groups as their columns allow, in order."""
    by_file = columns_by_file(
        connection,
        [
            folder.uri(file.path)
            for each in packages
            for file in each.package.files
            if file.kind in ("rows", "patch") and file.rows
        ],
    )
    groups: list[Group] = []
    for committed in packages:
        columns, patched = (
            {
                file.table: frozenset(by_file.get(folder.uri(file.path), {}).items())
                for file in committed.package.files
                if file.kind == kind
            }
            for kind in ("rows", "patch")
        )
        last = groups[-1] if groups else None
        if last is not None and last.joined_by(committed, columns, patched):
            groups[-1] = Group((*last.packages, committed), _united(last.columns, columns), patched)
        else:
            groups.append(Group((committed,), columns, patched))
    return groups


def fold(
    connection: duckdb.DuckDBPyConnection,
    folder: LakeFolder,
    stored: Stored,
    step: Group,
    contract: Contract,
    *,
    anew: bool,
) -> Iterator[Output]:
    """Yield the files of what is known after `step`; each query must be run before the next one is taken.

    The newest version of a document wins: its row, and the child rows that came with it. A column that the step
    doesn't carry keeps its stored value, a child table that it doesn't cover keeps its stored rows; neither outlives a
    tombstone. A child row that two documents claim belongs to the one observed later.

    Args:
        connection: an empty DuckDB.
        folder: the satellite's folder.
        stored: what is known before.
        step: the packages.
        contract: what columns and types follow.
        anew: every file is written, for a contract of other columns or types; else those that the step changes.
    """
    documents = step.brings("rows", "tombstones")
    _find_changed(connection, folder, stored, step, contract.doctype)
    if anew or documents or step.brings("seen"):
        heads = f"SELECT name, {version_columns(VERSION)}, seen FROM heads"
        yield Output(contract.doctype, "heads", heads, HEADS_SCHEMA)
    for table in contract.tables:
        doctype = table.doctype
        file = stored.rows.get(doctype)
        stored_columns = frozenset(columns_by_file(connection, [file])[file]) if file else frozenset()
        patches = scan_of(folder, step.packages, "patch", doctype)
        if patches is not None and file is not None and MODIFIED in stored_columns:
            patched = frozenset(name for name, _ in step.patched[doctype])
            patch = PatchStep(table, file, stored_columns, patches, patched)
            yield Output(doctype, "rows", patch.sql(connection), patch.schema)
        elif anew or documents:
            rows = RowsStep(
                table=table,
                stored=file,
                stored_columns=stored_columns,
                covered=doctype in step.columns,
                incoming=scan_of(folder, step.packages, "rows", doctype),
                incoming_columns=frozenset(name for name, _ in step.columns.get(doctype, ())),
            )
            if rows.schema.names:
                yield Output(doctype, "rows", rows.sql(connection), rows.schema)
    if anew or documents or step.brings("quarantine", "dropped") or (stored.quarantine and step.brings("seen")):
        yield from _quarantine(folder, stored, step, contract.doctype)


def _find_changed(
    connection: duckdb.DuckDBPyConnection, folder: LakeFolder, stored: Stored, step: Group, doctype: str
) -> None:
    """Make `changed`: names whose newest version is in the step; and `heads`: the newest version of every name.

    `seen` tells the instant after that version at which the document was found as known; `anew`, that the stored
    version was followed by a tombstone, so nothing of it is kept.
    """
    known = stored_rows_sql(stored.heads, [NAME, "seen"]) if stored.heads else f"SELECT *, {_NEVER} FROM ({NO_HEADS})"
    connection.execute(f"CREATE VIEW stored_heads AS {known}")
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
            coalesce(newest.gone > stored.{VERSION}, false) AS anew,
            CASE WHEN stored.seen > {observed_of(f"newest.{VERSION}")} THEN stored.seen END AS seen
        FROM newest LEFT JOIN stored_heads AS stored USING (name)
        WHERE stored.name IS NULL OR newest.{VERSION} > stored.{VERSION}
        """
    )
    heads = f"""
        SELECT name, {VERSION}, seen FROM stored_heads ANTI JOIN changed USING (name)
        UNION ALL SELECT name, {VERSION}, seen FROM changed
    """
    if seen := scan_of(folder, step.packages, "seen", doctype):
        met = f"SELECT name, max(observed) AS seen FROM {parquet(seen.uris)} GROUP BY name"
        heads = f"""
            SELECT name, {VERSION}, CASE WHEN met.seen > {observed_of(VERSION)} THEN greatest(head.seen, met.seen)
            ELSE head.seen END AS seen FROM ({heads}) AS head LEFT JOIN ({met}) AS met USING (name)
        """
    connection.execute(f"CREATE VIEW heads AS {heads}")


def _quarantine(folder: LakeFolder, stored: Stored, step: Group, doctype: str) -> Iterator[Output]:
    """Documents whose newest version of all was set aside; those that were given up by their digest alone."""
    known = stored_heads_sql(stored.quarantine)
    columns = QUARANTINE_SCHEMA.names
    rows = []
    if stored.quarantine:
        rows.append(stored_rows_sql(stored.quarantine, columns, optional=WITHOUT_RULE))
    if incoming := scan_of(folder, step.packages, "quarantine", doctype):
        # A package is folded again while an earlier one waits for its walk.
        arrived = incoming.sql(columns, optional=WITHOUT_RULE)
        rows.append(f"FROM ({arrived}) ANTI JOIN ({known}) AS known USING (name, {VERSION})")
    if not rows:
        return
    brought = heads_sql(folder, step.packages, doctype, "quarantine")
    latest = f"SELECT name, max({VERSION}) AS {VERSION} FROM ({union([known, brought])}) GROUP BY name"
    given_up = dropped_sql(folder, stored.dropped, step.packages, doctype)
    standing = f"FROM ({latest}) AS latest {not_overtaken('latest', 'FROM heads')} {not_overtaken('latest', given_up)}"
    kept = ", ".join(f"aside.{identifier(name)}" for name in columns if name != OBSERVED)
    found = []
    if stored.quarantine:
        found.append(f"SELECT name, seen FROM {parquet(stored.quarantine, optional=WITHOUT_SEEN)}")
    if seen := scan_of(folder, step.packages, "seen", doctype):
        found.append(f"SELECT name, observed AS seen FROM {parquet(seen.uris)}")
    met = (
        f"SELECT name, max(seen) AS seen FROM ({union(found)}) GROUP BY name"
        if found
        else "SELECT NULL AS name, NULL::TIMESTAMP AS seen"
    )
    sql = f"""
        SELECT {kept}, {version_columns(VERSION)}, CASE WHEN met.seen > {observed_of(VERSION)} THEN met.seen END AS seen
        FROM ({union(rows)}) AS aside SEMI JOIN ({standing}) USING (name, {VERSION})
        LEFT JOIN ({met}) AS met USING (name)
    """
    yield Output(doctype, "quarantine", sql, STORED_QUARANTINE_SCHEMA)
    if stored.dropped or step.brings("dropped"):
        newest = f"SELECT name, arg_max(digest, {VERSION}) AS digest, max({VERSION}) AS {VERSION} FROM ({given_up})"
        sql = (
            f"SELECT name, digest, {version_columns(VERSION)} FROM ({newest} GROUP BY name) AS dropped "
            f"{not_overtaken('dropped', 'FROM heads')} {not_overtaken('dropped', latest)}"
        )
        yield Output(doctype, "dropped", sql, STORED_DROPPED_SCHEMA)


def _fit(first: Mapping[str, Columns], second: Mapping[str, Columns]) -> bool:
    """Two packages fit where they cover the same tables with the same columns; without rows any columns will do."""
    if not first or not second:
        return True
    return first.keys() == second.keys() and all(
        not columns or not second[table] or columns == second[table] for table, columns in first.items()
    )


def _united(first: Mapping[str, Columns], second: Mapping[str, Columns]) -> Mapping[str, Columns]:
    return {**first, **{table: columns or first.get(table, columns) for table, columns in second.items()}}

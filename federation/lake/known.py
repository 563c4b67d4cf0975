"""Known documents: which of those just read are on the lake already, the same in every column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import NAME
from federation.lake.current import Current, read_current
from federation.lake.fingerprint import Shape, fingerprints_sql, page_fingerprints_sql
from federation.lake.fingerprint_index import FingerprintIndex
from federation.lake.history import Committed
from federation.lake.known_names import known_heads_sql
from federation.lake.lake_sql import (
    VERSION,
    identifier,
    is_absent,
    literal,
    memory_limit,
    open_duckdb,
    scan_of,
    stored_rows_sql,
    union,
)
from federation.lake.log import CommitLog
from federation.lake.manifest import Package
from federation.lake.newest import NewestVersions
from federation.lake.packages import MODIFIED
from federation.lake.storage import LakeFolder

_BATCH_ROWS: Final = 65_536
_FEW: Final = 10_000
"""Documents of which a walk may ask before fingerprints are taken of all that are known."""
_SAMPLED: Final = 10
"""Rows drawn for each document that `spread` returns: some are overtaken versions."""

CREATIONS_SCHEMA: Final = pa.schema(
    [(NAME, pa.string()), ("creation", pa.timestamp("us")), (MODIFIED, pa.timestamp("us"))]
)


class KnownDocuments:
    """What the lake knows of the documents of one DocType, for the life of one walk. A context manager.

    Known is what `current` holds, and of the packages after it those of completed walks and of this walk. The newest
    version of a document decides: an absence, a document set aside, a version of another walk that isn't complete, or
    one in files without a column that was read now, is not known. Nothing is read of the lake before the first
    question, and nothing at all where nothing is known.

    Documents are compared by 64-bit fingerprints of all their rows. For the first few they are taken of the known
    documents of these names, then once of all: a million rows of 40 columns cost about a second of CPU, and each
    further page some milliseconds.

    Args:
        folder: the satellite's folder.
        log: its log.
        doctype: whose documents.
        walk: the walk that asks; what it committed itself is known too.
    """

    def __init__(self, folder: LakeFolder, log: CommitLog, doctype: str, *, walk: str) -> None:
        self._folder = folder
        self._log = log
        self._doctype = doctype
        self._walk = walk
        self._current = read_current(folder, doctype)
        self._history = log.since(self._current.seq)
        self._packages = self._history.of(doctype, self._current.seq)
        self._open = ExitStack()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._indexes: dict[Shape, FingerprintIndex] = {}
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def unchanged(self, tables: Mapping[str, pa.Table]) -> pa.Array:
        """Return the names of the documents whose newest version on the lake is the same in every column.

        Child rows count, as sets; `observed` doesn't. A document that comes twice is never unchanged.

        Args:
            tables: the DocType and each child DocType that was read → rows, as `PackageWriter.append` takes them.

        Returns:
            Strings, in no order.
        """
        return self._same(tables)

    def differing(self, heads: pa.Table) -> list[str]:
        """Return the names that the lake doesn't know as alive and accepted with exactly this `modified`.

        Args:
            heads: name: string, modified: timestamp[us].
        """
        same = self._same({self._doctype: heads.select([NAME, MODIFIED])})
        names = heads.column(NAME)
        return [str(name) for name in names.filter(pc.invert(pc.is_in(names, value_set=same))).to_pylist()]

    def alive(self, names: Sequence[str]) -> set[str]:
        """Return those that the lake believes to be there, whatever walk brought them, quarantined ones included."""
        return _alive(self._folder, self._current, self._packages, names)

    def refresh(self) -> None:
        """Take in what was committed since; to be called after a commit of this walk.

        What is new is taken for newer than all before: within a run `observed` only grows.
        """
        last = self._history.seq
        self._history = self._log.since(self._current.seq)
        self._packages = self._history.of(self._doctype, self._current.seq)
        new = self._history.of(self._doctype, last)
        if new and self._indexes:
            newest = self._newest(Current(self._doctype), new)
            newest.judge()
            for shape, index in self._indexes.items():
                self._add(index, newest, shape)

    def _same(self, tables: Mapping[str, pa.Table]) -> pa.Array:
        """Return the names of documents of a page that are known as they are."""
        nothing = not self._current.files and not any(self._counts(each.package) for each in self._packages)
        if nothing or not tables[self._doctype].num_rows:
            return pa.array([], pa.string())
        connection = self._connected()
        shape = Shape.of(connection, self._doctype, tables)
        index = self._indexes.get(shape) or self._take(shape, tables[self._doctype].column(NAME))
        views = {doctype: f"page_{number}" for number, doctype in enumerate(tables)}
        for doctype, view in views.items():
            connection.register(view, tables[doctype])
        page = connection.execute(page_fingerprints_sql(views, shape)).to_arrow_table()
        for view in views.values():
            connection.unregister(view)
        known = index.holds(page.column("document").to_numpy(), page.column("content").to_numpy())
        return page.column(NAME).combine_chunks().filter(pa.array(known))

    def _take(self, shape: Shape, names: pa.ChunkedArray) -> FingerprintIndex:
        """Return the index of what is known in the columns of `shape`: of all, or while few were asked, of these."""
        connection = self._connected()
        connection.execute(f"SET memory_limit = '{memory_limit(shape.width)}'")
        index = FingerprintIndex(Path(self._open.enter_context(TemporaryDirectory(prefix="federation-"))))
        newest = self._newest(self._current, self._packages)
        self._asked += len(names)
        if self._asked > _FEW:
            self._indexes[shape] = index
            newest.judge()
            self._add(index, newest, shape)
        else:
            span = pc.min_max(names).as_py()
            connection.register("asked", pa.table({NAME: names}))
            newest.judge("asked")
            self._add(index, newest, shape, (span["min"], span["max"]))
            connection.unregister("asked")
        return index

    def _add(
        self, index: FingerprintIndex, newest: NewestVersions, shape: Shape, span: tuple[str, str] | None = None
    ) -> None:
        index.add(self._connected().execute(fingerprints_sql(newest, shape, span)).to_arrow_reader(_BATCH_ROWS))

    def _newest(self, current: Current, packages: Sequence[Committed]) -> NewestVersions:
        return NewestVersions(self._connected(), self._folder, current, packages, self._counts)

    def _counts(self, package: Package) -> bool:
        return package.walk == self._walk or self._history.counts(package)

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._connection = self._open.enter_context(open_duckdb(self._folder))
        return self._connection


def known_where(folder: LakeFolder, log: CommitLog, doctype: str, *, column: str, value: int, walk: str) -> pa.Table:
    """Return the documents whose newest version has `value` in `column`; none where no file has the column.

    Args:
        folder: the satellite's folder.
        log: its log.
        doctype: whose documents.
        column: a column of whole numbers.
        value: the value.
        walk: the walk that asks; what it committed itself counts too.

    Returns:
        `CREATIONS_SCHEMA`, sorted by name.
    """
    condition = f"WHERE TRY_CAST(row.{identifier(column)} AS BIGINT) = {value}"
    with _versions(folder, log, doctype, walk) as newest:
        _judge_where(newest, condition, needs={column})
        return _creations(newest, condition, needs={column})


def creations(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str], *, walk: str) -> pa.Table:
    """Return those of `names` that are alive: `CREATIONS_SCHEMA`, sorted by name; `walk` as in `known_where`."""
    with _versions(folder, log, doctype, walk) as newest:
        newest.connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        newest.judge("asked")
        return _creations(newest)


def alive_before(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str]) -> set[str]:
    """Return those of `names` that complete walks know as alive, whatever a walk under way says of them."""
    current = read_current(folder, doctype)
    history = log.since(current.seq)
    packages = [each for each in history.of(doctype, current.seq) if history.counts(each.package)]
    return _alive(folder, current, packages, names)


def born_at(folder: LakeFolder, log: CommitLog, doctype: str, instants: Sequence[datetime], *, walk: str) -> pa.Table:
    """Return the documents created at one of `instants` (naive, site time): `CREATIONS_SCHEMA`, sorted by name."""
    with _versions(folder, log, doctype, walk) as newest:
        newest.connection.register("born", pa.table({"instant": pa.array(instants, pa.timestamp("us"))}))
        condition = "SEMI JOIN born ON born.instant = row.creation"
        _judge_where(newest, condition, needs={"creation"})
        return _creations(newest, condition, needs={"creation"})


def set_aside(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str]) -> dict[str, str]:
    """Return name → document (JSON) of those of `names` whose newest version is in quarantine."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    if not names or not (packages or current.uris(folder, "quarantine")):
        return {}
    scan = scan_of(folder, packages, "quarantine", doctype)
    told = [scan.sql([NAME, "document"])] if scan else []
    if stored := current.uris(folder, "quarantine"):
        told.append(stored_rows_sql(stored, [NAME, "document"]))
    if not told:
        return {}
    heads = known_heads_sql(folder, current, packages)
    with open_duckdb(folder) as connection:
        connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        found = connection.execute(
            f"WITH newest AS (SELECT name, max({VERSION}) AS version FROM ({heads}) SEMI JOIN asked USING (name) "
            f"GROUP BY name) SELECT DISTINCT told.name, told.document FROM ({union(told)}) AS told "
            f"JOIN newest ON newest.name = told.name AND newest.version = told.{VERSION}"
        ).fetchall()
    return dict(found)


def spread(folder: LakeFolder, log: CommitLog, doctype: str, count: int) -> list[tuple[str, str]]:
    """Return (name, creation) of at most `count` documents from all times, creation as on the wire."""
    with _versions(folder, log, doctype, "") as newest:
        _judge_where(newest, "", needs={"creation"}, sample=count * _SAMPLED)
        rows = newest.connection.execute(
            "SELECT name, strftime(creation, '%Y-%m-%d %H:%M:%S.%f') "
            f"FROM ({_creations_sql(newest)}) WHERE creation IS NOT NULL ORDER BY creation, name"
        ).fetchall()
    return rows[:: -(-len(rows) // count) or 1]


def owners_of(
    folder: LakeFolder,
    log: CommitLog,
    doctype: str,
    table_doctype: str,
    *,
    column: str,
    values: Sequence[str],
    where: tuple[str, str] | None,
    walk: str,
) -> list[str]:
    """Return the names, sorted, of the documents of which a row, their own or a child row, points to one of some names.

    Args:
        folder: the satellite's folder.
        log: its log.
        doctype: whose documents.
        table_doctype: the table that has the column: `doctype` or one of its child DocTypes.
        column: a column of links.
        values: the names.
        where: for a Dynamic Link, the column that names the DocType, and that DocType.
        walk: the walk that asks; what it committed itself counts too.
    """
    columns = {column, *(where or ())[:1]}
    owner = NAME if table_doctype == doctype else "parent"
    points = f"row.{identifier(column)}::VARCHAR IN (FROM pointed_at)"
    if where is not None:
        points += f" AND row.{identifier(where[0])}::VARCHAR = {literal(where[1])}"
    with _versions(folder, log, doctype, walk) as newest:
        newest.connection.register("pointed_at", pa.table({"name": pa.array(values, pa.string())}))
        _judge_where(newest, f"WHERE {points}", needs=columns, table=table_doctype)
        selects = [
            f"SELECT row.{owner} AS name FROM {source.rows} SEMI JOIN asked ON asked.name = row.{owner} WHERE {points}"
            for source in newest.sources(table_doctype)
            if columns <= source.columns.keys()
        ]
        if not selects:
            return []
        found = newest.connection.execute(f"SELECT DISTINCT name FROM ({union(selects)}) ORDER BY name").fetchall()
    return [name for (name,) in found]


def _alive(folder: LakeFolder, current: Current, packages: Sequence[Committed], names: Sequence[str]) -> set[str]:
    if not names or not (current.files or packages):
        return set()
    with open_duckdb(folder) as connection:
        connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        found = connection.execute(
            f"SELECT name FROM ({known_heads_sql(folder, current, packages)}) SEMI JOIN asked USING (name) "
            f"GROUP BY name HAVING NOT {is_absent(f'max({VERSION})')}"
        ).fetchall()
    return {name for (name,) in found}


@contextmanager
def _versions(folder: LakeFolder, log: CommitLog, doctype: str, walk: str) -> Iterator[NewestVersions]:
    current = read_current(folder, doctype)
    history = log.since(current.seq)
    with open_duckdb(folder) as connection:
        yield NewestVersions(
            connection,
            folder,
            current,
            history.of(doctype, current.seq),
            lambda package: package.walk == walk or history.counts(package),
        )


def _judge_where(
    newest: NewestVersions,
    condition: str,
    *,
    needs: AbstractSet[str],
    table: str | None = None,
    sample: int | None = None,
) -> None:
    """Judge the documents of which some version, the newest or not, meets a condition: they make the table `asked`."""
    doctype = newest.current.doctype
    owner = NAME if table in (None, doctype) else "parent"
    selects = ["SELECT ''::VARCHAR AS name WHERE false"]
    selects += [
        f"SELECT row.{owner} AS name FROM {source.rows} {condition}"
        for source in newest.versions(table or doctype)
        if needs <= source.columns.keys()
    ]
    chosen = f"USING SAMPLE reservoir({sample} ROWS) REPEATABLE (1)" if sample else ""
    newest.connection.execute(
        f"CREATE TEMP TABLE asked AS SELECT DISTINCT name FROM (SELECT name FROM ({union(selects)}) {chosen})"
    )
    newest.judge("asked")


def _creations(newest: NewestVersions, condition: str = "", needs: AbstractSet[str] = frozenset()) -> pa.Table:
    found = newest.connection.execute(f"{_creations_sql(newest, condition, needs)} ORDER BY name")
    return found.to_arrow_table().cast(CREATIONS_SCHEMA)


def _creations_sql(newest: NewestVersions, condition: str = "", needs: AbstractSet[str] = frozenset()) -> str:
    """Of the documents in the table `asked`."""
    selects = ["SELECT ''::VARCHAR AS name, NULL::TIMESTAMP AS creation, NULL::TIMESTAMP AS modified WHERE false"]
    for source in newest.sources(newest.current.doctype):
        if needs <= source.columns.keys():
            instants = (
                f"TRY_CAST({f'row.{name}' if name in source.columns else 'NULL'} AS TIMESTAMP) AS {name}"
                for name in ("creation", MODIFIED)
            )
            rows = f"{source.rows} SEMI JOIN asked ON asked.name = row.name"
            selects.append(f"SELECT row.name, {', '.join(instants)} FROM {rows} {condition}")
    return union(selects)

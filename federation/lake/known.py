"""Known documents: which of those just read are on the lake already, the same in every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
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
from federation.lake.known_names import alive_among
from federation.lake.lake_sql import memory_limit, open_duckdb
from federation.lake.log import CommitLog
from federation.lake.manifest import Package
from federation.lake.newest import NewestVersions
from federation.lake.packages import MODIFIED
from federation.lake.storage import LakeFolder

_BATCH_ROWS: Final = 65_536
_FEW: Final = 10_000
"""Documents of which a walk may ask before fingerprints are taken of all that are known."""


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
        return alive_among(self._folder, self._current, self._packages, names)

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

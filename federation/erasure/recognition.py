"""Recognition: names of erased documents where they stand again, as after a backup was put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import column_name
from federation.contract.satellite_schema import DocTypeSchema
from federation.erasure.errors import ErasedCameBack
from federation.erasure.lake_files import batches, opened
from federation.erasure.links import link_fields
from federation.erasure.suppression import Suppression
from federation.erasure.traces import Holding, key_columns
from federation.lake.current import read_current
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema

_Link = tuple[str, str, str]
"""A column, the DocType that it leads to, and for a Dynamic Link the column that says so."""


@dataclass(frozen=True)
class Recognition:
    """Finds in rows the names of documents that are erased.

    Attributes:
        suppression: which are.
        described: the satellite's DocTypes.
    """

    suppression: Suppression
    described: dict[str, DocTypeSchema]

    def in_rows(self, holding: Holding, rows: pa.Table) -> Iterator[tuple[str, str]]:
        """Yield DocType and name of each erased document that rows of a file tell of, or link to."""
        if holding.doctype in self.suppression.pseudonyms:
            for column in key_columns(holding):
                if column in rows.column_names:
                    yield from self._held(holding.doctype, rows.column(column))
        if holding.kind in ("rows", "patch"):
            for column, doctype, by in self._links(holding.table):
                if column not in rows.column_names or rows.column(column).type != pa.string():
                    continue
                if not by:
                    yield from self._held(doctype, rows.column(column))
                elif by in rows.column_names:
                    for of in self.suppression.pseudonyms:
                        yield from self._held(of, rows.filter(pc.equal(rows.column(by), of)).column(column))

    def columns(self, holding: Holding) -> frozenset[str]:
        """Return the columns that `in_rows` looks at; none where nothing can be found."""
        wanted = {*key_columns(holding)} if holding.doctype in self.suppression.pseudonyms else set()
        if holding.kind in ("rows", "patch"):
            wanted.update(name for column, _, by in self._links(holding.table) for name in (column, by) if name)
        return frozenset(wanted)

    def _links(self, table: str) -> Iterator[_Link]:
        if table in self.described:
            for link in link_fields(self.described[table]):
                if link.by or link.doctype in self.suppression.pseudonyms:
                    by = column_name(link.by.casefold()) if link.by else ""
                    yield column_name(link.fieldname.casefold()), link.doctype, by

    def _held(self, doctype: str, cells: pa.ChunkedArray) -> Iterator[tuple[str, str]]:
        for name in pc.unique(cells).to_pylist():
            if self.suppression.holds(doctype, name):
                yield doctype, name


def recognition_of(log: CommitLog, suppression: Suppression) -> Recognition:
    """Return what recognises the erased documents of a satellite.

    Raises:
        LakeError: the log or the schema can't be read.
    """
    newest = log.newest()
    return Recognition(suppression, read_schema(log.folder, newest.schema).doctypes if newest and newest.schema else {})


def documents_back(log: CommitLog, suppression: Suppression) -> dict[str, tuple[str, ...]]:
    """Return DocType → names of erased documents that stand on the lake again.

    Raises:
        LakeError: the log or a file can't be read.
    """
    recognition = recognition_of(log, suppression)
    found: dict[str, dict[str, None]] = {}
    newest = log.newest()
    stored = (read_current(log.folder, doctype) for doctype in (newest.doctypes if newest else ()))
    files = [
        *((file.path, Holding(file.kind, each.doctype, file.table)) for each in stored for file in each.files),
        *_package_files(log, 0),
    ]
    for doctype, name in _in_files(log, recognition, files):
        found.setdefault(doctype, {})[name] = None
    return {doctype: tuple(names) for doctype, names in found.items()}


def require_none_back(log: CommitLog, suppression: Suppression, after: int) -> None:
    """Make sure that packages bring no erased document back.

    Args:
        log: the satellite's log.
        suppression: which documents are erased.
        after: only packages committed later than this.

    Raises:
        ErasedCameBack: one of them does.
        LakeError: the log or a package can't be read.
    """
    if not suppression.pseudonyms:
        return
    for doctype, _ in _in_files(log, recognition_of(log, suppression), _package_files(log, after)):
        raise ErasedCameBack(log.folder.satellite, doctype)


def _package_files(log: CommitLog, after: int) -> Iterator[tuple[str, Holding]]:
    for manifest in log.read(after):
        for package in manifest.packages:
            for file in package.files:
                yield file.path, Holding(file.kind, package.doctype, file.table)


def _in_files(
    log: CommitLog, recognition: Recognition, files: Iterable[tuple[str, Holding]]
) -> Iterator[tuple[str, str]]:
    for path, holding in files:
        wanted = recognition.columns(holding)
        if wanted and log.folder.exists(path):
            with opened(log.folder, path) as parquet:
                told = [name for name in parquet.schema_arrow.names if name in wanted]
                for rows in batches(parquet, told):
                    yield from recognition.in_rows(holding, rows)

"""A small world for the tests of the lake: vouchers with two child tables, and runs that commit them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from federation.contract.columns import Column, Contract, TableContract
from federation.lake.current import Current, compact
from federation.lake.fold import CurrentKind
from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk, DocTypeState, Manifest, Package
from federation.lake.packages import QUARANTINE_SCHEMA, PackageWriter
from federation.lake.run import LakeRun, new_run_id
from federation.lake.storage import LakeFolder

VOUCHER, ITEM, TAX = "Voucher", "Voucher Item", "Voucher Tax"
TABLES = (VOUCHER, ITEM, TAX)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)

Row = Mapping[str, object]


def at(tick: int) -> datetime:
    """The instant of a tick, aware and in UTC."""
    return START + timedelta(microseconds=tick)


def naive(tick: int) -> datetime:
    """The same instant as columns hold it."""
    return at(tick).replace(tzinfo=None)


def table_contract(doctype: str, fields: Mapping[str, pa.DataType], *, is_child: bool = False) -> TableContract:
    kept = [("satellite", pa.string()), ("name", pa.string()), ("observed", pa.timestamp("us"))]
    if is_child:
        kept.append(("parent", pa.string()))
    return TableContract(
        doctype, tuple(Column(name, kind) for name, kind in [*kept, *fields.items()]), is_child=is_child
    )


def contract(
    fields: Mapping[str, pa.DataType] | None = None, child_fields: Mapping[str, pa.DataType] | None = None
) -> Contract:
    own = fields or {"title": pa.string(), "amount": pa.int64()}
    of_child = child_fields or {"item": pa.string(), "qty": pa.int64()}
    children = {child: table_contract(child, of_child, is_child=True) for child in (ITEM, TAX)}
    return Contract(VOUCHER, table_contract(VOUCHER, own), children)


@dataclass(frozen=True)
class Document:
    """A document as it was read at a tick: its own cells, and child rows by child DocType."""

    name: str
    tick: int
    cells: Row = field(default_factory=dict)
    children: Mapping[str, Sequence[Row]] = field(default_factory=dict)


@dataclass(frozen=True)
class Gone:
    """A name that was read at a tick and found absent."""

    name: str
    tick: int


@dataclass(frozen=True)
class Refused:
    """A document that was read at a tick and set aside, for one reason a cell."""

    name: str
    tick: int
    cells: int = 1


@dataclass(frozen=True)
class Met:
    """A document that was read at a tick and found as known."""

    name: str
    tick: int


@dataclass(frozen=True)
class Patch:
    """Columns of a row read at a tick: of a document, or of a child row where it has a parent."""

    name: str
    tick: int
    modified: int
    cells: Row = field(default_factory=dict)
    table: str = VOUCHER
    parent: str = ""


Seen = Document | Gone | Refused | Met


def rows_of(made: Contract, doctype: str, documents: Iterable[Document], columns: Sequence[str] | None) -> pa.Table:
    """The rows of one table of some documents, in the columns that the site gave."""
    of = made.parent if doctype == made.doctype else made.children[doctype]
    rows = []
    for document in documents:
        own = [{"name": document.name, **document.cells}] if doctype == made.doctype else []
        children = [{"parent": document.name, **row} for row in document.children.get(doctype, ())]
        rows += [{"satellite": "north", "observed": naive(document.tick), **row} for row in own + children]
    always = {"satellite", "name", "observed", "parent"}
    schema = pa.schema([each for each in of.schema if columns is None or each.name in always or each.name in columns])
    return pa.Table.from_pylist(rows, schema=schema)


class World:
    """One satellite's folder, its log and the run under way."""

    def __init__(self, folder: LakeFolder) -> None:
        self.folder = folder
        self.log = CommitLog(folder)
        self.contract = contract()
        self.run = self.open()
        self._batch = 0

    def open(self, hour: int = 0) -> LakeRun:
        self.run = LakeRun.open(self.folder, "rest", new_run_id(START), now=lambda: START + timedelta(hours=hour))
        return self.run

    def writer(self, walk: str = "walk", tables: Iterable[str] = TABLES) -> PackageWriter:
        self._batch += 1
        return self.run.package(VOUCHER, batch=self._batch, walk=walk, tables=tables)

    def package(
        self,
        *seen: Seen,
        walk: str = "walk",
        tables: Sequence[str] = TABLES,
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> Package | None:
        writer = self.writer(walk, tables)
        documents = [each for each in seen if isinstance(each, Document)]
        writer.append(
            {doctype: rows_of(self.contract, doctype, documents, (columns or {}).get(doctype)) for doctype in tables}
        )
        for each in seen:
            if isinstance(each, Met):
                writer.add_seen(pa.array([each.name]), at(each.tick))
            if isinstance(each, Gone):
                writer.add_tombstones([each.name], at(each.tick))
            if isinstance(each, Refused):
                cells = [
                    (each.name, f"field_{cell}", "x", "does not fit", naive(each.tick), "{}", "")
                    for cell in range(each.cells)
                ]
                writer.add_quarantined(
                    pa.Table.from_pylist(
                        [dict(zip(QUARANTINE_SCHEMA.names, cell, strict=True)) for cell in cells], QUARANTINE_SCHEMA
                    )
                )
        return writer.finish()

    def commit(
        self,
        *seen: Seen,
        walk: str = "walk",
        complete: bool = True,
        state: DocTypeState | None = None,
        tables: Sequence[str] = TABLES,
        columns: Mapping[str, Sequence[str]] | None = None,
    ) -> Manifest:
        package = self.package(*seen, walk=walk, tables=tables, columns=columns)
        return self.run.commit(
            packages=[package] if package else [],
            completed=[self.completed(walk)] if complete else [],
            states={VOUCHER: state or DocTypeState()},
        )

    def patch(self, *patches: Patch, walk: str = "patch") -> Manifest:
        """Commit a package of patches."""
        writer = self.writer(walk)
        for table in TABLES:
            rows = [each for each in patches if each.table == table]
            keys = [("name", pa.string()), ("observed", pa.timestamp("us")), ("modified", pa.timestamp("us"))]
            if table != VOUCHER:
                keys += [("parent", pa.string()), ("parenttype", pa.string())]
            of = self.contract.parent if table == VOUCHER else self.contract.children[table]
            cells = sorted({name for each in rows for name in each.cells})
            schema = pa.schema([*keys, *(of.schema.field(name) for name in cells)])
            common = [
                {
                    "name": each.name,
                    "observed": naive(each.tick),
                    "modified": naive(each.modified),
                    "parent": each.parent,
                    "parenttype": VOUCHER,
                    **each.cells,
                }
                for each in rows
            ]
            writer.add_patch(table, pa.Table.from_pylist(common, schema=schema))
        package = writer.finish()
        return self.run.commit(packages=[package] if package else [], completed=[self.completed(walk)])

    @staticmethod
    def completed(walk: str) -> CompletedWalk:
        return CompletedWalk(walk, VOUCHER, "changes", START)

    def compact(self) -> Current:
        return compact(self.folder, CommitLog(self.folder), self.contract)


def stored_rows(
    folder: LakeFolder, current: Current, table: str, kind: CurrentKind = "rows"
) -> list[dict[str, object]]:
    """The rows of one file of the `current` dataset, sorted by name; none where it has no such file."""
    for file in current.files:
        if (file.table, file.kind) == (table, kind):
            rows = read_table(folder, file.path).to_pylist()
            assert len(rows) == file.rows
            return sorted(rows, key=lambda row: str(row["name"]))
    return []


def read_table(folder: LakeFolder, path: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(folder.read(path)))


def assert_whole(folder: LakeFolder, manifests: Iterable[Manifest]) -> None:
    """Every file that a commit names is there, byte for byte, with the rows it tells."""
    for manifest in manifests:
        for package in manifest.packages:
            for file in package.files:
                content = folder.read(file.path)
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
                assert pq.read_metadata(pa.BufferReader(content)).num_rows == file.rows


def named_files(manifests: Iterable[Manifest]) -> set[str]:
    return {file.path for manifest in manifests for package in manifest.packages for file in package.files}

"""Harvest: what one walk brings in — pages become whole documents, documents packages, and packages commits."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import compress
from time import monotonic
from types import TracebackType
from typing import Final, Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from connectors.frappe import WirePage
from federation.contract.fieldtypes import DATETIME
from federation.contract.names import OBSERVED
from federation.extract.anew import to_read_anew
from federation.extract.asking import read_named
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading, RejectedDocument, WholeDocuments, make_whole
from federation.extract.outcome import DocTypeOutcome
from federation.extract.quarantine import quarantine_rows
from federation.extract.rejection import rejected_documents
from federation.extract.site_time import read_wire_time
from federation.extract.suites import Rules
from federation.extract.validation import BatchValidation
from federation.lake.dropped import digest_of, dropped_digests
from federation.lake.known import KnownDocuments
from federation.lake.lookups import Aside, set_aside
from federation.lake.manifest import CompletedWalk, DocTypeState, Hold, Package, WalkKind
from federation.lake.packages import PackageWriter

_HELD_BYTES: Final = 64 * 1024 * 1024
"""Of pages that wait to be judged."""


class Harvest:
    """Everything that one walk gathers, commit by commit; a context manager: what isn't committed is given up.

    Attributes:
        walk: the walk's id.
        pending: names that must be read again whatever `modified` says.
        lost: documents that the walk has found to be gone for good.
    """

    def __init__(
        self,
        context: RunContext,
        reading: DocumentReading,
        kind: WalkKind,
        walk: str,
        *,
        begun: bool = False,
        pending: Collection[str] = (),
        strange_before: str = "",
    ) -> None:
        """Begin, or go on with, a walk.

        Args:
            context: the run.
            reading: how the DocType's documents are read.
            kind: the walk's kind.
            walk: its id.
            begun: commits of the walk are on the lake already.
            pending: see the attribute.
            strange_before: a document packaged now, of a `creation` before this (as on the wire), may have borne
                another name: it is remembered as a stranger.
        """
        self.context = context
        self.reading = reading
        self.walk = walk
        self.pending = dict.fromkeys(pending)
        self.lost = 0
        self._strange_before = strange_before
        self._kind: WalkKind = kind
        self._begun = begun
        self._committed_at = monotonic()
        self._unlisted: set[str] = set()
        self._ready: list[Package] = []
        self._packages: list[Package] = []
        self._refused: set[str] = set()
        self._strangers: dict[str, datetime] = {}
        self._hidden: list[str] = []
        self._strays = self._documents_read = self._unchanged = 0
        self._known: KnownDocuments | None = None
        self._closing = ExitStack()
        self._validation = BatchValidation(context, reading)
        self._held: deque[_HeldPage] = deque()
        self._held_bytes = 0
        self._rejected: set[str] = set()
        self._writer = self._new_writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.abort()
        self._closing.close()

    @property
    def doctype(self) -> str:
        """The DocType walked."""
        return self.reading.doctype

    @property
    def rules(self) -> Rules:
        """What documents are judged by."""
        return self._validation.rules

    def to_read_anew(self, state: DocTypeState) -> list[str]:
        """Return the names of documents that were judged by other rules; all that was gathered must be committed."""
        return to_read_anew(self.context, self.reading, state, self._validation.suites, self.walk)

    @property
    def refused(self) -> frozenset[str]:
        """Fields that the site left out; a child table's with its DocType in front."""
        return frozenset(self._refused)

    @property
    def has_uncommitted(self) -> bool:
        """Something was gathered since the last commit."""
        return bool(self._held or self._writer.rows or self._ready)

    @property
    def has_gathered(self) -> bool:
        """Something was gathered at all."""
        return self.has_uncommitted or bool(self._packages)

    @property
    def is_due(self) -> bool:
        """It is time to commit: the batch is full, or long under way."""
        rows = self._writer.rows + sum(_rows(package) for package in self._ready)
        rows += sum(page.rows for page in self._held)
        limits = self.context.limits
        return rows >= limits.batch_rows or monotonic() - self._committed_at > limits.commit_seconds

    def known(self) -> KnownDocuments:
        """Return what the lake has of the DocType: commits of complete walks and of this one."""
        if self._known is None:
            run = self.context.run
            self._known = self._closing.enter_context(KnownDocuments(run.folder, run.log, self.doctype, walk=self.walk))
        return self._known

    def take(
        self,
        page: WirePage,
        *,
        compare: Sequence[bool] | None = None,
        note_seen: bool = False,
        judge_known: bool = False,
    ) -> pa.ChunkedArray:
        """Package the documents of a page: those that are whole aren't pending any more, those that moved are.

        Args:
            page: parents, each once.
            compare: which of them the lake may have as they are; these are packaged only where they differ.
            note_seen: tell the lake of documents that were found as known.
            judge_known: those that were found as known are judged too.

        Returns:
            The names, as strings, of those that are whole and fit the contract; expectations have no say yet.
        """
        self.context.stop_if_asked(self.doctype)
        whole = make_whole(self.context.session, self.reading, page, self.context.in_parallel, self._unlisted)
        names = list(map(str, page.column("name")))
        self.add(whole, page.observed, names, compare, note_seen=note_seen, judge_known=judge_known)
        return whole.tables[self.doctype].column("name")

    def add(
        self,
        whole: WholeDocuments,
        observed: datetime,
        names: Sequence[str],
        compare: Sequence[bool] | None,
        *,
        note_seen: bool = False,
        judge_known: bool = False,
    ) -> None:
        """Package documents that are whole; see `take`."""
        tables = whole.tables
        compared = compare or ()
        same = pa.array([], pa.string())
        if any(compared):
            chosen = tables if all(compared) else _only(tables, self.reading, compress(names, compared))
            same = self.known().unchanged(chosen)
            self._unchanged += len(same)
        if len(same) and not (judge_known and self._validation.rejects):
            tables = _without(tables, self.reading, same)
            if note_seen:
                self._writer.add_seen(same, observed)
            same = same.slice(len(same))
        self._validation.add(tables)
        page = _HeldPage(tables, tables[self.doctype].num_rows, same, compared=any(compared), note_seen=note_seen)
        if self._validation.rejects and page.documents:
            self._held.append(page)
            self._held_bytes += sum(table.nbytes for table in tables.values())
            if self._held_bytes > _HELD_BYTES:
                self._judge()
        else:
            self._package(tables)
        self._set_aside(whole.rejected, observed, page)
        self._strangers.update(_born_before(tables[self.doctype], self._strange_before))
        for name in self.pending.keys() & set(names):
            del self.pending[name]
        self.pending.update(dict.fromkeys(whole.pending))
        self._refused.update(whole.refused)
        self._strays += whole.strays
        self._documents_read += len(names)
        self.context.progress.read(self.doctype, sum(table.num_rows for table in whole.tables.values()))

    @property
    def has_strangers(self) -> bool:
        """There are strangers that nobody has looked at."""
        return bool(self._strangers)

    def take_strangers(self) -> dict[str, datetime]:
        """Return name → `creation` of the strangers since the last time."""
        strangers, self._strangers = self._strangers, {}
        return strangers

    def accept(self, page: WirePage) -> set[str]:
        """Take and judge a page; return the names accepted for good: packaged, or found as known."""
        self._judge()
        self._rejected.clear()
        taken = self.take(page, compare=[True] * page.rows)
        self._judge()
        return {*taken.to_pylist()} - self._rejected

    def settle(
        self, names: Collection[str], *, note_seen: bool = False, judge_known: bool = False
    ) -> tuple[set[str], list[str]]:
        """Read and judge documents by name, whatever their `modified`; what the lake has isn't packaged.

        Args:
            names: theirs.
            note_seen, judge_known: see `take`.

        Returns:
            (the names accepted, those that no list returns under exactly this name).
        """
        self.context.stop_if_asked(self.doctype)
        # What was held before may hold other versions of the same documents: it is none of the answer.
        self._judge()
        self._rejected.clear()
        accepted: set[str] = set()
        met: set[str] = set()
        names = self.context.suppression.others(self.doctype, names)
        for page in read_named(self.context.session, self.reading.parent.wire, list(names)):
            met.update(map(str, page.column("name")))
            for left in self.context.suppression.spared([page]):
                taken = self.take(left, compare=[True] * left.rows, note_seen=note_seen, judge_known=judge_known)
                accepted.update(taken.to_pylist())
        self._judge()
        return accepted - self._rejected, [name for name in dict.fromkeys(names) if name not in met]

    def mark_seen(self, names: Sequence[str], observed: datetime) -> None:
        """Tell the lake of documents whose head was found as known."""
        if names:
            self._writer.add_seen(pa.array(names, pa.string()), observed)

    def bury(self, names: Sequence[str], observed: datetime) -> None:
        """Package absences that are certain."""
        self._writer.add_tombstones(names, observed)
        for name in self.pending.keys() & set(names):
            del self.pending[name]

    def hide(self, names: Collection[str]) -> None:
        """Take note of documents that are there and that this user isn't shown."""
        self._hidden.extend(names)
        for name in self.pending.keys() & set(names):
            del self.pending[name]

    def alias(self, aliases: pa.Table) -> None:
        """Package names that documents had before: `ALIAS_SCHEMA`."""
        if aliases.num_rows:
            self._writer.add_aliases(aliases)

    def patch(self, doctype: str, rows: pa.Table) -> None:
        """Package values of a few columns, of the DocType itself or of a child table.

        Documents that an expectation might reject for them are pending instead, so that they are read whole.
        """
        if unfit := self._validation.unfit_for_patch(doctype, rows):
            self.pending.update(dict.fromkeys(unfit))
            owners = rows.column(_owner(self.reading, doctype))
            rows = rows.filter(pc.invert(pc.is_in(owners, pa.array(unfit, pa.string()))))
        self._writer.add_patch(doctype, rows)

    def save(self, state: DocTypeState) -> None:
        """Commit what was gathered, and that the walk goes on from `state`."""
        self._finish_package()
        self._begun = True
        self._commit(state, [])

    def complete(self, state: DocTypeState, through: datetime) -> None:
        """End the walk. One that brought nothing needs no commit of its own: the next one tells."""
        self._finish_package()
        completed = CompletedWalk(self.walk, self.doctype, self._kind, through)
        if self._begun or self._ready:
            self._commit(state, [completed])
        else:
            self.context.run.note({self.doctype: state}, [completed])

    def outcome(self, through: datetime | None) -> DocTypeOutcome:
        """Return what the walk has done so far."""
        packages = self._packages
        return DocTypeOutcome(
            self.doctype,
            "changed" if any(_brings_news(package) for package in packages) else "unchanged",
            documents=sum(package.documents for package in packages),
            tombstones=sum(package.tombstones for package in packages),
            quarantined=sum(package.quarantined for package in packages),
            patched=sum(package.patched for package in packages),
            read=self._documents_read,
            unchanged=self._unchanged,
            pending=len(self.pending),
            strays=self._strays,
            hidden=tuple(self._hidden),
            refused=tuple(sorted(self._refused)),
            one_by_one=tuple(sorted(self._unlisted)),
            packages=tuple(packages),
            through=through,
            reports=self._validation.reports,
        )

    def _commit(self, state: DocTypeState, completed: Sequence[CompletedWalk]) -> None:
        if breaches := self._validation.take_breaches():
            hold = Hold(breaches, self.context.run.state(self.doctype).through)
            self._ready = [
                msgspec.structs.replace(package, hold=hold) if package.is_news else package for package in self._ready
            ]
        self.context.run.commit(
            packages=self._ready,
            completed=completed,
            states={self.doctype: state},
            observed=self.context.clock.last,
        )
        self._packages.extend(self._ready)
        self._ready = []
        self._committed_at = monotonic()
        if self._known is not None:
            self._known.refresh()

    def _judge(self) -> None:
        """Judge what is held: set aside what is rejected and note the names, package the rest."""
        if not self._held:
            return
        rejected = self._validation.judge()
        self._held_bytes = 0
        while self._held:
            page = self._held.popleft()
            # All rows of a page bear one instant, and no two pages the same.
            observed: datetime = page.tables[self.doctype].column(OBSERVED)[0].as_py()
            faults = rejected.get(observed)
            if faults is None:
                self._package(_without(page.tables, self.reading, page.known))
                continue
            self._rejected.update(faults)
            aside = pa.array(faults, pa.string())
            self._package(_without(page.tables, self.reading, pa.concat_arrays([page.known, aside])))
            documents = rejected_documents(self.reading, page.tables, faults)
            self._set_aside(documents, observed.replace(tzinfo=UTC), page)

    def _package(self, tables: Mapping[str, pa.Table]) -> None:
        if not self._writer.fits(tables):
            self._close_package()
        self._writer.append(tables)

    def _set_aside(self, rejected: Sequence[RejectedDocument], observed: datetime, page: _HeldPage) -> None:
        """Package what is rejected, unless the lake has set it aside as it is and for the same reasons."""
        if not rejected:
            return
        new = rejected
        if page.compared:
            run = self.context.run
            names = [document.name for document in rejected]
            aside = set_aside(run.folder, run.log, self.doctype, names)
            given_up = dropped_digests(run.folder, run.log, self.doctype, names)
            new = [
                document
                for document in rejected
                if aside.get(document.name) != _aside(document)
                and given_up.get(document.name) != digest_of(document.document)
            ]
        if new:
            self._writer.add_quarantined(quarantine_rows(new, observed))
        if page.note_seen and len(new) < len(rejected):
            known = {document.name for document in rejected} - {document.name for document in new}
            self._writer.add_seen(pa.array(sorted(known), pa.string()), observed)

    def _finish_package(self) -> None:
        self._judge()
        self._rejected.clear()
        self._close_package()

    def _close_package(self) -> None:
        if not self._validation.rejects:
            self._validation.judge()
        package = self._writer.finish()
        self._writer = self._new_writer()
        if package is not None:
            self._ready.append(package)

    def _new_writer(self) -> PackageWriter:
        batch = self.context.next_batch(self.doctype)
        tables = [table.table.doctype for table in (self.reading.parent, *self.reading.children)]
        return self.context.run.package(self.doctype, batch=batch, walk=self.walk, tables=tables)


@dataclass(frozen=True, slots=True)
class _HeldPage:
    """A page of whole documents until it is judged.

    Attributes:
        tables: as in `WholeDocuments`.
        documents: how many are in it.
        known: those that the lake has as they are: they are judged, and not packaged.
        compared: the lake may have some of them as they are.
        note_seen: see `Harvest.take`.
    """

    tables: Mapping[str, pa.Table]
    documents: int
    known: pa.Array
    compared: bool
    note_seen: bool

    @property
    def rows(self) -> int:
        return sum(table.num_rows for table in self.tables.values())


def rows_of(page: WirePage, chosen: Sequence[bool]) -> WirePage:
    """Return the page with the chosen rows alone."""
    if all(chosen):
        return page
    return replace(page, columns=tuple(tuple(compress(cells, chosen)) for cells in page.columns), rows=sum(chosen))


def _born_before(rows: pa.Table, instant: str) -> dict[str, datetime]:
    if not instant or "creation" not in rows.column_names or rows.schema.field("creation").type != DATETIME:
        return {}
    old = rows.filter(pc.less(rows.column("creation"), pa.scalar(read_wire_time(instant), DATETIME)))
    return dict(zip(old.column("name").to_pylist(), old.column("creation").to_pylist(), strict=True))


def _aside(document: RejectedDocument) -> Aside:
    reasons = frozenset((fault.rule, fault.fieldname, fault.reason) for fault in document.faults)
    return Aside(document.document, reasons)


def _brings_news(package: Package) -> bool:
    return bool(package.documents or package.tombstones or package.quarantined or package.patched)


def _rows(package: Package) -> int:
    return sum(file.rows for file in package.files)


def _only(tables: Mapping[str, pa.Table], reading: DocumentReading, names: Iterable[str]) -> dict[str, pa.Table]:
    chosen = pa.array(names, pa.string())
    return {
        doctype: table.filter(pc.is_in(table.column(_owner(reading, doctype)), chosen))
        for doctype, table in tables.items()
    }


def _without(tables: Mapping[str, pa.Table], reading: DocumentReading, names: pa.Array) -> Mapping[str, pa.Table]:
    if not len(names):
        return tables
    return {
        doctype: table.filter(pc.invert(pc.is_in(table.column(_owner(reading, doctype)), names)))
        for doctype, table in tables.items()
    }


def _owner(reading: DocumentReading, doctype: str) -> str:
    return "name" if doctype == reading.doctype else "parent"

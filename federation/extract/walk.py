"""Walk: one pass over the changes of one DocType, from its position to the bound, into packages and commits."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import compress
from operator import not_
from threading import Event

from msgspec.structs import replace as replaced

from connectors.frappe import AbsenceProof, FrappeSession, WirePage, prove_absent, read_changes, read_named
from connectors.frappe import Position as WirePosition
from federation.extract.clock import ObservedClock
from federation.extract.documents import DocumentReading, ReadTables, make_whole
from federation.extract.errors import MassDeletion, RunStopped, UnboundedList
from federation.extract.outcome import DocTypeOutcome, Progress
from federation.extract.quarantine import quarantine_rows
from federation.extract.validation import BatchValidation
from federation.lake.known_names import count_known, missing_names
from federation.lake.manifest import CompletedWalk, DocTypeState, OpenWalk, Package, Position, WalkKind
from federation.lake.packages import PackageWriter
from federation.lake.run import LakeRun


@dataclass(frozen=True)
class Limits:
    """What bounds a walk.

    Attributes:
        page_rows: documents asked for in one request.
        batch_rows: rows, child rows included, of one package.
        delete_share: the share of a DocType's known documents that one run may find absent.
        delete_free: so many may vanish whatever their share.
    """

    page_rows: int
    batch_rows: int
    delete_share: float
    delete_free: int = 50


@dataclass(frozen=True)
class RunContext:
    """What all walks of one run share.

    Attributes:
        until: the bound in the site's local time, fixed at the run's start; later changes wait for the next run.
        through: the same instant in UTC.
        in_parallel: reads a document's child tables side by side.
        validate: rows are judged by their expectations before they are packaged.
        frappe_major: the site's major version of Frappe, None where it doesn't tell.
    """

    session: FrappeSession
    run: LakeRun
    clock: ObservedClock
    limits: Limits
    until: str
    through: datetime
    in_parallel: ReadTables
    progress: Progress
    validate: bool = True
    frappe_major: int | None = None
    allow_mass_delete: bool = False
    stop: Event = field(default_factory=Event)

    def stop_if_asked(self, doctype: str) -> None:
        """End a walk whose run is ending.

        Raises:
            RunStopped: the run was interrupted, or the satellite failed as a whole.
        """
        if self.stop.is_set():
            raise RunStopped(doctype)


@dataclass(frozen=True, slots=True)
class Walked:
    """The end of a walk.

    Attributes:
        completed, state: what the log must say of it.
        committed: the log says it already; else the run's closing manifest has to.
    """

    outcome: DocTypeOutcome
    completed: CompletedWalk
    state: DocTypeState
    committed: bool


@dataclass
class Walk:
    """One walk: `changes` from the DocType's position, or `full` from the beginning and with proof of absences.

    A killed walk leaves its commits behind; the next walk of the same kind goes on from there under the same id, and
    the mothership merges nothing of it before it is complete.
    """

    context: RunContext
    reading: DocumentReading
    kind: WalkKind
    signals: Sequence[str] = ()
    _packages: list[Package] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)
    _hidden: list[str] = field(default_factory=list)
    _strays: int = 0
    _batch: int = 0

    def __post_init__(self) -> None:
        self._state: DocTypeState = self.context.run.state(self.doctype)
        opened = self._state.open_full if self.kind == "full" else self._state.open_changes
        self._begun = opened is not None
        start = self._state.position if self.kind == "changes" else Position()
        self._position = opened.position if opened else start
        self._pending = dict.fromkeys([*self._state.position.pending, *self._position.pending])
        self.id = opened.id if opened else f"{self.kind}-{uuid.uuid4().hex[:12]}"
        self._validation = BatchValidation(
            self.reading, enabled=self.context.validate, frappe_major=self.context.frappe_major
        )
        self._writer = self._new_writer()

    @property
    def doctype(self) -> str:
        """The DocType walked."""
        return self.reading.doctype

    def run(self) -> Walked:
        """Walk to the bound, settle what must be read by name, and commit.

        Raises:
            FrappeError: the site failed; what was committed before stands and the next run goes on from there.
            DocTypeFailed: what it sent can't be used, or more documents than allowed are gone; likewise.
        """
        try:
            for page in self._pages():
                self._take(page)
                self._position = self._after(page)
                self._commit_if_full()
            self._bury(self._settle(list(dict.fromkeys([*self._pending, *self.signals]))))
            if self.kind == "full":
                self._find_absent()
            return self._complete()
        except BaseException:
            self._writer.abort()
            raise

    def _pages(self) -> Iterator[WirePage]:
        at = self._position
        return read_changes(
            self.context.session,
            self.reading.parent.wire,
            after=WirePosition(at.modified, at.name) if at.modified else None,
            until=self.context.until,
            page_rows=self.context.limits.page_rows,
        )

    def _after(self, page: WirePage) -> Position:
        modified, name = str(page.column("modified")[-1]), page.column("name")[-1]
        if modified > self.context.until:
            raise UnboundedList(self.reading.parent.satellite, self.doctype, self.context.until)
        return Position(modified, name if isinstance(name, int) else str(name))

    def _take(self, page: WirePage) -> None:
        """Package the documents of a page; those that are whole aren't pending any more, those that moved are."""
        self.context.stop_if_asked(self.doctype)
        whole = make_whole(self.context.session, self.reading, page, self.context.in_parallel)
        if not self._writer.fits(whole.tables):
            self._commit_batch()
        self._writer.append(whole.tables)
        self._validation.add(whole.tables)
        if whole.rejected:
            self._writer.add_quarantined(quarantine_rows(whole.rejected, page.observed))
        for name in self._pending.keys() & set(map(str, page.column("name"))):
            del self._pending[name]
        self._pending.update(dict.fromkeys(whole.pending))
        self._refused.update(whole.refused)
        self._strays += whole.strays
        self.context.progress.read(self.doctype, sum(table.num_rows for table in whole.tables.values()))

    def _settle(self, names: Sequence[str]) -> AbsenceProof:
        """Read documents by name: those that are there are packaged; return what became of the others.

        One that changed after the bound stays pending: its state as of the bound can't be had any more.
        """
        self.context.stop_if_asked(self.doctype)
        found: set[str] = set()
        for page in read_named(self.context.session, self.reading.parent.wire, names):
            found.update(map(str, page.column("name")))
            inside = [cell is None or str(cell) <= self.context.until for cell in page.column("modified")]
            self._take(_rows_of(page, inside))
            later = compress(map(str, page.column("name")), map(not_, inside))
            self._pending.update(dict.fromkeys(later))
            self._commit_if_full()
        return prove_absent(self.context.session, self.doctype, [name for name in names if name not in found])

    def _bury(self, proof: AbsenceProof) -> None:
        self._hidden.extend(proof.hidden)
        self._writer.add_tombstones(proof.absent, proof.observed)
        for name in self._pending.keys() & {*proof.absent, *proof.hidden}:
            del self._pending[name]

    def _find_absent(self) -> None:
        """After a full walk: names the lake knows and the walk didn't meet are read by name.

        None of them is buried before it is certain that not too many are gone.
        """
        self._commit_batch()
        folder, log = self.context.run.folder, self.context.run.log
        proofs: list[AbsenceProof] = []
        for names in missing_names(folder, log, self.doctype, walk=self.id, at_once=self.context.limits.page_rows):
            proofs.append(self._settle(names))
            self._refuse_mass_deletion(sum(len(proof.absent) for proof in proofs))
        for proof in proofs:
            self._bury(proof)

    def _refuse_mass_deletion(self, gone: int) -> None:
        limits = self.context.limits
        if self.context.allow_mass_delete or gone <= limits.delete_free:
            return
        known = count_known(self.context.run.folder, self.context.run.log, self.doctype)
        if gone > known * limits.delete_share:
            raise MassDeletion(self.reading.parent.satellite, self.doctype, gone, known)

    def _commit_if_full(self) -> None:
        if self._writer.rows >= self.context.limits.batch_rows:
            self._commit_batch()

    def _commit_batch(self) -> None:
        package = self._finish_package()
        if package is None:
            return
        self._begun = True
        opened = OpenWalk(self.id, self._reached())
        if self.kind == "full":
            self._state = replaced(self._state, open_full=opened)
        else:
            self._state = replaced(self._state, open_changes=opened)
        self.context.run.commit(
            packages=[package], states={self.doctype: self._state}, observed=self.context.clock.last
        )

    def _complete(self) -> Walked:
        package = self._finish_package()
        reached = self._reached()
        state = replaced(self._state, through=self.context.through)
        if self.kind == "changes":
            state = replaced(state, position=reached, open_changes=None)
        else:
            state = replaced(state, position=_further(state.position, reached), open_full=None)
        completed = CompletedWalk(self.id, self.doctype, self.kind, self.context.through)
        to_commit = self._begun or package is not None
        if to_commit:
            self.context.run.commit(
                packages=[package] if package else [],
                completed=[completed],
                states={self.doctype: state},
                observed=self.context.clock.last,
            )
        return Walked(self._outcome(), completed, state, committed=to_commit)

    def _outcome(self) -> DocTypeOutcome:
        return DocTypeOutcome(
            self.doctype,
            "changed" if self._packages else "unchanged",
            documents=sum(package.documents for package in self._packages),
            tombstones=sum(package.tombstones for package in self._packages),
            quarantined=sum(package.quarantined for package in self._packages),
            pending=len(self._pending),
            strays=self._strays,
            hidden=tuple(self._hidden),
            refused=tuple(sorted(self._refused)),
            packages=tuple(self._packages),
            through=self.context.through,
            reports=self._validation.reports,
        )

    def _finish_package(self) -> Package | None:
        self._validation.judge()
        package = self._writer.finish()
        self._writer = self._new_writer()
        if package is not None:
            self._packages.append(package)
        return package

    def _new_writer(self) -> PackageWriter:
        self._batch += 1
        tables = [table.table.doctype for table in (self.reading.parent, *self.reading.children)]
        return self.context.run.package(self.doctype, batch=self._batch, walk=self.id, tables=tables)

    def _reached(self) -> Position:
        return Position(self._position.modified, self._position.name, tuple(self._pending))


def _rows_of(page: WirePage, chosen: Sequence[bool]) -> WirePage:
    if all(chosen):
        return page
    return replace(page, columns=tuple(tuple(compress(cells, chosen)) for cells in page.columns), rows=sum(chosen))


def _further(known: Position, reached: Position) -> Position:
    """A full walk that got further than the changes did saves the next walk that way."""
    ahead = reached if reached.modified >= known.modified else known
    return Position(ahead.modified, ahead.name, reached.pending)

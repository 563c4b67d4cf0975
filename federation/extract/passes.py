"""Passes: a DocType is gone through by name, a slice a night, for what neither `modified` nor any list tells."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import pyarrow as pa
from msgspec.structs import replace

from connectors.frappe import Pages, WirePage, WireTable
from federation.conform.cells import conform_cells
from federation.contract.fieldtypes import DATETIME
from federation.extract.asking import read_last_name, read_listed
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading
from federation.extract.harvest import Harvest, rows_of
from federation.extract.outcome import DocTypeOutcome
from federation.extract.succession import settle_gone, settle_strangers
from federation.extract.temporary_names import Temporary, settle_temporary_names
from federation.lake.known_names import missing_names
from federation.lake.manifest import DocTypeState, Pass, PassKind


def run_pass(
    context: RunContext, reading: DocumentReading, kind: PassKind, *, budget: int | None, anew: bool = False
) -> DocTypeOutcome:
    """Go on with a rolling pass over a DocType until it ends or `budget` documents were looked at.

    A `compare` pass asks for names and `modified` only, and reads what differs; a `full` pass reads every document and
    packages those that differ in any column. Every slice is a walk of its own, merged at once; what is left of the
    pass is state. At the end of a pass, whoever wasn't met since it began is looked for by name: see `settle_gone`.

    Args:
        context: the run.
        reading: how the DocType's documents are read.
        kind: what is looked at.
        budget: documents at most; None for no bound.
        anew: forget how far an earlier run got.

    Raises:
        FrappeError: the site failed; slices before stand.
        DocTypeFailed: what it sent can't be used, or more documents than allowed are gone; likewise.
    """
    return _PassRun(context, reading, kind, budget, anew=anew).run()


class _PassRun:
    def __init__(
        self, context: RunContext, reading: DocumentReading, kind: PassKind, budget: int | None, *, anew: bool
    ) -> None:
        self._context = context
        self._reading = reading
        self._kind: PassKind = kind
        self._budget = budget
        known = None if anew else context.run.state(reading.doctype).passes.get(kind)
        self._pass = known or Pass(context.clock(), "", self._last_name())
        self._met = 0

    def run(self) -> DocTypeOutcome:
        outcome = DocTypeOutcome(self._reading.doctype, "unchanged")
        ended = self._pass.last == ""
        while not ended and not self._is_spent:
            with self._harvest() as harvest:
                ended = self._slice(harvest)
                outcome = outcome.and_then(harvest.outcome(None))
        if ended:
            with self._harvest() as harvest:
                self._bury_missing(harvest)
                outcome = outcome.and_then(harvest.outcome(None))
        return outcome

    def _last_name(self) -> str | int:
        """The last name that isn't an erased document's: it stands in the log until the pass ends."""
        session, doctype = self._context.session, self._reading.doctype
        last = read_last_name(session, doctype)
        while self._context.suppression.holds(doctype, last):
            last = read_last_name(session, doctype, before=last)
        return last

    @property
    def _is_spent(self) -> bool:
        return self._budget is not None and self._met >= self._budget

    @property
    def _state(self) -> DocTypeState:
        return self._context.run.state(self._reading.doctype)

    def _harvest(self) -> Harvest:
        walk = f"{self._kind}-{uuid.uuid4().hex[:12]}"
        return Harvest(
            self._context,
            self._reading,
            self._kind,
            walk,
            pending=self._state.position.pending,
            strange_before=self._state.until,
        )

    def _slice(self, harvest: Harvest) -> bool:
        """Walk until a batch is full, the budget is used up or nothing is left, and complete; return whether it is."""
        after = self._pass.after
        ended = True
        pages = self._context.suppression.spared(self._pages())
        for page in pages:
            self._look_at(harvest, page)
            self._met += page.rows
            after = page.last_name
            if harvest.is_due or self._is_spent:
                ended = False
                pages.close()
                break
        if harvest.has_strangers:
            self._save_if_gathered(harvest)
            settle_strangers(harvest, {}, deleted=frozenset())
        self._settle_temporary(harvest)
        self._pass = replace(self._pass, after=after)
        self._complete(harvest, replace(self._state, passes={**self._state.passes, self._kind: self._pass}))
        return ended

    def _pages(self) -> Pages:
        """Up to the last name that there was when the pass began: a table that grows for ever would never end."""
        page_rows = self._context.limits.page_rows
        if self._budget is not None:
            page_rows = min(page_rows, self._budget - self._met)
        wire = self._reading.parent.wire
        heads = WireTable(wire.doctype, ("name", "modified"), ("text", "text"), wire.filters)
        return read_listed(
            self._context.session,
            heads if self._kind == "compare" else wire,
            filters=(("name", "<=", str(self._pass.last)),),
            after=self._pass.after or None,
            page_rows=page_rows,
        )

    def _look_at(self, harvest: Harvest, page: WirePage) -> None:
        """What the next changes walk reads anyway belongs to it, with all that changed or was committed beside it.

        Stamps that lie in the site's future are no such changes: nothing else would ever read them.
        """
        state, now = self._state, self._context.site_now()
        start = self._context.window(state.begun, state.until).start
        here = [not start < str(modified) <= now for modified in page.column("modified")]
        left = [str(name) for name, is_ours in zip(page.column("name"), here, strict=True) if not is_ours]
        harvest.mark_seen(left, page.observed)
        mine = rows_of(page, here)
        if not mine.rows:
            return
        if self._kind == "full":
            harvest.take(mine, compare=[True] * mine.rows, note_seen=True)
            return
        differing = set(harvest.known().differing(_heads(mine)))
        names = list(map(str, mine.column("name")))
        harvest.mark_seen([name for name in names if name not in differing], page.observed)
        _, gone = harvest.settle([name for name in names if name in differing], note_seen=True)
        self._settle_gone(harvest, gone)

    def _settle_gone(self, harvest: Harvest, gone: Sequence[str]) -> None:
        if gone:
            self._save_if_gathered(harvest)
            settle_gone(harvest, gone, {}, deleted=frozenset())

    def _settle_temporary(self, harvest: Harvest) -> None:
        """A slice, too, may bring an entry under its new name while the old one is still known."""
        if not self._reading.has_temporary_names:
            return
        state = self._state
        has_read = harvest.has_gathered
        self._save_if_gathered(harvest)
        known = Temporary(state.temporary, state.temporary_newest)
        temporary = settle_temporary_names(harvest, known, has_read=has_read)
        self._context.run.note(
            {self._reading.doctype: replace(state, temporary=temporary.count, temporary_newest=temporary.newest)}, []
        )

    def _bury_missing(self, harvest: Harvest) -> None:
        run, doctype = self._context.run, self._reading.doctype
        gone: list[str] = []
        for names in missing_names(
            run.folder, run.log, doctype, begun=self._pass.begun, at_once=self._context.limits.page_rows
        ):
            gone.extend(harvest.settle(names)[1])
        self._settle_gone(harvest, gone)
        passes = {kind: each for kind, each in self._state.passes.items() if kind != self._kind}
        self._complete(harvest, replace(self._state, passes=passes, compared=self._pass.begun))

    def _save_if_gathered(self, harvest: Harvest) -> None:
        if harvest.has_uncommitted:
            harvest.save(self._state)

    def _complete(self, harvest: Harvest, state: DocTypeState) -> None:
        pending = tuple(harvest.pending)
        harvest.complete(replace(state, position=replace(state.position, pending=pending)), self._context.began)


def _heads(page: WirePage) -> pa.Table:
    modified = conform_cells(page.column("modified"), "text", DATETIME, DATETIME).values
    return pa.table({"name": pa.array(map(str, page.column("name")), pa.string()), "modified": modified})

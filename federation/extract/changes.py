"""Changes: the walk that keeps a DocType up to date, its first load included."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from connectors.frappe import Position as WirePosition
from connectors.frappe import WirePage
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.asking import read_changes, read_changes_newest_first, read_listed
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading
from federation.extract.errors import MassDeletion, UnboundedList
from federation.extract.harvest import Harvest
from federation.extract.outcome import DocTypeOutcome
from federation.extract.signals import Signals, merged_into, pointing_at_renamed, signalled
from federation.extract.site_time import Window
from federation.extract.succession import settle_gone, settle_strangers
from federation.extract.suites import Rules
from federation.extract.temporary_names import Temporary, settle_temporary_names
from federation.lake.manifest import DocTypeState, OpenWalk, Position

_AT_ONCE: Final = 10_000
"""Documents to be judged anew that are read before they may be committed."""


def walk_changes(
    context: RunContext,
    reading: DocumentReading,
    schema: SatelliteSchema,
    signals: Signals,
    replay: Sequence[str] = (),
) -> DocTypeOutcome:
    """Read what changed in a DocType since its last walk, all of it the first time, and commit it.

    A killed walk leaves its commits behind; the next one goes on from there under the same id, and the mothership
    merges nothing of it before it is complete. What is in `replay` is read by name besides.

    Raises:
        FrappeError: the site failed; what was committed before stands and the next run goes on from there.
        DocTypeFailed: what it sent can't be used, or more documents than allowed are gone; likewise.
    """
    return _ChangesWalk(context, reading, schema, signals, replay).run()


@dataclass
class _ChangesWalk:
    context: RunContext
    reading: DocumentReading
    schema: SatelliteSchema
    signals: Signals
    replay: Sequence[str]
    _state: DocTypeState = field(init=False)
    _open: OpenWalk = field(init=False)
    _bound: str = field(init=False)

    def __post_init__(self) -> None:
        state = self.context.run.state(self.reading.doctype)
        reading = self.reading
        treatments, mapped = dict(reading.treatments), dict(reading.mapped)
        self._state = replace(state, treatments=treatments, mapped=mapped, withheld=reading.withheld)
        self._bound = self.context.window(None, "").bound
        self._open = self._state.open or self._new_walk()

    def _new_walk(self) -> OpenWalk:
        """The first load of a DocType goes by primary key, the cheapest order that a site has.

        Entries that change their name while they are loaded would slip through, so those go by `modified` from the
        beginning.
        """
        by_name = self._state.begun is None and not self.reading.has_temporary_names
        return OpenWalk(
            f"changes-{uuid.uuid4().hex[:12]}", Position(), self.context.began, by_name=by_name, until=self._bound
        )

    @property
    def newest_first(self) -> bool:
        """The site's filters use no index, so it is read from the top; only the end of such a walk is a position."""
        return self.context.manners.coalesced_filters

    def run(self) -> DocTypeOutcome:
        """Walk to the bound, settle what must be read by name, and commit."""
        pending = dict.fromkeys([*self._state.position.pending, *self._open.position.pending])
        resumed = self._state.open is not None
        with Harvest(
            self.context,
            self.reading,
            "changes",
            self._open.id,
            begun=resumed,
            pending=list(pending),
            strange_before=self._state.until,
        ) as harvest:
            self._note_rules(harvest.rules, resumed=resumed)
            if self._open.by_name:
                self._load(harvest)
            top = self._follow(harvest, resumed=resumed or self._open.position.modified != "")
            if resumed or harvest.has_gathered:
                self._catch_up(harvest, top)
            refusal = self._settle(harvest)
            self._settle_strangers(harvest)
            temporary = self._settle_temporary(harvest)
            harvest.complete(self._completed(harvest, temporary), self.context.began)
            if refusal is not None:
                raise refusal
            return harvest.outcome(self.context.began)

    def _note_rules(self, rules: Rules, *, resumed: bool) -> None:
        """Take note of whether all documents so far were judged by today's rules.

        Until the walk ends, commits tell that documents are judged by several, so that none is forgotten if it doesn't.
        """
        before = self._state
        if before.begun is None and not resumed:
            before = replace(before, accepted_by=rules.accepting, rejected_by=rules.reading)
        self._state = replace(
            before,
            accepted_by=before.accepted_by if before.accepted_by == rules.accepting else "",
            rejected_by=before.rejected_by if before.rejected_by == rules.reading else "",
        )

    def _load(self, harvest: Harvest) -> None:
        """The first load's phase by primary key; what changes meanwhile is followed from its beginning on."""
        session, page_rows = self.context.session, self.context.limits.page_rows
        after = self._open.position.name or None
        listed = read_listed(session, self.reading.parent.wire, after=after, page_rows=page_rows)
        for page in self.context.suppression.spared(listed):
            harvest.take(page)
            self._reach(Position("", page.last_name))
            self._save_if_due(harvest)
        window = self.context.window(self._open.begun, self._open.until)
        self._save_if_gathered(harvest)
        self._open = replace(self._open, by_name=False, position=Position(window.start))

    def _follow(self, harvest: Harvest, *, resumed: bool) -> str:
        """What `modified` tells, from the start of the window to the run's start; return what it didn't look behind."""
        window, compare_until = self._window(resumed=resumed)
        self._reach(replace(self._open.position, modified=window.start) if self.newest_first else self._open.position)
        newest = ""
        for page in self.context.suppression.spared(self._pages(window)):
            modified = [str(cell) for cell in page.column("modified")]
            newest = max(newest, *modified)
            if newest > window.until:
                raise UnboundedList(self.reading.parent.satellite, self.reading.doctype, window.until)
            harvest.take(page, compare=[cell <= compare_until for cell in modified])
            if not self.newest_first:
                self._reach(Position(modified[-1], page.last_name))
            self._save_if_due(harvest)
        return newest if self.newest_first and newest else window.until

    def _catch_up(self, harvest: Harvest, top: str) -> None:
        """Documents that were there when the run began and moved on before they were read.

        They come with the next walk anyway, but what was written beside them may be in this one: half a voucher. They
        may move or be renamed again while they are listed, so that goes on until nothing new is met.
        """
        session, page_rows = self.context.session, self.context.limits.page_rows
        moved = (("modified", ">", top), ("creation", "<=", self._bound))
        met: set[str] = set()
        while True:
            before = len(met)
            listed = read_listed(session, self.reading.parent.wire, filters=moved, page_rows=page_rows)
            for page in self.context.suppression.spared(listed):
                met.update(map(str, page.column("name")))
                harvest.take(page, compare=[True] * page.rows)
                self._save_if_due(harvest)
            if len(met) == before:
                return

    def _window(self, *, resumed: bool) -> tuple[Window, str]:
        """The window, and up to which `modified` the lake may have documents as they are.

        A walk that is resumed reads again what may have been committed late behind it.
        """
        if resumed:
            window = self.context.window(self._open.begun, self._open.until)
            start = min(self._open.position.modified, window.start)
            return Window(start, window.until, window.bound), window.until
        window = self.context.window(self._state.begun, self._state.until)
        fallen = max(self._state.until, window.until) if window.until != window.bound else self._state.until
        return window, fallen

    def _pages(self, window: Window) -> Iterator[WirePage]:
        session, wire, page_rows = self.context.session, self.reading.parent.wire, self.context.limits.page_rows
        if self.newest_first:
            return read_changes_newest_first(session, wire, since=window.start, until=window.until, page_rows=page_rows)
        position = self._open.position
        name = position.name if position.modified == window.start else ""
        after = WirePosition(window.start, name) if window.start else None
        return read_changes(session, wire, after=after, until=window.until, page_rows=page_rows)

    def _settle(self, harvest: Harvest) -> MassDeletion | None:
        """Read by name what is pending, told of by the site's own lists, judged by other rules, or wanted anew.

        Where too much is gone, that is left pending and returned: the DocType's other changes don't wait for somebody's
        decision.
        """
        told = signalled(harvest, self.signals)
        linking = pointing_at_renamed(self.context, self.reading, self.schema, self.signals, self._open.id)
        names = list(dict.fromkeys([*harvest.pending, *told, *linking]))
        if (self._state.accepted_by, self._state.rejected_by) != (harvest.rules.accepting, harvest.rules.reading):
            self._save_if_gathered(harvest)
        anew = list(dict.fromkeys([*self.replay, *harvest.to_read_anew(self._state)]))
        if not names and not anew:
            return None
        self._save_if_gathered(harvest)
        gone = harvest.settle(names)[1] if names else []
        for start in range(0, len(anew), _AT_ONCE):
            gone += harvest.settle(anew[start : start + _AT_ONCE], judge_known=True)[1]
            self._save_if_due(harvest)
        gone = list(dict.fromkeys(gone))
        self._save_if_gathered(harvest)
        try:
            settle_gone(harvest, gone, merged_into(self.signals, self.reading.doctype), deleted=self._deleted)
        except MassDeletion as refusal:
            harvest.pending.update(dict.fromkeys(gone))
            return refusal
        return None

    @property
    def _deleted(self) -> frozenset[str]:
        return frozenset(self.signals.deleted.get(self.reading.doctype, ()))

    def _settle_strangers(self, harvest: Harvest) -> None:
        if harvest.has_strangers:
            self._save_if_gathered(harvest)
            settle_strangers(harvest, merged_into(self.signals, self.reading.doctype), deleted=self._deleted)

    def _settle_temporary(self, harvest: Harvest) -> Temporary:
        known = Temporary(self._state.temporary, self._state.temporary_newest)
        if not self.reading.has_temporary_names:
            return known
        has_read = harvest.has_gathered
        self._save_if_gathered(harvest)
        return settle_temporary_names(harvest, known, has_read=has_read or self._state.open is not None)

    def _reach(self, position: Position) -> None:
        self._open = replace(self._open, position=position)

    def _save_if_due(self, harvest: Harvest) -> None:
        """Strangers are settled with every batch: a bulk change may bring any number of them."""
        if harvest.is_due:
            self._save(harvest)
            self._settle_strangers(harvest)

    def _save_if_gathered(self, harvest: Harvest) -> None:
        """What is compared with the lake must know what this walk has packaged."""
        if harvest.has_uncommitted:
            self._save(harvest)

    def _save(self, harvest: Harvest) -> None:
        position = replace(self._open.position, pending=tuple(harvest.pending))
        phase = {} if self._open.by_name else {"begun": self.context.began, "until": self._bound}
        opened = replace(self._open, position=position, **phase)
        harvest.save(replace(self._state, open=opened))

    def _completed(self, harvest: Harvest, temporary: Temporary) -> DocTypeState:
        position = self._open.position if self._open.position.modified else self._state.position
        uncovered = dict.fromkeys([*self._state.uncovered, *sorted(harvest.refused)])
        return replace(
            self._state,
            position=replace(position, pending=tuple(harvest.pending)),
            until=self._bound,
            begun=self.context.began,
            through=self.context.began,
            open=None,
            replaced=None,
            uncovered=tuple(uncovered),
            temporary=temporary.count,
            temporary_newest=temporary.newest,
            accepted_by=harvest.rules.accepting,
            rejected_by=harvest.rules.reading,
        )

"""Status report: how each DocType of each satellite stands; its shape is the JSON of `status --json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from federation.lateness import late_before
from federation.mothership.held import Held
from federation.mothership.interface import Freshness
from federation.settings.model import Satellite, Settings

State = Literal["held", "fresh", "late", "never", "switched off", "not in the settings"]

_MOST_URGENT_FIRST: Final[tuple[State, ...]] = ("held", "late", "never", "fresh", "switched off", "not in the settings")
_URGENT: Final = frozenset({"held", "late", "never"})


@dataclass(frozen=True, slots=True)
class DocTypeStatus:
    """How a DocType of a satellite stands; the JSON of `doctypes`.

    Attributes:
        state: held, where nothing is merged until somebody releases it; fresh; late, where a scheduled run has come and
            gone without it; never, where no sync has brought it whole yet; or why nobody expects it to be fresh.
        as_of: the documents are complete as of then (UTC); null where they never were.
        rows: documents.
        pending: documents that the site is known to have in a later state.
        waiting: documents on the lake that are merged once their walk is complete.
        quarantined: documents set aside because they don't fit.
        last_change: the newest `modified` of the documents, in UTC.
        compared_at: what polling can't see, such as values changed without a trace, is known as of then (UTC); null
            before the first complete pass over all documents.
        held: why it is held, an expectation each.
    """

    doctype: str
    state: State
    as_of: datetime | None = None
    rows: int = 0
    pending: int = 0
    waiting: int = 0
    quarantined: int = 0
    last_change: datetime | None = None
    compared_at: datetime | None = None
    held: tuple[Held, ...] = ()

    @property
    def is_urgent(self) -> bool:
        """It isn't as fresh as the settings expect."""
        return self.state in _URGENT


@dataclass(frozen=True, slots=True)
class SatelliteStatus:
    """How a satellite stands; the JSON of `satellites`.

    Attributes:
        state: of its DocTypes the one that calls for most attention.
    """

    satellite: str
    state: State
    doctypes: tuple[DocTypeStatus, ...]

    @property
    def is_urgent(self) -> bool:
        """One of its DocTypes isn't as fresh as the settings expect."""
        return self.state in _URGENT

    @property
    def has_nothing(self) -> bool:
        """No DocType of it was ever brought, not even in part."""
        return not any(doctype.as_of or doctype.rows or doctype.waiting for doctype in self.doctypes)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """How the published mothership stands; the JSON of `federation status --json`.

    Attributes:
        mothership: its file, or the URL of its database.
        published: it is there.
        now: when this was asked (UTC).
    """

    mothership: str
    published: bool
    now: datetime
    satellites: tuple[SatelliteStatus, ...]

    @property
    def ok(self) -> bool:
        """Nothing is late, and nothing is missing."""
        return not any(satellite.is_urgent for satellite in self.satellites)


def report_of(settings: Settings, freshness: Sequence[Freshness] | None, now: datetime) -> StatusReport:
    """Return the report of what the ledger says, against what the settings expect.

    Args:
        settings: which satellites and DocTypes are expected.
        freshness: what the mothership has; None where there is none.
        now: in UTC.
    """
    by_satellite: dict[str, list[Freshness]] = {name: [] for name in settings.satellites}
    for fresh in freshness or ():
        by_satellite.setdefault(fresh.satellite, []).append(fresh)
    bound = late_before(settings.schedules.incremental, now, ZoneInfo(settings.schedules.time_zone))
    return StatusReport(
        settings.mothership.place,
        freshness is not None,
        now,
        tuple(_satellite_status(name, settings, by_satellite[name], bound) for name in by_satellite),
    )


def with_held(report: StatusReport, held: Iterable[Held]) -> StatusReport:
    """Return the report with what isn't merged until somebody releases it."""
    reasons: dict[tuple[str, str], list[Held]] = {}
    for each in held:
        reasons.setdefault((each.satellite, each.doctype), []).append(each)
    return replace(report, satellites=tuple(_with_held(satellite, reasons) for satellite in report.satellites))


def most_urgent(states: Sequence[State]) -> State:
    """Return the state among `states`, at least one, that calls for most attention."""
    return min(states, key=_MOST_URGENT_FIRST.index)


def _with_held(satellite: SatelliteStatus, reasons: Mapping[tuple[str, str], Sequence[Held]]) -> SatelliteStatus:
    doctypes = tuple(
        replace(doctype, state="held", held=tuple(why))
        if (why := reasons.get((satellite.satellite, doctype.doctype)))
        else doctype
        for doctype in satellite.doctypes
    )
    state = most_urgent([satellite.state, *(doctype.state for doctype in doctypes if doctype.held)])
    return replace(satellite, state=state, doctypes=doctypes)


def _satellite_status(name: str, settings: Settings, found: Iterable[Freshness], bound: datetime) -> SatelliteStatus:
    satellite = settings.satellites.get(name)
    brought = {fresh.doctype: fresh for fresh in found}
    expected = settings.selection(satellite).named if satellite and satellite.enabled else ()
    doctypes = tuple(
        _doctype_status(brought[doctype], _state(settings, satellite, brought[doctype], bound))
        if doctype in brought
        else DocTypeStatus(doctype, "never")
        for doctype in sorted({*brought, *expected})
    )
    alone: State = "never" if satellite and satellite.enabled else "switched off"
    return SatelliteStatus(name, most_urgent([doctype.state for doctype in doctypes] or [alone]), doctypes)


def _doctype_status(fresh: Freshness, state: State) -> DocTypeStatus:
    return DocTypeStatus(
        fresh.doctype,
        state,
        fresh.as_of,
        fresh.rows,
        fresh.pending,
        fresh.waiting,
        fresh.quarantined,
        fresh.last_change,
        fresh.compared_at,
    )


def _state(settings: Settings, satellite: Satellite | None, fresh: Freshness, bound: datetime) -> State:
    if satellite is None:
        return "not in the settings"
    if not satellite.enabled:
        return "switched off"
    selection = settings.selection(satellite)
    if selection.holds_back(fresh.doctype):
        return "not in the settings"
    # Which module a DocType is in, only the site can tell: with modules selected, any may be wanted.
    if not selection.modules and not selection.matches(fresh.doctype, ""):
        return "not in the settings"
    if fresh.as_of is None:
        return "never"
    return "late" if fresh.as_of < bound else "fresh"

"""`federation status`: how fresh and how whole each DocType of each satellite is for an analyst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from federation.cli.ages import age_in_words, instant
from federation.cli.exits import Status
from federation.cli.published import published
from federation.cli.screen import answers, nothing, number, plain, print_json, remark, table_of_sections
from federation.lateness import late_before
from federation.mothership.interface import Freshness
from federation.settings.load import load_settings
from federation.settings.model import Satellite, Settings

State = Literal["fresh", "late", "never", "switched off", "not in the settings"]

_MOST_URGENT_FIRST: Final[tuple[State, ...]] = ("late", "never", "fresh", "switched off", "not in the settings")
_STYLES: Final = {"fresh": "green", "late": "red", "never": "red", "switched off": "dim", "not in the settings": "dim"}
_COUNTS: Final = ("rows", "pending", "waiting", "quarantined")


@dataclass(frozen=True, slots=True)
class DocTypeStatus:
    """How a DocType of a satellite stands; the JSON of `doctypes`.

    Attributes:
        state: fresh; late, where a scheduled run has come and gone without it; never, where no sync has brought it
            whole yet; or why nobody expects it to be fresh.
        as_of: the documents are complete as of then (UTC); null where they never were.
        rows: documents.
        pending: documents that the site is known to have in a later state.
        waiting: documents on the lake that are merged once their walk is complete.
        quarantined: documents set aside because they don't fit.
        last_change: the newest `modified` of the documents, in UTC.
    """

    doctype: str
    state: State
    as_of: datetime | None = None
    rows: int = 0
    pending: int = 0
    waiting: int = 0
    quarantined: int = 0
    last_change: datetime | None = None


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
    def has_nothing(self) -> bool:
        """No DocType of it was ever brought, not even in part."""
        return not any(doctype.as_of or doctype.rows or doctype.waiting for doctype in self.doctypes)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """How the published mothership stands; the JSON of `federation status --json`.

    Attributes:
        mothership: its file.
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
        return not any(satellite.state in ("late", "never") for satellite in self.satellites)


def status(settings_file: Path | None, *, as_json: bool) -> Status:
    """Show how each DocType of each satellite stands; FAILED where one is late or was never brought whole.

    Raises:
        SettingsError: a mistake in the settings.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    with published(settings) as mothership:
        freshness = None if mothership is None else mothership.freshness()
    report = report_of(settings, freshness, datetime.now(UTC))
    if as_json:
        print_json(report)
    else:
        answers().print(freshness_table(report))
        if not report.published:
            advice = f"There is no mothership at {report.mothership} yet: run `federation sync`."
            remark(advice)
    return Status.DONE if report.ok else Status.FAILED


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
        str(settings.mothership_file),
        freshness is not None,
        now,
        tuple(_satellite_status(name, settings, by_satellite[name], bound) for name in by_satellite),
    )


def _satellite_status(name: str, settings: Settings, found: Iterable[Freshness], bound: datetime) -> SatelliteStatus:
    satellite = settings.satellites.get(name)
    brought = {fresh.doctype: fresh for fresh in found}
    expected = settings.selection(satellite).names if satellite and satellite.enabled else ()
    doctypes = tuple(
        _doctype_status(brought[doctype], _state(settings, satellite, brought[doctype], bound))
        if doctype in brought
        else DocTypeStatus(doctype, "never")
        for doctype in sorted({*brought, *expected})
    )
    states = {doctype.state for doctype in doctypes}
    alone: State = "never" if satellite and satellite.enabled else "switched off"
    return SatelliteStatus(name, next((state for state in _MOST_URGENT_FIRST if state in states), alone), doctypes)


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
    )


def _state(settings: Settings, satellite: Satellite | None, fresh: Freshness, bound: datetime) -> State:
    if satellite is None:
        return "not in the settings"
    if not satellite.enabled:
        return "switched off"
    selection = settings.selection(satellite)
    # Which module a DocType is in, only the site can tell: with modules selected, any may be wanted.
    if not selection.modules and not selection.matches(fresh.doctype, ""):
        return "not in the settings"
    if fresh.as_of is None:
        return "never"
    return "late" if fresh.as_of < bound else "fresh"


def freshness_table(report: StatusReport) -> Table:
    """Return the report as a table: a row a DocType of a satellite."""
    numbers = ("as of (UTC)", "age", *_COUNTS, "last change (UTC)")
    sections = (_section(satellite, report.now) for satellite in report.satellites)
    return table_of_sections(("satellite", "DocType", "state", *numbers), sections, numbers=numbers)


def _section(satellite: SatelliteStatus, now: datetime) -> Iterator[tuple[Text, ...]]:
    name = Text(satellite.satellite, "bold")
    if satellite.has_nothing:
        note = Text(f"{len(satellite.doctypes):,} DocTypes", "dim") if satellite.doctypes else nothing()
        yield name, note, Text(satellite.state, _STYLES[satellite.state])
        return
    for doctype in satellite.doctypes:
        yield (
            name,
            plain(doctype.doctype),
            Text(doctype.state, _STYLES[doctype.state]),
            Text(instant(doctype.as_of)) if doctype.as_of else nothing(),
            Text(age_in_words(doctype.as_of, now)) if doctype.as_of else nothing(),
            number(doctype.rows),
            number(doctype.pending, "yellow"),
            number(doctype.waiting, "yellow"),
            number(doctype.quarantined, "yellow"),
            Text(instant(doctype.last_change), "dim") if doctype.last_change else nothing(),
        )
        name = Text()

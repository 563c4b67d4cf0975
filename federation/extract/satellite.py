"""Satellite: one run over the selected DocTypes of one site, under its lock, from the opening to the closing commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from connectors.frappe import (
    Credentials,
    DocTypeError,
    FrappeSession,
    SiteFacts,
    TransientError,
    probe,
)
from connectors.frappe import Limits as WireLimits
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.clock import ObservedClock
from federation.extract.deletions import Deletions, read_deletions
from federation.extract.documents import DocumentReading, document_reading
from federation.extract.errors import ClockAstray, DocTypeFailed, NoTimeZone
from federation.extract.lock import only_run
from federation.extract.outcome import DocTypeOutcome, Progress
from federation.extract.selected import select
from federation.extract.walk import Limits, RunContext, Walk, Walked
from federation.lake.manifest import DocTypeState, Position
from federation.lake.run import LakeRun, new_run_id
from federation.lake.storage import open_lake
from federation.policy.fleet import FleetPolicy
from federation.settings.errors import Problem, SettingsError
from federation.settings.model import Satellite, Settings

_CLOCK_ERROR: Final = timedelta(seconds=2)
"""The `Date` header is cut to whole seconds, and some servers make it only once a second."""
_CLOCK_ASTRAY: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a caller may ask of a run.

    Attributes:
        doctypes: only these, else all that the settings select.
        full: walk from the beginning and prove absences (the nightly run), else only what changed.
        allow_mass_delete: believe the site although more documents than the setting allows are gone.
    """

    doctypes: tuple[str, ...] | None = None
    full: bool = False
    allow_mass_delete: bool = False


def extract(
    settings: Settings, satellite: Satellite, options: RunOptions, progress: Progress
) -> Iterator[DocTypeOutcome]:
    """Read what changed on one satellite and commit it to its lake; yield each DocType as it ends.

    A DocType that fails is yielded as failed and stays where it was. When the satellite fails as a whole, what was
    committed stands and the next run goes on from there.

    Raises:
        SatelliteBusy: another run of the satellite is under way.
        FrappeError: the site is down, refuses the key, or isn't Frappe.
        NoTimeZone, ClockAstray: its times can't be placed.
        LakeError: the lake can't be written, or another machine writes it.
        SettingsError: a secret can't be had; nothing was started.
    """
    clock = ObservedClock()
    with only_run(settings, satellite), open_session(satellite, clock) as session:
        run = LakeRun.open(open_lake(settings.lake, satellite.name), "rest", new_run_id(datetime.now(UTC)))
        clock.rise_above(run.observed_floor)
        yield from _Extraction(settings, satellite, options, progress, session, run, clock).outcomes()


def open_session(satellite: Satellite, clock: ObservedClock | None = None) -> FrappeSession:
    """Return a session of the satellite as its settings say.

    Raises:
        SettingsError: the key or the secret can't be had or used, or the CA file isn't there.
    """
    limits = WireLimits(
        connections=satellite.connections,
        page_rows=satellite.page_rows,
        read_timeout=satellite.read_timeout_seconds,
    )
    verify = satellite.verify if satellite.verify is True else str(satellite.verify)
    try:
        credentials = Credentials(satellite.api_key(), satellite.api_secret())
        return FrappeSession(satellite.url, credentials, limits, verify=verify, clock=clock or ObservedClock())
    except ValueError as error:
        problem = Problem(str(error), "correct it, then run `federation check`", f"satellites.{satellite.name}")
        raise SettingsError([problem]) from error


@dataclass
class _Extraction:
    settings: Settings
    satellite: Satellite
    options: RunOptions
    progress: Progress
    session: FrappeSession
    run: LakeRun
    clock: ObservedClock
    _deletions: Deletions | None = None
    _walked: dict[str, Walked] = field(default_factory=dict)
    _last_was_transient: bool = False

    def outcomes(self) -> Iterator[DocTypeOutcome]:
        """Yield what became of each DocType; however the run ends, it ends with a closing commit."""
        try:
            yield from self._read()
        finally:
            self._close()

    def _read(self) -> Iterator[DocTypeOutcome]:
        through = self.clock()
        facts = probe(self.session)
        zone = self._zone(facts)
        # A late bound reads a little more of what happens meanwhile; an early one would leave out what happened before.
        until = self._site_time(through + _CLOCK_ERROR, facts, zone)
        if not self.run.deleted.modified:
            # Committed at once: a first load that is killed would lose the deletions up to the next run.
            self.run.commit(deleted=Position(self._site_time(through - _CLOCK_ERROR, facts, zone)))
        known = self.run.schema or SatelliteSchema(self.satellite.name)
        wanted = self.settings.selection(self.satellite)
        selected = select(self.session, wanted, known, only=self.options.doctypes, now=through)
        if selected.schema != known:
            self.run.describe(selected.schema)
        self._deletions = read_deletions(
            self.session, self.run.deleted, until=until, page_rows=self.satellite.page_rows
        )
        for doctype, reason in selected.failures.items():
            yield self._fail(doctype, reason)
        fleet = FleetPolicy(self.settings)
        readings = [
            document_reading(self.satellite.name, doctype, selected.schema, zone.key, fleet)
            for doctype in selected.doctypes
        ]
        with ThreadPoolExecutor(self.satellite.connections, "child-tables") as child_tables:
            context = RunContext(
                self.session,
                self.run,
                self.clock,
                Limits(self.satellite.page_rows, self.settings.batch_rows, self.settings.max_delete_share),
                until=until,
                through=through,
                in_parallel=child_tables.map,
                progress=self.progress,
                validate=self.settings.validation,
                frappe_major=_major(facts.versions.get("frappe", "")),
                allow_mass_delete=self.options.allow_mass_delete,
            )
            yield from self._walk_all(context, readings, self._deletions)

    def _walk_all(
        self, context: RunContext, readings: list[DocumentReading], deletions: Deletions
    ) -> Iterator[DocTypeOutcome]:
        """Walk DocTypes side by side, as many as the site bears connections; the site's failure stops them all."""
        with ThreadPoolExecutor(self.satellite.connections, "doctypes") as doctypes:
            walks = {
                doctypes.submit(self._walk, context, reading, deletions.names(reading.doctype)): reading.doctype
                for reading in readings
            }
            try:
                for ended in as_completed(walks):
                    yield self._ended(walks[ended], ended)
            finally:
                context.stop.set()
                doctypes.shutdown(cancel_futures=True)

    def _walk(self, context: RunContext, reading: DocumentReading, signals: Sequence[str]) -> Walked:
        context.stop_if_asked(reading.doctype)
        self.progress.started(reading.doctype)
        return Walk(context, reading, "full" if self.options.full else "changes", signals).run()

    def _ended(self, doctype: str, ended: Future[Walked]) -> DocTypeOutcome:
        """Return the outcome of a walk.

        One time-out may be the DocType's own trouble. Two in a row, with nothing read in between, are the site's, and
        asking for the other DocTypes would only wait as long again for each.

        Raises:
            FrappeError: the site as a whole failed.
        """
        try:
            walked = ended.result()
        except TransientError as error:
            if self._last_was_transient:
                raise
            self._last_was_transient = True
            return self._fail(doctype, str(error))
        except (DocTypeError, DocTypeFailed) as error:
            return self._fail(doctype, str(error))
        self._last_was_transient = False
        self._walked[doctype] = walked
        self.progress.ended(walked.outcome)
        return walked.outcome

    def _fail(self, doctype: str, reason: str) -> DocTypeOutcome:
        outcome = DocTypeOutcome(doctype, "failed", error=reason)
        self.progress.ended(outcome)
        return outcome

    def _close(self) -> None:
        """Say in the closing manifest what needed no commit of its own.

        That are DocTypes in which nothing had changed, and how far the list of deletions is read: what it says of a
        DocType that wasn't walked to its end becomes names to read again, so that the list is never read twice.
        """
        waiting = [walked for walked in self._walked.values() if not walked.committed]
        states = {walked.completed.doctype: walked.state for walked in waiting}
        if self._deletions is not None:
            states.update(self._signalled(self._deletions))
        self.run.close(
            completed=[walked.completed for walked in waiting],
            states=states,
            deleted=self._deletions.reached if self._deletions is not None else None,
            observed=self.clock.last,
        )

    def _signalled(self, deletions: Deletions) -> Iterator[tuple[str, DocTypeState]]:
        """DocTypes that are still wanted, were read before, and weren't walked to their end although signalled."""
        wanted = self.settings.selection(self.satellite)
        shapes = self.run.schema.doctypes if self.run.schema else {}
        for doctype in deletions.by_doctype.keys() & self.run.doctypes & shapes.keys() - self._walked.keys():
            if wanted.matches(doctype, shapes[doctype].module):
                state = self.run.state(doctype)
                pending = dict.fromkeys((*state.position.pending, *deletions.names(doctype)))
                yield doctype, replace(state, position=replace(state.position, pending=tuple(pending)))

    def _zone(self, facts: SiteFacts) -> ZoneInfo:
        told = self.satellite.time_zone or facts.time_zone or ""
        try:
            return ZoneInfo(told)
        except (KeyError, ValueError, OSError) as error:
            raise NoTimeZone(self.satellite.name, told) from error

    def _site_time(self, instant: datetime, facts: SiteFacts, zone: ZoneInfo) -> str:
        """Return the site's local time at `instant`, as the site writes `modified`."""
        skew = facts.clock_skew or timedelta(0)
        if abs(skew) > _CLOCK_ASTRAY:
            raise ClockAstray(self.satellite.name, skew.days)
        return (instant + skew).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S.%f")


def _major(version: str) -> int | None:
    """Return 15 of "15.44.2", None of what is no version."""
    head = version.partition(".")[0]
    return int(head) if head.isascii() and head.isdigit() else None

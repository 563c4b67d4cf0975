"""Satellite: one run over the selected DocTypes of one site, under its lock, from the opening to the closing commit."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from connectors.frappe import (
    Credentials,
    DocTypeError,
    SiteFacts,
    TransientError,
    detect_manners,
    probe,
)
from connectors.frappe import Limits as WireLimits
from federation.contract.satellite_schema import SatelliteSchema
from federation.data_docs import DataDocs
from federation.drift.reactions import reactions_for
from federation.erasure.links import keeping_away
from federation.erasure.register import read_suppression, suppress
from federation.erasure.suppression import Suppression
from federation.extract.aggregates import read_aggregate
from federation.extract.asking import SiteSession
from federation.extract.clock import ObservedClock
from federation.extract.context import Limits, RunContext
from federation.extract.doctype_run import Depth, note_new_fields, run_doctype
from federation.extract.documents import DocumentReading, document_reading, unhashable_names
from federation.extract.drift_watch import DriftWatch
from federation.extract.errors import ClockAstray, DocTypeFailed, NoTimeZone
from federation.extract.identity import choose_anchors, recognise
from federation.extract.lock import only_run
from federation.extract.outcome import DocTypeOutcome, Progress
from federation.extract.selected import Selected, select
from federation.extract.signals import Signals, read_signals, renamed_of, without_erased
from federation.extract.site_time import SiteClock
from federation.extract.site_time import window as site_window
from federation.extract.suites import Expected
from federation.lake.manifest import DocTypeState, SiteState
from federation.lake.run import LakeRun, new_run_id
from federation.lakes import lake_folder
from federation.mapping.satellite_mapping import SatelliteMapping, mapping_of
from federation.policy.fleet import FleetPolicy
from federation.policy.rules import SatellitePolicy, policy_for
from federation.settings.aggregates import Aggregate
from federation.settings.errors import Problem, SettingsError
from federation.settings.expectations import WrittenExpectations, load_expectations
from federation.settings.model import Satellite, Settings

_LOG: Final = logging.getLogger(__name__)
_CLOCK_ASTRAY: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a caller may ask of a run.

    Attributes:
        doctypes: only these, else all that the settings select.
        depth: `changes` (hourly); `reconcile`: also what changes can't tell, within the settings' budget (nightly);
            `full`: everything is read again.
        allow_mass_delete: believe the site although more documents than the setting allows are gone.
        replay: DocType → names that are read anew, whatever `modified` says.
    """

    doctypes: tuple[str, ...] | None = None
    depth: Depth = "changes"
    allow_mass_delete: bool = False
    replay: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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
        LakeError: the lake can't be written, another machine writes it, or the satellite's log lies on another lake.
        SettingsError: a secret can't be had, or expectations are mistaken; nothing was started.
        SuppressionDamaged: it isn't known which documents are erased.
    """
    clock = ObservedClock()
    expectations = load_expectations(settings)
    with only_run(settings, satellite), open_session(satellite, clock) as session:
        folder = lake_folder(settings, satellite.name)
        suppression = read_suppression(settings, folder)
        run = LakeRun.open(folder, "rest", new_run_id(datetime.now(UTC)))
        clock.rise_above(run.observed_floor)
        yield from _Extraction(
            settings, satellite, options, progress, session, run, clock, expectations, suppression
        ).outcomes()


def open_session(satellite: Satellite, clock: ObservedClock | None = None) -> SiteSession:
    """Return a session of the satellite as its settings say.

    Raises:
        SettingsError: the key, the secret or the proxy can't be had or used, or the CA file isn't there.
    """
    limits = WireLimits(
        connections=satellite.connections,
        page_rows=satellite.page_rows,
        read_timeout=satellite.read_timeout_seconds,
    )
    verify = satellite.verify if satellite.verify is True else str(satellite.verify)
    try:
        credentials = Credentials(satellite.api_key(), satellite.api_secret())
        return SiteSession(
            satellite.url,
            credentials,
            limits,
            site_name=satellite.site,
            proxy=satellite.proxy_url(),
            verify=verify,
            names=mapping_of(satellite).names,
            clock=clock or ObservedClock(),
        )
    except ValueError as error:
        problem = Problem(str(error), "correct it, then run `federation check`", f"satellites.{satellite.name}")
        raise SettingsError([problem]) from error


@dataclass
class _Extraction:
    settings: Settings
    satellite: Satellite
    options: RunOptions
    progress: Progress
    session: SiteSession
    run: LakeRun
    clock: ObservedClock
    expectations: WrittenExpectations
    suppression: Suppression
    _docs: DataDocs = field(init=False)
    _signals: Signals | None = None
    _site: SiteState = field(default_factory=SiteState)
    _ended: set[str] = field(default_factory=set)
    _aggregates: dict[str, Aggregate] = field(default_factory=dict)
    _last_was_transient: bool = False
    _drift: DriftWatch = field(init=False)

    def __post_init__(self) -> None:
        reactions = reactions_for(self.settings, self.satellite.name)
        self._drift = DriftWatch(self.run, reactions, FleetPolicy(self.settings).keeps)
        self._docs = DataDocs(self.settings, self.satellite.name)

    def outcomes(self) -> Iterator[DocTypeOutcome]:
        """Yield what became of each DocType; however the run ends, it ends with a closing commit."""
        # A site can't be recognised by names that the lake doesn't have.
        anchors = tuple(each for each in self.run.site.anchors if each.doctype not in self._policy.name_keys)
        self._site = replace(self.run.site, anchors=anchors)
        try:
            # Its walks have ended when the closing commit is written, also where the caller wants no more outcomes.
            with closing(self._read()) as outcomes:
                for outcome in outcomes:
                    yield dataclasses.replace(outcome, drift=self._drift.seen(outcome.doctype))
                    self._drift.has_told(outcome.doctype)
        finally:
            self._close()

    def _read(self) -> Generator[DocTypeOutcome]:
        began = self.clock()
        facts = probe(self.session)
        site_clock = self._site_clock(facts)
        wanted = self.settings.selection(self.satellite)
        known_by = tuple(anchor for anchor in self._site.anchors if anchor.doctype not in wanted.held_back)
        anchors = () if self.options.allow_mass_delete else known_by
        self._site = replace(self._site, anchors=recognise(self.session, self.satellite.name, anchors))
        overlap = timedelta(seconds=self.settings.overlap_seconds)
        if self._site.begun is None:
            # Committed at once: a first load that is killed would lose what is deleted up to the next run.
            bound = site_window(site_clock, began, begun=None, bound="", overlap=overlap).bound
            self._site = replace(self._site, begun=began, until=bound)
            self.run.commit(site=self._site)
        window = site_window(site_clock, began, begun=self._site.begun, bound=self._site.until, overlap=overlap)
        known = self.run.schema or SatelliteSchema(self.satellite.name)
        aggregates, mapping = self.settings.aggregates_of(self.satellite), mapping_of(self.satellite)
        selected = select(
            self.session, wanted, known, mapping, only=self.options.doctypes, now=began, aggregates=aggregates
        )
        self._aggregates = {aggregate.name: aggregate for aggregate in selected.aggregates}
        self._hide_names(selected)
        schema = self._drift.follow(known, selected.schema, selected.doctypes)
        readings = self._readings((*selected.doctypes, *self._aggregates), schema, site_clock.zone, mapping)
        new = {reading.doctype for reading in readings if note_new_fields(self.run, reading, known, schema)}
        if schema != known:
            self.run.describe(schema)
        signals = read_signals(self.session, window, page_rows=self.satellite.page_rows, held_back=wanted.held_back)
        self._signals = self._allowed(signals)
        readings = [keeping_away(reading, schema, self.suppression) for reading in readings]
        self._site = replace(self._site, begun=began, until=window.bound, zone=self._noted_zone(site_clock.zone.key))
        for doctype, reason in selected.failures.items():
            yield self._fail(doctype, reason)
        with ThreadPoolExecutor(self.satellite.connections, "child-tables") as child_tables:
            context = RunContext(
                self.session,
                self.run,
                self.clock,
                self._limits(overlap),
                began=began,
                site_clock=site_clock,
                manners=detect_manners(self.session),
                in_parallel=child_tables.map,
                progress=self.progress,
                expected=expected_of(self.settings, self.expectations, facts),
                allow_mass_delete=self.options.allow_mass_delete,
                suppression=self.suppression,
            )
            yield from self._walk_all(context, readings, schema, new)
        if not self._site.anchors:
            documents = [reading for reading in readings if reading.doctype not in self._aggregates]
            self._site = replace(self._site, anchors=choose_anchors(self.run, documents))

    def _readings(
        self, doctypes: Iterable[str], schema: SatelliteSchema, zone: ZoneInfo, mapping: SatelliteMapping
    ) -> list[DocumentReading]:
        fleet = FleetPolicy(self.settings)
        held_back = self.settings.selection(self.satellite).held_back
        return [
            document_reading(
                self.satellite.name, doctype, schema, zone.key, fleet, mapping=mapping, held_back=held_back
            )
            for doctype in doctypes
        ]

    @property
    def _policy(self) -> SatellitePolicy:
        return policy_for(self.settings, self.satellite)

    def _hide_names(self, selected: Selected) -> None:
        """Let the session show documents under hashes of their names where the policy says so.

        Raises:
            SettingsError: a DocType's names can't be hashed, or the key can't be had.
        """
        names = self._policy.name_keys
        problems = [
            Problem(
                f"names of {doctype} can't be hashed at {self.satellite.name}: {reason}", "remove the rule", "policy"
            )
            for doctype in names
            if (reason := unhashable_names(selected.schema.doctypes.get(doctype)))
        ]
        if problems:
            raise SettingsError(problems)
        self.session.hide({doctype: action.key() for doctype, action in names.items()})
        theirs = {theirs: ours for ours, theirs in self.session.names.doctypes.items()}
        self.suppression = dataclasses.replace(self.suppression, hashed=self.session.books, doctypes=theirs)

    def _allowed(self, signals: Signals) -> Signals:
        """Signals without erased documents; where the site renamed one, its new name is kept away too."""
        renamed = renamed_of(signals, self.suppression)
        if renamed:
            longer = suppress(
                self.run.folder, self.suppression.key, renamed, reason="renamed on the site", now=datetime.now(UTC)
            )
            self.suppression = dataclasses.replace(self.suppression, pseudonyms=longer.pseudonyms)
        return without_erased(signals, self.suppression)

    def _limits(self, overlap: timedelta) -> Limits:
        return Limits(
            page_rows=self.satellite.page_rows,
            batch_rows=self.settings.batch_rows,
            delete_share=self.settings.max_delete_share,
            compare_rows=self.settings.reconcile.compare_rows,
            reread_rows=self.settings.reconcile.reread_rows,
            overlap=overlap,
        )

    def _walk_all(
        self, context: RunContext, readings: list[DocumentReading], schema: SatelliteSchema, new: Collection[str]
    ) -> Iterator[DocTypeOutcome]:
        """Walk DocTypes side by side, as many as the site bears connections; the site's failure stops them all."""
        with ThreadPoolExecutor(self.satellite.connections, "doctypes") as doctypes:
            walks = {
                doctypes.submit(self._walk, context, reading, schema, reading.doctype in new): reading.doctype
                for reading in readings
            }
            try:
                for ended in as_completed(walks):
                    yield self._outcome(walks[ended], ended)
            finally:
                context.stop.set()
                self.session.stop()
                doctypes.shutdown(cancel_futures=True)

    def _walk(
        self, context: RunContext, reading: DocumentReading, schema: SatelliteSchema, has_new_fields: bool
    ) -> DocTypeOutcome:
        context.stop_if_asked(reading.doctype)
        self.progress.started(reading.doctype)
        if (aggregate := self._aggregates.get(reading.doctype)) is not None:
            return read_aggregate(context, reading, aggregate, schema.doctypes[reading.doctype])
        signals = self._signals or Signals()
        return run_doctype(
            context,
            reading,
            schema,
            signals,
            depth=self.options.depth,
            has_new_fields=has_new_fields,
            replay=self.options.replay.get(reading.doctype, ()),
        )

    def _outcome(self, doctype: str, ended: Future[DocTypeOutcome]) -> DocTypeOutcome:
        """Return the outcome of a DocType.

        One time-out may be the DocType's own trouble. Two in a row, with nothing read in between, are the site's, and
        asking for the other DocTypes would only wait as long again for each.

        Raises:
            FrappeError: the site as a whole failed.
        """
        try:
            outcome = ended.result()
        except TransientError as error:
            if self._last_was_transient:
                raise
            self._last_was_transient = True
            return self._fail(doctype, str(error))
        except (DocTypeError, DocTypeFailed) as error:
            return self._fail(doctype, str(error))
        self._last_was_transient = False
        self._ended.add(doctype)
        if outcome.reports:
            page = self._docs.write(doctype, "rows", outcome.report)
            outcome = dataclasses.replace(outcome, data_docs=page, data_docs_failure=self._docs.failure)
        self.progress.ended(outcome)
        return outcome

    def _fail(self, doctype: str, reason: str) -> DocTypeOutcome:
        outcome = DocTypeOutcome(doctype, "failed", error=reason)
        self.progress.ended(outcome)
        return outcome

    def _close(self) -> None:
        """Say in the closing manifest how far the site's own lists are read.

        What they say of a DocType that wasn't walked to its end becomes names to read again, so that the lists are
        never read twice.
        """
        self._drift.close()
        if self._signals is not None:
            self.run.note(dict(self._signalled(self._signals)), [])
        self.run.close(site=self._site if self._signals is not None else None, observed=self.clock.last)
        self._docs.close(self.run.schema.doctypes if self.run.schema else ())

    def _signalled(self, signals: Signals) -> Iterator[tuple[str, DocTypeState]]:
        """DocTypes that are still wanted, were read before, and weren't walked to their end although signalled."""
        wanted = self.settings.selection(self.satellite)
        shapes = self.run.schema.doctypes if self.run.schema else {}
        for doctype in signals.doctypes & self.run.doctypes & shapes.keys() - self._ended:
            if wanted.matches(doctype, shapes[doctype].module):
                state = self.run.state(doctype)
                pending = dict.fromkeys((*state.position.pending, *signals.names(doctype)))
                yield doctype, replace(state, position=replace(state.position, pending=tuple(pending)))

    def _site_clock(self, facts: SiteFacts) -> SiteClock:
        skew = facts.clock_skew or timedelta(0)
        if abs(skew) > _CLOCK_ASTRAY:
            raise ClockAstray(self.satellite.name, skew.days)
        return SiteClock(self._zone(facts), skew)

    def _noted_zone(self, zone: str) -> str:
        if self._site.zone not in ("", zone):
            _LOG.warning(
                "%s: the site's time zone was %s and is %s now; the UTC columns of its documents follow as these are "
                "read again, all of them with `federation sync --full`",
                self.satellite.name,
                self._site.zone,
                zone,
            )
        return zone

    def _zone(self, facts: SiteFacts) -> ZoneInfo:
        told = self.satellite.time_zone or facts.time_zone or ""
        try:
            return ZoneInfo(told)
        except (KeyError, ValueError, OSError) as error:
            raise NoTimeZone(self.satellite.name, told) from error


def expected_of(settings: Settings, written: WrittenExpectations, facts: SiteFacts) -> Expected | None:
    """Return what documents of a site have to meet, None where nothing is judged."""
    if not settings.validation:
        return None
    # "15" of "15.44.2"; what is no version tells nothing.
    major = facts.versions.get("frappe", "").partition(".")[0]
    known = int(major) if major.isascii() and major.isdigit() else None
    return Expected(written, settings.reject_by_metadata, known)

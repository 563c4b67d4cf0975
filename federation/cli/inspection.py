"""Inspection: one satellite looked at as a run would see it, without reading a document or writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from connectors.frappe import DocTypeError, FrappeError, FrappeSession, SiteFacts, probe, read_named
from federation.cli.readiness import missing_secrets
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.documents import document_reading
from federation.extract.errors import NoTimeZone
from federation.extract.satellite import open_session
from federation.extract.selected import select
from federation.policy.fleet import FleetPolicy
from federation.settings.errors import SettingsError
from federation.settings.model import Satellite, Settings
from federation.settings.selection import Selection

_NOBODY: Final = "~federation check~"
"""The name of a document that no site has: asking for it shows whether lists are allowed, and gives nothing away."""
_CLOCK_TOLERANCE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Findings:
    """What an inspection found; the JSON of `satellites` in `federation check --json`.

    Attributes:
        ok: a sync would read everything that the settings ask for.
        error: why nothing can be read; "" where something can.
        user: whose key we hold; "" where the site didn't tell.
        versions: app → version.
        time_zone: of the site's local times, as the settings or else the site say; "" where neither does.
        clock_skew_seconds: the site's clock minus ours; null where the site didn't tell.
        jurisdiction: as the settings say; "" where they don't.
        doctypes: those that can be read.
        unreadable: DocType → why it can't be read.
        remarks: what is odd but stops nothing.
    """

    satellite: str
    url: str
    ok: bool
    error: str = ""
    user: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = ""
    clock_skew_seconds: float | None = None
    jurisdiction: str = ""
    doctypes: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def inspect(settings: Settings, satellite: Satellite) -> tuple[Findings, SatelliteSchema | None]:
    """Return what a run would meet on the satellite, and how it describes its DocTypes (None if it failed)."""
    missing = missing_secrets(satellite)
    if missing:
        return _failed(
            satellite, "; ".join(f"{problem.what} ({problem.key}): {problem.fix}" for problem in missing)
        ), None
    try:
        with open_session(satellite) as session:
            return _inspected(settings, satellite, session)
    except (FrappeError, SettingsError, NoTimeZone) as error:
        return _failed(satellite, str(error)), None


def _inspected(settings: Settings, satellite: Satellite, session: FrappeSession) -> tuple[Findings, SatelliteSchema]:
    facts = probe(session)
    zone = satellite.time_zone or facts.time_zone
    if zone is None:
        raise NoTimeZone(satellite.name)
    selection = settings.selection(satellite)
    selected = select(session, selection, SatelliteSchema(satellite.name), only=None, now=datetime.now(UTC))
    fleet = FleetPolicy(settings)

    def refusal(doctype: str) -> str:
        """Return why the documents of `doctype` can't be listed, "" if they can."""
        reading = document_reading(satellite.name, doctype, selected.schema, zone, fleet)
        try:
            for _ in read_named(session, reading.parent.wire, [_NOBODY]):
                pass
        except DocTypeError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(satellite.connections) as pool:
        refusals = dict(zip(selected.doctypes, pool.map(refusal, selected.doctypes), strict=True))
    unreadable = {**selected.failures, **{doctype: why for doctype, why in refusals.items() if why}}
    findings = Findings(
        satellite.name,
        satellite.url,
        ok=not unreadable,
        user=facts.user,
        versions=facts.versions,
        time_zone=zone,
        clock_skew_seconds=None if facts.clock_skew is None else round(facts.clock_skew.total_seconds(), 1),
        jurisdiction=satellite.jurisdiction or "",
        doctypes=tuple(doctype for doctype, why in refusals.items() if not why),
        unreadable=unreadable,
        remarks=tuple(_remarks(satellite, facts, selection, selected.schema)),
    )
    return findings, selected.schema


def _failed(satellite: Satellite, error: str) -> Findings:
    return Findings(satellite.name, satellite.url, ok=False, error=error, jurisdiction=satellite.jurisdiction or "")


def _remarks(satellite: Satellite, facts: SiteFacts, selection: Selection, schema: SatelliteSchema) -> Iterator[str]:
    if satellite.time_zone and facts.time_zone and satellite.time_zone != facts.time_zone:
        yield f"the site says its time zone is {facts.time_zone}; the settings, which win, say {satellite.time_zone}."
    if facts.clock_skew and abs(facts.clock_skew) > _CLOCK_TOLERANCE:
        skew = facts.clock_skew.total_seconds()
        yield f"the site's clock differs from ours by {skew:+,.0f} s: set one of them right."
    modules = {described.module for described in schema.doctypes.values()}
    idle = [
        *(pattern for pattern in selection.patterns if not any(fnmatchcase(name, pattern) for name in schema.doctypes)),
        *(module for module in selection.modules if not any(fnmatchcase(name, module) for name in modules)),
    ]
    for pattern in idle:
        yield f"`{pattern}` matches no DocType: correct it, or let the API user list DocTypes, as System Managers may."

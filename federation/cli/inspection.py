"""Inspection: one satellite looked at as a run would see it, and where it would see less than is there.

Nothing is written, and of each table one row is read at most. A satellite costs about 15 requests, and a DocType 7 or
8, its metadata included, with one more for each of its child tables: some 600 for 60 DocTypes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Final
from zoneinfo import ZoneInfo

from connectors.frappe import FrappeError, FrappeSession, SatelliteError, SiteFacts, probe
from connectors.frappe.permissions import (
    SYSTEM_MANAGER,
    Change,
    UserRights,
    may_list,
    missing_doctypes,
    read_user_rights,
)
from federation.cli.holes import Hole, Sounding, some, sound, sound_aggregate
from federation.cli.own_lists import OWN_LISTS
from federation.cli.readiness import missing_secrets
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.documents import document_reading, unhashable_names
from federation.extract.errors import NoTimeZone, UnfitExpectations
from federation.extract.satellite import expected_of, open_session
from federation.extract.selected import Selected, select
from federation.extract.suites import suites_of
from federation.mapping.satellite_mapping import mapping_of
from federation.mapping.words import mapping_in_words
from federation.policy.fleet import FleetPolicy
from federation.policy.name_repeats import name_repeats
from federation.policy.rules import SatellitePolicy, policy_for
from federation.settings.errors import SettingsError
from federation.settings.expectations import load_expectations
from federation.settings.model import Satellite, Settings
from federation.settings.selection import Selection

_CLOCK_TOLERANCE: Final = timedelta(minutes=1)
_NOT_HERE: Final = (
    " Where the server carries several sites, as on Frappe Cloud and Press, name this one under `site`; where it is "
    "served under a path, put that into `url`."
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What an inspection found; the JSON of `satellites` in `federation check --json`.

    Attributes:
        ok: a sync would read everything that the settings ask for.
        error: why nothing can be read; "" where something can.
        user: whose key we hold; "" where the site didn't tell.
        roles: of that user; null where the site doesn't tell.
        user_permissions: DocType → the only names that the user may see; null where the site doesn't tell.
        read_only: the user can change neither a document of the selected DocTypes nor, as System Managers can, the
            site itself; null where the site doesn't tell.
        may_change: DocType → what the user may do to its documents: write, create, delete.
        versions: app → version.
        time_zone: of the site's local times, as the settings or else the site say; "" where neither does.
        clock_skew_seconds: the site's clock minus ours; null where the site didn't tell.
        jurisdiction: as the settings say; "" where they don't.
        doctypes: those that can be read.
        documents: DocType → how many documents lists show; those that the site counts.
        unreadable: DocType → why it can't be read.
        holes: what a sync would lack of DocTypes that can be read.
        uncounted: DocTypes of which can't be told whether lists show all of their documents.
        own_lists: the site's own list → whether the user may read it.
        broken_links: DocType that the site doesn't have → the fields that link to it.
        mapped: what the site calls otherwise than the fleet, a sentence a DocType.
        remarks: what is odd but stops nothing.
    """

    satellite: str
    url: str
    ok: bool
    error: str = ""
    user: str = ""
    roles: tuple[str, ...] | None = None
    user_permissions: Mapping[str, tuple[str, ...]] | None = None
    read_only: bool | None = None
    may_change: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = ""
    clock_skew_seconds: float | None = None
    jurisdiction: str = ""
    doctypes: tuple[str, ...] = ()
    documents: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    holes: tuple[Hole, ...] = ()
    uncounted: tuple[str, ...] = ()
    own_lists: Mapping[str, bool] = field(default_factory=dict)
    broken_links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mapped: tuple[str, ...] = ()
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
    except SatelliteError as error:
        hint = _NOT_HERE if error.status == HTTPStatus.NOT_FOUND else ""
        return _failed(satellite, f"{error}{hint}"), None
    except (FrappeError, SettingsError, NoTimeZone) as error:
        return _failed(satellite, str(error)), None


def _inspected(settings: Settings, satellite: Satellite, session: FrappeSession) -> tuple[Findings, SatelliteSchema]:
    facts = probe(session)
    zone = _known_zone(satellite, facts)
    rights = read_user_rights(session, facts.user)
    own_lists = {own.doctype: may_list(session, own.doctype) for own in OWN_LISTS}
    selection = settings.selection(satellite)
    mapping = mapping_of(satellite)
    selected = select(
        session,
        selection,
        SatelliteSchema(satellite.name),
        mapping,
        only=None,
        now=datetime.now(UTC),
        aggregates=settings.aggregates_of(satellite),
    )
    fleet = FleetPolicy(settings)
    expected = expected_of(settings, load_expectations(settings), facts)
    aggregates = {aggregate.name: aggregate for aggregate in selected.aggregates}

    def sounding(doctype: str) -> Sounding:
        reading = document_reading(
            satellite.name, doctype, selected.schema, zone, fleet, mapping=mapping, held_back=selection.held_back
        )
        if doctype in aggregates:
            found = sound_aggregate(session, reading, aggregates[doctype], selected.schema.doctypes[doctype])
        else:
            found = sound(session, reading, selected.schema, rights.restrictions)
        try:
            if expected:
                suites_of(reading, expected)
        except UnfitExpectations as error:
            return replace(found, error=found.error or str(error))
        return found

    names = (*selected.doctypes, *aggregates)
    with ThreadPoolExecutor(satellite.connections) as pool:
        soundings = dict(zip(names, pool.map(sounding, names), strict=True))
    errors = {doctype: found.error for doctype, found in soundings.items() if found.error}
    unreadable = {**selected.failures, **errors}
    open_ones = {doctype: found for doctype, found in soundings.items() if not found.error}
    holes = tuple(hole for found in soundings.values() for hole in found.holes)
    told = [found.changes for found in soundings.values()]
    may_change = {doctype: found.changes for doctype, found in soundings.items() if found.changes}
    is_manager = SYSTEM_MANAGER in (rights.roles or ())
    broken = _broken_links(session, selected)
    findings = Findings(
        satellite.name,
        satellite.url,
        ok=not unreadable and not holes,
        user=facts.user,
        roles=rights.roles,
        user_permissions=rights.restrictions,
        read_only=False if may_change or is_manager else None if None in told or not told else True,
        may_change=may_change,
        versions=facts.versions,
        time_zone=zone,
        clock_skew_seconds=None if facts.clock_skew is None else round(facts.clock_skew.total_seconds(), 1),
        jurisdiction=satellite.jurisdiction or "",
        doctypes=tuple(open_ones),
        documents={doctype: found.count.listed for doctype, found in open_ones.items() if found.count},
        unreadable=unreadable,
        holes=holes,
        uncounted=tuple(doctype for doctype, found in open_ones.items() if found.count is None),
        own_lists=own_lists,
        broken_links=broken,
        mapped=mapping_in_words(mapping),
    )
    remarks = (
        *_remarks_on_site(satellite, facts, selection, selected.schema),
        *_remarks_on_user(findings, rights),
        *_remarks_on_doctypes(findings, soundings),
        *_remarks_on_names(satellite, selected.schema, policy_for(settings, satellite)),
    )
    return replace(findings, remarks=remarks), selected.schema


def _known_zone(satellite: Satellite, facts: SiteFacts) -> str:
    zone = satellite.time_zone or facts.time_zone or ""
    try:
        return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError) as error:
        raise NoTimeZone(satellite.name, zone) from error


def _broken_links(session: FrappeSession, selected: Selected) -> dict[str, tuple[str, ...]]:
    """Return the DocTypes that fields of the selected ones link to and the site doesn't have."""
    linking: dict[str, list[str]] = {}
    for shape in selected.schema.doctypes.values():
        for linked in shape.fields.values():
            if linked.fieldtype == "Link" and linked.options and linked.present:
                linking.setdefault(linked.options, []).append(f"{shape.doctype}.{linked.fieldname}")
    missing = missing_doctypes(session, sorted(linking)) or ()
    return {doctype: tuple(linking[doctype]) for doctype in missing}


def _remarks_on_names(satellite: Satellite, schema: SatelliteSchema, policy: SatellitePolicy) -> Iterator[str]:
    for doctype in policy.name_keys:
        if reason := unhashable_names(schema.doctypes.get(doctype)):
            yield f"names of {doctype} can't be hashed, and {satellite.name} isn't read until the rule goes: {reason}."
    yield from name_repeats(schema.doctypes, policy)


def _failed(satellite: Satellite, error: str) -> Findings:
    return Findings(satellite.name, satellite.url, ok=False, error=error, jurisdiction=satellite.jurisdiction or "")


def _remarks_on_site(
    satellite: Satellite, facts: SiteFacts, selection: Selection, schema: SatelliteSchema
) -> Iterator[str]:
    if satellite.time_zone and facts.time_zone and satellite.time_zone != facts.time_zone:
        yield f"the site says its time zone is {facts.time_zone}; the settings, which win, say {satellite.time_zone}."
    if facts.clock_skew and abs(facts.clock_skew) > _CLOCK_TOLERANCE:
        skew = facts.clock_skew.total_seconds()
        yield f"the site's clock differs from ours by {skew:+,.0f} s: set one of them right."
    for pattern in idle_selectors(selection, schema):
        yield f"`{pattern}` matches no DocType: correct it, or let the API user list DocTypes, as System Managers may."


def idle_selectors(selection: Selection, schema: SatelliteSchema) -> tuple[str, ...]:
    """Return the patterns and modules of a selection that match no DocType of the schema."""
    modules = {described.module for described in schema.doctypes.values()}
    return (
        *(pattern for pattern in selection.patterns if not any(fnmatchcase(name, pattern) for name in schema.doctypes)),
        *(module for module in selection.modules if not any(fnmatchcase(name, module) for name in modules)),
    )


def _remarks_on_user(findings: Findings, rights: UserRights) -> Iterator[str]:
    if SYSTEM_MANAGER in (rights.roles or ()):
        yield f"{findings.user} is a System Manager and may change the site: `federation access` shows one who may not."
    if findings.may_change:
        told = (f"{doctype} ({', '.join(changes)})" for doctype, changes in findings.may_change.items())
        yield f"the API key may change documents, which reading doesn't take: {some(told)}. Untick it in its roles."
    if findings.read_only is None and findings.doctypes:
        yield "whether the API key may change documents can't be told: the site doesn't say."
    for lost in dict.fromkeys(own.lost for own in OWN_LISTS):
        closed = [own.doctype for own in OWN_LISTS if own.lost == lost and not findings.own_lists[own.doctype]]
        if closed:
            yield f"the API user may not list {', '.join(closed)}: {lost}."


def _remarks_on_doctypes(findings: Findings, soundings: Mapping[str, Sounding]) -> Iterator[str]:
    if findings.uncounted:
        names = some(findings.uncounted)
        yield f"whether lists show all documents can't be told, the site counts only what it shows: {names}."
    for doctype, found in soundings.items():
        if found.untold:
            yield f"{doctype} has no document yet that shows whether these fields come: {some(found.untold)}."
        if found.unlisted:
            tables = some(found.unlisted)
            yield (
                f"{doctype} is read document by document, some 30 a second: the site lists no rows of {tables} for "
                "this user, as Frappe 13 does with tables that are Custom Fields."
            )
    if findings.broken_links:
        links = (f"{fields[0]} → {doctype}" for doctype, fields in findings.broken_links.items())
        yield f"links lead to DocTypes that the site doesn't have: {some(links)}."

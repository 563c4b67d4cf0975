"""`federation access`: how to make a read-only API user on each site, by what the site says of its DocTypes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from connectors.frappe import FrappeError
from federation.cli.access_plan import (
    ROLE,
    AccessPlan,
    lost_without_system_manager,
    own_lists_of_role,
    rule_of,
    rules_of_aggregates,
    user_of,
)
from federation.cli.access_script import access_script
from federation.cli.access_text import show_plan
from federation.cli.asking import ask, ask_each
from federation.cli.described import described_schema
from federation.cli.exits import Status
from federation.cli.inspection import idle_selectors
from federation.cli.readiness import missing_secrets
from federation.cli.screen import answers, harmless, print_json
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.satellite import open_session
from federation.extract.selected import select
from federation.lake.errors import LakeError
from federation.mapping.satellite_mapping import mapping_of
from federation.policy.fleet import FleetPolicy
from federation.settings.errors import SettingsError
from federation.settings.model import Satellite, Settings

Form = Literal["text", "json", "script"]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a satellite's DocTypes, from where, and why not from the site."""

    doctypes: tuple[str, ...]
    schema: SatelliteSchema
    source: str
    why_not_asked: str = ""


@dataclass(frozen=True, slots=True)
class AccessReport:
    """The JSON of `federation access --json`."""

    satellites: tuple[AccessPlan, ...]


def access(settings_file: Path | None, names: Sequence[str], form: Form) -> Status:
    """Print how to make a read-only API user on the satellites named, or on all that are enabled.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: a satellite that the settings don't have.
    """
    plans = ask(settings_file, names, _plans)
    if form == "json":
        print_json(AccessReport(plans))
    elif form == "script":
        for plan in plans:
            sys.stdout.write(f"# {plan.satellite}: {plan.url}\n{harmless(plan.script)}")
    else:
        for plan in plans:
            show_plan(plan, answers())
    return Status.DONE


def _plans(settings: Settings, satellites: Sequence[Satellite]) -> tuple[AccessPlan, ...]:
    return ask_each(satellites, lambda satellite: _plan(settings, satellite))


def _plan(settings: Settings, satellite: Satellite) -> AccessPlan:
    known = _known(settings, satellite)
    fleet = FleetPolicy(settings)
    aggregates = settings.aggregates_of(satellite)
    rules = (
        *(rule_of(satellite, doctype, known.schema, fleet) for doctype in known.doctypes),
        *rules_of_aggregates(aggregates, known.schema),
    )
    user = user_of(satellite)
    return AccessPlan(
        satellite.name,
        satellite.url,
        ROLE,
        user,
        known.source,
        known.why_not_asked,
        rules,
        own_lists_of_role(),
        lost_without_system_manager(),
        idle_selectors(settings.selection(satellite), known.schema),
        access_script(ROLE, user, rules, own_lists_of_role()),
    )


def _known(settings: Settings, satellite: Satellite) -> _Known:
    """Ask the site; where it doesn't answer, believe the lake; before the first run, the settings alone."""
    if missing := missing_secrets(satellite):
        why = f"The site wasn't asked: {'; '.join(problem.what for problem in missing)}."
    else:
        try:
            with open_session(satellite) as session:
                empty, mapping = SatelliteSchema(satellite.name), mapping_of(satellite)
                wanted, aggregates = settings.selection(satellite), settings.aggregates_of(satellite)
                now = datetime.now(UTC)
                selected = select(session, wanted, empty, mapping, only=None, now=now, aggregates=aggregates)
                named = (*selected.doctypes, *(name for name in selected.failures if name in selected.schema.doctypes))
                return _Known(_readable(named, selected.schema), selected.schema, "the site describes them")
        except (FrappeError, SettingsError) as error:
            why = f"The site wasn't asked: {error}"
    try:
        schema = described_schema(settings, satellite)
    except LakeError:
        # The plan does without; `federation check` and `federation sync` say what is wrong with the lake.
        schema = SatelliteSchema(satellite.name)
    selection = settings.selection(satellite)
    read_before = (name for name, shape in schema.doctypes.items() if selection.matches(name, shape.module))
    doctypes = _readable(sorted({*selection.names, *read_before}), schema)
    source = "the site described them when it was last read" if schema.doctypes else "the settings name them"
    return _Known(doctypes, schema, source, why)


def _readable(names: Iterable[str], schema: SatelliteSchema) -> tuple[str, ...]:
    """Return the names without child tables, whose rows come under their parents' rules, and without aggregates."""
    shapes = ((name, schema.doctypes.get(name)) for name in names)
    return tuple(name for name, shape in shapes if shape is None or not (shape.is_child or shape.aggregate_of))

"""Reach: policy rules that match no field of any satellite they are meant for: a slip of the pen lets fields out."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from federation.contract.satellite_schema import SatelliteSchema
from federation.policy.rules import rule_selects, written_rule
from federation.settings.model import PolicyRule, Settings


def rules_without_fields(settings: Settings, described: Mapping[str, SatelliteSchema]) -> tuple[str, ...]:
    """Return the rules that match nothing, as the settings have them: `policy[2] {field: emial_id, action: drop}`.

    A rule whose satellites could none of them be asked is left out.

    Args:
        settings: the rules, and the satellites that they are for.
        described: satellite → its DocTypes, of those that could be asked.
    """
    idle = []
    for position, rule in enumerate(settings.policy, 1):
        meant = [
            satellite.name
            for satellite in settings.enabled_satellites()
            if _selects(rule.satellite, satellite.name) and _selects(rule.jurisdiction, satellite.jurisdiction or "")
        ]
        asked = [described[name] for name in meant if name in described]
        if asked and not any(_reaches(rule, schema) for schema in asked):
            idle.append(written_rule(position, rule))
    return tuple(idle)


def _reaches(rule: PolicyRule, schema: SatelliteSchema) -> bool:
    return any(
        rule_selects(rule, asked, fieldtype)
        for shape in schema.doctypes.values()
        for asked in shape.asked_fields()
        for fieldtype in (asked.fieldtype, *asked.past_fieldtypes)
    )


def _selects(selector: str | None, name: str) -> bool:
    return selector is None or fnmatchcase(name, selector)

"""Access plan: exactly what a read-only API user of one satellite has to be given, and what it does without."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from federation.cli.own_lists import OWN_LISTS, OwnList
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.mapping.satellite_mapping import mapping_of
from federation.policy.fleet import FleetPolicy
from federation.settings.aggregates import Aggregate
from federation.settings.model import Satellite

ROLE: Final = "Federation Reader"
RIGHTS_NOT_TAKEN: Final = (
    "Write", "Create", "Delete", "Submit", "Cancel", "Amend", "Import", "Export", "Print", "Email", "Report", "Share",
    "Select", "Set User Permissions", "Only if creator",
)  # fmt: skip
"""What Frappe's Role Permissions Manager offers beside Read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Read on one DocType; the JSON of `rules`.

    Attributes:
        doctype: the DocType.
        levels: the permission levels to give read at; 0 is the document itself.
        fields: level → the fields that come with it, for the levels above 0; a child table's with its DocType in front.
        tables: child DocTypes; their rows come with the DocType and take no rule of their own.
    """

    doctype: str
    levels: tuple[int, ...] = (0,)
    fields: Mapping[int, tuple[str, ...]] | None = None
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """What to do on one satellite; the JSON of `satellites` in `federation access --json`.

    Attributes:
        role: the role to make.
        user: the user to make.
        source: how the DocTypes are known: from the site, from the lake (as it was when last read), or the settings.
        why_not_asked: why the site wasn't asked; "" where it was.
        rules: read on exactly what is selected.
        own_lists: what more the role reads of the site's own records.
        lost: list that only a System Manager may read → what is lost without it.
        unresolved: patterns and modules of the settings that couldn't be resolved to DocTypes.
        script: Python for the console of the site's bench, which does all of it.
    """

    satellite: str
    url: str
    role: str
    user: str
    source: str
    why_not_asked: str
    rules: tuple[Rule, ...]
    own_lists: tuple[OwnList, ...]
    lost: Mapping[str, str]
    unresolved: tuple[str, ...]
    script: str


def rule_of(satellite: Satellite, doctype: str, schema: SatelliteSchema, fleet: FleetPolicy) -> Rule:
    """Return what reading `doctype` takes, in the site's own names.

    Fields that the policy drops ask for no permission level.
    """
    names = mapping_of(satellite).names
    shape = schema.doctypes.get(doctype)
    if shape is None:
        return Rule(names.doctype(doctype))
    tables = tuple(dict.fromkeys(shape.tables.values()))
    levels: dict[int, list[str]] = {}
    for table, child in ((shape, ""), *((schema.doctypes.get(child), child) for child in tables)):
        prefix = f"{names.doctype(child)}." if child else ""
        for level, fieldname in _levels(satellite, table, fleet):
            levels.setdefault(level, []).append(prefix + names.field(child or doctype, fieldname))
    fields = {level: tuple(named) for level, named in sorted(levels.items())}
    return Rule(names.doctype(doctype), (0, *fields), fields, tuple(map(names.doctype, tables)))


def rules_of_aggregates(aggregates: Iterable[Aggregate], schema: SatelliteSchema) -> Iterator[Rule]:
    """Yield what grouping the documents of each DocType takes: read on it, at the levels of the fields in use."""
    fields: dict[str, dict[int, dict[str, None]]] = {}
    for aggregate in aggregates:
        levels = fields.setdefault(aggregate.doctype, {})
        shape = schema.doctypes.get(aggregate.name)
        for field in shape.fields.values() if shape else ():
            if field.present and field.made_from and field.made_from.permlevel:
                levels.setdefault(field.made_from.permlevel, {})[field.fieldname] = None
    for doctype, levels in sorted(fields.items()):
        yield Rule(doctype, (0, *sorted(levels)), {level: tuple(levels[level]) for level in sorted(levels)})


def own_lists_of_role() -> tuple[OwnList, ...]:
    """Return the site's own lists that the role may be given."""
    return tuple(own for own in OWN_LISTS if own.grantable)


def lost_without_system_manager() -> dict[str, str]:
    """Return list → what is lost, for the lists that no role of one's own can read."""
    return {own.doctype: own.lost for own in OWN_LISTS if not own.grantable}


def user_of(satellite: Satellite) -> str:
    """Return the id that the API user gets: an address that nobody reads, at the site's own name."""
    host = satellite.site or urlsplit(satellite.url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return f"federation@{host if '.' in host else 'example.com'}"
    return "federation@example.com"


def _levels(satellite: Satellite, table: DocTypeSchema | None, fleet: FleetPolicy) -> Iterable[tuple[int, str]]:
    if table is None:
        return ()
    return (
        (field.permlevel, field.fieldname)
        for field in table.fields.values()
        if field.permlevel > 0
        and field.present
        and not field.hidden_reason
        and fleet.keeps(satellite.name, field.asked(table.doctype))
    )

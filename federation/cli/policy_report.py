"""Policy report: field by field what leaves each satellite, how, by which rule, and where older values may lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from federation.contract.asked_field import AskedField
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.lake.errors import LakeError
from federation.lake.log import CommitLog
from federation.lake.manifest import DocTypeState, Manifest
from federation.lake.schemas import read_schema
from federation.lakes import lake_folder
from federation.mapping.satellite_mapping import SatelliteMapping, mapping_of
from federation.mapping.words import sources_of
from federation.policy.name_repeats import name_repeats
from federation.policy.rules import (
    Action,
    ActionName,
    Decision,
    Destination,
    Drop,
    Hash,
    Mask,
    SatellitePolicy,
    action_name,
    policy_for,
)
from federation.policy.treatment import UNKNOWN, is_stricter, older_treatments
from federation.settings.model import Satellite, Settings
from federation.settings.selection import Selection

ACTIONS: Final[tuple[ActionName, ...]] = ("keep", "mask", "hash", "drop")

_OLDER: Final = {"": "clear", "mask": "masked", "hash": "hashed", UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True)
class FieldFate:
    """What happens to a field.

    Attributes:
        fieldname: Frappe's fieldname.
        label: as the form shows it.
        fieldtype: Frappe's fieldtype.
        permlevel: Frappe's permission level.
        action: keep, mask, hash or drop, on the way from the site to the satellite's lake.
        shows: what a mask lets be seen; "" where there is none.
        rule: the rule that says so, or what stands above all rules.
        at_mothership: what happens to it on the way to the mothership: the same, or drop.
        rule_at_mothership: the rule that says so where it is another one, else "".
        catching_up: older rows are being read again for it; until then they are empty there, or as before.
        older: how values that were read under a looser policy stand: clear, masked, hashed, or unknown where that was
            not remembered; "" where there are none.
        older_in: where they may still lie: lake, mothership. What is told of a field that holds child rows goes for
            all of these.
        at_site: what the site calls it, or that the settings say the same for all documents; "" where it is called so.
    """

    fieldname: str
    label: str
    fieldtype: str
    permlevel: int
    action: ActionName
    shows: str
    rule: str
    at_mothership: ActionName
    rule_at_mothership: str = ""
    catching_up: bool = False
    older: str = ""
    older_in: tuple[str, ...] = ()
    at_site: str = ""


@dataclass(frozen=True, slots=True)
class DocTypeFates:
    """What happens to the fields of one DocType.

    Attributes:
        doctype: the DocType, own or child.
        rows_of: of a child DocType the DocTypes whose documents bring its rows.
        counts: action → how many fields; every action is named.
        fields: in the order of the form, those that hold child rows last.
        rule: of an aggregate, and of a DocType that leaves as aggregates alone, what the settings say; otherwise "".
        at_site: what the site calls it; "" where it is called so.
    """

    doctype: str
    rows_of: tuple[str, ...]
    counts: Mapping[ActionName, int]
    fields: tuple[FieldFate, ...]
    rule: str = ""
    at_site: str = ""


@dataclass(frozen=True, slots=True)
class SatelliteFates:
    """What leaves one satellite.

    Attributes:
        satellite: its name.
        jurisdiction: as the settings say; "" where they don't.
        as_of: when its lake was last written (UTC); None where it was never read.
        error: why nothing can be told of it; "" where something can.
        doctypes: by name, child DocTypes too.
        remarks: what repeats names that are hashed: a sentence each.
    """

    satellite: str
    jurisdiction: str
    as_of: datetime | None
    error: str
    doctypes: tuple[DocTypeFates, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """What leaves the satellites.

    Attributes:
        made_at: when this was asked (UTC).
        satellites: in the order of the settings.
    """

    made_at: datetime
    satellites: tuple[SatelliteFates, ...]

    @property
    def ok(self) -> bool:
        """Of every satellite something can be told, or it was never read."""
        return not any(satellite.error for satellite in self.satellites)


def report_of(settings: Settings, names: Iterable[str], now: datetime) -> PolicyReport:
    """Return what leaves the named satellites under today's settings; asks their lakes, and no satellite."""
    chosen = frozenset(names)
    satellites = (satellite for satellite in settings.satellites.values() if satellite.name in chosen)
    return PolicyReport(now, tuple(_satellite(settings, satellite) for satellite in satellites))


def _satellite(settings: Settings, satellite: Satellite) -> SatelliteFates:
    jurisdiction = satellite.jurisdiction or ""
    try:
        folder = lake_folder(settings, satellite.name)
        newest = CommitLog(folder).newest()
        if newest is None or not newest.schema:
            return SatelliteFates(satellite.name, jurisdiction, None, "", ())
        schema = read_schema(folder, newest.schema)
    except LakeError as error:
        return SatelliteFates(satellite.name, jurisdiction, None, str(error), ())
    policy, selection = policy_for(settings, satellite), settings.selection(satellite)
    mapping = mapping_of(satellite)
    fates = tuple(
        _with_sources(doctype, mapping)
        for doctype in fates_of(schema, newest, policy, selection, _aggregates(settings, satellite))
    )
    remarks = tuple(name_repeats(schema.doctypes, policy))
    return SatelliteFates(satellite.name, jurisdiction, newest.written_at, "", fates, remarks)


def _with_sources(fates: DocTypeFates, mapping: SatelliteMapping) -> DocTypeFates:
    sources, doctype = sources_of(mapping, fates.doctype), mapping.names.doctype(fates.doctype)
    fields = tuple(replace(field, at_site=sources.get(field.fieldname, "")) for field in fates.fields)
    return replace(fates, fields=fields, at_site=doctype if doctype != fates.doctype else "")


def _aggregates(settings: Settings, satellite: Satellite) -> dict[str, str]:
    """Return aggregate, and DocType whose documents stay → what the settings say."""
    found: dict[str, str] = {}
    for number, aggregate in enumerate(settings.aggregates, 1):
        if aggregate.applies_to(satellite):
            written = aggregate.applied_as(number)
            found[aggregate.name] = written
            stays = f"its documents stay at the site: {written}"
            found[aggregate.doctype] = f"{found[aggregate.doctype]}, {written}" if aggregate.doctype in found else stays
    return found


def fates_of(
    schema: SatelliteSchema,
    newest: Manifest,
    policy: SatellitePolicy,
    selection: Selection,
    aggregates: Mapping[str, str],
) -> Iterator[DocTypeFates]:
    """Yield what happens to the DocTypes of one satellite that are selected or were read, and to their child DocTypes.

    Args:
        schema: what the satellite has shown.
        newest: the newest commit on its lake: how its fields were read until now.
        policy: today's.
        selection: today's.
        aggregates: aggregate, and DocType whose documents stay at the site for one → what the settings say.
    """
    for doctype in sorted(aggregates.keys() - newest.doctypes.keys() - {*selection.aggregates}):
        yield _counted(doctype, (), (), aggregates[doctype])
    parents = [
        shape
        for doctype, shape in sorted(schema.doctypes.items())
        if not shape.is_child and (doctype in newest.doctypes or selection.matches(doctype, shape.module))
    ]
    for shape in parents:
        state = newest.doctypes.get(shape.doctype)
        rule = aggregates.get(shape.doctype, "")
        held_back = rule if selection.holds_back(shape.doctype) else ""
        yield _counted(shape.doctype, (), _fates(shape, policy, [("", state)], held_back, ""), rule)
    for child in sorted({child for shape in parents for child in shape.tables.values()} & schema.doctypes.keys()):
        owners = [shape for shape in parents if child in shape.tables.values()]
        read = [owner for owner in owners if owner.doctype not in selection.held_back]
        states = [(f"{child}.", newest.doctypes.get(owner.doctype)) for owner in owners]
        stays = _held_back(child, read, policy, "lake") if read else aggregates.get(owners[0].doctype, "")
        beyond = _held_back(child, read, policy, "mothership") if read else stays
        fields = _fates(schema.doctypes[child], policy, [] if read and stays else states, stays, beyond)
        yield _counted(child, tuple(owner.doctype for owner in owners), fields)


def _counted(doctype: str, rows_of: tuple[str, ...], fields: Iterable[FieldFate], rule: str = "") -> DocTypeFates:
    listed = tuple(fields)
    found = Counter(field.action for field in listed)
    return DocTypeFates(doctype, rows_of, {action: found[action] for action in ACTIONS}, listed, rule)


def _held_back(child: str, owners: Iterable[DocTypeSchema], policy: SatellitePolicy, destination: Destination) -> str:
    """Return why no row of a child DocType gets to a destination, "" where some do."""
    reasons = []
    for owner in owners:
        asked = [owner.asked_table(name) for name, held in owner.tables.items() if held == child]
        decisions = [policy.decide(one, destination) for one in asked]
        dropped = next((decision for decision in decisions if isinstance(decision.action, Drop)), None)
        if dropped is None:
            return ""
        reasons.append(dropped.reason)
    return f"its rows stay {'at the site' if destination == 'lake' else 'on the lake'}: {reasons[0]}"


def _fates(
    shape: DocTypeSchema,
    policy: SatellitePolicy,
    states: Sequence[tuple[str, DocTypeState | None]],
    held_back: str,
    held_beyond: str,
) -> Iterator[FieldFate]:
    present = [field for field in shape.fields.values() if field.present and not field.hidden_reason]
    for field in present:
        asked = field.asked(shape.doctype)
        if held_back:
            decision = beyond = Decision(Drop(), held_back)
        else:
            decision, beyond = policy.decide(asked), policy.decide(asked, "mothership")
        if held_beyond:
            beyond = Decision(Drop(), held_beyond)
        fate = _fate(asked, field.label, decision, beyond, states)
        # What the policy is asked about of an aggregate are fields of the documents.
        yield replace(fate, fieldname=field.fieldname, fieldtype=field.fieldtype)
    for fieldname in shape.tables:
        asked = shape.asked_table(fieldname)
        label = shape.table_fields[fieldname].label if fieldname in shape.table_fields else ""
        if held_back:
            decision = beyond = Decision(Drop(), held_back)
        else:
            decision, beyond = policy.decide(asked), policy.decide(asked, "mothership")
        yield _fate(asked, label, decision, beyond, states)


def _fate(
    asked: AskedField,
    label: str,
    decision: Decision,
    beyond: Decision,
    states: Iterable[tuple[str, DocTypeState | None]],
) -> FieldFate:
    action = decision.action
    remembered = [(prefix + asked.fieldname, state) for prefix, state in states if state is not None]
    found = [_older(action, name, state) for name, state in remembered]
    older, older_in = max(found, key=lambda one: len(one[1]), default=("", ()))
    shows = action.show if isinstance(action, Mask) else ""
    return FieldFate(
        asked.fieldname,
        label,
        asked.fieldtype,
        asked.permlevel,
        action_name(action),
        shows,
        decision.reason,
        at_mothership=action_name(beyond.action),
        rule_at_mothership="" if beyond == decision else beyond.reason,
        catching_up=any(name in state.uncovered for name, state in remembered),
        older=older,
        older_in=older_in,
    )


def _older(action: Action, name: str, state: DocTypeState) -> tuple[str, tuple[str, ...]]:
    """Return how values that were read under a looser policy stand, and where.

    The merge that follows a run leaves none in the mothership.
    """
    if state.begun is None and state.open is None:
        return "", ()
    now = _treatment(action, name, state.treatments or {})
    today: Mapping[str, str] = {name: now} if now else {}
    older = older_treatments(state.older_treatments, state.treatments, today, [name]).get(name)
    if older is None or not now or not is_stricter(now, older):
        return "", ()
    replaced = (state.treatments or {}).get(name, "") == now
    return _OLDER[older.partition(" ")[0]], ("lake",) if replaced else ("lake", "mothership")


def _treatment(action: Action, name: str, remembered: Mapping[str, str]) -> str:
    """Return an action as the lake remembers it; the report needs no key of a hash, so it takes it for the same one."""
    if isinstance(action, Hash):
        known = remembered.get(name, "")
        return known if known.startswith("hash ") else "hash"
    return f"mask {action.show}" if isinstance(action, Mask) else "drop" if isinstance(action, Drop) else ""

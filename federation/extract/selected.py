"""Selected: which DocTypes of a satellite a run reads, and its schema brought up to date for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.frappe import (
    CatalogueEntry,
    DocTypeError,
    FrappeSession,
    is_doctype_name,
    read_catalogue,
    read_metas,
)
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.aggregate_schema import describe_aggregates
from federation.mapping.metadata import MappingMistaken, mapped_catalogue, mapped_metas, missing_doctypes
from federation.mapping.satellite_mapping import SatelliteMapping
from federation.settings.aggregates import Aggregate
from federation.settings.selection import Selection

_WITHOUT_FINGERPRINT = timedelta(days=1)
"""How long metadata is trusted where the site doesn't let the API user list it."""
_NO_NAME = "{!r} can't be a DocType: names begin with a letter; letters, digits, `_`, `-` and spaces follow."


@dataclass(frozen=True, slots=True)
class Selected:
    """What a run is about to read.

    Attributes:
        doctypes: names, sorted.
        aggregates: those whose groups are read; `schema` describes them too.
        schema: the satellite's schema, up to date for all of them.
        failures: DocType → why it can't be read; in the words for a reader.
    """

    doctypes: tuple[str, ...]
    schema: SatelliteSchema
    failures: Mapping[str, str]
    aggregates: tuple[Aggregate, ...] = ()


def select(
    session: FrappeSession,
    selection: Selection,
    known: SatelliteSchema,
    mapping: SatelliteMapping,
    *,
    only: Iterable[str] | None,
    now: datetime,
    aggregates: Iterable[Aggregate] = (),
) -> Selected:
    """Return the DocTypes to read now, asking the site for the metadata of those that changed.

    A mapping of a DocType that the site hasn't got is a failure of the DocType that it would become, wanted or not: it
    may be a child DocType, whose rows would arrive unmapped. Who names a DocType whose documents stay at the site gets
    its aggregates.

    Three lists (DocType, Custom Field, Property Setter) tell what changed. A site that forbids them is asked for each
    DocType once a day, and names patterns and modules only as far as they were resolved before. All names are the
    fleet's; where the site calls something otherwise, `mapping` tells so.

    Raises:
        SatelliteError, TransientError: the site failed as a whole.
        DocTypeError: its own lists of DocTypes and fields fail.
    """
    listed = read_catalogue(session)
    catalogue, clashing = (None, {}) if listed is None else mapped_catalogue(listed, mapping)
    wanted = _wanted(selection, catalogue, known)
    chosen = tuple(aggregates)
    missing = {} if listed is None else missing_doctypes(listed, mapping)
    if only is not None:
        asked = set(only)
        wanted = sorted(asked - selection.held_back)
        missing = {name: why for name, why in missing.items() if name in asked}
        chosen = tuple(one for one in chosen if not asked.isdisjoint((one.name, one.doctype)))
    schema = known
    failures = missing | {name: _NO_NAME.format(name) for name in wanted if not is_doctype_name(name)}
    failures.update((name, why) for name, why in clashing.items() if name in wanted)
    for doctype in (name for name in wanted if name not in failures):
        fingerprint = _fingerprint(doctype, catalogue)
        if _is_fresh(schema, doctype, fingerprint, mapping, now):
            continue
        try:
            metas = mapped_metas(read_metas(session, mapping.names.doctype(doctype)), mapping)
        except (DocTypeError, MappingMistaken) as error:
            failures[doctype] = str(error)
            continue
        schema = schema.absorb(
            metas,
            read_at=now.isoformat(timespec="seconds"),
            fingerprints={meta.name: _fingerprint(meta.name, catalogue) for meta in metas} | {doctype: fingerprint},
            mappings={meta.name: mapping.digest(meta.name) for meta in metas},
        )
    failures.update(_unreadable(wanted, schema, failures))
    schema, unfit = describe_aggregates(session, chosen, schema, catalogue, mapping, now=now)
    return Selected(
        tuple(doctype for doctype in wanted if doctype not in failures),
        schema,
        {**failures, **unfit},
        tuple(one for one in chosen if one.name not in unfit),
    )


def _wanted(selection: Selection, catalogue: Mapping[str, CatalogueEntry] | None, known: SatelliteSchema) -> list[str]:
    if catalogue is None:
        listed = {
            schema.doctype: schema.module
            for schema in known.doctypes.values()
            if not (schema.is_child or schema.is_virtual or schema.aggregate_of)
        }
    else:
        listed = {entry.name: entry.module for entry in catalogue.values() if not (entry.is_child or entry.is_virtual)}
    matching = {doctype for doctype, module in listed.items() if selection.matches(doctype, module)}
    return sorted((matching | set(selection.names)) - set(selection.aggregates))


def _fingerprint(doctype: str, catalogue: Mapping[str, CatalogueEntry] | None) -> str:
    """A DocType's own fingerprint; its child tables' are folded in, because they travel with its metadata."""
    entry = (catalogue or {}).get(doctype)
    return entry.fingerprint if entry else ""


def _is_fresh(known: SatelliteSchema, doctype: str, fingerprint: str, mapping: SatelliteMapping, now: datetime) -> bool:
    schema = known.doctypes.get(doctype)
    if schema is None or schema.tables.keys() != schema.table_fields.keys():
        return False
    mapped = [known.doctypes.get(name) for name in (doctype, *schema.tables.values())]
    if any(each is not None and each.mapping != mapping.digest(each.doctype) for each in mapped):
        return False
    if fingerprint:
        return schema.fingerprint == fingerprint
    return now - datetime.fromisoformat(schema.read_at) < _WITHOUT_FINGERPRINT


def _unreadable(wanted: Iterable[str], schema: SatelliteSchema, failures: Mapping[str, str]) -> dict[str, str]:
    """DocTypes that have no documents of their own in the site's database."""
    reasons = {}
    for doctype in wanted:
        shape = schema.doctypes.get(doctype)
        if shape is None or doctype in failures:
            continue
        if shape.is_child:
            reasons[doctype] = f"{doctype} is a child table: name its parent DocType instead, its rows come with it."
        elif shape.is_virtual:
            reasons[doctype] = f"{doctype} is virtual: the site computes it and stores nothing. Take it off `doctypes`."
    return reasons

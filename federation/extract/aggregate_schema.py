"""Aggregate schema: an aggregate of the settings, held against a site's metadata, becomes a DocType of ours.

Its fields are those that documents are grouped by, the number of documents, and the sums; a policy is asked about the
fields of the documents that these are made from. Whatever comes behind takes it for any other DocType.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec
import pyarrow as pa

from connectors.frappe import CatalogueEntry, DocTypeError, FrappeSession, read_metas
from federation.contract.asked_field import AskedField
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TIME, column_type
from federation.contract.satellite_schema import DocTypeSchema, FieldSchema, SatelliteSchema
from federation.extract.errors import DocTypeFailed, UnfitAggregate
from federation.mapping.metadata import MappingMistaken, mapped_metas
from federation.mapping.satellite_mapping import SatelliteMapping
from federation.settings.aggregates import DOCUMENTS, Aggregate, Dimension
from federation.settings.errors import did_you_mean

_SUMMED: Final[dict[pa.DataType, tuple[str, ...]]] = {
    FLAG: ("Long Int",),
    INTEGER: ("Long Int",),
    MONEY: ("Long Int", "Currency"),
}
"""Arrow type of a field → the fieldtypes of its sum. One that was an integer as well is kept in a wide number."""


def describe_aggregates(
    session: FrappeSession,
    aggregates: Iterable[Aggregate],
    known: SatelliteSchema,
    catalogue: Mapping[str, CatalogueEntry] | None,
    mapping: SatelliteMapping,
    *,
    now: datetime,
) -> tuple[SatelliteSchema, dict[str, str]]:
    """Return the schema with the aggregates in it, and aggregate → why it can't be made.

    Metadata is read where the site's lists say that it changed, or daily where they are forbidden.

    Raises:
        SatelliteError, TransientError: the site failed as a whole.
    """
    doctypes, failures = dict(known.doctypes), {}
    sources: dict[str, DocTypeSchema] = {}
    for aggregate in aggregates:
        try:
            _check_name(known, aggregate, catalogue)
            entry = (catalogue or {}).get(aggregate.doctype)
            said = entry.fingerprint if entry else ""
            fingerprint = f"{_digest(aggregate)}{mapping.digest(aggregate.doctype)} {said}"
            if _is_fresh(known.doctypes.get(aggregate.name), fingerprint, now):
                continue
            if aggregate.doctype not in sources:
                metas = mapped_metas(read_metas(session, mapping.names.doctype(aggregate.doctype)), mapping)
                described = known.absorb(metas, read_at=now.isoformat(timespec="seconds"), fingerprints={})
                sources[aggregate.doctype] = described.doctypes[aggregate.doctype]
            made = aggregate_schema(known.satellite, aggregate, sources[aggregate.doctype])
        except (DocTypeError, DocTypeFailed, MappingMistaken) as error:
            failures[aggregate.name] = str(error)
        else:
            made = _continuing(made, known.doctypes.get(aggregate.name))
            doctypes[aggregate.name] = msgspec.structs.replace(made, fingerprint=fingerprint)
    return msgspec.structs.replace(known, doctypes=doctypes), failures


def aggregate_schema(satellite: str, aggregate: Aggregate, source: DocTypeSchema) -> DocTypeSchema:
    """Return the DocType that an aggregate is, by what the site says of the documents' DocType.

    Raises:
        UnfitAggregate: it can't be made of such documents.
    """
    if mistakes := list(_mistakes(aggregate, source)):
        raise UnfitAggregate(satellite, aggregate.name, mistakes)
    # How many documents there are is asked of no rule: it stands for a field that none can withhold.
    counted = AskedField(source.doctype, "docstatus", "Check")
    fields = (
        FieldSchema(
            "name", ("Data",), label="Group", description="Stands for what makes the group.", made_from=counted
        ),
        *(_dimension(dimension, source) for dimension in aggregate.by),
        FieldSchema(DOCUMENTS, ("Long Int",), label="Documents", description=_counted(aggregate), made_from=counted),
        *(_sum(fieldname, source) for fieldname in aggregate.sum),
    )
    return DocTypeSchema(
        aggregate.name,
        module=source.module,
        fields={field.fieldname: field for field in fields},
        read_at=source.read_at,
        aggregate_of=source.doctype,
    )


def _continuing(made: DocTypeSchema, past: DocTypeSchema | None) -> DocTypeSchema:
    """Return an aggregate with the fields and fieldtypes that it had before.

    A column never narrows, and a site that retypes a field doesn't loosen what the policy says of it.
    """
    before = past.fields if past else {}
    fields = {name: _grown(before[name], field) if name in before else field for name, field in made.fields.items()}
    gone = {
        name: msgspec.structs.replace(field, present=False) for name, field in before.items() if name not in made.fields
    }
    return msgspec.structs.replace(made, fields={**fields, **gone})


def _grown(known: FieldSchema, field: FieldSchema) -> FieldSchema:
    fieldtypes = (*(each for each in known.fieldtypes if each not in field.fieldtypes), *field.fieldtypes)
    was, asked = known.made_from, field.made_from
    if was and asked and (was.doctype, was.fieldname) == (asked.doctype, asked.fieldname):
        past = dict.fromkeys((*was.past_fieldtypes, was.fieldtype, *asked.past_fieldtypes))
        asked = replace(asked, past_fieldtypes=tuple(each for each in past if each != asked.fieldtype))
    return msgspec.structs.replace(field, fieldtypes=fieldtypes, made_from=asked)


def _check_name(known: SatelliteSchema, aggregate: Aggregate, catalogue: Mapping[str, CatalogueEntry] | None) -> None:
    described = known.doctypes.get(aggregate.name)
    listed = {name.casefold() for name in catalogue or ()}
    if aggregate.name.casefold() in listed or (described is not None and not described.aggregate_of):
        mistake = "The site has a DocType of this name. Call the aggregate otherwise in the settings."
        raise UnfitAggregate(known.satellite, aggregate.name, [mistake])


def _digest(aggregate: Aggregate) -> str:
    return hashlib.sha256(aggregate.model_dump_json().encode()).hexdigest()[:16]


def _is_fresh(known: DocTypeSchema | None, fingerprint: str, now: datetime) -> bool:
    if known is None or known.fingerprint != fingerprint:
        return False
    return not fingerprint.endswith(" ") or (now - datetime.fromisoformat(known.read_at)).days < 1


def _mistakes(aggregate: Aggregate, source: DocTypeSchema) -> Iterator[str]:
    if source.is_child or source.is_single or source.is_virtual:
        kind = "a child table" if source.is_child else "a single document" if source.is_single else "virtual"
        yield f"{source.doctype} is {kind}: there are no documents to group."
        return
    there = {name for name in source.fields if source.is_there(name)}
    for fieldname in aggregate.fieldnames:
        if fieldname not in there:
            fix = did_you_mean(fieldname, there, "see its form on the site for the fieldnames")
            held = "holds child rows" if fieldname in source.tables else "is no field"
            yield f"`{fieldname}` {held} of {source.doctype}: {fix}."
    for dimension in aggregate.by:
        if dimension.field in there:
            yield from _mistakes_of_dimension(dimension, source.fields[dimension.field])
    for fieldname in aggregate.sum:
        if fieldname in there and _arrow(source.fields[fieldname]) not in _SUMMED:
            yield f"`{fieldname}` is a {source.fields[fieldname].fieldtype}, which can't be added up."
    if aggregate.only_submitted and not source.is_submittable:
        yield f"documents of {source.doctype} are never submitted: take `only_submitted` off."


def _mistakes_of_dimension(dimension: Dimension, field: FieldSchema) -> Iterator[str]:
    arrow = _arrow(field)
    if dimension.cut and arrow not in (DATE, DATETIME):
        yield f"`{field.fieldname}` is a {field.fieldtype}, which has no {dimension.cut}."
    if arrow == DATETIME and not dimension.cut:
        yield f"`{field.fieldname}` is a Datetime: write `{field.fieldname}: day`, month or year."
    if arrow in (TIME, MONEY):
        yield f"`{field.fieldname}` is a {field.fieldtype}: nearly every document would be a group of its own."


def _arrow(field: FieldSchema) -> pa.DataType:
    kept = column_type(field.fieldtype)
    return kept.arrow if kept else pa.null()


def _dimension(dimension: Dimension, source: DocTypeSchema) -> FieldSchema:
    field = source.fields[dimension.field]
    return FieldSchema(
        field.fieldname,
        ("Date",) if dimension.cut else (field.fieldtype,),
        label=f"{field.label}, {dimension.cut}" if dimension.cut else field.label,
        description=field.description,
        options=field.options,
        made_from=field.asked(source.doctype),
    )


def _sum(fieldname: str, source: DocTypeSchema) -> FieldSchema:
    field = source.fields[fieldname]
    return FieldSchema(
        fieldname,
        _SUMMED[_arrow(field)],
        label=f"{field.label}, sum",
        description=field.description,
        made_from=field.asked(source.doctype),
    )


def _counted(aggregate: Aggregate) -> str:
    of = (
        f"submitted documents of {aggregate.doctype}"
        if aggregate.only_submitted
        else f"documents of {aggregate.doctype}"
    )
    withheld = f" Groups of fewer than {aggregate.at_least} are withheld." if aggregate.at_least > 1 else ""
    return f"How many {of} the group has.{withheld}"

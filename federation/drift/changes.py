"""Changes: what is different between two descriptions that a satellite gave of its DocTypes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from federation.contract.satellite_schema import DocTypeSchema, FieldSchema, SatelliteSchema
from federation.drift.kinds import Kind


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `(doctype, fieldname, kind)` is given once between two descriptions.

    Attributes:
        fieldname: "" where it is the DocType.
        kind: one of a Table field is about its child DocType. A field is there as long as the site keeps values for it:
            one that becomes virtual is removed.
        was, became: the fieldtype of a field that comes, goes or is retyped, the child DocType of a table; else what
            the kind is called after, as text; "" on the side where there is nothing.
    """

    doctype: str
    fieldname: str
    kind: Kind
    was: str = ""
    became: str = ""


def changes(before: SatelliteSchema | None, after: SatelliteSchema) -> tuple[Change, ...]:
    """Return what a site says otherwise since `before`, by DocType, fieldname and kind.

    The first sight of a DocType is one change. When, and under which fingerprint, metadata was read is none, nor is
    what one of the two was never told. A satellite's schema forgets no DocType, so none is ever removed.
    """
    past = before.as_told if before else {}
    return tuple(
        change
        for doctype, version in sorted(after.as_told.items())
        for change in (
            changes_of(past[doctype], version) if doctype in past else (Change(doctype, "", "doctype_added"),)
        )
    )


def changes_of(past: DocTypeSchema, version: DocTypeSchema) -> Iterator[Change]:
    """Yield what two descriptions of one DocType say differently, by fieldname and kind."""
    doctype = version.doctype
    for fieldname in sorted({*past.fields, *version.fields, *past.tables, *version.tables}):
        differing = [
            *_of_field(past.fields.get(fieldname), version.fields.get(fieldname)),
            *_of_table(past.tables.get(fieldname, ""), version.tables.get(fieldname, "")),
            *_of_any(past.table_fields.get(fieldname), version.table_fields.get(fieldname)),
        ]
        yield from (Change(doctype, fieldname, kind, was, became) for kind, was, became in differing)


def _of_field(past: FieldSchema | None, field: FieldSchema | None) -> Iterator[tuple[Kind, str, str]]:
    if field is None or not field.is_there:
        if past is not None and past.is_there:
            yield "field_removed", past.fieldtype, ""
        return
    if past is None:
        yield "field_added", "", field.fieldtype
        return
    if not past.is_there:
        yield "field_returned", "", field.fieldtype
    if past.fieldtype != field.fieldtype:
        yield "retyped", past.fieldtype, field.fieldtype
    if past.options != field.options:
        yield "options", past.options, field.options
    if None not in (past.length, field.length) and past.length != field.length:
        yield "length", str(past.length), str(field.length)
    if past.precision is not None and field.precision is not None and past.precision != field.precision:
        yield "precision", past.precision, field.precision
    if past.mandatory != field.mandatory:
        yield "mandatory", _yes_or_no(past.mandatory), _yes_or_no(field.mandatory)
    yield from _of_any(past, field)


def _of_table(past: str, child: str) -> Iterator[tuple[Kind, str, str]]:
    if child and child != past:
        yield "table_added", "", child
    if past and child != past:
        yield "table_removed", past, ""


def _of_any(past: FieldSchema | None, field: FieldSchema | None) -> Iterator[tuple[Kind, str, str]]:
    """What any field may change about itself, one that holds child rows too; those of older versions aren't known."""
    if past is None or field is None:
        return
    if past.label != field.label:
        yield "label", past.label, field.label
    if past.permlevel != field.permlevel:
        yield "permlevel", str(past.permlevel), str(field.permlevel)


def _yes_or_no(flag: bool) -> str:
    return "yes" if flag else "no"

"""Holes: what one DocType of a satellite would lack after a sync, by what the API user may not see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from connectors.frappe import DocTypeError, FrappeSession, read_document
from connectors.frappe.permissions import Change, Count, compare_counts, read_changes_allowed, read_refused_fields
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.extract.aggregates import ask_for_groups
from federation.extract.documents import DocumentReading
from federation.extract.errors import DocTypeFailed
from federation.settings.aggregates import Aggregate

_NAMES_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Hole:
    """Something of a DocType that a sync can't bring; the JSON of `holes`.

    Attributes:
        doctype: the DocType of the documents.
        kind: documents that lists don't show, fields that don't come, or a child table that can't be read.
        what: what is missing, and what to do, for an administrator of the site.
        listed, there: documents that lists show, and in all; null where the hole isn't of documents.
        fields: the fields that don't come; a child table's with its DocType in front.
    """

    doctype: str
    kind: Literal["documents", "fields", "child table"]
    what: str
    listed: int | None = None
    there: int | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sounding:
    """What asking about one DocType showed.

    Attributes:
        error: why its documents can't be listed at all; "" where they can.
        count: how many are there and how many are shown; None where the site doesn't tell.
        changes: what the API user may change of them; None where the site doesn't tell.
        holes: what a sync would lack.
        untold: fields of a permission level that can't be judged before there is a document.
        unlisted: child tables whose rows don't come in lists, but with each document, one by one.
    """

    error: str = ""
    count: Count | None = None
    changes: tuple[Change, ...] | None = None
    holes: tuple[Hole, ...] = ()
    untold: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


def sound(
    session: FrappeSession,
    reading: DocumentReading,
    schema: SatelliteSchema,
    restrictions: Mapping[str, tuple[str, ...]] | None,
) -> Sounding:
    """Ask about the documents that `reading` would read: six or seven requests, and one a child table.

    One row is read at most of each table, of the fields that a sync would ask for, to see which of them come.

    Raises:
        TransientError, SatelliteError: the site failed as a whole.
    """
    shape = schema.doctypes[reading.doctype]
    if shape.is_single:
        return _sound_single(session, reading)
    changes = read_changes_allowed(session, reading.doctype)
    try:
        refused = read_refused_fields(session, reading.parent.wire)
    except DocTypeError as error:
        return Sounding(str(error), changes=changes)
    count = compare_counts(session, reading.doctype)
    holes = [] if count is None or not count.hidden else [_hidden(shape, count, restrictions)]
    levels = {name: shape.fields[name].permlevel for name in reading.parent.wire.fields if name in shape.fields}
    unlisted: list[str] = []
    for child in reading.children:
        child_shape = schema.doctypes[child.table.doctype]
        try:
            missing = read_refused_fields(session, child.wire, parent_doctype=reading.doctype)
        except DocTypeError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                unlisted.append(child_shape.doctype)
            else:
                holes.append(_closed(reading.doctype, child_shape.doctype, error))
            continue
        refused |= {f"{child_shape.doctype}.{name}" for name in missing}
        levels |= {f"{child_shape.doctype}.{name}": field.permlevel for name, field in child_shape.fields.items()}
    if refused:
        holes.append(_refused(reading.doctype, sorted(refused), levels))
    empty = count is not None and count.listed == 0
    untold = sorted(name for name in levels.keys() - refused if levels[name] and empty)
    return Sounding("", count, changes, tuple(holes), tuple(untold), tuple(unlisted))


def sound_aggregate(
    session: FrappeSession, reading: DocumentReading, aggregate: Aggregate, shape: DocTypeSchema
) -> Sounding:
    """Ask for the groups that a sync would ask for, and for none of the documents: three requests.

    Raises:
        TransientError, SatelliteError: the site failed as a whole.
    """
    changes = read_changes_allowed(session, aggregate.doctype)
    try:
        groups = ask_for_groups(session, reading, aggregate, shape)
    except (DocTypeError, DocTypeFailed) as error:
        return Sounding(str(error), changes=changes)
    return Sounding("", Count(sum(groups.documents), sum(groups.documents)), changes)


def some(names: Iterable[str]) -> str:
    """Return names as one phrase, not endless: `a, b, and 3 more`."""
    told = list(names)
    shown = ", ".join(told[:_NAMES_SHOWN])
    return f"{shown}, and {len(told) - _NAMES_SHOWN:,} more" if len(told) > _NAMES_SHOWN else shown


def _sound_single(session: FrappeSession, reading: DocumentReading) -> Sounding:
    """A Single has no list, so neither a count nor a row that would show which of its fields come: four requests."""
    changes = read_changes_allowed(session, reading.doctype)
    try:
        read_document(session, reading.parent.wire, {}, reading.doctype)
    except DocTypeError as error:
        return Sounding(str(error), changes=changes)
    return Sounding("", Count(1, 1), changes)


def _hidden(shape: DocTypeSchema, count: Count, restrictions: Mapping[str, tuple[str, ...]] | None) -> Hole:
    linked = {shape.doctype, *(field.options for field in shape.fields.values() if field.fieldtype == "Link")}
    causes = [f"{doctype} ({some(names)})" for doctype, names in (restrictions or {}).items() if doctype in linked]
    if causes:
        why = f"its User Permissions leave it these: {'; '.join(causes)}. Delete them"
    elif restrictions == {}:
        why = "its role reads only what it owns, or the site's own rules hide them. Untick `Only if creator`"
    else:
        why = "User Permissions restrict it, or its role reads only what it owns. Delete them, untick `Only if creator`"
    what = f"lists show {count.listed:,} of {count.there:,} documents to the API user: {why}, then check again."
    return Hole(shape.doctype, "documents", what, count.listed, count.there)


def _refused(doctype: str, refused: list[str], levels: Mapping[str, int]) -> Hole:
    return Hole(doctype, "fields", " ".join(_reasons(refused, levels)), fields=tuple(refused))


def _reasons(refused: list[str], levels: Mapping[str, int]) -> Iterator[str]:
    for level in sorted({levels.get(name, 0) for name in refused}):
        names = [name for name in refused if levels.get(name, 0) == level]
        stay = f"{len(names):,} field{'s' if len(names) > 1 else ''} would stay empty: {some(names)}."
        if level:
            yield f"{stay} Give the role read at permission level {level}, or drop them by a policy rule."
        else:
            yield f"{stay} The site has no column for them, or refuses them: migrate it, or drop them by a policy rule."


def _closed(doctype: str, child: str, error: DocTypeError) -> Hole:
    return Hole(doctype, "child table", f"the rows of its table {child} can't be read: {error}")

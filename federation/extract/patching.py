"""Patching: a few columns are brought to all documents that were read without them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa
from msgspec.structs import replace as replaced

from connectors.frappe import DocTypeError, WirePage
from federation.conform.page import ConformedPage, conform_page
from federation.conform.reading import TableReading
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.extract.asking import read_listed
from federation.extract.context import RunContext
from federation.extract.documents import DocumentReading
from federation.extract.harvest import Harvest
from federation.extract.outcome import DocTypeOutcome

_PARENT_KEYS = frozenset({"name", "modified"})
_CHILD_KEYS = frozenset({"name", "modified", "parent", "parenttype"})


def new_fields(
    known: SatelliteSchema, now: SatelliteSchema, reading: DocumentReading, treated: Mapping[str, str] | None
) -> Iterator[str]:
    """Yield the fields of a DocType and its child tables that older rows lack, or hold as another policy left them.

    A new Custom Field changes neither the DocType's nor any document's `modified`, and older rows may hold its default;
    no more does a change of the policy, or of a type or permission level that a rule selects by.

    Args:
        known: what the satellite had shown before.
        now: what it shows.
        reading: how it is read now.
        treated: the treatments under which it was read before. Where they weren't remembered, nobody knows what a
            field holds that isn't taken as it is today.
    """
    before = treated or {}
    for table in (reading.parent, *reading.children):
        if table.table.doctype not in known.doctypes or table.table.doctype not in now.doctypes:
            continue
        had = set(fields_of(known, reading, table))
        for field in table.fields:
            name = _named(reading, table, field.fieldname)
            if name not in had or before.get(name, "") != reading.treatments.get(name, ""):
                yield name


def mapped_otherwise(reading: DocumentReading, before: Mapping[str, str]) -> Iterator[str]:
    """Yield the fields whose cells the settings' mapping takes from elsewhere, or makes others, than `before`."""
    for name in sorted(_readable(reading)):
        if reading.mapped.get(name, "") != before.get(name, ""):
            yield name


def fields_of(schema: SatelliteSchema, reading: DocumentReading, table: TableReading) -> Iterator[str]:
    """Yield the fields that a table had, those that hold child rows too, a child's with its DocType."""
    shape = schema.doctypes.get(table.table.doctype) or DocTypeSchema(table.table.doctype)
    for fieldname in (*shape.fields, *shape.tables):
        if shape.is_there(fieldname):
            yield _named(reading, table, fieldname)


def patch_columns(context: RunContext, reading: DocumentReading) -> DocTypeOutcome:
    """Read the columns that older rows lack, with nothing but their keys, and commit them as a patch.

    A patch makes no row and applies only to rows whose `modified` is the one it was read with: it can't mix two states.
    Columns that the site refuses still stay uncovered.

    Raises:
        FrappeError: the site failed; the next run tries again.
    """
    state = context.run.state(reading.doctype)
    left = [name for name in state.uncovered if name in _readable(reading)]
    outcome = DocTypeOutcome(reading.doctype, "unchanged")
    if not left:
        return outcome
    walk = f"patch-{uuid.uuid4().hex[:12]}"
    with Harvest(context, reading, "patch", walk, pending=state.position.pending) as harvest:
        still: set[str] = set()
        for table in (reading.parent, *reading.children):
            wanted = {name for name in left if name in _names(reading, table)}
            if wanted:
                still |= _patch_table(harvest, reading, table, wanted)
        position = replaced(state.position, pending=tuple(harvest.pending))
        covered = replaced(state, position=position, uncovered=tuple(name for name in left if name in still))
        harvest.complete(covered, context.began)
        return outcome.and_then(harvest.outcome(None))


def _patch_table(harvest: Harvest, reading: DocumentReading, table: TableReading, wanted: Collection[str]) -> set[str]:
    """Patch one table; return the columns that the site refuses."""
    is_parent = table is reading.parent
    keys = _PARENT_KEYS if is_parent else _CHILD_KEYS
    names = {each.fieldname: _named(reading, table, each.fieldname) for each in table.fields}
    types = {each.type_field for each in table.fields if names[each.fieldname] in wanted}
    fields = [each for each in table.fields if each.fieldname in keys | types or names[each.fieldname] in wanted]
    narrow = replace(table, fields=tuple(fields))
    refused: set[str] = set()
    try:
        for page in _pages(harvest, reading, narrow, is_parent=is_parent):
            refused |= {names[fieldname] for fieldname in page.refused}
            if refused >= set(wanted):
                break
            _take(harvest, narrow, conform_page(page, narrow), "name" if is_parent else "parent")
            if harvest.is_due:
                harvest.save(harvest.context.run.state(reading.doctype))
    except DocTypeError:
        if is_parent:
            raise
        # Frappe 13 lists the child tables of Custom Fields for nobody: their columns come with whole documents.
        return set(wanted)
    return refused


def _take(harvest: Harvest, narrow: TableReading, page: ConformedPage, owner: str) -> None:
    """Patch the rows of a page; one with a cell that doesn't fit is read whole by the next walk, and set aside."""
    rows = page.table
    if page.misfits:
        unfit = {misfit.row for misfit in page.misfits}
        harvest.pending.update(dict.fromkeys(str(page.wire[owner][row]) for row in sorted(unfit)))
        rows = rows.filter(pa.array([row not in unfit for row in range(rows.num_rows)]))
    harvest.patch(narrow.table.doctype, rows)


def _pages(harvest: Harvest, reading: DocumentReading, narrow: TableReading, *, is_parent: bool) -> Iterator[WirePage]:
    session, page_rows = harvest.context.session, harvest.context.limits.page_rows
    suppression = harvest.context.suppression
    if is_parent:
        return suppression.spared(read_listed(session, narrow.wire, page_rows=page_rows))
    rows = read_listed(
        session,
        narrow.wire,
        filters=(("parenttype", "=", reading.doctype),),
        parent_doctype=reading.doctype,
        page_rows=page_rows,
    )
    return suppression.spared(rows, "parent", reading.doctype)


def _readable(reading: DocumentReading) -> set[str]:
    return set().union(*(_names(reading, table) for table in (reading.parent, *reading.children)))


def _names(reading: DocumentReading, table: TableReading) -> set[str]:
    return {_named(reading, table, field.fieldname) for field in table.fields}


def _named(reading: DocumentReading, table: TableReading, fieldname: str) -> str:
    return fieldname if table is reading.parent else f"{table.table.doctype}.{fieldname}"

"""Documents: a page of parents becomes whole documents, child rows included, or leaves the batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import pyarrow as pa
import pyarrow.compute as pc

from connectors.frappe import DocTypeError, FrappeSession, WirePage
from federation.conform.page import ConformedPage, Misfit, conform_page
from federation.conform.reading import TableReading, table_reading
from federation.contract.fieldtypes import column_type
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.contract.union import contract_of
from federation.extract.asking import read_children, read_document, read_heads
from federation.extract.errors import NamelessDocument
from federation.extract.records import without_records_of
from federation.mapping.satellite_mapping import UNMAPPED, SatelliteMapping
from federation.policy.fleet import FleetPolicy
from federation.policy.treatment import named_fields, names_treatment, treatments

TO_RENAME = "to_rename"
"""Says that a GL Entry or a Stock Ledger Entry still bears its temporary name."""

ReadTables = Callable[
    [Callable[[TableReading], list[ConformedPage] | None], Iterable[TableReading]],
    Iterable[list[ConformedPage] | None],
]
"""Reads child tables side by side: a `map`, such as a thread pool's."""


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """How the documents of one DocType are read from one satellite.

    Attributes:
        parent: the DocType's own table.
        children: one reading a child DocType.
        child_fields: the fields that hold child rows → their child DocType.
        is_single: there is one document, and no list of it.
        treatments: field, a child table's with its DocType in front → what the policy makes of it.
        mapped: field, named alike → tells one mapping of it from another; for those that are mapped.
        withheld: fields, named alike, that are kept on the lake and don't go on to the mothership.
    """

    parent: TableReading
    children: tuple[TableReading, ...] = ()
    child_fields: Mapping[str, str] = field(default_factory=dict)
    is_single: bool = False
    treatments: Mapping[str, str] = field(default_factory=dict)
    mapped: Mapping[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()

    @property
    def doctype(self) -> str:
        """The DocType of the documents."""
        return self.parent.table.doctype

    @property
    def hides_names(self) -> bool:
        """Its documents are known by hashes of their names: see `asking.py`."""
        return bool(names_treatment(self.treatments))

    @property
    def has_temporary_names(self) -> bool:
        """Documents are born under names that an hourly job replaces [f_deletions/35-39]."""
        return any(field.fieldname == TO_RENAME for field in self.parent.fields)


def document_reading(
    satellite: str,
    doctype: str,
    schema: SatelliteSchema,
    zone: str,
    fleet: FleetPolicy,
    *,
    mapping: SatelliteMapping = UNMAPPED,
    held_back: Collection[str] = (),
) -> DocumentReading:
    """Return how the documents of `doctype` are read, under the satellite's own contract.

    Records about documents of DocTypes that are held back aren't read.

    Other satellites have no say here: a run needs nobody else's lake, and the merge widens what it finds.

    Raises:
        LookupError: the satellite's schema doesn't have the DocType.
        SettingsError: the key of a hash can't be had.
    """
    contract = contract_of(doctype, [schema], keeps=fleet.keeps, hashes=fleet.hashes)
    policy = fleet.of(satellite)
    if contract is None or policy is None:
        raise LookupError(f"{satellite} has no schema of {doctype}")
    shape = schema.doctypes[doctype]
    left_out = {child for field, child in shape.tables.items() if not fleet.keeps(satellite, shape.asked_table(field))}
    children = sorted((set(shape.tables.values()) - left_out) & contract.children.keys() & schema.doctypes.keys())
    shapes = [("", shape), *((f"{child}.", schema.doctypes[child]) for child in children)]
    parent = table_reading(satellite, zone, shape, contract.parent, policy, mapping=mapping)
    return DocumentReading(
        replace(parent, filters=without_records_of(shape, [mapping.names.doctype(name) for name in held_back])),
        tuple(
            table_reading(satellite, zone, schema.doctypes[child], contract.children[child], policy, mapping=mapping)
            for child in children
        ),
        {fieldname: child for fieldname, child in shape.tables.items() if child in children},
        shape.is_single,
        treatments(shapes, policy),
        dict(_mapped(shapes, mapping)),
        tuple(sorted(name for name, asked in named_fields(shapes) if fleet.withholds(satellite, asked))),
    )


def _mapped(shapes: Iterable[tuple[str, DocTypeSchema]], mapping: SatelliteMapping) -> Iterator[tuple[str, str]]:
    for prefix, shape in shapes:
        for each in shape.fields.values():
            own = column_type(each.fieldtype)
            if own is not None and each.present:
                digest = mapping.digest_of_field(shape.doctype, each.fieldname, own.wire, each.options)
                if digest:
                    yield prefix + each.fieldname, digest


def unhashable_names(shape: DocTypeSchema | None) -> str:
    """Return why names of a DocType can't be hashed, "" where they can."""
    if shape is None:
        return ""
    if shape.is_single:
        return "it has one document, which bears the DocType's own name"
    if shape.is_child:
        return "names of child rows say nothing, and nothing links to them but texts"
    return "its entries are renamed by a job of the site" if TO_RENAME in shape.fields else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document is set aside.

    Attributes:
        rule: Great Expectations' name of the expectation that it fails; "" where a cell doesn't fit the contract.
        fieldname: the field.
        value: the cell as it stands after the policy, cut to 200 characters.
        reason: what is wrong, for a reader.
    """

    rule: str
    fieldname: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedDocument:
    """A document that is set aside: whole, after the policy, with every reason.

    Attributes:
        name: the document's name.
        faults: what is wrong with it, child rows included.
        document: the document as JSON, child rows under their child DocType.
    """

    name: str
    faults: tuple[Fault, ...]
    document: str


@dataclass(frozen=True, slots=True)
class WholeDocuments:
    """Documents that may be packaged together.

    Attributes:
        tables: DocType → rows, the parent's and every child's; all rows of a document or none of them.
        rejected: documents set aside.
        pending: names that moved or vanished while their child rows were read.
        strays: rows that the site sent twice, and child rows of documents that nobody asked for.
        refused: fields that the site left out; a child table's with its DocType in front.
    """

    tables: Mapping[str, pa.Table]
    rejected: tuple[RejectedDocument, ...]
    pending: tuple[str, ...]
    strays: int
    refused: frozenset[str]


def make_whole(
    session: FrappeSession, reading: DocumentReading, page: WirePage, in_parallel: ReadTables, unlisted: set[str]
) -> WholeDocuments:
    """Return the documents of a parents' `page` with all their child rows.

    After the child rows are read, the parents' `(name, modified)` are read again: a document that changed or vanished
    in between could be a mixture of two states, so it leaves the batch and stays pending. Child rows carry the
    `observed` of their document's page, the earliest instant at which any of it was seen.

    Args:
        session: the site.
        reading: how its documents are read.
        page: the parents.
        in_parallel: reads child tables side by side.
        unlisted: child DocTypes that the site doesn't list, so that their documents are read one by one: Frappe 13
            lists the child tables of Custom Fields for nobody. Those that are found are added.

    Raises:
        NamelessDocument: a name isn't text.
        FrappeError: the site failed.
    """
    parents = _conformed(page, reading.parent)
    names: list[str] = parents.table.column("name").to_pylist()
    pages: dict[str, list[ConformedPage]] = {reading.doctype: [parents]}
    pending: tuple[str, ...] = ()
    if reading.children and names:
        listed = [child for child in reading.children if child.table.doctype not in unlisted]
        read = in_parallel(lambda child: _list_child_table(session, reading, child, names, page), listed)
        for child, conformed in zip(listed, read, strict=True):
            if conformed is None:
                unlisted.add(child.table.doctype)
            else:
                pages[child.table.doctype] = conformed
        if unlisted:
            pages.update(_read_one_by_one(session, reading, names, unlisted, page))
        heads = read_heads(session, reading.doctype, names)
        modified = map(str, page.column("modified"))
        pending = tuple(name for name, seen in zip(names, modified, strict=True) if heads.get(name) != seen)
    return _without_rejected(reading, pages, names, pending)


def read_single(session: FrappeSession, reading: DocumentReading) -> WholeDocuments | None:
    """Return the one document of a Single, or None where it was never saved.

    Raises:
        FrappeError: the site failed.
    """
    pages = _read_one(session, reading, reading.doctype)
    if pages is None:
        return None
    observed = pages[reading.doctype].observed
    readings = {table.table.doctype: table for table in (reading.parent, *reading.children)}
    conformed = {
        doctype: [_conformed(replace(page, observed=observed), readings[doctype])] for doctype, page in pages.items()
    }
    return _without_rejected(reading, conformed, [reading.doctype], ())


def _read_one(session: FrappeSession, reading: DocumentReading, name: str) -> Mapping[str, WirePage] | None:
    wires = {child.table.doctype: child.wire for child in reading.children}
    by_field = {fieldname: wires[child] for fieldname, child in reading.child_fields.items()}
    return read_document(session, reading.parent.wire, by_field, name)


def _read_one_by_one(
    session: FrappeSession, reading: DocumentReading, names: Sequence[str], unlisted: set[str], page: WirePage
) -> dict[str, list[ConformedPage]]:
    """Child rows out of whole documents; one that has vanished shows when the heads are read again."""
    pages: dict[str, list[ConformedPage]] = {child: [] for child in unlisted}
    for name in names:
        document = _read_one(session, reading, name) or {}
        for child in reading.children:
            rows = document.get(child.table.doctype)
            if child.table.doctype in unlisted and rows is not None and rows.rows:
                pages[child.table.doctype].append(_conformed(replace(rows, observed=page.observed), child))
    return pages


def _conformed(page: WirePage, reading: TableReading) -> ConformedPage:
    conformed = conform_page(page, reading)
    if conformed.table.column("name").null_count:
        raise NamelessDocument(reading.satellite, page.doctype)
    return conformed


def _list_child_table(
    session: FrappeSession, reading: DocumentReading, child: TableReading, names: Sequence[str], page: WirePage
) -> list[ConformedPage] | None:
    """The child rows of documents, or None where the site lists them for nobody."""
    try:
        return [
            _conformed(replace(rows, observed=page.observed), child)
            for rows in read_children(session, child.wire, reading.doctype, names)
        ]
    except DocTypeError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return None


def _without_rejected(
    reading: DocumentReading,
    pages: Mapping[str, Sequence[ConformedPage]],
    names: Sequence[str],
    pending: tuple[str, ...],
) -> WholeDocuments:
    misfits = _misfits_by_document(reading, pages)
    asked = set(names)
    rejected = [name for name in misfits if name in asked and name not in pending]
    leaving = pa.array([*rejected, *pending], type=pa.string())
    tables: dict[str, pa.Table] = {}
    strays = 0
    refused: set[str] = set()
    for table in (reading.parent, *reading.children):
        doctype = table.table.doctype
        sent = _concat(pages.get(doctype, ()), table)
        rows = _each_once(sent)
        strays += sent.num_rows - rows.num_rows
        owner = rows.column(_owner_column(reading, table))
        keep = pc.invert(pc.is_in(owner, leaving)) if len(leaving) else None
        if table is not reading.parent:
            known = pc.is_in(owner, pa.array(names, type=pa.string()))
            strays += rows.num_rows - (pc.sum(known).as_py() or 0)
            keep = known if keep is None else pc.and_(keep, known)
        tables[doctype] = rows if keep is None else rows.filter(keep)
        refused.update(_refused(table, rows, "" if table is reading.parent else f"{doctype}."))
    aside = tuple(
        RejectedDocument(name, tuple(map(_fault, misfits[name])), _as_json(reading, pages, name)) for name in rejected
    )
    return WholeDocuments(tables, aside, pending, strays, frozenset(refused))


def _fault(misfit: Misfit) -> Fault:
    return Fault("", misfit.fieldname, misfit.value, misfit.reason)


def _refused(reading: TableReading, rows: pa.Table, prefix: str) -> Iterable[str]:
    carried = set(rows.column_names)
    return (prefix + field.fieldname for field in reading.fields if field.column.name not in carried)


def _owner_column(reading: DocumentReading, table: TableReading) -> str:
    return "name" if table is reading.parent else "parent"


def _concat(pages: Sequence[ConformedPage], reading: TableReading) -> pa.Table:
    if not pages:
        return reading.schema.empty_table()
    # A field that the site begins to refuse in between is left out: a null would erase what the mothership has.
    carried = set.intersection(*(set(page.table.column_names) for page in pages))
    columns = [name for name in reading.schema.names if name in carried]
    return pa.concat_tables([page.table.select(columns) for page in pages])


def _each_once(rows: pa.Table) -> pa.Table:
    """A row that a site sends twice is kept as it came first."""
    names = rows.column("name")
    if pc.count_distinct(names, mode="all").as_py() == rows.num_rows:
        return rows
    first = (
        pa.table({"name": names, "row": pa.array(range(rows.num_rows))}).group_by("name").aggregate([("row", "min")])
    )
    return rows.take(first.column("row_min").sort())


def _misfits_by_document(
    reading: DocumentReading, pages: Mapping[str, Sequence[ConformedPage]]
) -> dict[str, list[Misfit]]:
    by_document: dict[str, list[Misfit]] = {}
    for table in (reading.parent, *reading.children):
        for page in pages.get(table.table.doctype, ()):
            owners = page.wire[_owner_column(reading, table)]
            for misfit in page.misfits:
                by_document.setdefault(str(owners[misfit.row]), []).append(misfit)
    return by_document


def _as_json(reading: DocumentReading, pages: Mapping[str, Sequence[ConformedPage]], name: str) -> str:
    """Only rejected documents come here, so a loop over their rows costs nothing on a healthy site.

    The standard library writes whatever it reads, NaN and halves of surrogate pairs too, as a site may send them.
    """
    document: dict[str, object] = {}
    for table in (reading.parent, *reading.children):
        owner = _owner_column(reading, table)
        rows = [
            {fieldname: cells[row] for fieldname, cells in page.wire.items()}
            for page in pages.get(table.table.doctype, ())
            for row, owned_by in enumerate(page.wire[owner])
            if str(owned_by) == name
        ]
        if table is reading.parent:
            document.update(rows[0])
        else:
            document[table.table.doctype] = rows
    return json.dumps(document, sort_keys=True)

"""Document: one whole document by its name, for what has no list: Singles, and child tables that a site won't list."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from connectors.frappe.errors import DocTypeError, FrappeError, Trouble, failure
from connectors.frappe.names import is_doctype_name, shown
from connectors.frappe.pages import WireKind, WirePage, WireTable
from connectors.frappe.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.frappe.session import Answer, FrappeSession
    from connectors.frappe.site_names import SiteNames

Document = dict[str, object]

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")
_STEPS: Final = (".", "..")
"""Names that every HTTP library takes for steps in the path, percent-encoded or not."""


def read_document(
    session: FrappeSession, parent: WireTable, children: Mapping[str, WireTable], name: str
) -> Mapping[str, WirePage] | None:
    """Return a document as pages, DocType → page, None where no document bears exactly this name.

    The site leaves out what is null, so a field that is absent is null here, and one that the user may not read can't
    be told from it. A Single's numbers come as text [v15/e_types/38]; they are numbers here.

    Args:
        session: the site.
        parent: the DocType and what is wanted of it; the page has one row.
        children: the table fields wanted → their child DocType and what is wanted of it; two fields with the same
            child DocType share a page and must want the same of it.
        name: the document's; a Single's is its DocType.

    Raises:
        DocTypeError: it may not be read, or what came isn't a document of this kind.
        TransientError, SatelliteError: by the table of reactions.
        ValueError: a DocType name isn't one.
    """
    answer = _ask(session, parent.doctype, name)
    if answer is None:
        return None
    try:
        document = _object(json.loads(answer.body).get("data"))
        rows = _child_rows(document, {session.names.field(parent.doctype, held): t for held, t in children.items()})
    except (ValueError, RecursionError) as error:
        raise failure(Trouble.GARBAGE, site=session.url, doctype=parent.doctype, said=str(error)) from error
    if str(document.get("name")) != name:
        return None
    tables = {table.doctype: table for table in children.values()}
    pages = {child: _page(session.names, tables[child], rows[child], answer) for child in tables}
    return {parent.doctype: _page(session.names, parent, [document], answer), **pages}


def _ask(session: FrappeSession, doctype: str, name: str) -> Answer | None:
    if not is_doctype_name(doctype):
        raise ValueError(f"not a DocType name: {shown(doctype)!r}")
    doctype = session.names.doctype(doctype)
    if name in _STEPS:
        raise DocTypeError(
            f"DocType {doctype}: the document {name!r} can't be asked for by its address. Rename it on the site.",
            doctype=doctype,
        )
    path = f"/api/resource/{quote(doctype, safe='')}/{quote(name, safe='')}"
    try:
        return session.send(Request("GET", path, {}, doctype))
    except FrappeError as error:
        if isinstance(error, DocTypeError) and error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def _child_rows(document: Document, children: Mapping[str, WireTable]) -> defaultdict[str, list[Document]]:
    rows: defaultdict[str, list[Document]] = defaultdict(list)
    for fieldname, table in children.items():
        listed = document.get(fieldname) or []
        if not isinstance(listed, list):
            raise ValueError(f"{fieldname} isn't a table")  # noqa: TRY004
        rows[table.doctype].extend(map(_object, listed))
    return rows


def _object(value: object) -> Document:
    if not isinstance(value, dict):
        raise ValueError("there is no document")  # noqa: TRY004
    return value


def _page(names: SiteNames, table: WireTable, rows: Sequence[Document], answer: Answer) -> WirePage:
    """By cell: it is one document."""
    columns = tuple(
        tuple(_cell(row.get(names.field(table.doctype, fieldname)), kind) for row in rows)
        for fieldname, kind in zip(table.fields, table.kinds, strict=True)
    )
    return WirePage(table.doctype, table.fields, columns, len(rows), answer.observed, len(answer.body))


def _cell(cell: object, kind: WireKind) -> object:
    if not isinstance(cell, str) or kind == "text":
        return cell
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if kind == "number" and _NUMBER.fullmatch(cell):
        return float(cell)
    return cell

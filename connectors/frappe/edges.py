"""Edges: what one request tells of a whole list: its last name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.frappe.errors import Trouble, failure
from connectors.frappe.lists import Filter, ListQuery
from connectors.frappe.pages import GarbageError, decode_objects

if TYPE_CHECKING:
    from connectors.frappe.session import FrappeSession


def read_last_name(session: FrappeSession, doctype: str, *, before: str | int | None = None) -> str | int:
    """Return the last name in the site's own order of names, "" where there is no document.

    Args:
        session: the site.
        doctype: whose names.
        before: look only at names before this one.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    filters: tuple[Filter, ...] = () if before is None else (("name", "<", before),)
    query = ListQuery(doctype, ("name",), filters=filters, order=("name",), descending=True, limit=1, as_dict=True)
    body = session.send(query.on_site(session.names).to_request()).body
    try:
        (names,) = decode_objects(body, query.fields).columns
    except GarbageError as error:
        raise failure(Trouble.GARBAGE, site=session.url, doctype=doctype, said=str(error)) from error
    if not names:
        return ""
    last = names[0]
    if isinstance(last, (str, int)) and not isinstance(last, bool):
        return last
    raise failure(Trouble.GARBAGE, site=session.url, doctype=doctype, said="the last name was asked for")

"""Edges: what one request tells of a whole list: its last name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.frappe.errors import Trouble, failure
from connectors.frappe.lists import ListQuery
from connectors.frappe.pages import GarbageError, decode_objects

if TYPE_CHECKING:
    from connectors.frappe.session import FrappeSession


def read_last_name(session: FrappeSession, doctype: str) -> str | int:
    """Return the last name in the site's own order of names, "" where there is no document.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    query = ListQuery(doctype, ("name",), order=("name",), descending=True, limit=1, as_dict=True)
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

"""Edges: what one request tells of a whole list: its last name, and how many rows it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from connectors.frappe.errors import Trouble, failure
from connectors.frappe.lists import Filter, ListQuery
from connectors.frappe.request import method_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.frappe.session import FrappeSession


def read_last_name(session: FrappeSession, doctype: str) -> str | int:
    """Return the last name in the site's own order of names, "" where there is no document.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    query = ListQuery(doctype, ("name",), order=("name",), descending=True, limit=1, as_dict=True)
    rows = _answer(session, query)
    if not rows:
        return ""
    name = rows[0].get("name") if isinstance(rows[0], dict) else None
    if isinstance(name, (str, int)) and not isinstance(name, bool):
        return name
    raise failure(Trouble.GARBAGE, site=session.url, doctype=doctype, said="the last name was asked for")


def read_count(session: FrappeSession, doctype: str, filters: Sequence[Filter]) -> int:
    """Return how many documents the filters let pass, those hidden from this user included [c_children/31].

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    params = {"doctype": doctype, "filters": json.dumps([list(each) for each in filters])}
    answer = session.send(method_call("frappe.client.get_count", params, doctype=doctype))
    try:
        count = json.loads(answer.body).get("message")
    except (ValueError, RecursionError, AttributeError):
        count = None
    if isinstance(count, int) and not isinstance(count, bool):
        return count
    raise failure(Trouble.GARBAGE, site=session.url, doctype=doctype, said="a count was asked for")


def _answer(session: FrappeSession, query: ListQuery) -> list[object]:
    try:
        answer = json.loads(session.send(query.to_request()).body)
        rows = answer.get("data", answer.get("message"))
    except (ValueError, RecursionError, AttributeError):
        rows = None
    if isinstance(rows, list):
        return rows
    raise failure(Trouble.GARBAGE, site=session.url, doctype=query.doctype, said="a list was asked for")

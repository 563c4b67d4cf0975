"""Counting: how many documents a site has, those included that its lists hide from this user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from connectors.frappe.errors import Trouble, failure
from connectors.frappe.message import decode_message
from connectors.frappe.request import Request, method_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.frappe.session import FrappeSession


def count_request(doctype: str, filters: Mapping[str, tuple[str, object]] | None = None) -> Request:
    """Return the request for how many documents of `doctype` there are, whoever asks [c_children/31].

    Args:
        doctype: whose documents.
        filters: fieldname → (operator, JSON value), one a field, and all of them hold: Frappe 13's own code takes no
            list of conditions for a count.
    """
    narrowed = {"filters": json.dumps(filters)} if filters else {}
    return method_call("frappe.client.get_count", {"doctype": doctype, **narrowed}, doctype=doctype)


def read_count(session: FrappeSession, request: Request) -> int:
    """Return the answer to a `count_request`.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    try:
        count = decode_message(session.send(request).body)
    except ValueError:
        count = None
    if isinstance(count, int) and not isinstance(count, bool):
        return count
    raise failure(Trouble.GARBAGE, site=session.url, doctype=request.doctype, said="a count was asked for")

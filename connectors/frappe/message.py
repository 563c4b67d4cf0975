"""Message: what a whitelisted function of a site answers, and which answers a site may keep to itself."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from connectors.frappe.errors import FrappeError, Trouble, failure

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from connectors.frappe.request import Request
    from connectors.frappe.session import Answer, FrappeSession

UNTOLD: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.EXPECTATION_FAILED})
"""How a site answers that doesn't have a function, or keeps it from this user."""


def decode_message(body: bytes) -> object:
    """Return the `message` of an answer, None where it has none.

    Raises:
        ValueError: it isn't JSON.
    """
    try:
        return json.loads(body).get("message")
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read_message(session: FrappeSession, request: Request) -> tuple[object, Answer]:
    """Return the `message` that the site answers, and the answer it came with.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    answer = session.send(request)
    try:
        return decode_message(answer.body), answer
    except ValueError as error:
        raise failure(Trouble.NOT_FRAPPE, site=session.url) from error


def optional_message(session: FrappeSession, request: Request, *, untold: AbstractSet[int] = UNTOLD) -> object:
    """Return the `message` that the site answers, None where it doesn't tell this user.

    Args:
        session: the site.
        request: what is asked.
        untold: the statuses that mean so.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    try:
        return read_message(session, request)[0]
    except FrappeError as error:
        if error.status in untold:
            return None
        raise

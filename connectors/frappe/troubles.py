"""Troubles: an exception of the HTTP libraries is read for its cause, a key of the table of reactions."""

from __future__ import annotations

import ssl
from typing import Final

import requests
import urllib3

from connectors.frappe.errors import Trouble

_CAUSES: Final[tuple[tuple[tuple[type[BaseException], ...], Trouble], ...]] = (
    ((ssl.SSLCertVerificationError,), Trouble.CERTIFICATE),
    ((urllib3.exceptions.ProxyError, requests.exceptions.InvalidProxyURL), Trouble.PROXY),
    ((urllib3.exceptions.ReadTimeoutError, requests.exceptions.ReadTimeout), Trouble.TIMEOUT),
    (
        (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.SSLError,
            requests.exceptions.InvalidURL,
        ),
        Trouble.UNREACHABLE,
    ),
    ((requests.exceptions.ConnectionError,), Trouble.CLOSED),
)
"""Exception types, the most telling first; whatever else happens, happens in the middle of a body."""


def cause_of(error: Exception) -> Trouble:
    """Return the trouble behind an exception of `requests` or urllib3, which wrap the true one several times."""
    chain = _wrapped(error)
    return next(
        (trouble for kinds, trouble in _CAUSES if any(isinstance(link, kinds) for link in chain)), Trouble.BROKEN
    )


def _wrapped(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        link = todo.pop()
        if isinstance(link, BaseException) and link not in chain:
            chain.append(link)
            todo.extend((*link.args, link.__cause__, link.__context__, getattr(link, "reason", None)))
    return chain

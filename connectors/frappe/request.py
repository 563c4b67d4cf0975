"""Request: one read-only call, built by the modules that know its route and sent by the session."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, urlencode

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

GET_LIST: Final = "/api/method/frappe.client.get_list"
"""The one route that is ever sent a POST: `POST /api/resource/<DocType>` creates documents."""


@dataclass(frozen=True)
class Request:
    """A call that changes nothing on the site.

    Attributes:
        method: GET, or POST to `frappe.client.get_list`.
        path: the percent-encoded path under the site's address.
        params: the query of a GET, the JSON body of a POST.
        doctype: the DocType asked about, None where the call is about the site.
    """

    method: Literal["GET", "POST"]
    path: str
    params: Mapping[str, str | int]
    doctype: str | None = None

    def __post_init__(self) -> None:
        if self.method == "POST" and self.path != GET_LIST:
            raise ValueError(f"only {GET_LIST} may be sent a POST, not {self.path}")

    @cached_property
    def target(self) -> str:
        """Path and query, as they stand in the request line."""
        query = urlencode(self.params, quote_via=quote) if self.method == "GET" else ""
        return f"{self.path}?{query}" if query else self.path

    @property
    def body(self) -> bytes | None:
        """The JSON body of a POST, None for a GET."""
        return msgspec.json.encode(self.params) if self.method == "POST" else None


def method_call(name: str, params: Mapping[str, str] | None = None, *, doctype: str | None = None) -> Request:
    """Return a GET of the whitelisted function `name`."""
    return Request("GET", f"/api/method/{name}", params or {}, doctype)

"""Access: where a site is, as whom it is asked, and what it is asked to bear."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from requests.auth import AuthBase

from connectors.frappe.names import shown

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret, as the site's user form shows them. Neither appears in any text.

    Raises:
        ValueError: one of them is empty or holds what an HTTP header can't.
    """

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, value in (("API key", self.api_key), ("API secret", self.api_secret)):
            if not value or not value.isascii() or not value.isprintable() or " " in value or ":" in value:
                raise ValueError(f"the {name} is empty or holds spaces, colons, line breaks or non-ASCII characters")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one site is asked to bear, and how long it is waited for.

    Attributes:
        connections: requests in flight at most, all threads together; fewer while the site is slow.
        page_rows: rows a page at most; fewer while the site can't bear them.
        connect_timeout: seconds for a connection.
        read_timeout: seconds without a byte.
        answer_seconds: seconds from the request to the last byte.
        max_bytes: decoded bytes of one answer.
        retry_seconds: from the first try to the start of the last one; a longer Retry-After gives up at once.
        retry_attempts: tries in all of one request; a session that retries too often makes fewer.
    """

    connections: int = 2
    page_rows: int = 5000
    connect_timeout: float = 10
    read_timeout: float = 120
    answer_seconds: float = 600
    max_bytes: int = 256 * 1024 * 1024
    retry_seconds: float = 60
    retry_attempts: int = 5

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"the limit {name} must be above 0")


class Token(AuthBase):
    """Frappe's token header, set as `auth` so that no `.netrc` of the machine can replace it."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with its header."""
        request.headers["Authorization"] = f"token {self._credentials.api_key}:{self._credentials.api_secret}"
        return request


def checked_address(url: str) -> str:
    """Return the address of a site, `http(s)://host[:port][/sub/path]`, without a slash at its end.

    Raises:
        ValueError: it is none, or holds more than that; user and password in it aren't repeated.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an address of a site: {shown(parts._replace(netloc=parts.hostname or '').geturl())!r}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"the address of {parts.hostname} holds more than a host and a path")
    return url.rstrip("/")


_SITE_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


def checked_site_name(name: str) -> str:
    """Return the name under which a bench knows one of its sites: a host name.

    Raises:
        ValueError: no header can carry it.
    """
    if not _SITE_NAME.fullmatch(name):
        raise ValueError(f"not the name of a site: {shown(name)!r}. It looks like north.example.com")
    return name


def checked_proxy(url: str) -> str:
    """Return the address of a proxy, `http(s)://[user:password@]host[:port]`.

    Raises:
        ValueError: it is none; user and password in it aren't repeated.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = None
    if not usable:
        raise ValueError("not the address of a proxy. It looks like http://proxy.example.com:3128")
    return url

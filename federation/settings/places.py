"""Places: folders, files and addresses that the settings name, made absolute and checked without touching them."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

import fsspec
from fsspec.registry import known_implementations

from federation.lake.place import LakePlace
from federation.settings.errors import did_you_mean, echo

if TYPE_CHECKING:
    from pathlib import Path

_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_PATH: Final = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*", re.ASCII)
_PAGES: Final = frozenset({"api", "app", "desk", "login"})
"""Parts of addresses that browsers show and no site is served under."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class PlaceError(ValueError):
    """A place that can't be used: what is wrong, and how to fix it. Shows no part that may hold a password."""

    def __init__(self, what: str, fix: str) -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}: {fix}")


def absolute(text: str, folder: Path) -> Path | None:
    """Return the path that `text` names, relative to `folder`; None if it is no usable path (`~` isn't expanded)."""
    if not text.strip() or not text.isprintable() or text.startswith("~"):
        return None
    return (folder / text).absolute()


def site_url(text: str) -> str:
    """Return a site's address in one spelling: lower-case scheme and host, no default port, no slash at its end.

    The path that the site is served under, if any, stays as it is.

    Raises:
        PlaceError: it isn't the address of a site.
    """
    example = "write the site's address, for example https://north.example.com or https://example.com/erp"
    address, parts = _address(text, "https (or http)", example)
    if "@" in parts.netloc:
        raise PlaceError("holds credentials", "take them out of the address and name them under `credentials`")
    if parts.query or parts.fragment:
        raise PlaceError("holds more than the site's address (a query or a fragment)", example)
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path):
        raise PlaceError("is not an address: its path is malformed", example)
    if page := next((part for part in path.split("/") if part in _PAGES), None):
        raise PlaceError(f"leads to a page of the site (`/{page}`)", f"leave `/{page}` and what follows out of it")
    return address + path


def proxy_address(text: str, *, may_hold_credentials: bool) -> str:
    """Return a proxy's address, its host in one spelling.

    Args:
        text: `http://[user:password@]host[:port]`.
        may_hold_credentials: it comes from a place of secrets.

    Raises:
        PlaceError: it isn't the address of an HTTP proxy, or holds credentials where they would be seen.
    """
    example = "write the proxy's address, for example http://proxy.example.com:3128"
    address, parts = _address(text, "http (or https)", example)
    if parts.query or parts.fragment or parts.path.strip("/"):
        raise PlaceError("holds more than the proxy's address (a path, a query or a fragment)", example)
    credentials, separator, _ = parts.netloc.rpartition("@")
    if separator and not may_hold_credentials:
        raise PlaceError(
            "holds credentials (they are not shown)", "keep the whole address elsewhere and write env:NAME or file:PATH"
        )
    scheme, rest = address.split("://", 1)
    return f"{scheme}://{credentials}{separator}{rest}"


def _address(text: str, schemes: str, example: str) -> tuple[str, SplitResult]:
    """Return scheme, host and port in one spelling, and all parts as they were written."""
    if not text.isprintable() or " " in text:
        raise PlaceError("is not an address: it holds spaces or control characters", example)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise PlaceError("is not an address: its host or port is malformed", example) from None
    if parts.scheme not in _DEFAULT_PORTS:
        found = f"`{echo(parts.scheme)}`" if parts.scheme and "//" in text else "missing"
        raise PlaceError(f"needs the scheme {schemes}; it is {found}", example)
    told = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{_host(parts, example)}{told}", parts


def _host(parts: SplitResult, example: str) -> str:
    host = parts.hostname or ""
    if not host:
        raise PlaceError("has no host", example)
    if parts.netloc.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise PlaceError("is not an address: its host is malformed", example) from None
    try:
        ascii_host = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        ascii_host = ""
    if not _HOST.fullmatch(ascii_host):
        raise PlaceError("is not an address: its host is malformed", example)
    return ascii_host


def lake_place(text: str, folder: Path) -> LakePlace:
    """Return the lake's place: an absolute folder, or an fsspec URL as it is.

    Raises:
        PlaceError: no such protocol, its package is not installed, or the URL holds credentials.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        path = absolute(text, folder)
        if path is None:
            raise PlaceError("is not a folder", "write a folder (`var/lake`) or a URL (`s3://bucket/lake`)")
        return LakePlace(str(path))
    if not text.isprintable() or "::" in text or not rest:
        raise PlaceError("is not the URL of a folder", "write one protocol and a folder: s3://bucket/lake")
    if "@" in rest.split("/", 1)[0]:
        raise PlaceError(
            "holds credentials", "take them out; fsspec reads them from the environment or its own configuration"
        )
    if scheme not in known_implementations:
        raise PlaceError(
            f"has the unknown protocol `{echo(scheme)}`",
            did_you_mean(scheme, known_implementations, "use file, s3, gs…"),
        )
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise PlaceError(f"needs a package for `{scheme}` that is not installed", echo(str(error))) from error
    return LakePlace(text)

"""The mothership's URL: a DuckDB file, or a database on a MariaDB server."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from federation.settings.errors import echo
from federation.settings.places import PlaceError, absolute

if TYPE_CHECKING:
    from pathlib import Path

Engine = Literal["duckdb", "mariadb"]

MARIADB_DRIVER: Final = "mariadb+pymysql"
_MARIADB_SPELLINGS: Final = frozenset({"mariadb", MARIADB_DRIVER, "mysql+pymysql"})
_DUCKDB_EXAMPLE: Final = "write duckdb:///var/mothership.duckdb (three slashes: relative to this file; four: absolute)"
_MARIADB_EXAMPLE: Final = "write mariadb://federation@db.example.com:3306/mothership"
_SERVER_EXAMPLE: Final = "write mariadb://root@db.example.com:3306"

LONGEST_IDENTIFIER: Final = 64
"""Characters of a database's name on MariaDB."""
_REBUILD: Final = "_rebuild"
_LONGEST_DATABASE: Final = LONGEST_IDENTIFIER - len(_REBUILD)
_NOT_PLAIN: Final = re.compile(r"[^a-z0-9]+", re.ASCII)
_DATABASE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_ACCOUNT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_OF_THE_SERVER: Final = frozenset({"mysql", "information_schema", "performance_schema", "sys"})


def mothership_url(text: str, folder: Path) -> URL:
    """Return the mothership's URL in one spelling: a DuckDB file's made absolute, MariaDB's with driver and port.

    Raises:
        PlaceError: not an SQLAlchemy URL, a database that is not supported, or parts that are missing or too many.
            Shows no password.
    """
    url = _parsed(text, f"{_DUCKDB_EXAMPLE}; or for MariaDB {_MARIADB_EXAMPLE.removeprefix('write ')}")
    if url.drivername == "duckdb":
        return _duckdb(url, text, folder)
    if url.drivername in _MARIADB_SPELLINGS:
        return _mariadb(url)
    raise PlaceError(
        f"names the database `{echo(url.drivername)}`, which is not supported",
        f"supported are duckdb and mariadb; {_DUCKDB_EXAMPLE}, or {_MARIADB_EXAMPLE.removeprefix('write ')}",
    )


def server_url(text: str) -> URL:
    """Return the URL of an administrator's account on a MariaDB server.

    Raises:
        PlaceError: it is none, or holds a password (which is not shown) or more than the server.
    """
    url = _parsed(text, _SERVER_EXAMPLE)
    if url.drivername not in _MARIADB_SPELLINGS:
        raise PlaceError(f"names the database `{echo(url.drivername)}`, not mariadb", _SERVER_EXAMPLE)
    if url.database:
        raise PlaceError(f"names the database `{echo(url.database)}`, but the server alone is meant", _SERVER_EXAMPLE)
    return _on_server(url, _SERVER_EXAMPLE)


def engine_of(url: URL) -> Engine:
    """Return which database is under a mothership's URL."""
    return "duckdb" if url.drivername == "duckdb" else "mariadb"


def is_loopback(url: URL) -> bool:
    """Return whether the server is this machine, which a connection reaches without a network."""
    host = url.host or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_account(name: str) -> bool:
    """Return whether `name` can be that of an account on MariaDB."""
    return _ACCOUNT.fullmatch(name) is not None


def shown(url: URL) -> str:
    """Return a mothership's URL as a reader knows it: DuckDB's file, or server and database."""
    if engine_of(url) == "duckdb":
        return str(url.database)
    return url.set(drivername="mariadb").render_as_string(hide_password=True)


def rebuild_database(database: str) -> str:
    """Return the database in which a mothership is built anew, beside the one that is in use."""
    return f"{database}{_REBUILD}"


def jurisdiction_database(database: str, jurisdiction: str) -> str:
    """Return the database that shows the satellites of a jurisdiction alone: `mothership_eu` for EU."""
    return f"{database}_{_NOT_PLAIN.sub('_', jurisdiction.lower())}"


def _parsed(text: str, example: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # `from None`: the original error carries the URL, which may hold a password.
        raise PlaceError("is not a database URL", example) from None


def _duckdb(url: URL, text: str, folder: Path) -> URL:
    if url.host or url.username or url.password or url.port or url.query:
        raise PlaceError("names a host, a user or options, but DuckDB is a file", _DUCKDB_EXAMPLE)
    path = absolute(url.database or "", folder)
    if path is None or url.database == ":memory:" or text.endswith("/"):
        raise PlaceError("names no file; the mothership is published as one", _DUCKDB_EXAMPLE)
    return url.set(database=str(path))


def _mariadb(url: URL) -> URL:
    placed = _on_server(url, _MARIADB_EXAMPLE)
    name = url.database or ""
    if not name:
        raise PlaceError("names no database", _MARIADB_EXAMPLE)
    if not _DATABASE.fullmatch(name):
        fix = "begin with a letter, go on with letters, digits and _: mothership"
        raise PlaceError(f"names the database `{echo(name)}`, which holds characters beyond letters, digits and _", fix)
    if name.lower() in _OF_THE_SERVER:
        raise PlaceError(f"names `{name}`, which is the server's own database", "choose another name: mothership")
    if len(name) > _LONGEST_DATABASE:
        fix = f"choose one of at most {_LONGEST_DATABASE} characters: `<database>_rebuild` must fit beside it"
        raise PlaceError(f"names a database of {len(name)} characters, which is too long", fix)
    return placed


def _on_server(url: URL, example: str) -> URL:
    if url.password is not None:
        raise PlaceError(
            "holds a password (it is not shown)", "take it out of the URL and name where it is kept: env:NAME"
        )
    if url.query:
        raise PlaceError("holds options", f"leave them out, what can be set has a key of its own; {example}")
    if not url.host:
        raise PlaceError("names no host", example)
    if not url.username:
        raise PlaceError("names no user", example)
    if not is_account(url.username):
        raise PlaceError(f"names the user `{echo(url.username)}`, which is no plain name", example)
    return url.set(drivername=MARIADB_DRIVER, port=url.port or 3306)

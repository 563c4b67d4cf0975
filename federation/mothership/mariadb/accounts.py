"""Accounts: who may do what on the server, with the reason for each privilege."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

Privileges = Mapping[str, frozenset[str]]
"""Database → what may be done with everything in it; `SERVER` → what may be done on the server as a whole."""

SERVER: Final = "*"

LOADER: Final[Mapping[str, str]] = {
    "SELECT": "to compare what arrives with what is stored; the views of jurisdictions read with it",
    "INSERT": "to load rows",
    "UPDATE": "to patch columns, and to count generations",
    "DELETE": "to take away what is gone or replaced",
    "CREATE": "to make the tables of DocTypes",
    "ALTER": "to add and widen columns",
    "INDEX": "to make indexes after the first load",
    "DROP": "to put a table that was made anew in the old one's place",
    "CREATE TEMPORARY TABLES": "to hold the keys of a merge",
}
"""On the mothership's database and on the one that it is rebuilt in."""
LOADER_OF_VIEWS: Final[Mapping[str, str]] = {
    "CREATE VIEW": "to define the views of a jurisdiction",
    "DROP": "to define them anew when tables or satellites change",
}
"""On the database of each jurisdiction."""
LOADER_ON_SERVER: Final[Mapping[str, str]] = {
    "PROCESS": "to name who holds a table that must be changed; it ends nobody's session",
}
ANALYST: Final[Mapping[str, str]] = {"SELECT": "to ask"}
"""On one database: the mothership's, or a jurisdiction's."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it should be, from any host: `name`@`%`.

    Attributes:
        name: of plain characters.
        password: never shown, and never sent either: `password_hash` is.
        tls: it may connect by TLS alone.
        privileges: all that it may do.
    """

    name: str
    password: str = field(repr=False)
    tls: bool
    privileges: Privileges

    @property
    def password_hash(self) -> str:
        """What the server keeps of the password (`mysql_native_password`); nobody can connect with it."""
        # The server's own format: nothing here rests on SHA-1 being hard to collide.
        once = hashlib.sha1(self.password.encode(), usedforsecurity=False).digest()
        return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


def loader(name: str, password: str, *, tls: bool, tables: Iterable[str], views: Iterable[str]) -> Account:
    """Return the account that writes.

    Args:
        name: the user of the mothership's URL.
        password: its password.
        tls: demand TLS of it.
        tables: the databases in which it makes tables.
        views: the databases in which it defines views.
    """
    privileges = {database: frozenset(LOADER) for database in tables}
    privileges |= {database: frozenset(LOADER_OF_VIEWS) for database in views}
    return Account(name, password, tls, {**privileges, SERVER: frozenset(LOADER_ON_SERVER)})


def analyst(name: str, password: str, *, tls: bool, database: str) -> Account:
    """Return an account that reads one database, and does nothing else."""
    return Account(name, password, tls, {database: frozenset(ANALYST)})

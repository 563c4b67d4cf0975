"""Address: where the mothership is, who asks, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL


@dataclass(frozen=True, slots=True)
class MariadbLimits:
    """How long the mothership waits.

    Attributes:
        lock_seconds: a writer, for the one before.
        connect_seconds: for a server's answer to a new connection.
        tries: how often a transaction is done that others are in the way of, or whose connection gets lost; between
            ten tries lie 40 seconds.
    """

    lock_seconds: float = 600.0
    connect_seconds: float = 10.0
    tries: int = 10


@dataclass(frozen=True, slots=True)
class MariadbAddress:
    """Where the mothership is and who asks.

    Attributes:
        url: `mariadb://user@host:port/database`, without a password; the driver behind `mariadb` doesn't matter.
        password: the account's.
        ca: the authority that signed the server's certificate, which is verified then; None asks for no TLS.
    """

    url: URL
    password: str = field(repr=False)
    ca: Path | None = None

    @property
    def place(self) -> str:
        """The database as messages name it."""
        url = self.url
        return URL.create("mariadb", url.username, None, url.host, url.port, url.database).render_as_string()

    @property
    def database(self) -> str:
        """The name of the database."""
        return self.url.database or ""

"""Holders: who keeps others waiting, as far as the server shows it to this account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import SERVER_ERRORS

_COLUMNS: Final = "id, user, host, command, time"
_MOST_NAMED: Final = 5


def holder_of_lock(connection: MariadbConnection, lock: str) -> str:
    """Return which connection holds a lock of GET_LOCK."""
    number = connection.run("SELECT IS_USED_LOCK($lock)", {"lock": lock})[0][0]
    if number is None:
        return "nobody any more"
    known = connection.run(f"SELECT {_COLUMNS} FROM information_schema.processlist WHERE id = $id", {"id": number})
    return _named(known) or f"connection {number} of another account"


def holders_of_tables(connection: MariadbConnection) -> str:
    """Return which connections have transactions open, the oldest first; of them at least one holds the table."""
    try:
        known = connection.run(
            f"SELECT {_COLUMNS} FROM information_schema.innodb_trx "
            "JOIN information_schema.processlist ON id = trx_mysql_thread_id "
            "WHERE id <> CONNECTION_ID() ORDER BY trx_started"
        )
    except SERVER_ERRORS:
        # An account without the privilege PROCESS sees its own connections only.
        known = []
    return _named(known) or "a connection that this account can't see (an administrator finds it by SHOW PROCESSLIST)"


def _named(processes: Iterable[tuple[Any, ...]]) -> str:
    return ", ".join(
        f"connection {number} ({user}@{host}, {command} for {seconds} s)"
        for number, user, host, command, seconds in list(processes)[:_MOST_NAMED]
    )

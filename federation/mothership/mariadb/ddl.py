"""DDL: changes of tables, which have to find a gap between those who read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tenacity import Retrying, retry_if_exception, wait_random

from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import SERVER_ERRORS, ServerRefused, has_waited, is_lost, reason_of, refused
from federation.mothership.mariadb.holders import holders_of_tables

_PAUSE_SECONDS: Final = (0.2, 0.6)
_TRIES_AT_ONCE: Final = 20


def ddl(
    connection: MariadbConnection, template: str, /, *, retry_seconds: float = 60.0, **parts: str | Iterable[str]
) -> None:
    """Run one statement that changes tables, outside of a transaction.

    A statement that waits for the readers of a table keeps all new ones waiting behind it. So it is tried without
    waiting at all, again and again; only when no gap between readers was found it waits for a second.

    Args:
        connection: of the writer.
        template: the statement; `{name}` stands for a part.
        retry_seconds: for how long it pauses between tries, in all.
        parts: as of `Connection.run`.

    Raises:
        MothershipUnavailable: somebody held the table all the time (the message names them), or the server refused.
        sqlalchemy.exc.DBAPIError: the connection got lost; `MariadbDatabase.persistently` does it all again.
    """
    try:
        for attempt in Retrying(
            retry=retry_if_exception(has_waited),
            wait=wait_random(*_PAUSE_SECONDS),
            stop=lambda state: state.idle_for >= retry_seconds,
            reraise=True,
        ):
            with attempt:
                seconds = 0 if attempt.retry_state.attempt_number <= _TRIES_AT_ONCE else 1
                connection.run(f"SET STATEMENT lock_wait_timeout = {seconds} FOR {template}", **parts)
    except SERVER_ERRORS as error:
        if is_lost(error):
            raise
        if not has_waited(error):
            raise refused("change a table of", connection.place, error) from error
        raise ServerRefused(
            "change a table of",
            connection.place,
            f"somebody read it all the time ({reason_of(error)})",
            f"In its way may be {holders_of_tables(connection)}: end that query or transaction.",
        ) from error

"""Database: the server's database that one writer at a time works on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from federation.mothership.errors import MothershipBusy
from federation.mothership.mariadb.address import MariadbAddress, MariadbLimits
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import ABSENT, SERVER_ERRORS, explained, is_lost, may_pass
from federation.mothership.mariadb.holders import holder_of_lock
from federation.mothership.mariadb.session import WRITER, engine
from federation.mothership.sql import Fragment

__all__ = ["MariadbAddress", "MariadbDatabase", "MariadbLimits"]

_LONGEST_WAIT_SECONDS: Final = 15.0

_T = TypeVar("_T")


class MariadbDatabase:
    """A database, held for writing by the server's lock `federation.<database>`: lost with the connection."""

    def __init__(self, address: MariadbAddress, who: str, limits: MariadbLimits | None = None) -> None:
        """Say where it is, who writes (for messages), and how long to wait; nothing is connected yet."""
        self.address = address
        self._who = who
        self._limits = limits or MariadbLimits()
        self._lock = f"federation.{address.database}"
        self._connection: MariadbConnection | None = None
        self._former: tuple[Any, ...] = ()

    def open(self) -> Self:
        """Connect and wait for other writers.

        Raises:
            MothershipBusy: they didn't end in time; names the connection that holds the lock.
            MothershipUnavailable: the server can't be reached, or refuses the account, the database or the TLS.
        """
        with explained("open", self.address.place, ABSENT):
            self._connection = self._connect()
        return self

    def close(self) -> None:
        """Let the next writer in."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connection(self) -> MariadbConnection:
        """The session that holds the writer's lock; a new one where the last was found lost.

        Raises:
            MothershipBusy: another writer took the lock meanwhile.
            MothershipUnavailable: the server can't be reached.
        """
        with explained("open", self.address.place, ABSENT):
            return self._ready()

    def in_transaction(self, work: Callable[[MariadbConnection], _T]) -> _T:
        """BEGIN, `work`, COMMIT; where others are in the way or the connection gets lost, all of it again.

        `work` must ask the ledger first what is done already: a COMMIT whose answer got lost may have taken place.
        After a lost connection it gets a new one, which holds the writer's lock again and has no temporary tables;
        else those that it made are there still, and of their rows those that it put there are gone. What it raises of
        its own ends in ROLLBACK and is raised.

        Raises:
            MothershipBusy: another writer took the lock of a connection that got lost.
            MothershipUnavailable: the server refused, or was not back in time.
        """

        def once(connection: MariadbConnection) -> _T:
            with connection.transaction():
                return work(connection)

        return self.persistently(once)

    def persistently(self, work: Callable[[MariadbConnection], _T]) -> _T:
        """Do `work`, each statement a transaction of its own, and where the server was in the way all of it again.

        `work` must take what it did before for done.

        Raises:
            MothershipBusy: another writer took the lock of a connection that got lost.
            MothershipUnavailable: the server refused, or was not back in time.
        """
        trying = Retrying(
            retry=retry_if_exception(may_pass),
            wait=wait_exponential_jitter(multiplier=0.1, max=_LONGEST_WAIT_SECONDS),
            stop=stop_after_attempt(self._limits.tries),
            reraise=True,
        )
        with explained("write to", self.address.place):
            return trying(lambda: self._try(work))

    def _try(self, work: Callable[[MariadbConnection], _T]) -> _T:
        try:
            return work(self._ready())
        except SERVER_ERRORS as error:
            if is_lost(error):
                self.close()
            raise

    def _ready(self) -> MariadbConnection:
        if self._connection is not None and not self._connection.raw.open:
            self.close()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> MariadbConnection:
        connection = MariadbConnection(
            engine(self.address, WRITER, seconds=self._limits.connect_seconds, loads=True).connect(), self.address.place
        )
        try:
            self._take_lock(connection)
        except BaseException:
            with suppress(*SERVER_ERRORS):
                connection.close()
            raise
        return connection

    def _take_lock(self, connection: MariadbConnection) -> None:
        lock = {"lock": self._lock}
        holding = connection.run(
            "SELECT id, host FROM information_schema.processlist WHERE id = IS_USED_LOCK($lock)", lock
        )
        if self._former in holding:
            # The server hasn't noticed that our last connection is gone, and would keep its lock and rows for it. Where
            # it just did there is nothing to end any more.
            with suppress(*SERVER_ERRORS):
                connection.run("KILL CONNECTION {number}", number=Fragment(self._former[0]))
        seconds = self._limits.lock_seconds
        if connection.run("SELECT GET_LOCK($lock, $seconds)", {**lock, "seconds": seconds}) != [(1,)]:
            raise MothershipBusy(self._who, self.address.place, seconds, holder_of_lock(connection, self._lock))
        (self._former,) = connection.run(
            "SELECT id, host FROM information_schema.processlist WHERE id = CONNECTION_ID()"
        )

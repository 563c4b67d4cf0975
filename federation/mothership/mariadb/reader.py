"""Reader: what analysts ask of the mothership, answered as Arrow."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import pyarrow as pa

from federation.mothership.errors import QueryFailed
from federation.mothership.freshness import read_freshness
from federation.mothership.interface import Freshness
from federation.mothership.mariadb.address import MariadbAddress, MariadbLimits
from federation.mothership.mariadb.arrow_rows import stream
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import ABSENT, SERVER_ERRORS, explained, reason_of
from federation.mothership.mariadb.one_select import refuse_all_but_one_select
from federation.mothership.mariadb.session import READER, engine
from federation.mothership.tables import read_tables


class MariadbReader:
    """The mothership, read-only. A context manager and a `Readable`.

    Each question sees one state: what is committed when it is asked.
    """

    def __init__(self, address: MariadbAddress, limits: MariadbLimits | None = None) -> None:
        """Connect.

        Raises:
            MothershipUnavailable: the server can't be reached, or refuses the account, the database or the TLS.
        """
        self._place = address.place
        with explained("open", self._place, ABSENT):
            self._engine = engine(address, READER, seconds=(limits or MariadbLimits()).connect_seconds)
            self._connection = MariadbConnection(self._engine.connect(), self._place)
        self._asking: MariadbConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the server; a result that wasn't read to its end ends."""
        self._end_query()
        self._connection.close()

    def query(self, sql: str) -> pa.RecordBatchReader:
        """Run one SELECT and return its result as a stream; end it before the next query.

        Raises:
            QueryFailed: the statement was refused; the message says why. While the result is read: a value has no
                place in its Arrow type, or the connection got lost.
        """
        refuse_all_but_one_select(sql)
        self._end_query()
        try:
            # A connection of its own: what nobody reads to its end couldn't be left otherwise.
            self._asking = MariadbConnection(self._engine.connect(), self._place)
            return stream(self._asking.raw, sql)
        except SERVER_ERRORS as error:
            self._end_query()
            raise QueryFailed(reason_of(error)) from error

    def freshness(self) -> list[Freshness]:
        """Return the freshness of every satellite and DocType, in this order.

        Raises:
            MothershipUnavailable: it can't be read.
        """
        with explained("read", self._place):
            return read_freshness(self._connection)

    def tables(self) -> dict[str, str]:
        """Return DocType → table, child DocTypes included.

        Raises:
            MothershipUnavailable: they can't be read.
        """
        with explained("read", self._place):
            return read_tables(self._connection)

    def _end_query(self) -> None:
        if self._asking is not None:
            self._asking.close()
            self._asking = None

"""Driver: pymysql, with what it has no options for."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, Final, Protocol

from pymysql.connections import Connection
from pymysql.constants import CR
from pymysql.err import OperationalError

_KEEPALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""A server that is gone without a word is noticed after two minutes."""


class Field(Protocol):
    """What the server says of a column of a result.

    Attributes:
        type_code: one of `FIELD_TYPE`.
        length: of the longest value, as text.
        scale: digits behind the point.
        flags: of `FLAG`, the sign among them.
        charsetnr: 63 where values are bytes.
    """

    name: str
    type_code: int
    length: int
    scale: int
    flags: int
    charsetnr: int


class MariadbDriver(Connection):
    """A connection that waits long for an answer but not for a greeting, and sends no file that it wasn't told to.

    A server, or who speaks in its place, can ask a client for any file instead of answering a statement: pymysql would
    send whatever it names for as long as the connection lasts.
    """

    _sock: socket.socket
    _result: Any
    _offered = b""

    def connect(self, sock: Any = None) -> None:  # noqa: ANN401
        """Connect within the time limits of the constructor, which end with it."""
        super().connect(sock)
        self._local_infile = False
        self._read_timeout = None
        for option, value in _KEEPALIVE.items():
            # macOS has other names for them, and the times of its kernel do.
            if hasattr(socket, option):
                self._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    @property
    def fields(self) -> Sequence[Field]:
        """The columns of the last result; a cursor's description leaves out their sign and charset."""
        fields: Sequence[Field] = self._result.fields
        return fields

    def load_local(self, statement: str, path: str) -> str:
        """Execute a LOAD DATA LOCAL of one file, and return the server's summary of it.

        Raises:
            pymysql.err.Error: the server refused, or the connection got lost.
        """
        self._local_infile, self._offered = True, path.encode()
        try:
            with self.cursor() as cursor:
                cursor.execute(statement)
                return (self._result.message or b"").decode(errors="replace")
        except AttributeError as error:
            # pymysql says good-bye to a connection that it has closed already.
            if self.open:
                raise
            raise OperationalError(CR.CR_SERVER_LOST, "the connection got lost while rows were sent") from error
        finally:
            self._local_infile = False

    def _force_close(self) -> None:
        # What is left of a result can't be read any more, which pymysql would try at the latest as it is collected.
        if self._result is not None:
            self._result.unbuffered_active = False
        super()._force_close()  # type: ignore[misc]

    def _read_packet(self, *packet_type: type) -> Any:  # noqa: ANN401
        packet: Any = super()._read_packet(*packet_type)  # type: ignore[no-untyped-call]
        # No rows come while a file is loaded: nothing else begins like this request.
        if self._local_infile and packet.is_load_local_packet() and packet.get_all_data()[1:] != self._offered:
            self.close()
            raise OperationalError(CR.CR_MALFORMED_PACKET, "the server asked for a file that it wasn't offered")
        return packet

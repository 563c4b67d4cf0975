"""Failures: what the errors of a MariaDB server mean, and what is to be done about them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import pymysql
import sqlalchemy.exc
from pymysql.constants import CR, ER

from federation.mothership.errors import MothershipError, MothershipUnavailable

SERVER_ERRORS: Final = (sqlalchemy.exc.DBAPIError, pymysql.err.Error)
"""What the driver raises, wrapped by SQLAlchemy or not."""

_LOST: Final = frozenset(
    {
        0,  # the driver's own, of a connection that it has closed
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        CR.CR_SERVER_LOST_EXTENDED,
        CR.CR_COMMANDS_OUT_OF_SYNC,
        ER.SERVER_SHUTDOWN,
        ER.FORCING_CLOSE,
        ER.ABORTING_CONNECTION,
        ER.NEW_ABORTING_CONNECTION,
        ER.NET_READ_ERROR,
        ER.NET_READ_INTERRUPTED,
        ER.NET_ERROR_ON_WRITE,
        ER.NET_WRITE_INTERRUPTED,
        1927,  # ER_CONNECTION_KILLED
    }
)
_ABSENT: Final = frozenset({CR.CR_CONN_HOST_ERROR, ER.CON_COUNT_ERROR})
_WAITED: Final = frozenset({ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT})
_MOVED: Final = frozenset({ER.CHECKREAD, ER.TABLE_DEF_CHANGED})

_VALUES_THAT_DO_NOT_FIT: Final = frozenset(
    {
        ER.BAD_NULL_ERROR,
        ER.DUP_ENTRY,
        1586,  # ER_DUP_ENTRY_WITH_KEY_NAME
        ER.TOO_BIG_ROWSIZE,
        ER.WARN_DATA_OUT_OF_RANGE,
        ER.WARN_DATA_TRUNCATED,
        ER.TRUNCATED_WRONG_VALUE,
        ER.TRUNCATED_WRONG_VALUE_FOR_FIELD,
        ER.DATA_TOO_LONG,
        ER.WRONG_VALUE_COUNT_ON_ROW,
        ER.NO_DEFAULT_FOR_FIELD,
    }
)

_ACCOUNT: Final = (
    "Check `url`, `password` and, for an account that must use TLS, `ca` of the mothership's settings; "
    "`federation mothership init` makes the account."
)
_GRANTS: Final = "`federation mothership init` gives the account what it needs."
_ROOM: Final = "Make room on the disk of the server's data and temporary files."
ABSENT: Final = "Check host and port in `url`, that the server runs, and that it can be reached from here."
"""What to do when no server answers as one."""

_ADVICE: Final[Mapping[int, str]] = {
    ER.ACCESS_DENIED_ERROR: _ACCOUNT,
    1698: _ACCOUNT,  # ER_ACCESS_DENIED_NO_PASSWORD_ERROR
    ER.HOST_NOT_PRIVILEGED: _ACCOUNT,
    ER.DBACCESS_DENIED_ERROR: _GRANTS,
    ER.TABLEACCESS_DENIED_ERROR: _GRANTS,
    ER.COLUMNACCESS_DENIED_ERROR: _GRANTS,
    ER.SPECIFIC_ACCESS_DENIED_ERROR: _GRANTS,
    ER.BAD_DB_ERROR: "Check the database in `url`; `federation mothership init` makes it.",
    ER.NO_SUCH_TABLE: "`federation sync` makes the tables; `federation rebuild` makes them again where one is missing.",
    ER.DISK_FULL: _ROOM,
    ER.RECORD_FILE_FULL: _ROOM,
    ER.OPTION_PREVENTS_STATEMENT: "Is it a replica, or set read-only? `url` must name the server that takes changes.",
    ER.NET_PACKET_TOO_LARGE: "Raise `max_allowed_packet` of the server.",
    ER.CON_COUNT_ERROR: "Wait for other connections to end, or raise `max_connections` of the server.",
    1665: "Set `binlog_format` of the server to ROW.",  # ER_BINLOG_STMT_MODE_AND_ROW_ENGINE
    CR.CR_CONN_HOST_ERROR: ABSENT,
    CR.CR_SSL_CONNECTION_ERROR: "Set up TLS on the server, or take `ca` out of the mothership's settings.",
}
TLS_ADVICE: Final = (
    "Check that `ca` of the mothership's settings is the authority that signed the server's certificate, and that the "
    "certificate is for the host in `url`."
)
_OTHER_ADVICE: Final = "The server's error log says more."
_VALUE: Final = re.compile(r"(value:? )'.*?'(?= for |; |$)", re.DOTALL)
_LONGEST_REASON: Final = 300


class ServerRefused(MothershipUnavailable):
    """The MariaDB server refused, or isn't there."""

    def __init__(self, action: str, place: str, reason: str, advice: str = _OTHER_ADVICE) -> None:
        MothershipError.__init__(
            self,
            f"The mothership could not {action} {place}: {reason}. {advice} What was merged before is kept, and the "
            "rest waits on the lake for the next run.",
        )


class LoadRefused(MothershipError):
    """Rows did not all arrive in a table as they are; the transaction must be rolled back.

    Attributes:
        table: where they should have gone.
        column: the one whose value the server would have changed; "" where it named none.
        reason: what the server said.
    """

    def __init__(self, table: str, column: str, reason: str) -> None:
        where = f"column {column} of {table}" if column else table
        super().__init__(f"The server does not take the rows for {where} as they are: {reason}")
        self.table = table
        self.column = column
        self.reason = reason


def code_of(error: BaseException) -> int | None:
    """Return the number of a server's or the driver's error, None where it has none."""
    said = _driver_error(error)
    code = said.args[0] if isinstance(said, pymysql.err.Error) and said.args else None
    return code if isinstance(code, int) else None


def is_lost(error: BaseException) -> bool:
    """Return whether the connection is gone, and with it the transaction, the locks and the temporary tables."""
    return code_of(error) in _LOST


def has_waited(error: BaseException) -> bool:
    """Return whether others were in the way: a deadlock, or a lock that didn't come free in time."""
    return code_of(error) in _WAITED


def may_pass(error: BaseException) -> bool:
    """Return whether the same transaction may succeed when it is done again, if need be on a new connection."""
    return code_of(error) in _LOST | _ABSENT | _WAITED | _MOVED


def is_about_values(error: BaseException) -> bool:
    """Return whether the server refused a row because of what is in it."""
    return code_of(error) in _VALUES_THAT_DO_NOT_FIT


def message_of(error: BaseException) -> str:
    """Return what the server said, which may quote values of rows."""
    said = _driver_error(error)
    return (str(said.args[-1]) if said.args else "") or "the connection is closed"


def reason_of(error: BaseException) -> str:
    """Return what the server said as one printable line, without the values of rows that it quotes."""
    return shown_reason(message_of(error))


def shown_reason(text: str) -> str:
    """Return a message of the server as one printable line, without the values of rows that it quotes."""
    text = _VALUE.sub(r"\1…", text)[:_LONGEST_REASON]
    return "".join(char if char.isprintable() else " " for char in text).rstrip(". ")


def refused(action: str, place: str, error: BaseException, otherwise: str = _OTHER_ADVICE) -> ServerRefused:
    """Return an error of the server's as ours; see `explained`."""
    tls = isinstance(getattr(_driver_error(error), "original_exception", None), ssl.SSLError)
    advice = TLS_ADVICE if tls else _ADVICE.get(code_of(error) or 0, otherwise)
    return ServerRefused(action, place, reason_of(error), advice)


@contextmanager
def explained(action: str, place: str, otherwise: str = _OTHER_ADVICE) -> Iterator[None]:
    """Turn the server's errors into ours: what could not be done, where, why, and what to do.

    Args:
        action: what is tried, as in "could not … the place".
        place: the database.
        otherwise: what to do about errors that have no advice of their own.

    Raises:
        ServerRefused: a MothershipUnavailable.
    """
    try:
        yield
    except SERVER_ERRORS as error:
        raise refused(action, place, error, otherwise) from error
    except sqlalchemy.exc.InvalidRequestError as error:
        # The dialect finds that who answers is no MariaDB.
        raise ServerRefused(action, place, shown_reason(str(error)), ABSENT) from error


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        return error.orig
    return error

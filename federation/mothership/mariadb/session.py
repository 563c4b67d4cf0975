"""Session: how connections to the server are made, and what is set in each."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool

from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.driver import MariadbDriver
from federation.mothership.mariadb.failures import TLS_ADVICE, ServerRefused

_SQL_MODE: Final = (
    "STRICT_ALL_TABLES,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,PIPES_AS_CONCAT"
)

EVERYBODY: Final[Mapping[str, str | int]] = {
    "sql_mode": _SQL_MODE,
    # Of the texts in statements: as the tables compare theirs.
    "collation_connection": "utf8mb4_nopad_bin",
    "time_zone": "+00:00",
    # Texts of the server are read: which column, how many rows.
    "lc_messages": "en_US",
    # A client that takes its time between two rows isn't dead. One that is idle for longer may be: it would hold the
    # writer's lock, or the state that it reads.
    "net_read_timeout": 600,
    "net_write_timeout": 600,
    "wait_timeout": 900,
}
WRITER: Final[Mapping[str, str | int]] = {
    **EVERYBODY,
    "tx_isolation": "READ-COMMITTED",
    # A change of a table that waits for its readers keeps new ones waiting behind it (see ddl.py).
    "lock_wait_timeout": 3,
    "innodb_lock_wait_timeout": 10,
    # A note tells of digits or spaces cut off, and is counted with the warnings only here.
    "sql_notes": 1,
    # A merge takes as long as it takes.
    "max_statement_time": 0,
    "idle_transaction_timeout": 0,
    "idle_write_transaction_timeout": 0,
}
READER: Final[Mapping[str, str | int]] = {**EVERYBODY, "tx_read_only": 1}


def engine(
    address: MariadbAddress, settings: Mapping[str, str | int], *, seconds: float, loads: bool = False
) -> sqlalchemy.Engine:
    """Return what connects to the server; each `connect()` is a new session in autocommit mode.

    A session that is lost stays lost: SQLAlchemy would open another in its place, without the locks of the first.

    Args:
        address: of the server, with the account.
        settings: of each session: `WRITER` or `READER`.
        seconds: for the server's answers until the session stands.
        loads: sessions may send rows as files. A server could ask them for any file then: only for the loader.

    Raises:
        ServerRefused: the authority's certificate can't be read.
    """
    made = sqlalchemy.create_engine(
        address.url.set(drivername="mariadb+pymysql", password=None, query={}),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={
            "password": address.password.encode(),
            "charset": "utf8mb4",
            "local_infile": loads,
            "connect_timeout": seconds,
            "read_timeout": seconds,
            **_tls(address),
        },
    )

    @sqlalchemy.event.listens_for(made, "do_connect")
    def connect(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> MariadbDriver:
        return MariadbDriver(**options)

    @sqlalchemy.event.listens_for(made, "connect")
    def set_up(driver: MariadbDriver, _record: object) -> None:
        with driver.cursor() as cursor:
            cursor.execute(f"SET SESSION {', '.join(f'{name} = %s' for name in settings)}", tuple(settings.values()))

    @sqlalchemy.event.listens_for(made, "handle_error")
    def stay_lost(context: ExceptionContext) -> None:
        context.is_disconnect = False

    return made


def _tls(address: MariadbAddress) -> dict[str, object]:
    if address.ca is None:
        return {"ssl_disabled": True}
    try:
        # Checks the name of the host too, which the driver's own options leave out.
        return {"ssl": ssl.create_default_context(cafile=str(address.ca))}
    except OSError as error:
        raise ServerRefused("open", address.place, f"{address.ca}: {error.strerror or error}", TLS_ADVICE) from error

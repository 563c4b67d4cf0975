"""Connection: MariaDB as the `Connection` that all statements of the mothership go through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, Final, cast

import sqlalchemy

from federation.mothership.mariadb.driver import MariadbDriver
from federation.mothership.mariadb.failures import SERVER_ERRORS
from federation.mothership.sql import identifier, shown

_VALUE: Final = re.compile(r"\$([A-Za-z_]\w*)")


class MariadbConnection:
    """One session of a MariaDB server. Each statement outside of a `transaction` is one of its own.

    Counts of UPDATE are of the rows found, whether or not their values changed, as on DuckDB.

    Attributes:
        raw: the driver's own connection, of the same session.
        place: the database as messages name it.
    """

    def __init__(self, session: sqlalchemy.Connection, place: str) -> None:
        """Take a session that an engine of `session.py` opened."""
        self._session = session
        self.place = place
        self.raw = cast("MariadbDriver", session.connection.driver_connection)

    def run(
        self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows; for a statement that has none, one row with how many it touched.

        A Decimal, date, datetime, timedelta (of a TIME), int, str or bytes as the column's type is.

        Raises:
            sqlalchemy.exc.DBAPIError: the server refused; `failures.py` tells what that means.
        """
        result = self._session.exec_driver_sql(
            _statement(template, values, parts), dict(values or {}), {"no_parameters": not values}
        )
        if result.returns_rows:
            return [tuple(row) for row in result.fetchall()]
        return [(result.rowcount,)]

    def count(self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]) -> int:
        """Return the number that a statement yields: what it counts, or how many rows it touched."""
        return int(self.run(template, values, **parts)[0][0])

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert a few rows, at least one; within a transaction, for many of them are several statements."""
        names = shown(columns).replace("%", "%%")
        into = identifier(table).replace("%", "%%")
        marks = ", ".join(["%s"] * len(columns))
        self._session.exec_driver_sql(f"INSERT INTO {into} ({names}) VALUES ({marks})", [tuple(row) for row in rows])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything within takes place, or nothing of it; a statement that defines tables would end it before.

        When a COMMIT gets no answer nobody knows whether it took place: ask the ledger.
        """
        self.run("BEGIN")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            # A connection that is lost has rolled back already.
            with suppress(*SERVER_ERRORS):
                self.run("ROLLBACK")
            raise

    def close(self) -> None:
        """End the session; the server rolls back what is open, and lets go of locks and temporary tables."""
        if not self._session.closed:
            self._session.invalidate()
            self._session.close()

    @cached_property
    def local_infile(self) -> bool:
        """Whether the server takes rows from a client's file; where not, they go in by statements."""
        return bool(self.count("SELECT @@GLOBAL.local_infile"))


def _statement(template: str, values: Mapping[str, object] | None, parts: Mapping[str, str | Iterable[str]]) -> str:
    """Return the statement as the driver takes it: with values it formats the text, without it leaves it alone."""
    texts: dict[str, str] = {name: shown(part) for name, part in parts.items()}
    if values:
        template = _VALUE.sub(r"%(\1)s", template.replace("%", "%%"))
        texts = {name: text.replace("%", "%%") for name, text in texts.items()}
    return template.format(**texts)

"""Places: where the tests put a mothership, a DuckDB file or a database of MariaDB, and what they do there by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pymysql
import sqlalchemy as sa

from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.interface import Mothership
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.mothership import MariadbMothership
from federation.mothership.system_tables import DICTIONARY, META, SCHEMA, SYSTEM_TABLES, TABLE


class Place(Protocol):
    """One mothership's place."""

    def writer(self, who: str = "test", /) -> Mothership:
        """Return the mothership, to be entered."""

    def alter(self, statement: str, /) -> None:
        """Execute a statement by hand, behind the mothership's back."""

    def comments(self, table: str, /) -> dict[str, str]:
        """Return column → comment; that of the table itself stands under ""."""

    def emptied(self, *, tables_stay: bool = False) -> AbstractContextManager[None]:
        """Nothing is there when the context begins, which may be entered again; but for tables without rows."""


class DuckdbPlace:
    """A file. Others lie beside it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def writer(self, who: str = "test", /) -> Mothership:
        return DuckdbMothership(self.file, who=who)

    def alter(self, statement: str, /) -> None:
        with self._connected() as connection:
            connection.execute(statement)

    def comments(self, table: str, /) -> dict[str, str]:
        with self._connected() as connection:
            own = connection.execute("SELECT '', comment FROM duckdb_tables() WHERE table_name = ?", [table])
            found = own.fetchall()
            columns = connection.execute(
                "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?", [table]
            )
            return {column: comment or "" for column, comment in found + columns.fetchall()}

    @contextmanager
    def emptied(self, *, tables_stay: bool = False) -> Iterator[None]:
        for file in self.file.parent.glob(f"{self.file.name}*"):
            file.unlink()
        yield

    def _connected(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(self.file.with_name(f"{self.file.name}.writer"))


class MariadbPlace:
    """A database of a server, as an account that may do anything there."""

    def __init__(self, url: str, *, ca: Path | None = None) -> None:
        self.url = sa.make_url(url)
        self.address = MariadbAddress(self.url.set(password=None), self.url.password or "", ca)
        self._held: Mothership | None = None

    def writer(self, who: str = "test", /) -> Mothership:
        return self._held or MariadbMothership(self.address, who=who)

    def alter(self, statement: str, /) -> None:
        self.rows(statement)

    def rows(self, statement: str, /) -> list[tuple[Any, ...]]:
        """Execute a statement by hand and return its rows."""
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def comments(self, table: str, /) -> dict[str, str]:
        where = f"table_schema = database() AND table_name = '{table}'"
        found = self.rows(f"SELECT '', table_comment FROM information_schema.tables WHERE {where}")
        asked = f"SELECT column_name, column_comment FROM information_schema.columns WHERE {where}"
        return dict(found + self.rows(f"{asked} ORDER BY ordinal_position"))

    @contextmanager
    def emptied(self, *, tables_stay: bool = False) -> Iterator[None]:
        """Keep one writer open meanwhile: to open one takes longer than most merges."""
        lasting = {META.name, *((TABLE.name, SCHEMA.name, DICTIONARY.name) if tables_stay else ())}
        system = {table.name for table in SYSTEM_TABLES}
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = database()")
            for table in {name for (name,) in cursor.fetchall()} - lasting:
                cursor.execute(f'DELETE FROM "{table}"' if table in system or tables_stay else f'DROP TABLE "{table}"')
        with MariadbMothership(self.address, who="test") as mothership:
            self._held = _Held(mothership)
            try:
                yield
            finally:
                self._held = None

    def connected(self) -> pymysql.Connection:
        """Return a connection of one's own, in autocommit mode."""
        return pymysql.connect(
            host=self.url.host or "",
            port=self.url.port or 0,
            user=self.url.username,
            password=self.url.password or "",
            database=self.url.database,
            sql_mode="ANSI_QUOTES",
            autocommit=True,
        )


class _Held:
    """A mothership that is open already and stays so when it is left."""

    def __init__(self, mothership: Mothership) -> None:
        self._mothership = mothership

    def __enter__(self) -> Mothership:
        return self._mothership

    def __exit__(self, *_: object) -> None:
        pass

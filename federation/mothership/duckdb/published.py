"""Published: the file that analysts open, read-only and apart from the writer's."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa

from federation.mothership.duckdb.database import explained
from federation.mothership.duckdb.sql import DuckdbConnection, without_progress_bar
from federation.mothership.errors import MothershipUnavailable, QueryFailed
from federation.mothership.freshness import read_freshness
from federation.mothership.interface import Freshness
from federation.mothership.sql import literal
from federation.mothership.tables import read_tables

_BATCH_ROWS: Final = 10_000


class PublishedMothership:
    """The last publication, as it is when it is opened. A context manager.

    Queries reach the tables of the mothership and nothing else of this machine.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise MothershipUnavailable("open", str(file), "nothing was published yet; run `federation sync` first")
        with explained("open", str(file)):
            self._connection = connect(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.raw.close()

    def query(self, sql: str) -> pa.RecordBatchReader:
        """Run one SELECT and return its result as a stream; end it before the next query.

        Raises:
            QueryFailed: the statement was refused; the message says why.
        """
        return stream(self._connection, sql)

    def freshness(self) -> list[Freshness]:
        """Return the freshness of every satellite and DocType, in this order."""
        return read_freshness(self._connection)

    def tables(self) -> dict[str, str]:
        """Return DocType → table, child DocTypes included."""
        return read_tables(self._connection)


def connect(file: Path) -> DuckdbConnection:
    """Open a published file as it is now.

    Attached to a database of its own, because DuckDB gives all who connect to a path within one process the file that
    the first of them opened, also when another one has taken its place.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": f"{file}.spill",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = DuckdbConnection(without_progress_bar(duckdb.connect(config=settings)))
    try:
        connection.run("ATTACH {file} AS mothership (READ_ONLY)", file=literal(str(file)))
        connection.run("USE mothership")
        connection.run("SET enable_external_access = false")
    except duckdb.Error:
        connection.raw.close()
        raise
    return connection


def generation_of(file: Path) -> int | None:
    """Return the generation that a published file holds, None where it can't be told."""
    if not file.is_file():
        return None
    try:
        connection = connect(file)
    except duckdb.Error:
        return None
    try:
        return int(connection.run("SELECT generation FROM federation_meta")[0][0])
    except (duckdb.Error, IndexError):
        return None
    finally:
        connection.raw.close()


def stream(connection: DuckdbConnection, sql: str) -> pa.RecordBatchReader:
    """Run a query and return its result as batches."""
    try:
        result = connection.raw.sql(sql)
        if result is None:
            raise QueryFailed("it is no SELECT, and analysts only read.")
        return result.to_arrow_reader(_BATCH_ROWS)
    except duckdb.Error as error:
        raise QueryFailed(str(error)) from error

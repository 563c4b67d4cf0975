"""SQL: statements for DuckDB whose identifiers are always quoted, and its names for the contract's types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import pyarrow as pa

from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER

TYPES: Final[Mapping[pa.DataType, str]] = {
    TEXT: "VARCHAR",
    INTEGER: "BIGINT",
    FLAG: "TINYINT",
    DATE: "DATE",
    TIME: "TIME",
    DATETIME: "TIMESTAMP",
    MONEY: "DECIMAL(21,9)",
    WIDE_NUMBER: "DECIMAL(38,9)",
}
ARROW_TYPES: Final[Mapping[str, pa.DataType]] = {name: arrow for arrow, name in TYPES.items()}

FILE_COLUMNS: Final = frozenset({"file_index", "file_row_number"})
"""What `parquet` adds to the columns of the files."""


class Fragment(str):
    """A piece of SQL made of quoted names and literals only: it goes into a statement as it is."""

    __slots__ = ()


def run(
    connection: duckdb.DuckDBPyConnection,
    template: str,
    values: Mapping[str, object] | None = None,
    /,
    **parts: str | Iterable[str],
) -> list[tuple[Any, ...]]:
    """Run one statement and return all its rows; for INSERT, UPDATE and DELETE one row with the count.

    Args:
        connection: the database.
        template: the statement; `{name}` stands for a part, `$name` for a value.
        values: bound values by name.
        parts: a str is quoted as an identifier, several as a list of identifiers; a `Fragment` stays as it is.
    """
    statement = template.format(**{name: _shown(part) for name, part in parts.items()})
    result = connection.execute(statement, values) if values else connection.execute(statement)
    return result.fetchall()


def count(connection: duckdb.DuckDBPyConnection, template: str, /, **parts: str | Iterable[str]) -> int:
    """Return the number that a statement yields: what it counts, or how many rows it changed."""
    return int(run(connection, template, **parts)[0][0])


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Everything within takes place, or nothing of it."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A COMMIT that failed has ended the transaction already.
        with suppress(duckdb.TransactionException):
            connection.execute("ROLLBACK")
        raise


def identifier(name: str) -> Fragment:
    """Return `name` quoted as an identifier."""
    return Fragment('"' + name.replace('"', '""') + '"')


def literal(text: str) -> Fragment:
    """Return `text` as a string."""
    return Fragment("'" + text.replace("'", "''") + "'")


def parquet(paths: Iterable[str]) -> Fragment:
    """Return the rows of Parquet files that have the same columns.

    Each row has `file_index`, the number of its file in `paths`, and `file_row_number`.
    """
    return Fragment(f"read_parquet([{', '.join(map(literal, paths))}])")


def listed(fragments: Iterable[Fragment]) -> Fragment:
    """Return fragments with commas between them."""
    return Fragment(", ".join(fragments))


def column(source: str, name: str) -> Fragment:
    """Return a column of the table that a statement calls `source`."""
    return Fragment(f"{identifier(source)}.{identifier(name)}")


def widened(value: Fragment, held: pa.DataType, wanted: pa.DataType) -> Fragment:
    """Return a value in a wider type.

    Text is written in one form whatever types a value went through before, so the order in which satellites and types
    come doesn't show: numbers without trailing zeros, a datetime at midnight as the date, else as Frappe writes it.
    """
    if held == wanted:
        return value
    if wanted == TEXT and held in (MONEY, WIDE_NUMBER):
        return Fragment(f"rtrim(rtrim(CAST({value} AS VARCHAR), '0'), '.')")
    if wanted == TEXT and held == DATETIME:
        return Fragment(
            f"CASE WHEN {value} = CAST({value} AS DATE) THEN strftime({value}, '%Y-%m-%d') "
            f"WHEN {value} = date_trunc('second', {value}) THEN strftime({value}, '%Y-%m-%d %H:%M:%S') "
            f"ELSE strftime({value}, '%Y-%m-%d %H:%M:%S.%f') END"
        )
    return Fragment(f"CAST({value} AS {TYPES[wanted]})")


def naive_utc(instant: datetime | None) -> datetime | None:
    """Return an aware instant as the tables hold it: in UTC, without saying so."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant else None


def aware_utc(instant: datetime | None) -> datetime | None:
    """Return an instant of the tables as everything else holds it: aware, in UTC."""
    return instant.replace(tzinfo=UTC) if instant else None


def without_progress_bar(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return the connection, silenced: DuckDB draws a bar over whatever else a terminal shows."""
    connection.execute("SET enable_progress_bar = false")
    return connection


def _shown(part: str | Iterable[str]) -> str:
    if isinstance(part, Fragment):
        return part
    return identifier(part) if isinstance(part, str) else listed(map(identifier, part))

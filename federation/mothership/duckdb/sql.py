"""SQL: DuckDB's connection, its names for the contract's types, and what only DuckDB's statements say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER
from federation.mothership.sql import Fragment, identifier, literal, shown

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


@dataclass(frozen=True)
class DuckdbConnection:
    """DuckDB as a `Connection`.

    Attributes:
        raw: DuckDB's own connection.
    """

    raw: duckdb.DuckDBPyConnection

    def run(
        self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows; for INSERT, UPDATE and DELETE one row with the count."""
        statement = template.format(**{name: shown(part) for name, part in parts.items()})
        result = self.raw.execute(statement, values) if values else self.raw.execute(statement)
        return result.fetchall()

    def count(self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]) -> int:
        """Return the number that a statement yields: what it counts, or how many rows it changed."""
        return int(self.run(template, values, **parts)[0][0])

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert a few rows, at least one."""
        marks = ", ".join("?" * len(columns))
        self.raw.executemany(f"INSERT INTO {identifier(table)} ({shown(columns)}) VALUES ({marks})", rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything within takes place, or nothing of it."""
        self.raw.execute("BEGIN")
        try:
            yield
            self.raw.execute("COMMIT")
        except BaseException:
            # A COMMIT that failed has ended the transaction already.
            with suppress(duckdb.TransactionException):
                self.raw.execute("ROLLBACK")
            raise


def parquet(paths: Iterable[str]) -> Fragment:
    """Return the rows of Parquet files that have the same columns.

    Each row has `file_index`, the number of its file in `paths`, and `file_row_number`.
    """
    return Fragment(f"read_parquet([{', '.join(map(literal, paths))}])")


def quarantine_rows(paths: Iterable[str]) -> Fragment:
    """Return the rows of quarantine files with their `file_index`; `rule` is "" in those of earlier versions."""
    files = f"read_parquet([{', '.join(map(literal, paths))}], union_by_name=true)"
    return Fragment(
        "(SELECT * REPLACE (coalesce(rule, '') AS rule) FROM (SELECT ''::VARCHAR AS rule WHERE false "
        f"UNION ALL BY NAME SELECT *, file_index FROM {files}))"
    )


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


def without_progress_bar(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return the connection, silenced: DuckDB draws a bar over whatever else a terminal shows."""
    connection.execute("SET enable_progress_bar = false")
    return connection

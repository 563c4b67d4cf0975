"""Bulk: many rows go from DuckDB into a table of MariaDB, and what arrives is what was sent, or nothing is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Final

import duckdb
import pymysql

from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.driver import MariadbDriver
from federation.mothership.mariadb.failures import LoadRefused, is_about_values, message_of, shown_reason
from federation.mothership.sql import identifier, shown

_SUMMARY: Final = re.compile(r"Records: (\d+)  Deleted: \d+  Skipped: (\d+)  Warnings: (\d+)")
_COLUMN: Final = re.compile(r"(?i)\bcolumn (?:`.*`\.`(?P<full>.*?)`|'(?P<short>.*?)')(?= at row| cannot)")
_STATEMENT_BYTES: Final = 1_000_000
_BATCH_ROWS: Final = 2_048


def load(
    connection: MariadbConnection,
    bench: duckdb.DuckDBPyConnection,
    select: str,
    table: str,
    columns: Sequence[str],
    *,
    rows: int,
    replace: bool,
) -> None:
    """Stream the rows of a SELECT into a table, in the transaction that the caller holds and rolls back on an error.

    Where the server has `local_infile` on, LOAD DATA LOCAL reads what DuckDB writes into a pipe, and neither side holds
    more than the pipe does. Else DuckDB writes the rows as statements, which takes several times as long.

    Args:
        connection: where the rows go.
        bench: where they come from; a thread of this function's uses it until the function returns.
        select: the SELECT, whose columns are those of `columns`, in this order.
        table: the table, permanent or temporary.
        columns: of the table.
        rows: how many rows the SELECT has.
        replace: a row takes the place of the one with its key, also of one that came before it: keys that come twice
            aren't noticed then. Without it they are refused.

    Raises:
        LoadRefused: the server would change a value or skip a row, or another number of rows arrived.
        duckdb.Error: the SELECT failed.
        pymysql.err.Error: the server refused the statement, or the connection got lost.
    """
    task = _Task(connection.raw, bench, select, table, tuple(columns), "REPLACE" if replace else "")
    arrived = task.by_file() if connection.local_infile else task.by_statements()
    if arrived != rows:
        raise LoadRefused(table, "", f"{arrived} rows arrived where {rows} were expected")


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be loaded, and where to."""

    driver: MariadbDriver
    bench: duckdb.DuckDBPyConnection
    select: str
    table: str
    columns: tuple[str, ...]
    replace: str

    def by_file(self) -> int:
        """Let the server read what DuckDB writes; return how many rows arrived."""
        read_end, write_end = os.pipe()
        with os.fdopen(read_end, "rb", 0) as pipe, os.fdopen(write_end, "wb", 0) as sink, ThreadPoolExecutor(1) as pool:
            path = f"/dev/fd/{pipe.fileno()}"
            writing = pool.submit(self._write, sink)
            try:
                summary = self.driver.load_local(
                    f"LOAD DATA LOCAL INFILE '{path}' {self.replace} INTO TABLE {identifier(self.table)} "
                    "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
                    f"LINES TERMINATED BY '\n' ({shown(self.columns)})",
                    path,
                )
            except BaseException as error:
                cause = writing.exception() if writing.done() else None
                # What DuckDB has yet to write has no reader any more, and what it has yet to compute nobody needs.
                pipe.close()
                self.bench.interrupt()
                raise cause or self._explained(error) from error
            # DuckDB's end, good or bad, is the end of a file for the server, which takes what came before.
            writing.result()
        counts = _SUMMARY.search(summary)
        if counts is None:
            raise LoadRefused(self.table, "", "it doesn't say what it loaded")
        arrived, skipped, warnings = map(int, counts.groups())
        if skipped or warnings:
            raise self._warned()
        return arrived

    def by_statements(self) -> int:
        """Send the rows in statements of about a megabyte; return how many arrived."""
        arrived = 0
        into = f"{self.replace or 'INSERT'} INTO {identifier(self.table)} ({shown(self.columns)}) VALUES "
        with self.driver.cursor() as cursor:
            cursor.execute("SELECT @@max_allowed_packet")
            most = int(cursor.fetchall()[0][0])
            for rows in self._rows():
                statement = into + ",".join(rows)
                size = len(statement.encode())
                if size >= most:
                    raise LoadRefused(
                        self.table,
                        "",
                        f"a row takes {size:,} bytes, and `max_allowed_packet` of the server is {most:,}: raise it, or "
                        "set its `local_infile` to 1",
                    )
                try:
                    cursor.execute(statement)
                except pymysql.err.Error as error:
                    raise self._explained(error) from error
                if cursor.warning_count:
                    raise self._warned()
                arrived += len(rows)
        return arrived

    def _write(self, sink: BinaryIO) -> None:
        """Write the rows as the server reads them: NULL is the bare word, and a text that reads like it is quoted."""
        try:
            self.bench.execute(
                f"COPY ({self.select}) TO '/dev/fd/{sink.fileno()}' "
                "(FORMAT csv, HEADER false, NULLSTR 'NULL', QUOTE '\"', ESCAPE '\"')"
            ).fetchall()
        finally:
            sink.close()

    def _rows(self) -> Iterator[list[str]]:
        """Yield the rows as they stand in a statement, as many at a time as make one."""
        names = [f"_{number}" for number in range(len(self.columns))]
        cells = ", ".join(f"coalesce('''' || replace({name}::VARCHAR, '''', '''''') || '''', 'NULL')" for name in names)
        self.bench.execute(
            f"SELECT '(' || concat_ws(',', {cells}) || ')' FROM ({self.select}) AS _rows({', '.join(names)})"
        )
        group: list[str] = []
        size = 0
        while texts := self.bench.fetchmany(_BATCH_ROWS):
            # Row by row, because nothing else tells where a statement is long enough.
            for (text,) in texts:
                if group and size + len(text) > _STATEMENT_BYTES:
                    yield group
                    group, size = [], 0
                group.append(text)
                size += len(text)
        if group:
            yield group

    def _explained(self, error: BaseException) -> BaseException:
        """Return an error of the server's as what it means for the rows."""
        return self._refused(message_of(error)) if is_about_values(error) else error

    def _warned(self) -> LoadRefused:
        """Return what the last statement was warned of."""
        with self.driver.cursor() as cursor:
            cursor.execute("SHOW WARNINGS LIMIT 5")
            return self._refused("; ".join(text for _, _, text in cursor.fetchall()) or "it skipped rows")

    def _refused(self, said: str) -> LoadRefused:
        found = _COLUMN.search(said)
        column = (found["full"] or found["short"]) if found else ""
        return LoadRefused(self.table, column, shown_reason(said))

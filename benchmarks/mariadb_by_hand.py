"""By hand: the ceilings of MariaDB: LOAD DATA of a file that is ready, into a table equal to the mothership's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pymysql

from benchmarks.mariadb_place import Place

_SUMMARY = re.compile(rb"Records: (\d+)  Deleted: \d+  Skipped: (\d+)  Warnings: (\d+)")


@dataclass(frozen=True)
class Plan:
    """How an equal table is made.

    Attributes:
        create: the statement, of the table `{table}` with its primary key alone.
        indexes: what ALTER TABLE adds then; () where there are none.
        columns: in their order.
    """

    create: str
    indexes: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ReadyFile:
    """Rows as LOAD DATA reads them, on this machine's disk."""

    path: Path
    rows: int


def plan(place: Place, table: str) -> Plan:
    """Return how a table like one of the mothership's is made."""
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE `{table}`")
        found = cursor.fetchall()[0][1]
    lines = [line.strip().rstrip(",") for line in found.splitlines()[1:-1]]
    columns = [line for line in lines if line.startswith("`")]
    indexes = tuple(line for line in lines if line.startswith("KEY "))
    key = next(line for line in lines if line.startswith("PRIMARY KEY"))
    create = f"CREATE TABLE `{{table}}` ({', '.join([*columns, key])}{found.splitlines()[-1]}"
    return Plan(create, indexes, tuple(line.split("`")[1] for line in columns))


def create(place: Place, table: str, made: Plan) -> None:
    """Make the table anew: empty, with nothing but its primary key."""
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS `{table}`")
        cursor.execute(made.create.replace("{table}", table))


def drop(place: Place, table: str) -> None:
    """Drop the table."""
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE `{table}`")


def write_file(path: Path, files: Iterable[str], columns: Sequence[str], rows: int | None = None) -> ReadyFile:
    """Write the rows of Parquet files, or the first of them, for LOAD DATA."""
    names = ", ".join(f'"{name}"' for name in columns)
    written = duckdb.execute(
        f"COPY (SELECT {names} FROM read_parquet($files) {f'LIMIT {rows}' if rows else ''}) TO '{path}' "
        "(FORMAT csv, HEADER false, NULLSTR 'NULL', QUOTE '\"', ESCAPE '\"')",
        {"files": list(files)},
    ).fetchall()
    return ReadyFile(path, written[0][0])


def load(place: Place, table: str, columns: Sequence[str], file: ReadyFile) -> None:
    """Load a file and commit, in a connection of its own; the rows are counted, no more."""
    names = ", ".join(f"`{name}`" for name in columns)
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{file.path}' INTO TABLE `{table}` CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\n' "
            f"({names})"
        )
        counts = _summary(cursor)
        connection.commit()
    assert counts == (file.rows, 0, 0), counts


def index(place: Place, table: str, made: Plan) -> None:
    """Add the indexes in one ALTER."""
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE `{table}` {', '.join(f'ADD {one}' for one in made.indexes)}")


def _summary(cursor: pymysql.cursors.Cursor) -> tuple[int, ...]:
    found = _SUMMARY.search(cursor._result.message or b"")  # type: ignore[attr-defined]  # noqa: SLF001
    assert found, "the server did not say what it loaded"
    return tuple(map(int, found.groups()))

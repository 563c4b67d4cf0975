"""Bulk: rows from Parquet into an empty table, and how others would bring them, against LOAD DATA of a ready file."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import sqlalchemy

from benchmarks import mariadb_by_hand as by_hand
from benchmarks.figure import Figure
from benchmarks.lakes import FIRST, LEDGER, files_of, ledger
from benchmarks.mariadb_place import Cost, Host, Place
from federation.mothership.mariadb import bulk
from federation.mothership.mariadb.bench import bench
from federation.mothership.mariadb.database import MariadbDatabase
from federation.mothership.mariadb.mothership import MariadbMothership
from federation.mothership.mariadb.schema import ensure_table

ROWS = 200_000
OTHERS_ROWS = 20_000
WANTED = 0.80
ROUNDS = 3
_TABLE = "stage"


def figures(host: Host, lake: Path, folder: Path) -> Iterator[Figure]:
    """Measure our way and the ceiling in turn, each into an empty table, then the other ways once."""
    with host.place() as here:
        made = _plan(here)
        files = files_of(lake, FIRST)[:1]
        ready = by_hand.write_file(folder / "stage.csv", files, made.columns, ROWS)
        pairs = [(_ready_file(here, made, ready), _ours(here, made, files)) for _ in range(ROUNDS)]
        shares = [ours.shares_of(ceiling) for ceiling, ours in pairs]
        share = statistics.median(each.wall for each in shares)
        rate = ROWS / statistics.median(ceiling.wall for ceiling, _ in pairs)
        against = f"LOAD DATA of a ready file: {rate:,.0f} rows/s"
        yield Figure(
            f"stage {ROWS:,} {LEDGER} rows of {len(made.columns)} columns from Parquet",
            f"{share:.2f}",
            against,
            f"≥ {WANTED}",
            share >= WANTED,
        )
        yield Figure("… of the server's CPU", f"{statistics.median(each.server for each in shares):.2f}")
        for what, others in _others(here, made, files):
            of_ceiling = OTHERS_ROWS / others.wall / rate
            yield Figure(f"… {OTHERS_ROWS:,} by {what}", f"{of_ceiling:.2f}", "the same")


def _plan(here: Place) -> by_hand.Plan:
    with MariadbMothership(here.address, who="benchmark"):
        pass
    database = MariadbDatabase(here.address, "benchmark").open()
    try:
        return by_hand.plan(here, ensure_table(database.connection, ledger().parent, [], {}).name)
    finally:
        database.close()


def _ready_file(here: Place, made: by_hand.Plan, ready: by_hand.ReadyFile) -> Cost:
    by_hand.create(here, _TABLE, made)
    return here.cost(lambda: by_hand.load(here, _TABLE, made.columns, ready))


def _ours(here: Place, made: by_hand.Plan, files: Sequence[str]) -> Cost:
    by_hand.create(here, _TABLE, made)
    names = ", ".join(f'"{name}"' for name in made.columns)
    listed = ", ".join(f"'{file}'" for file in files)
    select = f"SELECT {names} FROM read_parquet([{listed}]) LIMIT {ROWS}"
    database = MariadbDatabase(here.address, "benchmark").open()

    def work() -> None:
        with bench(256) as opened, database.connection.transaction():
            bulk.load(database.connection, opened.raw, select, _TABLE, made.columns, rows=ROWS, replace=False)

    try:
        return here.cost(work)
    finally:
        database.close()


def _others(here: Place, made: by_hand.Plan, files: Sequence[str]) -> Iterator[tuple[str, Cost]]:
    """Each has its rows in memory already."""
    names = ", ".join(f'"{name}"' for name in made.columns)
    asked = duckdb.execute(f"SELECT {names} FROM read_parquet($files) LIMIT {OTHERS_ROWS}", {"files": list(files)})
    rows: list[tuple[Any, ...]] = asked.fetchall()
    frame = pd.DataFrame(rows, columns=list(made.columns), dtype=object)
    engine = sqlalchemy.create_engine(here.database.url, connect_args={"ssl_disabled": True})

    def executemany() -> None:
        with here.connect() as connection, connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(made.columns))
            listed = ", ".join(f"`{name}`" for name in made.columns)
            cursor.executemany(f"INSERT INTO `{_TABLE}` ({listed}) VALUES ({marks})", rows)
            connection.commit()

    def to_sql() -> None:
        frame.to_sql(_TABLE, engine, if_exists="append", index=False)

    def to_sql_multi() -> None:
        frame.to_sql(_TABLE, engine, if_exists="append", index=False, method="multi", chunksize=100)

    ways = {
        "executemany of INSERT": executemany,
        "pandas.to_sql": to_sql,
        'pandas.to_sql, method="multi"': to_sql_multi,
    }
    for what, way in ways.items():
        by_hand.create(here, _TABLE, made)
        yield what, here.cost(way)
    engine.dispose()

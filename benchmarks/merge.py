"""Merge: what the guards of the DuckDB mothership cost beside bare statements on the same Parquet files.

python -m benchmarks.merge
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import duckdb

from benchmarks.figure import Figure, show
from benchmarks.lakes import FIRST, ROWS, SATELLITE, KeepAll, files_of, log_until, write_ledger, write_other_states
from benchmarks.peak import peak_mb
from federation.lake.log import CommitLog
from federation.lake.place import LakePlace
from federation.lake.storage import open_lake
from federation.mothership.duckdb.database import DuckdbLimits, WriterDatabase
from federation.mothership.duckdb.mothership import DuckdbMothership

WANTED: Final = 0.6
"""Of the speed of the bare statement."""
_SECOND: Final = "second"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Cost:
    """What something took.

    Attributes:
        cpu: seconds of CPU.
        publish: seconds of CPU of the publication after it.
        peak_mb: most memory that its process ever held.
    """

    cpu: float
    publish: float
    peak_mb: float


def figures() -> Iterator[Figure]:
    """Measure each in a process of its own; ratios are of CPU seconds, for other work may share the machine."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder, "lake")
        _apart(write_lake, lake)
        for what, merged, bare, statement in (
            (f"merge {ROWS:,} GL Entries into an empty mothership", initial_merge, bare_insert, "INSERT … SELECT"),
            (f"merge {ROWS // 10:,} of them again, changed", merge_again, bare_upsert, "INSERT … ON CONFLICT"),
        ):
            ours, theirs = _apart(merged, lake), _apart(bare, lake)
            ratio = theirs.cpu / ours.cpu
            yield Figure(what, f"{ratio:.2f}", f"{statement}: {theirs.cpu:.1f} CPU s", f"≥ {WANTED}", ratio >= WANTED)
            yield Figure("… peak memory", f"{ours.peak_mb:.0f} MB", f"{theirs.peak_mb:.0f} MB")
            yield Figure("… checkpoint and publication", f"{ours.publish:.1f} CPU s")


def write_lake(lake: Path) -> None:
    """Write a first load, and after it a tenth of the rows in a later state."""
    write_ledger(lake)
    write_other_states(lake, _SECOND, hours=1)


def bare_insert(lake: Path) -> Cost:
    """One INSERT of all rows into an equal table."""
    with tempfile.TemporaryDirectory() as folder:
        connection = _bare(folder)
        files = {"files": files_of(lake, FIRST)}
        connection.execute("CREATE TABLE t AS SELECT * FROM read_parquet($files) LIMIT 0", files)
        return _cost(lambda: connection.execute("INSERT INTO t SELECT * FROM read_parquet($files)", files))


def initial_merge(lake: Path) -> Cost:
    """The same rows through the mothership."""
    with tempfile.TemporaryDirectory() as folder, _mothership(folder) as mothership:
        return _cost(lambda: _merge(mothership, log_until(lake, FIRST)), lambda: mothership.publish(force=True))


def bare_upsert(lake: Path) -> Cost:
    """One upsert into an equal table with a primary key, whose index needs memory for itself."""
    with tempfile.TemporaryDirectory() as folder:
        connection = _bare(folder)
        connection.execute("SET memory_limit = '2GB'")
        first, second = {"files": files_of(lake, FIRST)}, {"files": files_of(lake, _SECOND)}
        connection.execute("CREATE TABLE t AS SELECT * FROM read_parquet($files) LIMIT 0", first)
        connection.execute("ALTER TABLE t ADD PRIMARY KEY (satellite, name)")
        connection.execute("INSERT INTO t SELECT * FROM read_parquet($files)", first)
        connection.execute("CHECKPOINT")
        columns = [
            name for name, *_ in connection.execute("DESCRIBE t").fetchall() if name not in ("satellite", "name")
        ]
        upsert = (
            "INSERT INTO t SELECT * FROM read_parquet($files) ON CONFLICT (satellite, name) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in columns)
        )
        return _cost(lambda: connection.execute(upsert, second))


def merge_again(lake: Path) -> Cost:
    """The changed rows through a mothership that has all of them in their earlier state."""
    with tempfile.TemporaryDirectory() as folder, _mothership(folder) as mothership:
        _merge(mothership, log_until(lake, FIRST))
        mothership.publish(force=True)
        log = CommitLog(open_lake(LakePlace(str(lake)), SATELLITE))
        return _cost(lambda: _merge(mothership, log), lambda: mothership.publish(force=True))


def _merge(mothership: DuckdbMothership, log: CommitLog) -> None:
    report = mothership.merge(log, KeepAll())
    assert report.merged
    assert not report.failed, report.failed


def _mothership(folder: str) -> DuckdbMothership:
    return DuckdbMothership(Path(folder, "mothership.duckdb"), who="benchmark")


def _bare(folder: str, memory: str = "") -> duckdb.DuckDBPyConnection:
    """A database with the settings of the mothership's writer, so that only the statements differ."""
    connection = WriterDatabase(Path(folder, "bare.duckdb"), "benchmark", DuckdbLimits()).open().connection.raw
    if memory:
        connection.execute(f"SET memory_limit = '{memory}'")
    return connection


def _cost(work: Callable[[], object], publication: Callable[[], object] = lambda: None) -> Cost:
    started = time.process_time()
    work()
    worked = time.process_time()
    publication()
    return Cost(worked - started, time.process_time() - worked, peak_mb())


def _apart(work: Callable[[Path], _T], lake: Path) -> _T:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, lake).result()


if __name__ == "__main__":
    show("Merge", figures())

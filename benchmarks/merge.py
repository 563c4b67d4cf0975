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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.figure import Figure, show
from federation.contract.satellite_schema import DOCUMENT_FIELDS, DocTypeSchema, FieldSchema, SatelliteSchema
from federation.contract.union import contract_of
from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk, DocTypeState
from federation.lake.run import LakeRun, new_run_id
from federation.lake.storage import open_lake
from federation.mothership.duckdb.database import DuckdbLimits, WriterDatabase
from federation.mothership.duckdb.mothership import DuckdbMothership

DOCTYPE: Final = "GL Entry"
ROWS: Final = 1_000_000
BATCH: Final = 250_000
WANTED: Final = 0.6
"""Of the speed of the bare statement."""
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
# The 39 fields of GL Entry in ERPNext 15: (fieldname, fieldtype, distinct values; 0: nearly all differ).
FIELDS: Final = (
    ("posting_date", "Date", 730), ("transaction_date", "Date", 730), ("due_date", "Date", 730),
    ("account", "Link", 300), ("party_type", "Link", 2), ("party", "Dynamic Link", 5_000), ("cost_center", "Link", 30),
    ("debit", "Currency", 0), ("credit", "Currency", 0), ("account_currency", "Link", 4),
    ("debit_in_account_currency", "Currency", 0), ("credit_in_account_currency", "Currency", 0),
    ("against", "Text", 5_000), ("against_voucher_type", "Link", 5), ("against_voucher", "Dynamic Link", 0),
    ("voucher_type", "Link", 8), ("voucher_subtype", "Small Text", 8), ("voucher_no", "Dynamic Link", 0),
    ("voucher_detail_no", "Data", 0), ("project", "Link", 100), ("remarks", "Text", 0), ("is_opening", "Select", 2),
    ("is_advance", "Select", 2), ("fiscal_year", "Link", 6), ("company", "Link", 3), ("finance_book", "Link", 2),
    ("to_rename", "Check", 2), ("is_cancelled", "Check", 2), ("transaction_currency", "Link", 4),
    ("transaction_exchange_rate", "Float", 50), ("debit_in_transaction_currency", "Currency", 0),
    ("credit_in_transaction_currency", "Currency", 0),
)  # fmt: skip


_T = TypeVar("_T")


class KeepAll:
    """The policy of those who hold nothing back."""

    def keeps(self, *_: str) -> bool:
        return True

    def hashes(self, *_: str) -> bool:
        return False


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
    schema = _schema()
    contract = contract_of(DOCTYPE, [schema], keeps=KeepAll().keeps, hashes=KeepAll().hashes)
    assert contract is not None
    random = np.random.default_rng(1)
    again = np.sort(random.choice(ROWS, ROWS // 10, replace=False))
    for walk, numbers in (("first", np.arange(ROWS)), ("second", again)):
        run = LakeRun.open(open_lake(str(lake), "north"), "rest", new_run_id(START), now=lambda: START)
        run.describe(schema)
        batches = range(0, len(numbers), BATCH)
        for batch, start in enumerate(batches):
            package = run.package(DOCTYPE, batch=batch, walk=walk, tables=[DOCTYPE])
            observed = START + timedelta(hours=walk == "second", seconds=batch)
            for page in _pages(numbers[start : start + BATCH], contract.parent.schema, observed, random):
                package.append({DOCTYPE: page})
            written = package.finish()
            assert written is not None
            ends = [CompletedWalk(walk, DOCTYPE, "changes", START)] if start == batches[-1] else []
            run.commit([written], ends, {DOCTYPE: DocTypeState(through=START)})
        run.close()


def bare_insert(lake: Path) -> Cost:
    """One INSERT of all rows into an equal table."""
    with tempfile.TemporaryDirectory() as folder:
        connection = _bare(folder)
        files = {"files": _files(lake, "first")}
        connection.execute("CREATE TABLE t AS SELECT * FROM read_parquet($files) LIMIT 0", files)
        return _cost(lambda: connection.execute("INSERT INTO t SELECT * FROM read_parquet($files)", files))


def initial_merge(lake: Path) -> Cost:
    """The same rows through the mothership."""
    with tempfile.TemporaryDirectory() as folder, _mothership(folder) as mothership:
        return _cost(lambda: _merge(mothership, _until(lake, "first")), lambda: mothership.publish(force=True))


def bare_upsert(lake: Path) -> Cost:
    """One upsert into an equal table with a primary key, whose index needs memory for itself."""
    with tempfile.TemporaryDirectory() as folder:
        connection = _bare(folder)
        connection.execute("SET memory_limit = '2GB'")
        first, second = {"files": _files(lake, "first")}, {"files": _files(lake, "second")}
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
        _merge(mothership, _until(lake, "first"))
        mothership.publish(force=True)
        log = CommitLog(open_lake(str(lake), "north"))
        return _cost(lambda: _merge(mothership, log), lambda: mothership.publish(force=True))


def _merge(mothership: DuckdbMothership, log: CommitLog) -> None:
    report = mothership.merge(log, KeepAll())
    assert report.merged
    assert not report.failed, report.failed


class _UntilLog(CommitLog):
    """A log as it was when a run ended."""

    last = 0

    def _seqs(self) -> list[int]:
        return [seq for seq in super()._seqs() if seq <= self.last]


def _until(lake: Path, walk: str) -> CommitLog:
    log = _UntilLog(open_lake(str(lake), "north"))
    manifests = CommitLog(log.folder).read()
    log.last = next(manifest.seq for manifest in manifests if any(one.id == walk for one in manifest.completed)) + 1
    return log


def _files(lake: Path, walk: str) -> list[str]:
    log = CommitLog(open_lake(str(lake), "north"))
    return [
        log.folder.uri(file.path)
        for manifest in log.read()
        for package in manifest.packages
        if package.walk == walk
        for file in package.files
    ]


def _mothership(folder: str) -> DuckdbMothership:
    return DuckdbMothership(Path(folder, "mothership.duckdb"), who="benchmark")


def _bare(folder: str, memory: str = "") -> duckdb.DuckDBPyConnection:
    """A database with the settings of the mothership's writer, so that only the statements differ."""
    connection = WriterDatabase(Path(folder, "bare.duckdb"), "benchmark", DuckdbLimits()).open().connection.raw
    if memory:
        connection.execute(f"SET memory_limit = '{memory}'")
    return connection


def _schema() -> SatelliteSchema:
    fields = [(name, kind) for name, kind, _ in DOCUMENT_FIELDS] + [(name, kind) for name, kind, _ in FIELDS]
    return SatelliteSchema(
        "north", {DOCTYPE: DocTypeSchema(DOCTYPE, fields={name: FieldSchema(name, (kind,)) for name, kind in fields})}
    )


def _pages(
    numbers: np.ndarray, schema: pa.Schema, observed: datetime, random: np.random.Generator
) -> Iterator[pa.Table]:
    distinct = {name: many for name, _, many in FIELDS}
    for start in range(0, len(numbers), 50_000):
        page = numbers[start : start + 50_000]
        columns = {}
        for field in schema:
            many = distinct.get(field.name, 0) or len(page)
            chosen = random.integers(0, many, len(page))
            if field.name == "satellite":
                columns[field.name] = pa.repeat("north", len(page))
            elif field.name == "name":
                columns[field.name] = pa.array([f"{number * 2_654_435_761 % 2**40:010x}" for number in page.tolist()])
            elif field.name == "observed":
                columns[field.name] = pa.repeat(pa.scalar(observed.replace(tzinfo=None), field.type), len(page))
            elif pa.types.is_timestamp(field.type):
                columns[field.name] = pa.array(1_700_000_000_000_000 + page * 1_000_003).cast(field.type)
            elif pa.types.is_date32(field.type):
                columns[field.name] = pa.array((19_000 + chosen).astype(np.int32)).cast(field.type)
            elif pa.types.is_decimal(field.type):
                cents = np.where(chosen % 2, 0, random.integers(0, 10_000_000, len(page)))
                columns[field.name] = pa.array(cents).cast(pa.decimal128(19, 0)).cast(field.type)
            elif pa.types.is_integer(field.type):
                columns[field.name] = pa.array(chosen % 2).cast(field.type)
            else:
                texts = pa.array([f"{field.name} {number:08}" for number in range(min(many, len(page)))])
                columns[field.name] = texts.take(pa.array(chosen % len(texts)))
        yield pa.table(columns, schema=schema)


def _cost(work: Callable[[], object], publication: Callable[[], object] = lambda: None) -> Cost:
    started = time.process_time()
    work()
    worked = time.process_time()
    publication()
    return Cost(worked - started, time.process_time() - worked, _peak())


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _apart(work: Callable[[Path], _T], lake: Path) -> _T:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, lake).result()


if __name__ == "__main__":
    show("Merge", figures())

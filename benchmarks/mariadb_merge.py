"""Merge: whole merges into MariaDB, first loads and upserts, against LOAD DATA and one ALTER by hand; and readers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from benchmarks import mariadb_by_hand as by_hand
from benchmarks.figure import Figure
from benchmarks.lakes import FIRST, INVOICE, ITEM, LEDGER, ROWS, SATELLITE, files_of, log_until
from benchmarks.mariadb_place import Cost, Host, Place
from benchmarks.mariadb_reads import Question, reading
from federation.mothership.mariadb.mothership import MariadbMothership

INITIAL_WANTED = 0.80
UPSERT_WANTED = 0.25
P99_MILLISECONDS = 50
LATER = ("later 1", "later 2", "later 3")
WATCHED = "watched"
OTHER = "other"
_HAND = "by_hand"


@dataclass(frozen=True)
class _Loaded:
    """A ready file for each table of a lake, and how its table is made."""

    plans: dict[str, by_hand.Plan]
    files: dict[str, by_hand.ReadyFile]


def ledger_figures(host: Host, lake: Path, folder: Path) -> Iterator[Figure]:
    """Load the ledger, ours and by hand and by hand and ours, then change a tenth of ours again and again."""
    first = log_until(lake, FIRST)
    with host.place() as elsewhere:
        ours = [elsewhere.merge(first)]
        ready = _ready(elsewhere, lake, folder, [LEDGER])
    with host.place() as here:
        hand = [_load_by_hand(here, ready), _load_by_hand(here, ready)]
        ours.append(here.merge(first))
        yield from _initial(f"first load of {ROWS:,} {LEDGER} rows", ready, list(zip(hand, ours, strict=True)))
        yield from _upserts(here, lake, folder, ready.plans[LEDGER])


def invoice_figures(host: Host, lake: Path, folder: Path) -> Iterator[Figure]:
    """Load invoices and their items into empty databases, and the same by hand."""
    first = log_until(lake, FIRST)
    pairs = []
    for _ in range(2):
        with host.place() as here:
            ours = here.merge(first)
            ready = _ready(here, lake, folder, [INVOICE, ITEM])
            pairs.append((_load_by_hand(here, ready), ours))
    invoices, items = (ready.files[table].rows for table in (INVOICE, ITEM))
    yield from _initial(f"first load of {invoices:,} {INVOICE}s with {items:,} items", ready, pairs)


def _ready(here: Place, lake: Path, folder: Path, doctypes: Sequence[str]) -> _Loaded:
    with MariadbMothership(here.address, who="benchmark") as mothership:
        tables = mothership.tables()
    plans = {doctype: by_hand.plan(here, tables[doctype]) for doctype in doctypes}
    return _Loaded(
        plans,
        {
            doctype: by_hand.write_file(folder / f"{doctype}.csv", files_of(lake, FIRST, doctype), made.columns)
            for doctype, made in plans.items()
        },
    )


def _load_by_hand(here: Place, ready: _Loaded) -> Cost:
    """LOAD DATA and one ALTER a table."""
    for doctype, made in ready.plans.items():
        by_hand.create(here, f"{_HAND} {doctype}", made)

    def work() -> None:
        for doctype, made in ready.plans.items():
            by_hand.load(here, f"{_HAND} {doctype}", made.columns, ready.files[doctype])
            by_hand.index(here, f"{_HAND} {doctype}", made)

    try:
        return here.cost(work)
    finally:
        for doctype in ready.plans:
            by_hand.drop(here, f"{_HAND} {doctype}")


def _initial(what: str, ready: _Loaded, pairs: Sequence[tuple[Cost, Cost]]) -> Iterator[Figure]:
    shares = [ours.shares_of(ceiling) for ceiling, ours in pairs]
    share = statistics.median(each.wall for each in shares)
    seconds = statistics.median(ceiling.wall for ceiling, _ in pairs)
    indexes = sum(len(made.indexes) for made in ready.plans.values())
    against = f"LOAD DATA, ALTER with {indexes} indexes: {seconds:.1f} s"
    yield Figure(what, f"{share:.2f}", against, f"≥ {INITIAL_WANTED}", share >= INITIAL_WANTED)
    yield Figure("… of the server's CPU", f"{statistics.median(each.server for each in shares):.2f}")


def _upserts(here: Place, lake: Path, folder: Path, made: by_hand.Plan) -> Iterator[Figure]:
    pairs = [_upsert(here, lake, folder, made, walk) for walk in LATER]
    yield from _told("… a tenth of them changed, as users do", pairs, UPSERT_WANTED)
    yield from _watched(here, lake)
    yield from _told("… a tenth with every column changed", [_upsert(here, lake, folder, made, OTHER)], None)


def _upsert(here: Place, lake: Path, folder: Path, made: by_hand.Plan, walk: str) -> tuple[Cost, Cost]:
    """Return what LOAD DATA of the rows into an empty table costs, and what it costs to merge them."""
    ready = by_hand.write_file(folder / "later.csv", files_of(lake, walk), made.columns)
    by_hand.create(here, _HAND, made)
    ceiling = here.cost(lambda: by_hand.load(here, _HAND, made.columns, ready))
    by_hand.drop(here, _HAND)
    return ceiling, here.merge(log_until(lake, walk))


def _told(what: str, pairs: Sequence[tuple[Cost, Cost]], wanted: float | None) -> Iterator[Figure]:
    shares = [ours.shares_of(ceiling) for ceiling, ours in pairs]
    share = statistics.median(each.wall for each in shares)
    rates = [ROWS // 10 / statistics.median(each.wall for each in costs) for costs in zip(*pairs, strict=True)]
    promised = ("", None) if wanted is None else (f"≥ {wanted}", share >= wanted)
    yield Figure(
        f"{what}: {rates[1]:,.0f} rows/s", f"{share:.2f}", f"bare LOAD DATA: {rates[0]:,.0f} rows/s", *promised
    )
    yield Figure("… of the server's CPU", f"{statistics.median(each.server for each in shares):.2f}")


def _watched(here: Place, lake: Path) -> Iterator[Figure]:
    """Merge a tenth once more while another process reads single rows of the table."""
    questions = _questions(here, files_of(lake, FIRST))
    with reading(here, questions) as reads:
        alone_from = time.monotonic()
        time.sleep(1)
        begun = time.monotonic()
        here.merge(log_until(lake, WATCHED))
        ended = time.monotonic()
    for question in questions:
        alone = reads.milliseconds(question.what, alone_from, begun)
        meanwhile = reads.milliseconds(question.what, begun, ended)
        p50, p99, longest = (float(np.percentile(meanwhile, part)) for part in (50, 99, 100))
        yield Figure(
            f"{len(meanwhile):,} reads {question.what} meanwhile: p99 (p50 {p50:.1f}, max {longest:.1f})",
            f"{p99:.1f} ms",
            f"before the merge: {np.percentile(alone, 99):.1f} ms",
            f"≤ {P99_MILLISECONDS} ms",
            p99 <= P99_MILLISECONDS,
        )


def _questions(here: Place, files: Sequence[str]) -> list[Question]:
    with MariadbMothership(here.address, who="benchmark") as mothership:
        table = mothership.tables()[LEDGER]
    rows = duckdb.execute(
        "SELECT name, voucher_no FROM read_parquet($files) USING SAMPLE reservoir(20_000 ROWS) REPEATABLE (1)",
        {"files": list(files)},
    ).fetchall()
    names, vouchers = zip(*rows, strict=True)
    return [
        Question("by name", f"SELECT * FROM `{table}` WHERE satellite = '{SATELLITE}' AND name = %s", names),
        Question("by voucher", f"SELECT * FROM `{table}` WHERE voucher_no = %s", vouchers),
    ]

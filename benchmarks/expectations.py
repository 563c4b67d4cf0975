"""Expectations: what it costs to judge rows, how much of a site's pace that leaves, and what bad cells add.

python -m benchmarks expectations
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.figure import Figure, show
from benchmarks.ledger_site import KEY, SECRET, add_ledger, serving, settings_text
from benchmarks.peak import peak_mb
from federation.contract.fieldtypes import DATE, FLAG, MONEY, TEXT
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.quality import Expectation, judge
from federation.settings.expectations import Severity
from federation.settings.load import load_settings

MILLION = 1_000_000
BATCH = 250_000
CPU_SECONDS = 10.0
PEAK_MB = 1_000
PACE = 15_000.0
PACED_ROWS = 150_000
KEPT = 0.9
PASSES = 3
BAD_CELLS = 100
MORE = 1.2

_TEXTS = ("name", "account", "company", "voucher_type", "voucher_no", "against", "cost_center", "fiscal_year")
_MONEY = ("debit", "credit", "debit_in_account_currency", "credit_in_account_currency")
_FLAGS = ("is_cancelled", "is_opening", "to_rename", "docstatus")


def figures() -> Iterator[Figure]:
    """Measure each in a process of its own, or several times in turn."""
    cpu, imported, peak = _measured("judged")
    yield Figure(
        f"{MILLION:,} GL Entries × {len(suite())} expectations, with the hand-over to Great Expectations",
        f"{cpu:.1f} CPU s",
        f"its import beside: {imported:.1f} CPU s",
        f"≤ {CPU_SECONDS:.0f}",
        cpu <= CPU_SECONDS,
    )
    yield Figure("its peak memory", f"{peak:,.0f} MB", wanted=f"≤ {PEAK_MB:,}", met=peak <= PEAK_MB)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["LEDGER_API_KEY"], os.environ["LEDGER_API_SECRET"] = KEY, SECRET
        yield from _pace(folder)
        yield from _bad_cells(folder)


def suite() -> list[Expectation]:
    """Thirty rules such as those of GL Entry: half of them reject."""
    rules: list[tuple[str, str, dict[str, object]]] = []
    rules += [("expect_column_values_to_not_be_null", column, {}) for column in (*_TEXTS, "posting_date")]
    rules += [("expect_column_value_lengths_to_be_between", column, {"min_value": 1}) for column in _TEXTS[:6]]
    rules += [("expect_column_values_to_be_between", column, {"min_value": 0}) for column in _MONEY]
    rules += [("expect_column_values_to_be_in_set", column, {"value_set": [0, 1, 2]}) for column in _FLAGS]
    rules += [("expect_column_values_to_match_regex", column, {"regex": "^[A-Z]"}) for column in _TEXTS[:3]]
    rules += [("expect_column_values_to_be_in_set", "voucher_type", {"value_set": ["Sales Invoice", "Journal Entry"]})]
    rules += [("expect_column_values_to_be_unique", "name", {})]
    pairs = [("debit", "debit_in_account_currency"), ("credit", "credit_in_account_currency")]
    severities: tuple[Severity, Severity] = ("warn", "reject")
    singles = [
        Expectation(rule, "GL Entry", column, column, "", arguments, severities[number % 2])
        for number, (rule, column, arguments) in enumerate(rules)
    ]
    equal = "expect_column_pair_values_to_be_equal"
    return [
        *singles,
        *(Expectation(equal, "GL Entry", first, first, "", {}, "reject", other) for first, other in pairs),
    ]


def judged() -> tuple[float, float, float]:
    """Return CPU seconds of judging a million rows, those of importing the engine, and the peak in MB."""
    rules = suite()
    began = time.process_time()
    judge(_rows(0, 10), rules)
    imported = time.process_time() - began
    spent = 0.0
    for start in range(0, MILLION, BATCH):
        rows = _rows(start, BATCH)
        began = time.process_time()
        judge(rows, rules)
        spent += time.process_time() - began
    return spent, imported, peak_mb()


def _rows(start: int, rows: int) -> pa.Table:
    numbers = np.arange(start, start + rows)
    texts = pc.cast(pa.array(numbers), pa.string())
    amounts = pc.cast(pa.array(numbers % 99_991 + 0.25), MONEY)
    columns: dict[str, pa.Array] = {
        column: pc.cast(pc.binary_join_element_wise(column.upper(), texts, "-"), TEXT) for column in _TEXTS
    }
    columns["voucher_type"] = pa.repeat(pa.scalar("Sales Invoice", TEXT), rows)
    columns |= dict.fromkeys(_MONEY, amounts)
    columns |= dict.fromkeys(_FLAGS, pa.repeat(pa.scalar(1, FLAG), rows))
    columns["posting_date"] = pc.cast(pa.array((numbers % 365 + 20_000).astype("int32")), DATE)
    return pa.table(columns)


def _pace(folder: Path) -> Iterator[Figure]:
    add_ledger(folder / "paced.sqlite", first=0, rows=PACED_ROWS)
    with serving(folder / "paced.sqlite", rows_per_second=PACE) as url:
        # Once for the engine's import, which a process pays once.
        _extracted(folder / "first", url, validation=True)
        pairs = [
            tuple(_extracted(folder / f"{number}-{on}", url, validation=on) for on in (False, True))
            for number in range(PASSES)
        ]
    share = statistics.median(without / judging for without, judging in pairs)
    without, judging = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    yield Figure(
        f"{PACED_ROWS:,} GL Entries, judged, from a site that gives {PACE:,.0f} rows/s",
        f"{PACED_ROWS / judging:,.0f} rows/s, {share:.3f}",
        f"not judged: {PACED_ROWS / without:,.0f} rows/s",
        f"≥ {KEPT}",
        share >= KEPT,
    )


def _bad_cells(folder: Path) -> Iterator[Figure]:
    add_ledger(folder / "million.sqlite", first=0, rows=MILLION)
    spent = {}
    for bad in (0, BAD_CELLS):
        with serving(folder / "million.sqlite") as url:
            spent[bad], aside = _measured("extracted", str(folder / f"bad {bad}"), url, str(bad))
        if aside != bad:
            raise AssertionError(f"{aside:.0f} documents were set aside instead of {bad}")
    ratio = spent[BAD_CELLS] / spent[0]
    yield Figure(
        f"{BAD_CELLS} bad cells in {MILLION:,} rows, set aside",
        f"{spent[BAD_CELLS]:.1f} CPU s, {ratio:.2f}",
        f"none: {spent[0]:.1f} CPU s",
        f"≤ {MORE}",
        ratio <= MORE,
    )


def extracted(place: str, url: str, bad: str) -> tuple[float, float]:
    """Return CPU seconds of a first load of which so many rows are rejected, and how many were."""
    folder = Path(place)
    folder.mkdir()
    (folder / "expectations").mkdir()
    every = MILLION // int(bad) if int(bad) else MILLION * 10
    text = (
        f"{{expect: expect_column_values_to_not_match_regex, field: name, regex: '{_regex(every)}', severity: reject}}"
    )
    (folder / "expectations" / "gl_entry.yaml").write_text(f"- {text}\n", encoding="utf-8")
    before = time.process_time()
    outcome = _outcome(folder, url, validation=True)
    return time.process_time() - before, outcome


def _regex(every: int) -> str:
    """One name in so many ends like this."""
    return f"{'0' * (len(str(every)) - 1)}$" if every <= MILLION else "never$"


def _extracted(folder: Path, url: str, *, validation: bool) -> float:
    folder.mkdir()
    started = time.perf_counter()
    _outcome(folder, url, validation=validation)
    return time.perf_counter() - started


def _outcome(folder: Path, url: str, *, validation: bool) -> int:
    (folder / "federation.yaml").write_text(settings_text(url, validation=validation), encoding="utf-8")
    settings = load_settings(folder / "federation.yaml")
    (outcome,) = extract(settings, settings.satellites["ledger"], RunOptions(), Unwatched())
    if outcome.error:
        raise AssertionError(outcome.error)
    return outcome.quarantined


def _measured(what: str, *arguments: str) -> list[float]:
    code = f"import sys; from benchmarks import expectations; print(*expectations.{what}(*sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [float(number) for number in done.stdout.split()]


if __name__ == "__main__":
    show("Expectations", figures())

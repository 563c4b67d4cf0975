"""Extraction: how much of a real site's pace is left once its rows are conformed and packaged, not thrown away.

The site gives 15,000 rows a second, as one core of a real one does. The ceiling is a client that asks for the same
pages, takes the last row's keys and forgets the rest.

    python -m benchmarks.extraction
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figure import Figure, show
from benchmarks.ledger_site import KEY, SECRET, add_ledger, serving, settings_text
from connectors.frappe import Credentials, FrappeSession, WireTable, read_changes, read_metas
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.settings.load import load_settings

ROWS = 150_000
PACE = 15_000.0
WANTED = 0.95
PASSES = 3


def figures() -> Iterator[Figure]:
    """Measure in turn, several times, and tell the medians."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        add_ledger(folder / "site.sqlite", first=0, rows=ROWS)
        os.environ["LEDGER_API_KEY"], os.environ["LEDGER_API_SECRET"] = KEY, SECRET
        with serving(folder / "site.sqlite", rows_per_second=PACE) as url:
            pairs = [(_thrown_away(url), _extracted(folder / str(number), url)) for number in range(PASSES)]
    thrown, kept = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    share = statistics.median(forgotten / packaged for forgotten, packaged in pairs)
    yield Figure(
        f"{ROWS:,} GL Entries from a site that gives {PACE:,.0f} rows/s",
        f"{ROWS / kept:,.0f} rows/s, {share:.3f}",
        f"pages thrown away: {ROWS / thrown:,.0f} rows/s",
        f"≥ {WANTED}",
        share >= WANTED,
    )


def _thrown_away(url: str) -> float:
    with FrappeSession(url, Credentials(KEY, SECRET)) as session:
        fields = [
            field.fieldname for field in read_metas(session, "GL Entry")[0].fields if "Break" not in field.fieldtype
        ]
        standard = ["name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"]
        names = tuple(dict.fromkeys([*standard, *fields]))
        table = WireTable("GL Entry", names, tuple("text" for _ in names))
        started = time.perf_counter()
        rows = sum(page.rows for page in read_changes(session, table))
        seconds = time.perf_counter() - started
    if rows != ROWS:
        raise AssertionError(f"{rows} rows came instead of {ROWS}")
    return seconds


def _extracted(folder: Path, url: str) -> float:
    folder.mkdir()
    (folder / "federation.yaml").write_text(settings_text(url, validation=False), encoding="utf-8")
    settings = load_settings(folder / "federation.yaml")
    started = time.perf_counter()
    outcomes = list(extract(settings, settings.satellites["ledger"], RunOptions(), Unwatched()))
    seconds = time.perf_counter() - started
    if [outcome.documents for outcome in outcomes] != [ROWS]:
        raise AssertionError(f"{datetime.now(UTC)}: {outcomes}")
    return seconds


if __name__ == "__main__":
    show("Extraction", figures())

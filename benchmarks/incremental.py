"""Incremental: how many rows a site with a large ledger must give where one of a hundred has changed.

GL Entries of 39 columns, as many as `ROWS`. Rows are counted by the site, time isn't looked at. The second sync finds
the overlap window full: what changed before the first one is read again, and makes no package.

    python -m benchmarks.incremental
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.counted_site import CountedSite, Counts, counted
from benchmarks.figure import Figure, show
from benchmarks.ledger_site import KEY, SECRET, add_ledger, settings_text
from federation.demo.site.store import SiteStore
from federation.extract.outcome import DocTypeOutcome, Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.settings.load import load_settings
from federation.settings.model import Settings

DOCTYPE = "GL Entry"
ROWS = 1_000_000
CHANGED_SHARE = 0.01
WANTED = 1.2
"""Rows read at most for each that changed or lies in the overlap."""
ZONE = ZoneInfo("Asia/Kolkata")


def figures() -> Iterator[Figure]:
    """Load the ledger, change a hundredth of it twice, and sync after each."""
    changed = int(ROWS * CHANGED_SHARE)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["LEDGER_API_KEY"], os.environ["LEDGER_API_SECRET"] = KEY, SECRET
        add_ledger(folder / "site.sqlite", first=0, rows=ROWS)
        store = SiteStore(folder / "site.sqlite")
        with counted(folder / "site.sqlite") as site:
            (folder / "federation.yaml").write_text(settings_text(site.url, validation=False), encoding="utf-8")
            settings = load_settings(folder / "federation.yaml")
            loaded, counts, cpu = _extract(settings, site)
            given = counts.of(DOCTYPE).rows
            yield Figure(f"first load of {ROWS:,} GL Entries", f"{given:,} rows, {cpu:.1f} CPU s", _site(counts))
            _expect(loaded, documents=ROWS, unchanged=0)
            for number, (again, what) in enumerate(((0, "overlap empty"), (changed, "as many in the overlap"))):
                _change(store, first=number * changed, rows=changed)
                outcome, counts, cpu = _extract(settings, site)
                _expect(outcome, documents=changed, unchanged=again)
                given, due = counts.of(DOCTYPE).rows, changed + again
                most = int(WANTED * changed) + again
                yield Figure(
                    f"{changed:,} of them changed, {what}: rows given, all in all",
                    f"{given:,}, {given / due:.3f} times",
                    f"{due:,} due, in {counts.of(DOCTYPE).requests} requests",
                    f"≤ {most:,}",
                    given <= most,
                )
                yield Figure("… documents packaged; seconds of CPU", f"{outcome.documents:,}; {cpu:.2f}", _site(counts))
        store.close()


def _site(counts: Counts) -> str:
    return f"the simulated site itself: {counts.cpu:.1f} CPU s"


def _extract(settings: Settings, site: CountedSite) -> tuple[DocTypeOutcome, Counts, float]:
    """The outcome, what the site counted meanwhile, and our seconds of CPU."""
    before, started = site.counts(), time.process_time()
    (outcome,) = extract(settings, settings.satellites["ledger"], RunOptions(), Unwatched())
    return outcome, site.counts().since(before), time.process_time() - started


def _expect(outcome: DocTypeOutcome, *, documents: int, unchanged: int) -> None:
    if (outcome.documents, outcome.unchanged, outcome.pending) != (documents, unchanged, 0):
        raise AssertionError(f"{documents} documents and {unchanged} unchanged ones were expected: {outcome}")


def _change(store: SiteStore, *, first: int, rows: int) -> None:
    """Change every hundredth row or so within the last seconds, each at an instant of its own."""
    now = datetime.now(ZONE).replace(tzinfo=None)
    step = timedelta(microseconds=100)
    with store.writing() as connection:
        connection.executemany(
            'UPDATE "tabGL Entry" SET remarks = ?, modified = ? WHERE "~name" = collation_key(?)',
            (
                (
                    f"Corrected {number}",
                    str(now - step * (rows - number)),
                    f"ACC-GLE-2026-{_spread(first + number):08d}",
                )
                for number in range(rows)
            ),
        )


def _spread(number: int) -> int:
    """Rows all over the table, none twice."""
    return number * int(1 / CHANGED_SHARE / 2) % ROWS


if __name__ == "__main__":
    show("Incremental", figures())

"""Site: from a site that gives 15,000 rows a second to MariaDB by `sync_satellite`, against extraction alone.

The site waits so long for each page and does its own work besides: what it really gives is the ceiling.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from benchmarks import trading_site
from benchmarks.extraction import PACE, ROWS
from benchmarks.figure import Figure
from benchmarks.ledger_site import KEY, NAME, SECRET, add_ledger, serving, settings_text
from benchmarks.mariadb_place import Host, mothership_settings
from federation.extract.outcome import DocTypeOutcome, Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.settings.load import load_settings
from federation.settings.model import Settings
from federation.sync import sync_satellite

WANTED = 0.90
ROUNDS = 2


@dataclass(frozen=True)
class _Site:
    """What a site has; `file` holds it."""

    file: Path
    rows: int
    doctypes: tuple[str, ...]
    what: str


@dataclass(frozen=True)
class _Sync:
    """Seconds of a sync.

    Attributes:
        whole: from its begin to its end.
        merges: of all merges, whatever else goes on meanwhile.
        after: from the last row that was read to the end.
    """

    whole: float
    merges: float
    after: float


class _Watch(Unwatched):
    """Remembers when the last DocType was read to its end."""

    ended_at = 0.0

    def ended(self, outcome: DocTypeOutcome) -> None:  # noqa: ARG002
        self.ended_at = time.perf_counter()


def figures(host: Host) -> Iterator[Figure]:
    """Measure one DocType alone, then a site of several, each in turn with extraction alone."""
    os.environ["LEDGER_API_KEY"], os.environ["LEDGER_API_SECRET"] = KEY, SECRET
    with tempfile.TemporaryDirectory() as temporary:
        ledger = _Site(Path(temporary, "ledger.sqlite"), ROWS, ("GL Entry",), f"{ROWS:,} GL Entries")
        add_ledger(ledger.file, first=0, rows=ROWS)
        yield from _measured(host, ledger)
        doctypes, rows = trading_site.DOCTYPES, trading_site.ROWS
        trade = _Site(Path(temporary, "trade.sqlite"), rows, doctypes, f"{rows:,} rows of {len(doctypes)} DocTypes")
        trading_site.add_trade(trade.file)
        yield from _measured(host, trade)


def _measured(host: Host, site: _Site) -> Iterator[Figure]:
    pairs: list[tuple[float, _Sync]] = []
    with serving(site.file, rows_per_second=PACE) as url:
        for _ in range(ROUNDS):
            with _settings(host, url, site.doctypes) as settings:
                alone = _extracted(settings)
            with _settings(host, url, site.doctypes) as settings:
                pairs.append((alone, _synced(settings)))
    share = statistics.median(alone / sync.whole for alone, sync in pairs)
    alone = statistics.median(alone for alone, _ in pairs)
    whole, merges, after = (
        statistics.median(seconds) for seconds in zip(*(astuple(sync) for _, sync in pairs), strict=True)
    )
    yield Figure(
        f"{site.what}, site to tables: {site.rows / whole:,.0f} rows/s",
        f"{share:.2f}",
        f"extraction alone: {site.rows / alone:,.0f} rows/s",
        f"≥ {WANTED}",
        share >= WANTED,
    )
    yield Figure("… after the last row was read", f"{after:.1f} s of {whole:.1f} s", f"all merges: {merges:.1f} s")


@contextmanager
def _settings(host: Host, url: str, doctypes: tuple[str, ...]) -> Iterator[Settings]:
    """Give settings with a lake and a mothership that are empty; one request at a time keeps the site's pace."""
    with tempfile.TemporaryDirectory() as folder, host.place() as place:
        text = settings_text(url, validation=False, doctypes=doctypes, mothership=mothership_settings(place))
        file = Path(folder, "federation.yaml")
        file.write_text(text + "    connections: 1\n", encoding="utf-8")
        yield load_settings(file)


def _extracted(settings: Settings) -> float:
    started = time.perf_counter()
    outcomes = list(extract(settings, settings.satellites[NAME], RunOptions(), Unwatched()))
    seconds = time.perf_counter() - started
    assert all(outcome.status != "failed" for outcome in outcomes), outcomes
    return seconds


def _synced(settings: Settings) -> _Sync:
    watch = _Watch()
    started = time.perf_counter()
    outcome = sync_satellite(settings, settings.satellites[NAME], RunOptions(), watch)
    ended = time.perf_counter()
    assert outcome.ok, outcome
    merges = sum(result.seconds for result in outcome.merged.merged)
    return _Sync(ended - started, merges, ended - watch.ended_at)

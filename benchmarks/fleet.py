"""Fleet: seconds of CPU that an hour of schedule takes where nothing changes, and how they grow with the satellites.

One simulated site answers under every satellite's name. Of 10, 100 and 300 satellites, three are synced in earnest;
the settings, the lake and the mothership know all of them. So what a sync costs in a larger fleet shows, and an hour
is that many syncs. Site and Dagster are apart: see `ticks` for the latter.

    python -m benchmarks.fleet
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.counted_site import CountedSite, counted
from benchmarks.figure import Figure, show
from benchmarks.idle import DOCTYPES, make_idle_site
from benchmarks.ledger_site import KEY, SECRET
from federation.contract.satellite_schema import SatelliteSchema
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.lake.log import CommitLog
from federation.lake.run import LakeRun, new_run_id, utc_now
from federation.lake.schemas import read_schema
from federation.lake.storage import open_lake
from federation.merging import merge_satellite, open_mothership, publish
from federation.mothership.duckdb.database import DuckdbLimits, WriterDatabase
from federation.mothership.satellite_schemas import confirm_schema, write_schema
from federation.policy.fleet import FleetPolicy
from federation.settings.load import load_settings
from federation.settings.model import Settings

FLEETS = (10, 100, 300)
SAMPLE = 3
WANTED = 1.25
"""A sync in the largest fleet may cost so many times what it costs in the smallest: else an hour grows too fast."""


@dataclass(frozen=True)
class Hour:
    """Seconds of CPU of a satellite's sync, and of what is done once for all."""

    settings: float
    extraction: float
    merge: float
    publication: float
    site: float

    @property
    def sync(self) -> float:
        return self.extraction + self.merge


def figures() -> Iterator[Figure]:
    """Let the fleet grow; in each size, sync the sample once more with nothing changed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["FLEET_API_KEY"], os.environ["FLEET_API_SECRET"] = KEY, SECRET
        doctypes = make_idle_site(folder / "site.sqlite")
        hours: dict[int, Hour] = {}
        with counted(folder / "site.sqlite") as site:
            for known, size in zip((SAMPLE, *FLEETS), FLEETS, strict=False):
                settings = fleet_settings(folder, site.url, doctypes, size)
                if not hours:
                    for name in satellite_names(SAMPLE):
                        _sync(settings, name)
                _add_neighbours(settings, satellite_names(size)[known:])
                hours[size] = hour = _measure(folder, settings, site)
                yield Figure(
                    f"{size} idle satellites × {DOCTYPES} DocTypes, an hour of schedule",
                    f"{size * hour.sync:,.0f} CPU s",
                    f"the simulated site itself: {size * hour.site:,.0f} CPU s",
                )
                yield Figure(
                    "… a satellite",
                    f"{hour.sync:.2f} CPU s",
                    f"extraction {hour.extraction:.2f}, merge {hour.merge:.2f}; once: settings {hour.settings:.2f}, "
                    f"publication {hour.publication:.2f}",
                )
    ratio = hours[FLEETS[-1]].sync / hours[FLEETS[0]].sync
    yield Figure(
        f"a sync in a fleet of {FLEETS[-1]} against one of {FLEETS[0]}",
        f"{ratio:.2f} times",
        "1: linear growth",
        f"≤ {WANTED}",
        ratio <= WANTED,
    )


def satellite_names(size: int) -> list[str]:
    """Return the names of the satellites of a fleet."""
    return [f"s{number:03d}" for number in range(size)]


def fleet_settings(folder: Path, url: str, doctypes: Sequence[str], size: int) -> Settings:
    """Write settings of a fleet behind one address into `folder` and load them."""
    lines = [f"doctypes: {list(doctypes)}", "satellites:"]
    lines += [
        f"  {name}: {{url: {url}, site: {name}.example.com, credentials: 'env:FLEET'}}"
        for name in satellite_names(size)
    ]
    (folder / "federation.yaml").write_text("\n".join(lines), encoding="utf-8")
    return load_settings(folder / "federation.yaml")


def _measure(folder: Path, settings: Settings, site: CountedSite) -> Hour:
    before, started = site.counts(), time.process_time()
    load_settings(folder / "federation.yaml")
    loaded = time.process_time()
    extraction = merge = 0.0
    for name in satellite_names(SAMPLE):
        each = _sync(settings, name)
        extraction, merge = extraction + each[0], merge + each[1]
    synced = time.process_time()
    publish(settings, force=True)
    published = time.process_time()
    cpu = site.counts().since(before).cpu
    return Hour(loaded - started, extraction / SAMPLE, merge / SAMPLE, published - synced, cpu / SAMPLE)


def _sync(settings: Settings, name: str) -> tuple[float, float]:
    """Seconds of CPU of extraction and of the merge."""
    started = time.process_time()
    outcomes = list(extract(settings, settings.satellites[name], RunOptions(), Unwatched()))
    extracted = time.process_time()
    merged = merge_satellite(settings, name)
    if merged.failed or any(outcome.status == "failed" for outcome in outcomes):
        raise AssertionError((merged.failed, outcomes))
    return extracted - started, time.process_time() - extracted


def _add_neighbours(settings: Settings, names: Sequence[str]) -> None:
    """Give each satellite the states of the first one, as if it had been loaded without a document.

    Their schemas are put into the mothership as they are: to fold each into the contracts takes longer than all else.
    """
    first = satellite_names(1)[0]
    log = CommitLog(open_lake(settings.lake_of(first), first))
    newest = log.newest()
    assert newest is not None
    doctypes = read_schema(log.folder, newest.schema).doctypes
    logs = []
    database = WriterDatabase(settings.mothership_file, "benchmark", DuckdbLimits()).open()
    for name in names:
        run = LakeRun.open(open_lake(settings.lake_of(name), name), "rest", new_run_id(utc_now()))
        schema = SatelliteSchema(name, doctypes)
        run.describe(schema)
        run.commit(states=newest.doctypes)
        closed = run.close(site=newest.site, observed=newest.observed_floor)
        with database.connection.transaction():
            write_schema(database.connection, schema)
        confirm_schema(database.connection, name, closed.schema)
        logs.append(run.log)
    database.close()
    policy = FleetPolicy(settings)
    with open_mothership(settings, "benchmark") as mothership:
        for log in logs:
            failed = mothership.merge(log, policy).failed
            if failed:
                raise AssertionError(failed)


if __name__ == "__main__":
    show("Fleet", figures())

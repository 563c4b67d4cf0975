"""Idle: what a run costs where nothing has changed: requests, and seconds in a running process.

python -m benchmarks.idle
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.counted_site import counted
from benchmarks.figure import Figure, show
from benchmarks.ledger_site import KEY, SECRET
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.store import SiteStore
from federation.demo.world.doctypes import doctypes
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.settings.load import load_settings
from federation.settings.model import Settings
from federation.sync import sync_satellite

DOCTYPES = 60
ROWS = 20
WANTED_SECONDS = 3.0
WANTED_ABOUT_THE_SITE = 11
"""Who we are, its zone, its versions, its oldest documents, its manners; four lists of metadata, two of signals."""


def figures() -> Iterator[Figure]:
    """Sync a site of 60 DocTypes twice; tell of the second time."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["IDLE_API_KEY"], os.environ["IDLE_API_SECRET"] = KEY, SECRET
        names = make_idle_site(folder / "site.sqlite")
        with counted(folder / "site.sqlite") as site:
            settings = _settings(folder, site.url, names)
            _sync(settings)
            before, started = site.counts(), time.perf_counter()
            _sync(settings)
            seconds = time.perf_counter() - started
            asked = site.counts().since(before)
    least = min(asked.of(name).requests for name in names)
    about = asked.of().requests - least * DOCTYPES
    yield Figure(
        f"{DOCTYPES} unchanged DocTypes",
        f"{seconds:.2f} s",
        wanted=f"≤ {WANTED_SECONDS} s",
        met=seconds <= WANTED_SECONDS,
    )
    yield Figure(
        "requests for an unchanged DocType",
        f"{least}, and {about} a run about the site",
        wanted=f"1, and ≤ {WANTED_ABOUT_THE_SITE}",
        met=least == 1 and about <= WANTED_ABOUT_THE_SITE,
    )


def make_idle_site(path: Path) -> list[str]:
    """Make a site of 60 DocTypes with a few documents each, saved long ago; return the DocTypes."""
    store = SiteStore(path)
    store.set_single("System Settings", {"time_zone": "Europe/Berlin"})
    user = SiteUser("idle@example.com", roles=("System Manager",), reads=("*",))
    add_user(store, user, api_key=KEY, api_secret=SECRET)
    template = doctypes()["Cost Center"]
    names = [f"Bench Type {number:02d}" for number in range(DOCTYPES)]
    for name in names:
        fields = [{**field, "name": f"{name} {field['fieldname']}"} for field in template["fields"]]
        store.create_doctype({**template, "name": name, "fields": fields})
        stamps = [f"2025-01-01 12:00:00.{number + 1:06d}" for number in range(ROWS)]
        rows = ((f"Row {number}", stamp, stamp, 0, 0, f"Row {number}") for number, stamp in enumerate(stamps))
        store.insert_rows(name, ("name", "creation", "modified", "docstatus", "idx", "cost_center_name"), rows)
    store.close()
    return names


def _settings(folder: Path, url: str, names: Sequence[str]) -> Settings:
    text = f"doctypes: {names}\nsatellites:\n  idle: {{url: {url}, credentials: 'env:IDLE'}}\n"
    (folder / "federation.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder / "federation.yaml")


def _sync(settings: Settings) -> None:
    outcome = sync_satellite(settings, settings.satellites["idle"], RunOptions(), Unwatched())
    if not outcome.ok:
        raise AssertionError(outcome)


if __name__ == "__main__":
    show("Idle", figures())

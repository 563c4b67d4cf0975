"""Idle: what a run costs where nothing has changed: requests, and seconds in a running process.

python -m benchmarks.idle
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, show
from benchmarks.ledger_site import KEY, SECRET
from connectors.frappe import session as wire
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningSite
from federation.demo.world.doctypes import doctypes
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.settings.load import load_settings
from federation.settings.model import Settings
from federation.sync import sync_satellite

DOCTYPES = 60
WANTED_SECONDS = 3.0


def figures() -> Iterator[Figure]:
    """Sync a site of 60 DocTypes twice; tell of the second time."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["IDLE_API_KEY"], os.environ["IDLE_API_SECRET"] = KEY, SECRET
        with RunningSite(folder / "site.sqlite") as site:
            names = _fill(site)
            settings = _settings(folder, site.url, names)
            _sync(settings)
            asked: Counter[str] = Counter()
            send = wire.FrappeSession.send

            def counting(self: wire.FrappeSession, request, **kwargs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
                asked[request.doctype or request.path] += 1
                return send(self, request, **kwargs)

            wire.FrappeSession.send = counting  # type: ignore[method-assign]
            try:
                started = time.perf_counter()
                _sync(settings)
                seconds = time.perf_counter() - started
            finally:
                wire.FrappeSession.send = send  # type: ignore[method-assign]
    most = max(asked[name] for name in names)
    others = sum(asked.values()) - sum(asked[name] for name in names)
    yield Figure(
        f"{DOCTYPES} unchanged DocTypes",
        f"{seconds:.2f} s",
        wanted=f"≤ {WANTED_SECONDS} s",
        met=seconds <= WANTED_SECONDS,
    )
    yield Figure(
        "requests for an unchanged DocType", str(most), f"and {others} a run about the site", wanted="1", met=most == 1
    )


def _fill(site: RunningSite) -> list[str]:
    template = doctypes()["Cost Center"]
    names = [f"Bench Type {number:02d}" for number in range(DOCTYPES)]
    site.store.set_single("System Settings", {"time_zone": "Europe/Berlin"})
    add_user(
        site.store,
        SiteUser("idle@example.com", roles=("System Manager",), reads=("*",)),
        api_key=KEY,
        api_secret=SECRET,
    )
    for name in names:
        fields = [{**field, "name": f"{name} {field['fieldname']}"} for field in template["fields"]]
        site.store.create_doctype({**template, "name": name, "fields": fields})
        for number in range(20):
            site.documents.insert(name, {"name": f"Row {number}", "cost_center_name": f"Row {number}"})
    return names


def _settings(folder: Path, url: str, names: list[str]) -> Settings:
    text = f"doctypes: {names}\nsatellites:\n  idle: {{url: {url}, credentials: 'env:IDLE'}}\n"
    (folder / "federation.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder / "federation.yaml")


def _sync(settings: Settings) -> None:
    outcome = sync_satellite(settings, settings.satellites["idle"], RunOptions(), Unwatched())
    if not outcome.ok:
        raise AssertionError(outcome)


if __name__ == "__main__":
    show("Idle", figures())

"""`federation status`: what the ledger says, held against what the settings expect."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Command, Write

from federation.cli.ages import age_in_words, duration
from federation.cli.status import SatelliteStatus, report_of
from federation.mothership.interface import Freshness
from federation.settings.load import load_settings
from federation.settings.model import Settings

NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
TEXT = """
satellites:
  north: {url: "http://north.invalid", credentials: env:NORTH}
  south: {url: "http://south.invalid", credentials: env:SOUTH, modules: [Education]}
  west: {url: "http://west.invalid", credentials: env:NORTH, enabled: false}
doctypes: [Customer, "Sales *"]
schedules: {incremental: "0 * * * *"}
"""


@pytest.fixture
def settings(write: Write) -> Settings:
    return load_settings(write(TEXT))


def fresh(satellite: str, doctype: str, age: timedelta | None) -> Freshness:
    as_of = None if age is None else NOW - age
    return Freshness(
        satellite, doctype, as_of, rows=5, pending=1, waiting=0, quarantined=2, last_change=as_of, merged_at=as_of
    )


def states(satellite: SatelliteStatus) -> dict[str, str]:
    return {doctype.doctype: doctype.state for doctype in satellite.doctypes}


def test_a_doctype_is_late_when_a_scheduled_run_came_and_went_without_it(settings: Settings) -> None:
    ledger = [
        fresh("north", "Customer", timedelta(minutes=5)),
        fresh("north", "Sales Order", timedelta(minutes=100)),
        fresh("north", "Sales Invoice", timedelta(minutes=110)),
    ]
    (north, *_) = report_of(settings, ledger, NOW).satellites
    assert states(north) == {"Customer": "fresh", "Sales Order": "fresh", "Sales Invoice": "late"}
    assert north.state == "late"


def test_what_was_never_brought_shows_as_never_not_as_zero(settings: Settings) -> None:
    north, south, west = report_of(settings, [fresh("north", "Sales Order", None)], NOW).satellites
    assert states(north) == {"Customer": "never", "Sales Order": "never"}
    assert (south.state, south.doctypes) == ("never", ())
    assert (west.state, west.doctypes) == ("switched off", ())


def test_nobody_waits_for_what_the_settings_no_longer_ask_for(settings: Settings) -> None:
    old = timedelta(days=30)
    ledger = [
        fresh("north", "Customer", timedelta(0)),
        fresh("north", "Item", old),
        fresh("south", "Student", old),
        fresh("west", "Customer", old),
        fresh("gone", "Customer", old),
    ]
    north, south, west, gone = report_of(settings, ledger, NOW).satellites
    assert states(north) == {"Customer": "fresh", "Item": "not in the settings"}
    assert states(south) == {"Student": "late"}, "only the site knows which DocTypes a module has"
    assert states(west) == {"Customer": "switched off"}
    assert states(gone) == {"Customer": "not in the settings"}


def test_before_the_first_sync_the_way_to_it_is_shown(write: Write, federation: Command) -> None:
    write(TEXT)
    ended = federation("status")
    assert ended.exit_code == 1
    assert "run `federation sync`" in ended.stderr
    report = json.loads(federation("status", "--json").stdout)
    assert report["published"] is False
    assert {one["satellite"]: one["state"] for one in report["satellites"]} == {
        "north": "never",
        "south": "never",
        "west": "switched off",
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (59, "just now"), (60, "1 min ago"), (7_199, "1 h ago"), (86_400, "1 d ago"), (-5, "just now")],
)
def test_ages_are_short_words(seconds: int, words: str) -> None:
    assert age_in_words(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (9.96, "10 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s")]
)
def test_durations_are_short_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words

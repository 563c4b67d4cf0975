"""`federation status`: what the ledger says, held against what the settings expect."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cli_process import Command, Write

from federation.cli.ages import age_in_words, duration
from federation.cli.status import report_of, show_report
from federation.cli.status_report import SatelliteStatus
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


def many(satellites: int, doctypes: int) -> tuple[Settings, list[Freshness]]:
    """Satellites whose DocTypes are fresh, but that of `campus-7` one is late."""
    names = [f"Thing {number}" for number in range(doctypes)]
    read = Settings.model_validate(
        {
            "doctypes": names,
            "satellites": {
                f"campus-{number}": {"url": f"http://campus{number}.invalid", "credentials": "env:NORTH"}
                for number in range(satellites)
            },
        }
    )
    late = ("campus-7", "Thing 3")
    ledger = [
        fresh(name, doctype, timedelta(days=2) if (name, doctype) == late else timedelta(minutes=5))
        for name in read.satellites
        for doctype in names
    ]
    return read, ledger


Draw = Callable[..., list[str]]


@pytest.fixture
def drawn(capsys: pytest.CaptureFixture[str]) -> Draw:
    """The lines that a reader sees of so many satellites and DocTypes."""

    def drawn(satellites: int, doctypes: int, *, show_all: bool = False) -> list[str]:
        show_report(report_of(*many(satellites, doctypes), NOW), show_all=show_all)
        return [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()][2:]

    return drawn


def test_few_doctypes_have_a_row_each(drawn: Draw) -> None:
    assert len(drawn(10, 10)) == 100


def test_of_three_hundred_satellites_those_that_are_late_are_shown_and_the_others_counted(drawn: Draw) -> None:
    late, others, rest = drawn(300, 60)
    assert late.split()[:4] == ["campus-7", "Thing", "3", "late"]
    assert others.split()[:4] == ["59", "more", "fresh", "2026-11-23"]
    assert f"{59 * 5}" in others
    assert rest == "… and 299 that are well"


def test_all_can_be_asked_for(drawn: Draw) -> None:
    assert len(drawn(300, 2, show_all=True)) == 600


def test_a_few_satellites_with_many_doctypes_have_a_row_each(drawn: Draw) -> None:
    lines = drawn(10, 60)
    assert len(lines) == 11
    assert lines[0].split()[:4] == ["campus-0", "60", "DocTypes", "fresh"]


def test_only_some_satellites_can_be_shown(write: Write, federation: Command) -> None:
    write(TEXT)
    report = json.loads(federation("status", "--json", "-s", "*th").stdout)
    assert [one["satellite"] for one in report["satellites"]] == ["north", "south"]
    assert federation("status", "-s", "nort").exit_code == 2


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

"""Which satellites are late, from the ledger and the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assets.freshness import Lag, lags
from federation.settings.load import load_settings

NOW = datetime(2026, 11, 23, 12, 20, tzinfo=UTC)


def _at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC)


def test_a_satellite_that_missed_a_whole_period_is_late(settings):
    found = lags({"north": _at(11, 1), "south": _at(10, 59)}, settings, NOW)
    assert found == [Lag("south", _at(10, 59), "late"), Lag("north", _at(11, 1), "fresh")]


def test_one_that_was_never_complete_is_late_and_stands_first(settings):
    found = lags({"north": _at(12, 1), "south": None}, settings, NOW)
    assert [(lag.satellite, lag.state) for lag in found] == [("south", "late"), ("north", "fresh")]


def test_one_that_is_switched_off_gets_stale_without_being_late(write_settings):
    settings = load_settings(
        write_settings(
            "satellites:\n  north: {url: http://n.invalid, credentials: env:N}\n"
            "  south: {url: http://s.invalid, credentials: env:S, enabled: off}\ndoctypes: [Customer]"
        )
    )
    assert [lag.state for lag in lags({"north": NOW, "south": NOW - timedelta(days=9)}, settings, NOW)] == [
        "off",
        "fresh",
    ]


def test_late_is_measured_by_the_schedule_of_the_settings(write_settings):
    settings = load_settings(
        write_settings(
            "satellites:\n  north: {url: http://n.invalid, credentials: env:N}\ndoctypes: [Customer]\n"
            'schedules: {incremental: "0 6 * * *"}'
        )
    )
    yesterday = _at(6, 1) - timedelta(days=1)
    assert [lag.state for lag in lags({"north": yesterday}, settings, NOW)] == ["fresh"]
    assert [lag.state for lag in lags({"north": yesterday - timedelta(days=1)}, settings, NOW)] == ["late"]

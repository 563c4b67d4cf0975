"""Specification of zones: a site's local times as instants in UTC, also where an hour comes twice or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.conform.zones import to_utc
from federation.contract.fieldtypes import DATETIME

ZONES = ("Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC")
LOCAL_TIMES = st.datetimes(datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2037-12-30"))
"""Between these Arrow and Python read the same rules."""


def in_utc(zone: str, *texts: str) -> list[str]:
    local = pa.array(texts).cast(DATETIME)
    return [str(instant) for instant in to_utc(local, zone).to_pylist()]


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Asia/Kolkata", "2026-11-23 07:56:47.573279", "2026-11-23 02:26:47.573279"),
        ("Europe/Berlin", "2026-07-01 12:00:00", "2026-07-01 10:00:00"),
        ("Europe/Berlin", "2026-01-01 12:00:00", "2026-01-01 11:00:00"),
        ("UTC", "2026-01-01 12:00:00", "2026-01-01 12:00:00"),
    ],
)
def test_local_time_becomes_utc(zone: str, local: str, utc: str):
    assert in_utc(zone, local) == [utc]


def test_of_the_doubled_hour_the_first_pass_is_taken():
    assert in_utc("Europe/Berlin", "2026-10-25 02:00:00", "2026-10-25 02:59:59.999999", "2026-10-25 03:00:00") == [
        "2026-10-25 00:00:00",
        "2026-10-25 00:59:59.999999",
        "2026-10-25 02:00:00",
    ]


def test_the_skipped_hour_is_the_instant_behind_it():
    assert in_utc("Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29 02:30:00", "2026-03-29 03:00:00") == [
        "2026-03-29 00:59:59",
        "2026-03-29 01:00:00",
        "2026-03-29 01:00:00",
    ]


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.none() | LOCAL_TIMES))
def test_every_other_time_is_what_the_zones_rules_say(zone: str, local: list[datetime | None]):
    """Python's own zones are the judge; a time that doesn't come back from UTC was skipped."""
    found = to_utc(pa.array(local, type=DATETIME), zone)
    assert found.type == DATETIME
    for naive, utc in zip(local, found.to_pylist(), strict=True):
        if naive is None:
            assert utc is None
            continue
        judged = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if judged.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == naive:
            assert utc == judged.replace(tzinfo=None)
        else:
            assert abs(utc.replace(tzinfo=UTC) - judged) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("America/Santiago", "9999-12-31 23:30:00", None),
        ("America/Santiago", "9999-12-31 20:59:59.999999", "9999-12-31 23:59:59.999999"),
        ("America/Santiago", "9999-12-31 21:00:00", None),
        ("Asia/Tokyo", "0001-01-01 00:00:00", None),
        ("Asia/Tokyo", "9999-12-31 23:59:59.999999", "9999-12-31 14:59:59.999999"),
        ("UTC", "0001-01-01 00:00:00", "0001-01-01 00:00:00"),
        ("UTC", "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"),
    ],
)
def test_an_instant_beyond_the_ends_of_time_is_null_and_those_before_them_stay(zone: str, local: str, utc: str | None):
    shifted = to_utc(pa.array([local, None, "2026-01-01 12:00:00"]).cast(DATETIME), zone).to_pylist()
    assert shifted[0] == (None if utc is None else datetime.fromisoformat(utc))
    assert shifted[1] is None
    assert shifted[2] is not None


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.none() | st.datetimes()))
def test_the_ends_of_time_do_not_break_a_page(zone: str, local: list[datetime | None]):
    """Only a time within a day of an end can be beyond it in UTC."""
    edges = [datetime.fromisoformat(edge) for edge in ("0001-01-01", "9999-12-31 23:59:59.999999")]
    shifted = to_utc(pa.array([*local, *edges], type=DATETIME), zone)
    assert shifted.type == DATETIME
    for naive, utc in zip([*local, *edges], shifted.to_pylist(), strict=True):
        if naive is None or edges[0] + timedelta(days=1) < naive < edges[1] - timedelta(days=1):
            assert (utc is None) == (naive is None)

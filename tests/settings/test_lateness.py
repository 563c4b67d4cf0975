"""Late is what a scheduled run has missed, by the rule that the scheduler itself follows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from federation.lateness import late_before


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 * * * *", "2026-11-23 11:00"),
        ("@hourly", "2026-11-23 11:00"),
        ("*/15 * * * *", "2026-11-23 12:30"),
        ("30 2 * * *", "2026-11-22 02:30"),
        ("0 8-18/5 * * mon-fri", "2026-11-20 18:00"),
        ("@weekly", "2026-11-15 00:00"),
        ("0 0 1 jan,jul *", "2026-01-01 00:00"),
        ("0 0 29 2 *", "2020-02-29 00:00"),
    ],
)
def test_the_run_before_the_last_one_must_have_happened(cron: str, expected: str) -> None:
    now = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
    assert late_before(cron, now, UTC) == datetime.fromisoformat(f"{expected}+00:00")


def test_cron_lines_are_in_the_zone_of_the_schedules() -> None:
    now = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
    assert late_before("0 2 * * *", now, ZoneInfo("Asia/Kolkata")) == datetime(2026, 11, 21, 20, 30, tzinfo=UTC)


CRON = st.sampled_from(
    ["0 * * * *", "*/20 * * * *", "30 2 * * *", "15,45 6-18/4 * * *", "0 3 * * sun", "0 12 1,15 * *", "0 0 13 * fri"]
)


MOMENTS = st.datetimes(
    datetime(2024, 1, 1),  # noqa: DTZ001 - the zone is given apart
    datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(CRON, MOMENTS)
@example("0 12 1,15 * *", datetime(2026, 3, 1, 12, tzinfo=UTC))
def test_the_scheduler_says_the_same(cron: str, now: datetime) -> None:
    periods = dg.TimeWindowPartitionsDefinition(
        start="1970-01-01T00:00", fmt="%Y-%m-%dT%H:%M", cron_schedule=cron, timezone="UTC"
    )
    last_whole = periods.get_prev_partition_window(now, respect_bounds=False)
    assert last_whole is not None
    assert late_before(cron, now, UTC) == last_whole.start

"""Specification of cron lines: never more than Dagster takes."""

from __future__ import annotations

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.settings.cron import ALIASES, cron_mistake

NUMBER = st.integers(0, 60).map(str)
NAME = st.sampled_from(["mon", "SUN", "jan", "Dec", "foo"])
VALUE = st.one_of(NUMBER, NAME)
RANGE = st.one_of(st.just("*"), VALUE, st.tuples(VALUE, VALUE).map("-".join))
ITEM = st.one_of(RANGE, st.tuples(RANGE, NUMBER).map("/".join))
FIELD = st.lists(ITEM, min_size=1, max_size=3).map(",".join)


@dg.job
def nothing() -> None:
    """A job to schedule."""


def dagster_takes(line: str) -> bool:
    try:
        dg.ScheduleDefinition(job=nothing, cron_schedule=line)
    except dg.DagsterInvalidDefinitionError:
        return False
    return True


@pytest.mark.parametrize(
    "line",
    [
        *("0 * * * *", "30 2 * * *", "*/15 * * * *", "0 8-18/2 * * mon-fri", "5,35 0 1 jan,jul *", "0 0 29 2 *"),
        *sorted(ALIASES),
    ],
)
def test_usual_lines_are_taken(line):
    assert cron_mistake(line) is None
    assert dagster_takes(line)


@pytest.mark.parametrize(
    "line",
    [
        "", "hourly", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
        "*/0 * * * *", "1,,2 * * * *", "a b c d e", "0 0 30 2 *", "0 0 31 4,6 *", "@yearlyy",
        "-1 * * * *", "² * * * *",
    ],
)  # fmt: skip
def test_impossible_lines_are_explained(line):
    assert cron_mistake(line)


@pytest.mark.filterwarnings("ignore:Found a cron schedule with an interval:UserWarning")  # strange, and taken
@given(st.tuples(FIELD, FIELD, FIELD, FIELD, FIELD).map(" ".join))
def test_what_is_taken_here_is_taken_by_dagster(line):
    if cron_mistake(line) is None:
        assert dagster_takes(line)

"""Pressure: as many requests at once as the site answers well, and never more than the setting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from frappe_model import KEY, ModelSite, answer
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import AbandonedError, FrappeSession, Limits, WireTable, read_changes
from connectors.frappe.pressure import Pressure

HEADS = WireTable("ToDo", ("name", "modified"), ("text", "text"))


def feed(pressure: Pressure, seconds: float, answers: int = 1, kind: str = "list") -> None:
    for _ in range(answers):
        pressure.answered(kind, seconds)


def test_a_healthy_site_keeps_all_its_connections():
    pressure = Pressure(4)
    feed(pressure, 0.3, 50)
    feed(pressure, 0.6, 50)
    assert pressure.allowed == 4, "two on one core take twice as long"


def test_a_site_that_gets_slow_is_asked_less_at_once_and_never_nothing():
    pressure = Pressure(8)
    feed(pressure, 0.2, 10)
    feed(pressure, 2.0, 20)
    assert pressure.allowed == 1


def test_a_site_that_recovers_gets_its_connections_back_one_by_one():
    pressure = Pressure(4)
    feed(pressure, 0.2, 10)
    feed(pressure, 2.0, 20)
    grown = []
    for _ in range(20):
        feed(pressure, 0.2)
        grown.append(pressure.allowed)
    assert grown == sorted(grown)
    assert set(grown) == {2, 3, 4} or set(grown) == {1, 2, 3, 4}


def test_each_kind_of_request_is_compared_with_its_own_best():
    pressure = Pressure(4)
    for _ in range(50):
        feed(pressure, 0.01, kind="ping")
        feed(pressure, 5.0, kind="large page")
    assert pressure.allowed == 4


def test_a_tenth_of_a_second_says_nothing():
    pressure = Pressure(4)
    feed(pressure, 0.002, 10)
    feed(pressure, 0.1, 50)
    assert pressure.allowed == 4


def test_a_site_that_has_become_slow_for_good_is_not_throttled_for_ever():
    pressure = Pressure(4)
    feed(pressure, 0.2, 10)
    feed(pressure, 0.9, 300)
    assert pressure.allowed == 4


def test_what_a_busy_site_says_counts_too():
    pressure = Pressure(8)
    pressure.strained()
    assert pressure.allowed < 8


def test_answers_under_way_when_it_got_slow_count_once():
    pressure = Pressure(8)
    feed(pressure, 0.2)
    quiet = threading.Event()
    with pressure.slot(quiet), pressure.slot(quiet), pressure.slot(quiet):
        feed(pressure, 2.0)
        allowed = pressure.allowed
        feed(pressure, 2.0, 3)
        assert pressure.allowed == allowed < 8
        feed(pressure, 2.0)
        assert pressure.allowed < allowed


@given(st.integers(1, 6), st.lists(st.none() | st.floats(0.001, 100), max_size=100))
def test_the_setting_is_never_exceeded_nor_the_last_request_taken_away(most, answers):
    pressure = Pressure(most)
    for seconds in answers:
        pressure.strained() if seconds is None else pressure.answered("list", seconds)
        assert 1 <= pressure.allowed <= most


def test_a_slot_tells_the_crowd_that_it_was_in():
    pressure = Pressure(3)
    quiet = threading.Event()
    with pressure.slot(quiet) as first:
        with pressure.slot(quiet) as second:
            pass
        with pressure.slot(quiet):
            assert (first.crowd, second.crowd) == (2, 2)


def test_nobody_waits_for_a_slot_that_is_not_wanted():
    given_up = threading.Event()
    given_up.set()
    with pytest.raises(AbandonedError), Pressure(1).slot(given_up):
        pass


def test_a_site_that_says_it_is_too_busy_is_asked_less_at_once():
    class Busy(ModelSite):
        busy = True

        def send(self, request, **options):
            if self.busy:
                return answer(request, 503, {})
            return super().send(request, **options)

    site = Busy({"ToDo": [{"name": f"T{n:03}", "modified": "2026-03-01 10:00:00"} for n in range(40)]})
    session = FrappeSession(
        "http://model.test", KEY, Limits(connections=4, page_rows=10), transport=lambda _: site,
        wait=lambda event, seconds: setattr(site, "busy", len(site.requests) > 0),
    )  # fmt: skip
    site.before_each = lambda number: threading.Event().wait(0.002)
    with ThreadPoolExecutor(6) as pool:
        walks = [pool.submit(lambda: sum(page.rows for page in read_changes(session, HEADS))) for _ in range(6)]
        assert [walk.result() for walk in walks] == [40] * 6
    assert site.most_in_flight <= 4

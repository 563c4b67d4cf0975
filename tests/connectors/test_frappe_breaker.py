"""Breaker and retry budget: a site that keeps failing is soon left alone."""

from __future__ import annotations

import pytest
from frappe_model import KEY, ModelSite, answer
from frappe_raw_server import respond, serving

from connectors.frappe import DocTypeError, FrappeSession, Limits, TransientError, WireTable, ping, read_changes
from connectors.frappe.breaker import Breaker

HEADS = WireTable("ToDo", ("name", "modified"), ("text", "text"))
DOWN = respond(b"<h1>down</h1>", "503 Service Unavailable")
PONG = respond(b'{"message":"pong"}')


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FlakySite(ModelSite):
    """Fails when told by the number of the request."""

    def __init__(self, tables, fails, status: int = 503) -> None:
        super().__init__(tables)
        self.fails = fails
        self.status = status
        self.asked = 0

    def send(self, request, **options):
        self.asked += 1
        if self.fails(self.asked):
            return answer(request, self.status, {"exception": "x"})
        return super().send(request, **options)

    def session(self, **limits):
        return FrappeSession(
            "http://model.test", KEY, Limits(**limits), transport=lambda _: self, wait=lambda event, seconds: None
        )


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.seconds_to_rest() == 0
        breaker.failed()


def test_a_site_that_failed_ten_times_in_a_row_is_left_alone_for_a_while():
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, 10)
    assert breaker.seconds_to_rest() == 30
    clock.now = 29
    assert breaker.seconds_to_rest() == 1


def test_after_the_rest_one_caller_finds_out_and_the_others_wait():
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, 10)
    clock.now = 30
    assert [breaker.seconds_to_rest() for _ in range(3)] == [0, 30, 30]
    breaker.answered()
    assert breaker.seconds_to_rest() == 0


def test_each_failed_trial_doubles_the_rest_up_to_ten_minutes():
    clock = Clock()
    breaker = Breaker(clock)
    fail(breaker, 10)
    rests = []
    for _ in range(7):
        rests.append(breaker.seconds_to_rest())
        clock.now += rests[-1]
        assert breaker.seconds_to_rest() == 0
        breaker.failed()
    assert rests == [30, 60, 120, 240, 480, 600, 600]


def test_one_answer_in_between_begins_the_count_anew():
    breaker = Breaker(Clock())
    fail(breaker, 9)
    breaker.answered()
    fail(breaker, 9)
    assert breaker.seconds_to_rest() == 0


def test_a_site_that_is_down_is_asked_no_more_than_ten_times():
    with serving(*[DOWN] * 30) as server:
        session = server.session()
        for _ in range(2):
            with pytest.raises(TransientError, match="unavailable"):
                ping(session)
        for _ in range(20):
            with pytest.raises(TransientError, match="left alone") as caught:
                ping(session)
            assert 0 < caught.value.retry_after <= 30
    assert len(server.requests) == 10
    assert len(server.pauses) == 8, "what isn't sent isn't waited for"


def test_a_doctype_that_fails_does_not_make_the_site_rest():
    killed = respond(b"<h1>Internal Server Error</h1>", "500 Internal Server Error")
    forbidden = respond(b"{}", "403 Forbidden")
    with serving(*[killed] * 30, *[forbidden] * 15, PONG) as server:
        session = server.session(limits={"retry_attempts": 1})
        for _ in range(45):
            with pytest.raises(DocTypeError):
                list(read_changes(session, HEADS))
        ping(session)


def test_a_site_that_limits_us_is_well():
    limited = respond(b"{}", "429 Too Many Requests", Retry_After="1")
    with serving(*[limited] * 15, PONG) as server:
        session = server.session(limits={"retry_attempts": 15})
        with pytest.raises(TransientError, match="rate limit"):
            ping(session)
        ping(session)


def todos(count: int) -> list[dict[str, object]]:
    return [{"name": f"T{number:04}", "modified": "2026-03-01 10:00:00"} for number in range(count)]


def test_a_site_that_fails_every_second_request_does_not_cost_a_retry_each_for_ever():
    site = FlakySite({"ToDo": todos(2000)}, lambda number: number % 2 == 1)
    with pytest.raises(TransientError):
        list(read_changes(site.session(page_rows=1), HEADS))
    assert 40 <= site.asked <= 60


def test_a_site_that_fails_now_and_then_is_read_to_the_end():
    site = FlakySite({"ToDo": todos(200)}, lambda number: number % 20 == 0)
    pages = list(read_changes(site.session(page_rows=1), HEADS))
    assert sum(page.rows for page in pages) == 200


def test_waits_that_the_site_asked_for_are_not_counted():
    class Limited(FlakySite):
        def send(self, request, **options):
            self.asked += 1
            if self.asked % 2:
                return answer(request, 429, {}, {"Retry-After": "1"})
            return ModelSite.send(self, request, **options)

    site = Limited({"ToDo": todos(100)}, None)
    assert sum(page.rows for page in read_changes(site.session(page_rows=1), HEADS)) == 100

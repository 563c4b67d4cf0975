"""Slow pairs of connections are noticed and opened anew; nothing else is."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from frappe_model import KEY as KEY_OF_MODEL
from frappe_model import ModelSite

from connectors.frappe import FrappeSession, Limits, WireTable, read_changes
from connectors.frappe.health import PairHealth

MB = 1024 * 1024


def feed(health: PairHealth, answers: int, rate: float, in_flight: int) -> int:
    return sum(health.should_reopen(5 * MB, 5 / rate, in_flight) for _ in range(answers))


def test_a_pair_slower_than_half_of_one_alone_is_reopened_once():
    health = PairHealth()
    assert feed(health, 3, 16, 1) == 0
    assert feed(health, 5, 6, 2) == 1
    assert feed(health, 20, 6, 2) == 0, "time to see whether it helped"


def test_a_pair_that_stays_slow_is_reopened_ever_more_rarely():
    health = PairHealth()
    feed(health, 3, 16, 1)
    assert feed(health, 1000, 6, 2) <= 7


def test_a_healthy_pair_is_left_alone():
    health = PairHealth()
    feed(health, 3, 16, 1)
    assert feed(health, 100, 14, 2) == 0


def test_without_knowing_the_rate_of_one_alone_nothing_is_decided():
    assert feed(PairHealth(), 100, 1, 2) == 0


def test_a_site_that_is_slow_for_everybody_is_left_alone():
    health = PairHealth()
    feed(health, 10, 2, 1)
    assert feed(health, 50, 1.8, 2) == 0


def test_small_answers_say_nothing():
    health = PairHealth()
    feed(health, 3, 16, 1)
    assert not any(health.should_reopen(1000, 9, 2) for _ in range(50))


def test_one_slow_answer_is_no_pattern():
    health = PairHealth()
    feed(health, 3, 16, 1)
    feed(health, 4, 14, 2)
    assert feed(health, 3, 2, 2) == 0


def test_the_session_opens_its_connections_anew():
    rows = [{"name": f"{number:03}", "modified": "2026-01-01", "x": "y" * 30_000} for number in range(200)]
    site = ModelSite({"ToDo": rows})
    opened: list[int] = []
    session = FrappeSession(
        "http://model.test", KEY_OF_MODEL, Limits(page_rows=10), transport=lambda n: opened.append(n) or site
    )
    table = WireTable("ToDo", ("name", "modified", "x"), ("text", "text", "text"))
    list(read_changes(session, table))
    both = threading.Barrier(2, timeout=10)
    site.before_each = lambda number: (both.wait(), threading.Event().wait(0.03))
    with ThreadPoolExecutor(2) as pool:
        walks = [pool.submit(lambda: sum(page.rows for page in read_changes(session, table))) for _ in range(2)]
        assert [walk.result() for walk in walks] == [200, 200]
    assert opened == [2] * len(opened)
    assert len(opened) >= 2

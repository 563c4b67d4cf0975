"""Rate limit: the site's other users keep a part of its budget of server time."""

from __future__ import annotations

import pytest
from frappe_raw_server import respond, serving
from frappe_recordings import recording
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import ping
from connectors.frappe.rate_limit import Budget, read_budget


def pong(remaining: int, reset: int = 40, used: int = 10_000, limit: int = 300_000):
    return respond(
        b'{"message":"pong"}',
        X_RateLimit_Limit=str(limit),
        X_RateLimit_Remaining=str(remaining),
        X_RateLimit_Used=str(used),
        X_RateLimit_Reset=str(reset),
    )


def test_a_site_with_time_to_spare_is_not_waited_for():
    with serving(pong(290_000), pong(150_000), pong(149_000)) as server:
        session = server.session()
        for _ in range(3):
            ping(session)
    assert server.pauses == []


def test_requests_are_spread_over_the_rest_of_the_window_when_half_is_used():
    with serving(pong(100_000), pong(100_000)) as server:
        session = server.session()
        ping(session)
        ping(session)
    assert server.pauses == [10.0], "40,000 µs are ours, 10,000 a request, in 40 s"


def test_the_last_fifth_is_left_to_others_until_the_window_ends():
    with serving(pong(50_000, reset=27), pong(290_000)) as server:
        session = server.session()
        ping(session)
        ping(session)
    assert server.pauses == [27.0]


def test_no_wait_is_longer_than_a_retry_may_be():
    with serving(pong(0, reset=86_400), pong(0)) as server:
        session = server.session(limits={"retry_seconds": 45})
        ping(session)
        ping(session)
    assert server.pauses == [45.0]


def test_a_site_over_its_limit_that_tells_only_when_the_window_ends_is_waited_for_until_then():
    over = respond(b"{}", "429 Too Many Requests", X_RateLimit_Remaining="0", X_RateLimit_Reset="12")
    with serving(over, pong(290_000)) as server:
        ping(server.session())
    assert server.pauses == [12.0]


def test_the_recorded_headers_are_read():
    headers = recording("v15/i_limits/07")["response"]["headers"]
    assert read_budget(headers) == Budget(limit=300_000, remaining=0, used=0, reset=27)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
        {"X-RateLimit-Limit": "300000"},
        {"X-RateLimit-Limit": "9" * 5000, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
        {"X-RateLimit-Limit": "-5", "X-RateLimit-Remaining": "x", "X-RateLimit-Reset": "²"},
    ],
)
def test_a_site_that_limits_nobody_or_talks_nonsense_is_not_waited_for(headers):
    assert read_budget(headers) is None


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 86_400))
def test_a_pause_is_never_longer_than_the_window(limit, remaining, used, reset):
    assert 0 <= Budget(limit, remaining, used, reset).pause() <= reset

"""Stopping: nothing that a site does keeps a run from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from frappe_model import KEY, ModelSite
from frappe_raw_server import respond, serving, trickle
from frappe_tls_server import certificate_of, tls_site

from connectors.frappe import AbandonedError, FrappeSession, Limits, WireTable, ping, read_changes

HEADS = WireTable("ToDo", ("name", "modified"), ("text", "text"))
HUNG = 60.0
"""Seconds after which the tests below would fail by their own time-outs, were the waiting not ended."""


def stopped_during(
    session: FrappeSession, reached: threading.Event, call: Callable[[], object]
) -> BaseException | None:
    """What `call` raises in a thread when the session is stopped after `reached`."""
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(call)
        assert reached.wait(10)
        session.stop()
        return hanging.exception(timeout=20)


def silence(reached: threading.Event) -> Callable[..., None]:
    def play(connection):
        reached.set()
        connection.settimeout(HUNG)
        connection.recv(1)

    return play


def test_a_request_that_a_site_never_answers_ends():
    reached = threading.Event()
    with serving(silence(reached)) as server:
        session = server.session(limits={"read_timeout": HUNG})
        assert isinstance(stopped_during(session, reached, lambda: ping(session)), AbandonedError)


def test_an_answer_that_stops_in_the_middle_ends():
    reached = threading.Event()

    def half(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        silence(reached)(connection)

    with serving(half) as server:
        session = server.session(limits={"read_timeout": HUNG})
        assert isinstance(stopped_during(session, reached, lambda: ping(session)), AbandonedError)


def test_a_trickling_answer_ends():
    with serving(trickle) as server:
        session = server.session(limits={"answer_seconds": HUNG})
        reached = threading.Event()
        threading.Timer(0.1, reached.set).start()
        assert isinstance(stopped_during(session, reached, lambda: ping(session)), AbandonedError)


def test_a_wait_for_the_next_try_ends():
    reached = threading.Event()

    def wait(abandoned: threading.Event, seconds: float) -> None:
        reached.set()
        abandoned.wait(HUNG)

    with serving(respond(b"{}", "503 Service Unavailable", Retry_After="50")) as server:
        session = FrappeSession(f"http://127.0.0.1:{server.port}", KEY, wait=wait)
        assert isinstance(stopped_during(session, reached, lambda: ping(session)), AbandonedError)
    assert len(server.requests) == 1


def test_a_wait_for_a_free_connection_ends():
    site = ModelSite({"ToDo": []})
    reached, go = threading.Event(), threading.Event()
    site.before_each = lambda number: (reached.set(), go.wait(HUNG))
    session = site.session(connections=1)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: list(read_changes(session, HEADS)))
        assert reached.wait(10)
        second = pool.submit(lambda: list(read_changes(session, HEADS)))
        session.stop()
        assert isinstance(second.exception(timeout=20), AbandonedError)
        go.set()
        assert isinstance(first.exception(timeout=20), AbandonedError)


def test_a_walk_that_hangs_ends_for_its_caller():
    reached = threading.Event()
    page = respond(b'{"data":[["a","2026-01-01 00:00:00"]]}')
    with serving(page, silence(reached)) as server:
        session = server.session(limits={"read_timeout": HUNG, "page_rows": 1})
        pages = read_changes(session, HEADS)
        next(pages)
        assert isinstance(stopped_during(session, reached, lambda: next(pages)), AbandonedError)


def test_after_the_stop_nothing_is_sent():
    with serving() as server:
        session = server.session()
        session.stop()
        session.stop()
        with pytest.raises(AbandonedError):
            ping(session)
        with pytest.raises(AbandonedError):
            list(read_changes(session, HEADS))
    assert server.requests == []


def test_requests_through_tls_end_too(tmp_path):
    reached, go = threading.Event(), threading.Event()
    certificate, key = certificate_of(tmp_path)
    with tls_site(certificate, key, lambda: (reached.set(), go.wait(HUNG))) as port:
        session = FrappeSession(f"https://127.0.0.1:{port}", KEY, Limits(read_timeout=HUNG), verify=str(certificate))
        assert isinstance(stopped_during(session, reached, lambda: ping(session)), AbandonedError)
        go.set()

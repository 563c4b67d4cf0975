"""Page size: a page that a site can't bear is asked for again, smaller; and larger again when it can."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from frappe_model import KEY, ModelSite, answer
from frappe_raw_server import HangUpError, hang_up, respond, serving, stay_silent, then_hang_up
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import (
    DocTypeError,
    FrappeSession,
    Limits,
    TransientError,
    WireTable,
    read_changes,
    read_children,
    read_named,
)
from connectors.frappe.page_size import PageSize

HEADS = WireTable("ToDo", ("name", "modified"), ("text", "text"))
KILLED = respond(b"<html><h1>Internal Server Error</h1></html>", "500 Internal Server Error", Content_Type="text/html")
ROW = respond(b'{"data":[["a","2026-01-01 00:00:00"]]}')


def todos(count: int) -> list[dict[str, object]]:
    return [{"name": f"T{number:03}", "modified": f"2026-03-01 10:00:{number % 60:02}"} for number in range(count)]


class WeakSite(ModelSite):
    """Fails at pages of more than `bears` rows."""

    def __init__(self, tables, bears: int, status: int = 504) -> None:
        super().__init__(tables)
        self.bears = bears
        self.status = status
        self.limits: list[int] = []

    def send(self, request, **options):
        limit = int(self._params(request)["limit_page_length"])
        self.limits.append(limit)
        if limit > self.bears:
            return answer(request, self.status, b"<h1>no</h1>")
        return super().send(request, **options)

    def patient_session(self, **limits) -> FrappeSession:
        return FrappeSession(
            "http://model.test", KEY, Limits(**limits), transport=lambda _: self, wait=lambda event, seconds: None
        )


def asked(request: bytes) -> int:
    line = request.split(b"\r\n")[0].decode()
    return int(line.partition("limit_page_length=")[2].split("&")[0].split(" ")[0])


@pytest.mark.parametrize(
    "play",
    [
        KILLED,
        respond(b"<h1>504</h1>", "504 Gateway Timeout"),
        stay_silent,
        respond(b'{"data":[' + b" " * 20_000 + b"]}"),
    ],
    ids=["worker killed", "gateway time-out", "silent", "oversize"],
)
def test_a_page_that_a_site_fails_at_is_asked_for_again_by_half(play):
    with serving(play, ROW) as server:
        session = server.session(limits={"page_rows": 100, "read_timeout": 0.5, "max_bytes": 10_000})
        (page,) = read_changes(session, HEADS)
    assert page.column("name") == ("a",)
    assert [asked(request) for request in server.requests] == [100, 50]


def test_an_overdue_page_is_asked_for_again_by_half():
    def trickle(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
        try:
            while True:
                connection.sendall(b" ")
                threading.Event().wait(0.01)
        except OSError:
            raise HangUpError from None

    with serving(trickle, ROW) as server:
        session = server.session(limits={"page_rows": 100, "answer_seconds": 0.3})
        (page,) = read_changes(session, HEADS)
    assert (page.rows, [asked(request) for request in server.requests]) == (1, [100, 50])


@pytest.mark.parametrize(
    "play",
    [hang_up, then_hang_up(respond(b'{"da', length=99)), respond(b"<h1>502</h1>", "502 Bad Gateway")],
    ids=["closed", "broken", "bad gateway"],
)
def test_what_may_be_a_hiccup_costs_no_rows_before_it_comes_twice(play):
    with serving(play, play, ROW) as server:
        list(read_changes(server.session(limits={"page_rows": 100}), HEADS))
    assert [asked(request) for request in server.requests] == [100, 100, 50]


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_a_busy_site_is_asked_for_the_same_page(status):
    with serving(respond(b"{}", status), ROW) as server:
        list(read_changes(server.session(limits={"page_rows": 100}), HEADS))
    assert [asked(request) for request in server.requests] == [100, 100]


@given(st.integers(0, 60), st.integers(1, 40), st.integers(1, 50))
def test_no_document_is_lost_or_doubled_whatever_pages_a_site_can_bear(count, bears, page_rows):
    site = WeakSite({"ToDo": todos(count)}, bears)
    pages = list(read_changes(site.patient_session(page_rows=page_rows, retry_attempts=9), HEADS))
    assert sorted(name for page in pages for name in page.column("name")) == [row["name"] for row in todos(count)]
    assert max(site.limits) <= page_rows


def test_a_page_that_was_cut_is_not_taken_for_the_last_one():
    site = WeakSite({"ToDo": todos(30)}, bears=10)
    pages = list(read_changes(site.patient_session(page_rows=20), HEADS))
    assert [page.rows for page in pages] == [10, 10, 10]
    assert site.limits == [20, 10, 10, 10, 10]


def test_pages_grow_again_when_the_site_has_recovered_and_never_beyond_the_limit():
    site = WeakSite({"ToDo": todos(900)}, bears=5)
    session = site.patient_session(page_rows=40)
    pages = read_changes(session, HEADS)
    next(pages)
    site.bears = 1000
    list(pages)
    assert max(site.limits) == 40
    assert site.limits[-1] == 40
    assert min(site.limits) == 5


def test_what_was_learnt_is_kept_for_the_next_walk_of_the_doctype():
    rows = [{"name": f"r{number:03}", "parent": "P", "parenttype": "Q"} for number in range(30)]
    site = WeakSite({"Row": rows}, bears=10)
    session = site.patient_session(page_rows=20)
    table = WireTable("Row", ("name", "parent", "parenttype"), ("text",) * 3)
    for _ in range(2):
        assert sum(page.rows for page in read_children(session, table, "Q", ["P"])) == 30
    assert site.limits.count(20) == 1


def test_names_that_are_too_many_at_once_come_in_smaller_pages():
    site = WeakSite({"ToDo": todos(100)}, bears=60)
    names = [row["name"] for row in todos(100)]
    pages = list(read_named(site.patient_session(), HEADS, names))
    assert [name for page in pages for name in page.column("name")] == names


def test_a_site_that_fails_at_any_size_is_given_up_after_as_many_tries_as_ever():
    site = WeakSite({"ToDo": todos(9)}, bears=0)
    with pytest.raises(TransientError, match="waited in vain"):
        list(read_changes(site.patient_session(), HEADS))
    assert site.limits == [5000, 2500, 625, 78, 4]


def test_a_single_row_that_is_too_large_is_the_doctypes_trouble():
    row = respond(b'{"data":[["' + b"x" * 20_000 + b'","2026-01-01"]]}')
    with serving(row) as server, pytest.raises(DocTypeError, match="larger than the limit"):
        list(read_changes(server.session(limits={"max_bytes": 10_000}), HEADS, page_rows=1))
    assert len(server.requests) == 1


def test_a_size_that_failed_is_tried_again_ever_more_rarely():
    size = PageSize()
    tries = []
    for page in range(1000):
        rows = size.rows(100)
        if rows > 50:
            tries.append(page)
            size.cut(rows)
        else:
            size.went_well(rows)
    assert 3 <= len(tries) <= 8
    gaps = [after - before for before, after in pairwise(tries)]
    assert gaps == sorted(gaps)


def test_the_smaller_page_is_asked_for_in_the_same_words():
    with serving(KILLED, ROW) as server:
        list(read_changes(server.session(limits={"page_rows": 100}), HEADS, until="2026-03-01 00:00:00"))
    first, second = (request.split(b"\r\n")[0].decode() for request in server.requests)
    assert first.replace("limit_page_length=100", "limit_page_length=50") == second

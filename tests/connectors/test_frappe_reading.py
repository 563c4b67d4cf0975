"""Reading as a caller sees it: refused fields, look-ahead, bounded connections, absences."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from frappe_model import KEY, ModelSite, answer

from connectors.frappe import (
    DocTypeError,
    FrappeSession,
    Limits,
    WireTable,
    prove_absent,
    read_changes,
    read_deleted,
    read_heads,
    read_named,
)

TABLE = WireTable("ToDo", ("name", "modified", "secret", "amount"), ("text", "text", "text", "number"))


def todos(count: int) -> list[dict[str, object]]:
    return [
        {"name": f"T{number:03}", "modified": f"2026-03-01 10:00:{number:02}", "secret": "s", "amount": number / 4}
        for number in range(count)
    ]


def test_a_field_above_the_users_level_costs_one_column_and_one_request():
    site = ModelSite({"ToDo": todos(10)}, refused={"secret"})
    pages = list(read_changes(site.session(), TABLE, page_rows=4))
    assert [page.refused for page in pages] == [{"secret"}] * 3
    assert [page.column("secret") for page in pages] == [(None,) * 4, (None,) * 4, (None,) * 2]
    assert [cell for page in pages for cell in page.column("amount")] == [number / 4 for number in range(10)]
    assert ["as_dict" in params for _, _, params in site.requests] == [True, False, True, True]


def test_a_field_that_the_site_does_not_know_costs_one_column():
    site = ModelSite({"ToDo": todos(3)})
    site.unknown = {"secret", "amount"}
    (page,) = read_changes(site.session(), TABLE)
    assert page.refused == {"secret", "amount"}
    assert page.column("name") == ("T000", "T001", "T002")


@pytest.mark.parametrize("mode", ["refused", "unknown"])
def test_a_site_that_refuses_the_names_is_refused(mode):
    site = ModelSite({"ToDo": todos(3)})
    setattr(site, mode, {"modified"})
    with pytest.raises(DocTypeError, match="modified"):
        list(read_changes(site.session(), TABLE))


def test_the_next_page_is_fetched_while_the_caller_works_on_the_last_one():
    site = ModelSite({"ToDo": todos(9)})
    asked = [threading.Event() for _ in range(4)]
    site.before_each = lambda number: asked[number].set()
    pages = read_changes(site.session(), TABLE, page_rows=3)
    for number in range(3):
        next(pages)
        assert asked[number + 1].wait(10), "the caller still holds this page"
    assert list(pages) == []


def test_no_more_than_one_page_is_fetched_ahead():
    site = ModelSite({"ToDo": todos(9)})
    pages = read_changes(site.session(), TABLE, page_rows=1)
    assert site.requests == []
    next(pages)
    next(pages)
    pages.close()
    assert len(site.requests) <= 3


def test_an_error_on_a_later_page_reaches_the_caller_after_the_pages_before_it():
    site = ModelSite({"ToDo": todos(9)})

    def fail(number: int) -> None:
        if number == 2:
            site.unknown = {"name"}

    site.before_each = fail
    pages = read_changes(site.session(), TABLE, page_rows=3)
    assert [next(pages).rows, next(pages).rows] == [3, 3]
    with pytest.raises(DocTypeError, match="Field not permitted in query: name"):
        next(pages)


def test_a_caller_that_stops_early_ends_the_walk():
    site = ModelSite({"ToDo": todos(50)})
    reached, go = threading.Event(), threading.Event()

    def hold(number: int) -> None:
        if number == 1:
            reached.set()
            go.wait(10)

    site.before_each = hold
    pages = read_changes(site.session(), TABLE, page_rows=1)
    next(pages)
    reached.wait(10)
    pages.close()
    go.set()
    for thread in threading.enumerate():
        if thread.name.startswith("frappe-page"):
            thread.join(10)
    assert len(site.requests) == 2


def test_a_caller_that_stops_early_ends_the_retries():
    asked: list[str] = []
    failed = threading.Event()

    class Failing(ModelSite):
        def send(self, request, **options):
            asked.append(request.url)
            if len(asked) > 1:
                failed.set()
                return answer(request, 503, {"exception": "frappe.exceptions.SessionStopped"}, {"Retry-After": "30"})
            return super().send(request, **options)

    pages = read_changes(Failing({"ToDo": todos(5)}).session(), TABLE, page_rows=1)
    next(pages)
    assert failed.wait(10)
    pages.close()
    for thread in threading.enumerate():
        if thread.name.startswith("frappe-page"):
            thread.join(10)
            assert not thread.is_alive()
    assert len(asked) == 2


def test_all_threads_together_never_exceed_the_connections():
    site = ModelSite({"ToDo": todos(40)})
    site.before_each = lambda number: threading.Event().wait(0.002)
    session = site.session(connections=3)
    with ThreadPoolExecutor(8) as pool:
        walks = [pool.submit(lambda: list(read_changes(session, TABLE, page_rows=5))) for _ in range(8)]
        assert all(sum(page.rows for page in walk.result()) == 40 for walk in walks)
    assert site.most_in_flight == 3


def test_observed_is_the_clock_just_before_each_page_was_asked_for():
    ticks = iter(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=second) for second in range(100))
    site = ModelSite({"ToDo": todos(5)})
    session = FrappeSession(
        "http://model.test", KEY, Limits(page_rows=3), clock=lambda: next(ticks), transport=lambda _: site
    )
    assert [page.observed.second for page in read_changes(session, TABLE)] == [0, 1]


def test_heads_tell_which_documents_moved_or_vanished():
    site = ModelSite({"ToDo": todos(4)})
    site.tables["ToDo"][1]["modified"] = "2026-03-02 00:00:00"
    del site.tables["ToDo"][2]
    heads = read_heads(site.session(), "ToDo", ["T000", "T001", "T002"])
    assert heads == {"T000": "2026-03-01 10:00:00", "T001": "2026-03-02 00:00:00"}


def test_a_document_of_another_spelling_is_not_the_one_asked_for():
    site = ModelSite({"ToDo": [{"name": "delme", "modified": "2026-03-01 10:00:00"}]})
    (page,) = read_named(site.session(), WireTable("ToDo", ("name",), ("text",)), ["DelMe"])
    assert page.column("name") == ("delme",)
    assert prove_absent(site.session(), "ToDo", ["DelMe"]).absent == ("DelMe",)


def test_absence_is_proved_by_a_count_that_sees_what_permissions_hide():
    site = ModelSite({"ToDo": todos(40)}, hidden={"T005", "T017"})
    names = ["gone 1", "T005", "gone 2", "gone 3", "T017", "T030"]
    proof = prove_absent(site.session(), "ToDo", names)
    assert proof.absent == ("gone 1", "gone 2", "gone 3")
    assert proof.hidden == ("T005", "T017")


def test_a_document_that_came_back_is_neither_absent_nor_hidden():
    site = ModelSite({"ToDo": todos(40)}, hidden={"T005"})
    for names in (["T030"], ["T030", "T031"], ["T030", "gone", "T005"]):
        proof = prove_absent(site.session(), "ToDo", names)
        assert {*proof.absent, *proof.hidden} == set(names) - {"T030", "T031"}


def test_many_absences_take_few_requests():
    site = ModelSite({"ToDo": []})
    names = [f"a rather long name of a document, number {number:04}" for number in range(300)]
    assert prove_absent(site.session(), "ToDo", names).absent == tuple(names)
    assert len(site.requests) <= 8


def test_many_hidden_documents_take_few_requests():
    site = ModelSite({"ToDo": todos(60)}, hidden={f"T{number:03}" for number in range(60)})
    proof = prove_absent(site.session(), "ToDo", [f"T{number:03}" for number in range(60)])
    assert (len(proof.hidden), len(proof.absent)) == (60, 0)
    assert len(site.requests) == 2


def test_a_site_that_will_not_count_proves_nothing():
    class Closed(ModelSite):
        def send(self, request, **options):
            if "get_count" in request.url:
                return answer(request, 403, {"exception": "frappe.exceptions.PermissionError"})
            return super().send(request, **options)

    proof = prove_absent(Closed({"ToDo": []}).session(), "ToDo", ["gone"])
    assert (proof.absent, proof.hidden) == ((), ("gone",))


def test_deletion_notices_give_names_and_never_the_document():
    notices = [
        {"name": "d1", "modified": "2026-03-01 10:00:00", "deleted_doctype": "Customer", "deleted_name": "DelMe 1"},
        {"name": "d2", "modified": "2026-03-01 10:00:01", "deleted_doctype": "../../etc", "deleted_name": "x"},
        {"name": "d3", "modified": "2026-03-01 10:00:02", "deleted_doctype": "Item", "deleted_name": None},
    ]
    site = ModelSite({"Deleted Document": notices})
    pages = list(read_deleted(site.session(), page_rows=2))
    assert [[(gone.doctype, gone.name) for gone in page.deletions] for page in pages] == [[("Customer", "DelMe 1")], []]
    assert [page.last.name for page in pages] == ["d2", "d3"]
    assert all("data" not in params["fields"] for _, _, params in site.requests)

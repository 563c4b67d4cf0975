"""Newest first: the delta of a site whose filters use no index, complete and cheap."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from frappe_model import ModelSite
from frappe_restless import STAMPS, TABLE, UNTIL, happenings, restless, rows, site_of
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import DocTypeError, WireTable, read_changes_newest_first
from connectors.frappe.keyset import KeysetWalk
from connectors.frappe.lists import ListQuery


def read(site: ModelSite, since: str, page_rows: int | None = None) -> list[tuple[object, ...]]:
    pages = read_changes_newest_first(site.session(), TABLE, since=since, until=UNTIL, page_rows=page_rows)
    return [row for page in pages for row in zip(*page.columns, strict=True)]


@given(rows(60), st.integers(1, 6), st.sampled_from(STAMPS), happenings)
def test_every_document_that_rests_comes_exactly_once(listed, page_rows, since, happening):
    site = site_of(listed)
    touched = restless(site, happening)
    seen = read(site, since, page_rows)
    expected = {name for name, modified in listed if since <= modified <= UNTIL}
    times = Counter(name for name, _, _ in seen)
    assert set(times) - touched == expected - touched
    assert max(times.values(), default=0) <= 1
    assert set(times) <= expected
    assert [modified for _, modified, _ in seen] == sorted((modified for _, modified, _ in seen), reverse=True)


def test_an_empty_delta_costs_one_request_of_a_few_rows_and_no_low_bound():
    site = site_of([(f"T{number:04}", STAMPS[0]) for number in range(3000)])
    assert read(site, since=STAMPS[1]) == []
    ((_, _, params),) = site.requests
    assert params["limit_page_length"] == "20"
    assert params["order_by"] == "modified desc, name desc"
    assert json.loads(params["filters"]) == [["modified", "<=", UNTIL]]


def test_pages_grow_while_rows_are_recent_and_the_last_one_is_cut():
    site = site_of([(f"T{number:04}", STAMPS[number // 150]) for number in range(900)])
    assert len(read(site, since=STAMPS[1], page_rows=200)) == 750
    assert [params["limit_page_length"] for _, _, params in site.requests] == ["20", "80", "200", "200", "200", "200"]


def test_the_walk_goes_down_by_the_keys_of_the_last_row():
    site = site_of([(f"T{number:02}", STAMPS[4]) for number in range(30)])
    assert len(read(site, since=STAMPS[0])) == 30
    second = site.requests[1][2]
    assert json.loads(second["filters"])[-1] == ["modified", "<=", STAMPS[4]]
    assert json.loads(second["or_filters"]) == [["modified", "<", STAMPS[4]], ["name", "<", "T10"]]


def test_a_site_that_ignores_the_order_is_refused():
    walk = KeysetWalk(ListQuery("ToDo", ("name", "modified"), order=("modified", "name"), descending=True, limit=2))
    with pytest.raises(DocTypeError, match="order of `modified`"):
        walk.advance([[STAMPS[0], STAMPS[3]], ["a", "b"]])


def test_a_walk_over_fields_that_lack_its_keys_is_a_mistake():
    with pytest.raises(ValueError, match="modified"):
        read_changes_newest_first(site_of([]).session(), WireTable("ToDo", ("name",), ("text",)), since="", until="")

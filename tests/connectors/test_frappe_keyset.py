"""Walking a list by keys: nothing is lost, nothing comes twice, whatever the ties and whatever changes meanwhile."""

from __future__ import annotations

from collections import Counter

import pytest
from frappe_model import ModelSite, collated
from frappe_restless import STAMPS, TABLE, UNTIL, happenings, names, restless, rows, site_of
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import DocTypeError, Position, WireTable, read_changes, read_children, read_named, read_names
from connectors.frappe.keyset import KeysetWalk
from connectors.frappe.lists import ListQuery


def read(site: ModelSite, page_rows: int, after: Position | None = None) -> list[tuple[object, ...]]:
    pages = read_changes(site.session(), TABLE, after=after, until=UNTIL, page_rows=page_rows)
    return [row for page in pages for row in zip(*page.columns, strict=True)]


@given(rows(25), st.integers(1, 6), st.none() | st.tuples(st.sampled_from(STAMPS), names | st.just("")), happenings)
def test_a_walk_brings_every_document_that_rests_exactly_once(listed, page_rows, after, happening):
    site = site_of(listed)
    touched = restless(site, happening)
    start = Position(*after) if after else None
    seen = read(site, page_rows, start)
    expected = {
        name
        for name, modified in listed
        if modified <= UNTIL and (after is None or (modified, collated(name)) > (after[0], collated(after[1])))
    }
    times = Counter(name for name, _, _ in seen)
    assert {name for name in times if name not in touched} == expected - touched
    assert max(times.values(), default=0) <= 1
    assert set(times) <= expected
    assert [modified for _, modified, _ in seen] == sorted(modified for _, modified, _ in seen)


def test_a_tie_larger_than_a_page_loses_no_document():
    tied = [(f"NOTE-{number:03}", STAMPS[4]) for number in range(53)]
    site = site_of([("before", STAMPS[0]), *tied, ("after", STAMPS[5])])
    assert [name for name, _, _ in read(site, page_rows=7)] == ["before", *(name for name, _ in tied), "after"]


def test_a_walk_goes_on_behind_a_position_inside_a_tie():
    site = site_of([(letter, STAMPS[1]) for letter in "abcdef"])
    assert [name for name, _, _ in read(site, 2, Position(STAMPS[1], "c"))] == ["d", "e", "f"]


def test_a_position_without_a_name_stands_before_its_instant():
    site = site_of([("a", STAMPS[0]), ("b", STAMPS[1]), ("c", STAMPS[2])])
    assert [name for name, _, _ in read(site, 5, Position(STAMPS[1], ""))] == ["b", "c"]


def test_a_walk_that_finds_nothing_yields_no_page_and_asks_once():
    site = site_of([])
    assert read(site, 5) == []
    assert len(site.requests) == 1


def test_counted_names_are_walked_as_numbers():
    table = [{"name": number, "modified": STAMPS[0], "version": 0} for number in (2, 9, 10, 11)]
    site = ModelSite({"ToDo": table})
    seen: list[object] = []
    walk = KeysetWalk(ListQuery("ToDo", ("name",), order=("name",), limit=2))
    while (query := walk.next()) is not None:
        after = int(query.filters[0][2]) if query.filters else 0  # MariaDB compares a BIGINT with text as numbers
        page = [row["name"] for row in table if row["name"] > after][: query.limit]
        walk.advance([page])
        seen += page
    assert seen == [2, 9, 10, 11]
    assert [row[0] for row in read(site, page_rows=10)] == [2, 9, 10, 11]


def test_a_site_that_sends_the_same_page_again_is_refused():
    walk = KeysetWalk(ListQuery("ToDo", ("name", "modified"), order=("modified", "name"), limit=2))
    page = [[STAMPS[0], STAMPS[0]], ["a", "b"]]
    walk.advance(page)
    with pytest.raises(DocTypeError, match="start behind"):
        walk.advance(page)


def test_a_site_that_ignores_the_order_is_refused():
    walk = KeysetWalk(ListQuery("ToDo", ("name", "modified"), order=("modified", "name"), limit=2))
    with pytest.raises(DocTypeError, match="order of `modified`"):
        walk.advance([[STAMPS[3], STAMPS[0]], ["a", "b"]])


def test_a_page_from_before_the_position_is_refused():
    walk = KeysetWalk(ListQuery("ToDo", ("name", "modified"), order=("modified", "name"), limit=2), (STAMPS[3], "m"))
    with pytest.raises(DocTypeError, match="order of `modified`"):
        walk.advance([[STAMPS[0], STAMPS[1]], ["a", "b"]])


@pytest.mark.parametrize("cell", [None, True, 1.5, ["x"], {"a": 1}])
def test_a_row_without_a_usable_key_is_refused(cell):
    walk = KeysetWalk(ListQuery("ToDo", ("name", "modified"), order=("modified", "name"), limit=1))
    with pytest.raises(DocTypeError, match="for a key"):
        walk.advance([[cell], ["a"]])


def test_the_query_is_the_one_that_was_proved_on_real_sites():
    site = site_of([(letter, STAMPS[1]) for letter in "abc"])
    read(site, page_rows=2)
    _, path, params = site.requests[1]
    assert path == "/api/resource/ToDo"
    assert params == {
        "fields": '["name","modified","version"]',
        "filters": f'[["modified","<=","{UNTIL}"],["modified",">=","{STAMPS[1]}"]]',
        "or_filters": f'[["modified",">","{STAMPS[1]}"],["name",">","b"]]',
        "order_by": "modified asc, name asc",
        "limit_page_length": "2",
        "as_dict": "False",
    }


@given(
    st.lists(st.tuples(st.sampled_from(["A", "b", "C", "É"]), st.sampled_from(["P", "Q"])), max_size=20),
    st.integers(1, 4),
)
def test_child_rows_come_once_each_and_only_of_the_parents_asked_for(owners, page_rows):
    table = [
        {"name": f"r{number}", "parent": parent, "parenttype": parenttype, "qty": number}
        for number, (parent, parenttype) in enumerate(owners)
    ]
    site = ModelSite({"Row": table})
    wire = WireTable("Row", ("name", "parent", "parenttype", "qty"), ("text", "text", "text", "number"))
    pages = read_children(site.session(), wire, "P", ["A", "b", "É"], page_rows=page_rows)
    found = sorted(cells[3] for page in pages for cells in zip(*page.columns, strict=True))
    assert found == [row["qty"] for row in table if row["parenttype"] == "P" and row["parent"] in ("A", "b", "É")]
    assert all(params["parent"] == "P" and params["limit_page_length"] != "0" for _, _, params in site.requests)


def test_names_are_read_in_chunks_by_post_one_request_each():
    listed = [(f"NOTE-{number:05}", STAMPS[0]) for number in range(1998)]
    site = site_of(listed)
    wanted = [name for name, _ in listed[::2]] + ["gone", "", "gone"]
    pages = list(read_named(site.session(), TABLE, wanted))
    assert [name for page in pages for name in page.column("name")] == [name for name, _ in listed[::2]]
    assert [(method, path) for method, path, _ in site.requests] == [("POST", "/api/method/frappe.client.get_list")] * 2


def test_all_names_are_read_page_by_page():
    site = site_of([(f"n{number:02}", STAMPS[0]) for number in range(11)])
    pages = list(read_names(site.session(), "ToDo", page_rows=4))
    assert [page.rows for page in pages] == [4, 4, 3]
    assert [name for page in pages for name in page.column("name")] == [f"n{number:02}" for number in range(11)]


def test_a_walk_over_fields_that_lack_its_keys_is_a_mistake():
    with pytest.raises(ValueError, match="modified"):
        read_changes(site_of([]).session(), WireTable("ToDo", ("name",), ("text",)))

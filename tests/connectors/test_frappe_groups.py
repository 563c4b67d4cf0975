"""Groups: one answer with all of them, counted by the site; what isn't that is the DocType's trouble."""

from __future__ import annotations

import json

import pytest
from frappe_model import ModelSite, answer

from connectors.frappe import DocTypeError, GroupQuery, groups, read_groups

QUERY = GroupQuery(
    "Sales Invoice", ("company", "paid_at"), frozenset({"paid_at"}), ("total",), (("docstatus", "=", 1),)
)
GROUP = {"company": "North", "day_1": "2026-01-01", "documents_in_group": 3, "sum_0": 1.5}


class Says(ModelSite):
    """A site that says one thing, whatever it is asked."""

    def __init__(self, *rows: object) -> None:
        super().__init__({})
        self.body = json.dumps({"data": rows}).encode()

    def send(self, request, **options):
        return answer(request, 200, self.body)


def test_the_site_is_asked_for_groups_and_for_no_document():
    request = QUERY.to_request()
    assert request.path == "/api/resource/Sales%20Invoice"
    assert json.loads(request.params["fields"]) == [
        "company", "date(paid_at) as day_1", "count(name) as documents_in_group", "sum(total) as sum_0",
    ]  # fmt: skip
    assert request.params["group_by"] == "company, date(paid_at)"
    assert json.loads(request.params["filters"]) == [["docstatus", "=", 1]]
    assert request.params["limit_page_length"] == "200001"


def test_the_longest_request_is_one_that_sites_read():
    fields = [f"{letter * 64}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    query = GroupQuery("D" * 140, tuple(fields[:6]), frozenset(fields[:6]), tuple(fields[:16]), QUERY.filters)
    assert read_groups(Says().session(), query).documents == ()
    foreign = GroupQuery("Sales Invoice", tuple(letter * 64 for letter in "äöüßæø"), sums=query.sums)
    with pytest.raises(DocTypeError, match="takes a longer line than a site reads"):
        read_groups(Says().session(), foreign)


@pytest.mark.parametrize(
    "bad", [{"by": ()}, {"by": ("a",) * 7}, {"sums": ("a",) * 17}, {"by": ("a) --",)}, {"doctype": "a/b"}]
)
def test_what_is_no_grouping_is_never_sent(bad):
    with pytest.raises(ValueError, match=r"grouped by|not a"):
        GroupQuery(**{"doctype": "ToDo", "by": ("status",), **bad})


def test_groups_come_by_column():
    found = read_groups(Says(GROUP, GROUP | {"company": None, "sum_0": None}).session(), QUERY)
    assert found.by == (("North", None), ("2026-01-01", "2026-01-01"))
    assert (found.documents, found.sums) == ((3, 3), ((1.5, None),))
    assert read_groups(Says().session(), QUERY).documents == ()


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({**GROUP, "documents_in_group": "3"}, "a group has no count"),
        ({**GROUP, "documents_in_group": True}, "a group has no count"),
        ({key: value for key, value in GROUP.items() if key != "day_1"}, "leaves out paid_at"),
        ({key: value for key, value in GROUP.items() if key != "sum_0"}, "leaves out total"),
        (["North", "2026-01-01", 3, 1.5], "isn't a list of rows"),
    ],
)
def test_what_holds_no_groups_is_the_doctypes_trouble(row, what):
    with pytest.raises(DocTypeError, match=what):
        read_groups(Says(row).session(), QUERY)


def test_more_groups_than_an_aggregate_has_are_refused(monkeypatch):
    monkeypatch.setattr(groups, "MOST_GROUPS", 2)
    assert len(read_groups(Says(GROUP, GROUP).session(), QUERY).documents) == 2
    with pytest.raises(DocTypeError, match="more than 2 groups by company, paid_at"):
        read_groups(Says(GROUP, GROUP, GROUP).session(), QUERY)

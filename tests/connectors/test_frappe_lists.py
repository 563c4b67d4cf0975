"""Lists: what goes over the wire, and what never does."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe.lists import LONGEST_REQUEST_LINE, ListQuery, fits_request_line
from connectors.frappe.request import GET_LIST

names = st.lists(st.text(min_size=1, max_size=140), max_size=60)


@given(names, st.booleans())
def test_a_request_line_never_exceeds_what_gunicorn_takes(listed, as_dict):
    query = ListQuery("Sales Invoice", ("name",), (("name", "in", listed),), limit=9, as_dict=as_dict)
    request = query.to_request()
    if request.method == "GET":
        assert len(f"GET {request.target} HTTP/1.1\r\n".encode("ascii")) <= LONGEST_REQUEST_LINE
        sent = {key: values[0] for key, values in parse_qs(urlsplit(request.target).query, strict_parsing=True).items()}
        assert unquote(urlsplit(request.target).path) == "/api/resource/Sales Invoice"
        assert sent.get("as_dict") == (None if as_dict else "False")
    else:
        assert not fits_request_line(request) or request.path == GET_LIST
        sent = json.loads(request.body)
        assert sent["doctype"] == "Sales Invoice"
        assert sent.get("as_dict") == (None if as_dict else 0)
        assert all(isinstance(sent[key], str) for key in sent.keys() - {"as_dict"})
    assert json.loads(sent["filters"]) == [["name", "in", listed]]
    assert sent["limit_page_length"] == "9"
    assert sent["order_by"] == "name asc"


def test_many_fields_go_by_post():
    fields = tuple(f"a_rather_long_fieldname_{number}" for number in range(150))
    assert ListQuery("Sales Invoice", fields).to_request().method == "POST"
    assert ListQuery("Sales Invoice", fields[:20]).to_request().method == "GET"


@pytest.mark.parametrize(
    "doctype", ["", "../User", "A/B", "a\nb", "1st", "_x", "x" * 141, "tab`User`", "User?x=1", " User", "%2e"]
)
def test_a_doctype_name_that_frappe_would_not_accept_is_never_asked_for(doctype):
    with pytest.raises(ValueError, match="not a DocType name"):
        ListQuery(doctype, ("name",))
    with pytest.raises(ValueError, match="not a DocType name"):
        ListQuery("Sales Invoice Item", ("name",), parent_doctype=doctype)


@pytest.mark.parametrize("fieldname", ["", "*", "a b", "sum(x)", "a,b", "a`", "items.qty", "x" * 65, "a\n", "a as b"])
def test_a_fieldname_that_frappe_would_not_accept_is_never_asked_for(fieldname):
    for query in (
        {"fields": ("name", fieldname)},
        {"fields": ("name",), "order": (fieldname,)},
        {"fields": ("name",), "filters": ((fieldname, "=", 1),)},
        {"fields": ("name",), "or_filters": ((fieldname, "=", 1),)},
    ):
        with pytest.raises(ValueError, match="not a fieldname"):
            ListQuery("ToDo", **query)


@pytest.mark.parametrize("fieldname", ["name", "2_add_edit_gl_entries", "custom_الرقم", "_x", "a1"])
def test_real_fieldnames_are_taken(fieldname):
    assert ListQuery("ToDo", (fieldname,)).fields == (fieldname,)


@pytest.mark.parametrize("limit", [0, -1])
def test_all_rows_at_once_are_never_asked_for(limit):
    with pytest.raises(ValueError, match="limit"):
        ListQuery("ToDo", ("name",), limit=limit)


def test_a_list_without_fields_is_never_asked_for():
    with pytest.raises(ValueError, match="fields"):
        ListQuery("ToDo", ())

"""Permissions: what the API user may do, and what lists keep from it without a sign."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from frappe_model import ModelSite

from connectors.frappe import DocTypeError, SatelliteError, WireTable
from connectors.frappe.pages import text_table
from connectors.frappe.permissions import (
    Count,
    compare_counts,
    may_list,
    missing_doctypes,
    read_changes_allowed,
    read_refused_fields,
    read_user_rights,
)

Methods = dict[str, Callable[[dict[str, Any]], object]]
FORBIDDEN = 403, {"exc_type": "PermissionError", "exception": "frappe.exceptions.PermissionError"}
NO_METHOD = 417, {"exc_type": "ValidationError", "exception": "Failed to get method for command"}
CUSTOMERS = [
    {"name": "a", "modified": "2026-01-01", "margin": "7"},
    {"name": "b", "modified": "2026-01-02", "margin": ""},
]


class Site(ModelSite):
    """A site whose methods answer as told; a method that isn't told isn't there."""

    def __init__(self, methods: Methods | None = None, tables: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(tables or {}, **more)
        self.methods = methods or {}

    def _answer(self, path: str, params: dict[str, Any]) -> tuple[int, object]:
        if not path.startswith("/api/method/"):
            return super()._answer(path, params) if path.rsplit("/", 1)[1] in self.tables else FORBIDDEN
        method = path.removeprefix("/api/method/")
        if method not in self.methods:
            return NO_METHOD
        said = self.methods[method](params)
        return said if isinstance(said, tuple) else (200, {"message": said})


def counting(listed: object, there: object) -> Methods:
    return {"frappe.desk.reportview.get_count": lambda _: listed, "frappe.client.get_count": lambda _: there}


def test_a_list_that_shrinks_without_a_sign_is_found_by_the_count_that_ignores_permissions() -> None:
    count = compare_counts(Site(counting(25, 25_675)).session(), "Customer")
    assert count == Count(25, 25_675)
    assert count.hidden == 25_650


def test_documents_written_between_the_two_counts_are_not_taken_for_hidden() -> None:
    shown = iter((10, 12))
    methods = counting(0, 12) | {"frappe.desk.reportview.get_count": lambda _: next(shown)}
    count = compare_counts(Site(methods).session(), "Customer")
    assert count is not None
    assert count.hidden == 0


@pytest.mark.parametrize("there", [FORBIDDEN, NO_METHOD, "many", None])
def test_where_a_site_counts_only_what_it_shows_the_hole_cannot_be_told(there: object) -> None:
    assert compare_counts(Site(counting(25, there)).session(), "Customer") is None


def test_fields_above_the_users_permission_level_are_named_by_one_row() -> None:
    site = Site(tables={"Customer": CUSTOMERS}, refused={"margin"})
    assert read_refused_fields(site.session(), text_table("Customer", "name", "modified", "margin")) == {"margin"}
    assert [params["limit_page_length"] for _, _, params in site.requests] == ["1"]


def test_a_field_without_a_column_is_named_too() -> None:
    site = Site(tables={"Customer": CUSTOMERS})
    site.unknown = {"gone"}
    assert read_refused_fields(site.session(), text_table("Customer", "name", "gone")) == {"gone"}


def test_without_a_row_no_field_can_be_told_to_be_refused() -> None:
    site = Site(tables={"Customer": []}, refused={"margin"})
    assert read_refused_fields(site.session(), text_table("Customer", "name", "margin")) == frozenset()


def test_a_forbidden_list_is_the_doctypes_trouble() -> None:
    with pytest.raises(DocTypeError, match="no permission"):
        read_refused_fields(Site().session(), WireTable("GL Entry", ("name",), ("text",)))
    assert not may_list(Site().session(), "Deleted Document")
    assert may_list(Site(tables={"Comment": []}).session(), "Comment")


def test_what_the_user_may_change_is_asked_of_the_doctype_as_a_whole() -> None:
    site = Site({"frappe.client.has_permission": lambda asked: {"has_permission": asked["perm_type"] != "create"}})
    assert read_changes_allowed(site.session(), "Customer") == ("write", "delete")
    assert {params["docname"] for _, _, params in site.requests} == {""}
    assert {method for method, _, _ in site.requests} == {"GET"}


@pytest.mark.parametrize("said", [FORBIDDEN, NO_METHOD, "yes", [], {"other": 1}])
def test_what_the_user_may_change_is_never_guessed(said: object) -> None:
    site = Site({"frappe.client.has_permission": lambda _: said})
    assert read_changes_allowed(site.session(), "Customer") is None


def test_roles_and_user_permissions_are_told_to_any_user() -> None:
    site = Site(
        {
            "frappe.core.doctype.user.user.get_roles": lambda _: ["Sales User", "All", "Guest"],
            "frappe.core.doctype.user_permission.user_permission.get_user_permissions": lambda _: {
                "Customer": [{"doc": "ACME", "applicable_for": None, "is_default": 0}, "garbage"],
                "Odd": 7,
            },
        }
    )
    rights = read_user_rights(site.session(), "reader@x.example")
    assert (rights.roles, rights.restrictions) == (("Sales User",), {"Customer": ("ACME",)})
    assert site.requests[0][2] == {"uid": "reader@x.example"}


def test_a_user_of_whom_the_site_says_nothing_has_unknown_rights() -> None:
    rights = read_user_rights(Site().session(), "reader@x.example")
    assert (rights.roles, rights.restrictions) == (None, None)


def counting_doctypes(there: set[str]) -> Methods:
    def count(params: dict[str, Any]) -> int:
        return len(there & set(json.loads(params["filters"])["name"][1]))

    return {"frappe.client.get_count": count}


def test_doctypes_that_a_site_does_not_have_are_found_by_halving() -> None:
    there = {f"Thing {number}" for number in range(40)}
    site = Site(counting_doctypes(there))
    asked = [*sorted(there), "Nowhere", "Never", "Nowhere"]
    assert set(missing_doctypes(site.session(), asked) or ()) == {"Nowhere", "Never"}
    assert len(site.requests) < 20
    site.requests.clear()
    assert missing_doctypes(site.session(), sorted(there)) == ()
    assert len(site.requests) == 1


def test_hundreds_of_links_fit_into_request_lines() -> None:
    there = {f"A rather long name of a DocType {number:03}" for number in range(300)}
    assert missing_doctypes(Site(counting_doctypes(there)).session(), [*sorted(there), "Nowhere"]) == ("Nowhere",)


def test_a_site_that_does_not_count_doctypes_leaves_links_untold() -> None:
    assert missing_doctypes(Site().session(), ["Customer"]) is None


def test_a_site_that_fails_as_a_whole_is_not_taken_for_one_that_keeps_silent() -> None:
    wrong = 401, {"exc_type": "AuthenticationError", "exception": "frappe.exceptions.AuthenticationError"}
    site = Site({"frappe.core.doctype.user.user.get_roles": lambda _: wrong})
    with pytest.raises(SatelliteError, match="key or secret is wrong"):
        read_user_rights(site.session(), "reader@x.example")

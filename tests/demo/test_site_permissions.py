"""Who sees what on the simulated site: roles and levels, owners, User Permissions, and what can be asked about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from small_site import CLERK, READER, shop

from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    path = tmp_path / "shop.db"
    with RunningSite(path, documents=shop(path)) as running:
        yield running


def user(site: RunningSite, name: str, **grants: Any) -> dict[str, str]:
    add_user(site.store, SiteUser(f"{name}@shop.test", **grants), api_key=name, api_secret="secret")
    return {"Authorization": f"token {name}:secret"}


def get(site: RunningSite, path: str, who: dict[str, str], **params: Any) -> requests.Response:
    return requests.get(f"{site.url}/api/{path}", params=params, headers=who, timeout=20)


def names(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["data"]]


def test_a_role_reads_what_the_doctype_permits_at_its_levels(site: RunningSite) -> None:
    who = user(site, "sales", roles=("Sales User",))
    site.documents.insert("Customer", {"customer_name": "Zoë", "credit": 9.5})
    assert get(site, "resource/Customer", who).status_code == 403
    site.store.permit("Customer", "Sales User", "read")
    assert names(get(site, "resource/Customer", who)) == ["Zoë"]
    assert "credit" not in get(site, "resource/Customer/Zoë", who).json()["data"]
    site.store.permit("Customer", "Sales User", "read", permlevel=1)
    assert get(site, "resource/Customer/Zoë", who).json()["data"]["credit"] == 9.5
    site.store.permit("Customer", "Sales User")
    assert get(site, "resource/Customer", who).status_code == 403


def test_a_doctype_may_become_readable_without_moving_any_stamp(site: RunningSite) -> None:
    before = get(site, "resource/DocType", READER, fields='["name","modified"]').json()
    site.store.permit("Customer", "Sales User", "read")
    assert get(site, "resource/DocType", READER, fields='["name","modified"]').json() == before


def test_who_reads_as_owner_sees_only_own_documents(site: RunningSite) -> None:
    who = user(site, "sales", roles=("Sales User",))
    site.store.permit("Customer", "Sales User", "read", "create", "if_owner")
    site.documents.insert("Customer", {"customer_name": "Theirs"})
    url = f"{site.url}/api/resource/Customer"
    assert requests.post(url, json={"customer_name": "Mine"}, headers=who, timeout=20).status_code == 200
    assert names(get(site, "resource/Customer", who)) == ["Mine"]
    assert get(site, "resource/Customer/Mine", who).status_code == 200
    assert get(site, "resource/Customer/Theirs", who).status_code == 403
    site.store.permit("Customer", "All", "read")
    assert names(get(site, "resource/Customer", who)) == ["Theirs", "Mine"]


def test_user_permissions_hold_for_lists_and_documents_but_neither_for_child_rows_nor_counts(
    site: RunningSite,
) -> None:
    who = user(site, "some", reads=("*",), only={"Customer": ["Zoë"]})
    for customer in ("Zoë", "Bob", ""):
        site.documents.insert("Order", {"customer": customer, "lines": [{"item": customer or "none"}]})
    site.documents.insert("Customer", {"customer_name": "Zoë"})
    site.documents.insert("Customer", {"customer_name": "Bob"})
    assert names(get(site, "resource/Order", who)) == ["ORD-2026-00001", "ORD-2026-00003"]  # one links to nobody
    assert names(get(site, "resource/Customer", who)) == ["Zoë"]
    assert get(site, "resource/Order/ORD-2026-00002", who).status_code == 403
    assert get(site, "resource/Customer/Bob", who).status_code == 403
    assert len(get(site, "resource/Order Line", who, parent="Order").json()["data"]) == 3
    assert get(site, "method/frappe.client.get_count", who, doctype="Order").json() == {"message": 3}
    assert get(site, "v2/doctype/Order/count", who).json() == {"data": 2}


def test_a_link_may_ignore_user_permissions(site: RunningSite) -> None:
    who = user(site, "some", reads=("*",), only={"Customer": ["Zoë"]})
    site.documents.insert("Order", {"customer": "Bob"})
    assert names(get(site, "resource/Order", who)) == []
    site.store.set_property("Order", "customer", "ignore_user_permissions", 1)
    assert names(get(site, "resource/Order", who)) == ["ORD-2026-00001"]


def test_the_lists_of_the_desk_are_closed_to_who_is_no_system_manager(site: RunningSite) -> None:
    manager = user(site, "manager", roles=("System Manager",))
    for doctype in ("DocType", "Custom Field", "Property Setter", "Deleted Document", "Comment"):
        assert get(site, f"resource/{doctype}", CLERK).status_code == 403
        assert get(site, f"resource/{doctype}", manager).status_code == 200
    assert get(site, "resource/DocField", CLERK, parent="DocType").status_code == 403


@pytest.mark.parametrize(
    ("right", "reader", "clerk"),
    [("read", True, True), ("write", False, True), ("create", False, True), ("delete", False, True)],
)
def test_rights_can_be_asked_for_without_using_them(
    site: RunningSite, right: str, *, reader: bool, clerk: bool
) -> None:
    def has(who: dict[str, str], docname: str = "") -> bool:
        path = "method/frappe.client.has_permission"
        answer = get(site, path, who, doctype="Customer", docname=docname, perm_type=right)
        return bool(answer.json()["message"]["has_permission"])

    assert (has(READER), has(CLERK)) == (reader, clerk)
    site.documents.insert("Customer", {"customer_name": "Bob"})
    some = user(site, "some", reads=("*",), writes=True, only={"Customer": ["Zoë"]})
    assert has(some)
    assert not has(some, "Bob")


def test_a_missing_document_has_no_permissions_to_ask_for(site: RunningSite) -> None:
    path = "method/frappe.client.has_permission"
    assert get(site, path, READER, doctype="Customer", docname="nobody").status_code == 404


def test_anyone_logged_in_sees_anyones_roles_and_no_guest_does(site: RunningSite) -> None:
    user(site, "sales", roles=("Sales User",))
    path = "method/frappe.core.doctype.user.user.get_roles"
    told = get(site, path, CLERK, uid="sales@shop.test")
    assert told.json() == {"message": ["Sales User", "All", "Guest"]}
    refused = get(site, path, {}, uid="sales@shop.test")
    assert (refused.status_code, refused.json()["exc_type"]) == (403, "PermissionError")
    assert "is not whitelisted" in json.dumps(refused.json())
    assert get(site, "method/ping", {}).status_code == 200

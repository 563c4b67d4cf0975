"""Any DocType on the simulated site: every fieldtype, Singles, trees, virtual ones, and changes of them as it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from small_site import READER, doctype, shop

from federation.demo.site.server import RunningSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SINK = {
    "Attach": "/files/a.pdf", "Attach Image": "/files/a.png", "Autocomplete": "a", "Barcode": "<svg/>", "Check": 1,
    "Code": "x = 1", "Color": "#fff", "Currency": 1.005, "Data": "ü", "Date": "2026-02-28",
    "Datetime": "2026-02-28 23:59:59.123456", "Duration": 93784.0, "Dynamic Link": "Zoë", "Float": 0.333333333,
    "Geolocation": "{}", "HTML Editor": "<p>", "Icon": "star", "Int": 7, "JSON": '{"a": 1}', "Link": "Zoë",
    "Long Int": 9007199254740993, "Long Text": "long", "Markdown Editor": "# a", "Percent": 12.5, "Phone": "+91",
    "Rating": 0.6, "Read Only": "r", "Select": "b", "Signature": "data:", "Small Text": "s", "Text": "t",
    "Text Editor": "<div>", "Time": "8:30:0.5",
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    path = tmp_path / "shop.db"
    with RunningSite(path, documents=shop(path)) as running:
        yield running


def get(site: RunningSite, path: str, **params: Any) -> requests.Response:
    asked = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in params.items()}
    return requests.get(f"{site.url}/api/{path}", params=asked, headers=READER, timeout=20)


def test_every_fieldtype_travels(site: RunningSite) -> None:
    fields = [f"f_{place}: {fieldtype}" for place, fieldtype in enumerate(SINK)]
    site.store.create_doctype(doctype("Sink", *fields, autoname="hash"))
    values = {f"f_{place}": value for place, value in enumerate(SINK.values())}
    name = site.documents.insert("Sink", values)["name"]
    document = get(site, f"resource/Sink/{name}").json()["data"]
    (row,) = get(site, "resource/Sink", fields=["*"]).json()["data"]
    for found in (document, row):
        assert {fieldname: found[fieldname] for fieldname in values} == values
    empty = site.documents.insert("Sink", {})["name"]
    numbers = {"Check", "Currency", "Float", "Int", "Long Int", "Percent", "Rating"}
    told = get(site, f"resource/Sink/{empty}").json()["data"]
    assert {kind for place, kind in enumerate(SINK) if f"f_{place}" in told} == numbers


def test_a_password_is_masked(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Account Access", "secret: Password"))
    name = site.documents.insert("Account Access", {"secret": "abc"})["name"]
    assert get(site, f"resource/Account Access/{name}").json()["data"]["secret"] == "***"


def test_a_single_is_read_by_its_name_and_has_no_list(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Shop Settings", "limit: Int", issingle=1))
    site.documents.save("Shop Settings", "Shop Settings", {"limit": 5})
    told = get(site, "resource/Shop Settings/Shop Settings").json()["data"]
    assert (told["name"], told["limit"], told["idx"]) == ("Shop Settings", 5, "0")
    assert get(site, "resource/Shop Settings").status_code == 500


def test_a_tree_moves_bounds_of_documents_that_nobody_saved(site: RunningSite) -> None:
    fields = ("title: Data", "parent_region: Link | Region", "lft: Int", "rgt: Int")
    site.store.create_doctype(doctype("Region", *fields, is_tree=1, autoname="field:title"))

    def bounds() -> dict[str, tuple[int, int]]:
        rows = get(site, "resource/Region", fields=["name", "lft", "rgt"]).json()["data"]
        return {row["name"]: (row["lft"], row["rgt"]) for row in rows}

    world = site.documents.insert("Region", {"title": "World"})
    for title in ("Asia", "Europe"):
        site.documents.insert("Region", {"title": title, "parent_region": "World"})
    assert bounds() == {"World": (1, 6), "Asia": (2, 3), "Europe": (4, 5)}
    site.documents.insert("Region", {"title": "India", "parent_region": "Asia"})
    assert bounds() == {"World": (1, 8), "Asia": (2, 5), "India": (3, 4), "Europe": (6, 7)}
    assert site.documents.get("Region", "World")["modified"] == world["modified"]
    site.documents.save("Region", "India", {"parent_region": "Europe"})
    assert bounds() == {"World": (1, 8), "Asia": (2, 3), "Europe": (4, 7), "India": (5, 6)}
    site.documents.delete("Region", "Asia")
    assert bounds() == {"World": (1, 6), "Europe": (2, 5), "India": (3, 4)}


def test_a_virtual_doctype_has_metadata_and_no_rows(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Cloud File", "size: Int", is_virtual=1))
    (meta,) = get(site, "method/frappe.desk.form.load.getdoctype", doctype="Cloud File").json()["docs"]
    assert meta["is_virtual"] == 1
    assert get(site, "resource/Cloud File").status_code == 500
    assert get(site, "resource/Cloud File/x").status_code == 404


def test_a_child_table_may_serve_several_parents(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Quote", "lines: Table | Order Line", autoname="hash"))
    site.documents.insert("Order", {"lines": [{"item": "tea"}]})
    site.documents.insert("Quote", {"lines": [{"item": "cup"}]})
    everyones = get(site, "resource/Order Line", parent="Order", fields=["parenttype"]).json()["data"]
    assert sorted(row["parenttype"] for row in everyones) == ["Order", "Quote"]  # parent doesn't filter
    filters = [["parenttype", "=", "Order"]]
    own = get(site, "resource/Order Line", parent="Order", fields=["item"], filters=filters).json()["data"]
    assert own == [{"item": "tea"}]


def test_a_custom_field_may_be_a_table(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Order Tag", "tag: Link | Customer", istable=1))
    tags = {"fieldname": "tags", "fieldtype": "Table MultiSelect", "options": "Order Tag"}
    site.store.add_custom_field("Order", tags)
    made = site.documents.insert("Order", {"tags": [{"tag": "vip"}, {"tag": "new"}]})
    assert [row["tag"] for row in get(site, f"resource/Order/{made['name']}").json()["data"]["tags"]] == ["vip", "new"]
    assert get(site, "resource/Order Tag", parent="Order").status_code == 200


def test_a_doctype_may_have_more_than_two_hundred_columns(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Wide", *(f"c_{place}: Data" for place in range(250)), autoname="hash"))
    name = site.documents.insert("Wide", {"c_249": "last"})["name"]
    (row,) = get(site, "resource/Wide", fields=["*"]).json()["data"]
    assert (row["name"], row["c_249"], len(row)) == (name, "last", 257)


def test_a_doctype_may_appear_and_vanish(site: RunningSite) -> None:
    assert get(site, "resource/Ticket").status_code == 404
    site.store.create_doctype(doctype("Ticket", "title: Data"))
    site.documents.insert("Ticket", {"title": "a"})
    assert len(get(site, "resource/Ticket").json()["data"]) == 1
    listed = [row["name"] for row in get(site, "resource/DocType", limit_page_length=0).json()["data"]]
    assert "Ticket" in listed
    site.store.drop_doctype("Ticket")
    assert get(site, "resource/Ticket").status_code == 404
    assert "Ticket" not in [row["name"] for row in get(site, "resource/DocType", limit_page_length=0).json()["data"]]


def test_a_removed_custom_field_leaves_its_column_and_its_values(site: RunningSite) -> None:
    field = {"fieldname": "tier", "fieldtype": "Int"}
    site.store.add_custom_field("Customer", field)
    site.documents.insert("Customer", {"customer_name": "Zoë", "tier": 3})
    site.store.remove_custom_field("Customer", "tier")
    assert get(site, "resource/Customer", fields=["tier"]).status_code == 417
    assert get(site, "resource/Custom Field").json()["data"] == []
    site.store.add_custom_field("Customer", field)
    assert get(site, "resource/Customer", fields=["tier"]).json()["data"] == [{"tier": 3}]


def test_a_dropped_column_is_unknown_to_the_database_until_the_next_migration(site: RunningSite) -> None:
    site.documents.insert("Customer", {"customer_name": "Zoë", "group": "vip"})
    site.store.drop_column("Customer", "group")
    answer = get(site, "resource/Customer", fields=["name", "group"])
    assert answer.status_code == 500
    assert "Unknown column 'group' in 'SELECT'" in answer.json()["exception"]
    assert get(site, "resource/Customer", fields=["name"]).status_code == 200
    assert "group" not in get(site, "resource/Customer/Zoë").json()["data"]
    site.store.create_doctype(dict(site.store.meta("Customer").wire))
    assert get(site, "resource/Customer", fields=["group"]).json()["data"] == [{"group": None}]

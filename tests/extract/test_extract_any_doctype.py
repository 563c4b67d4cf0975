"""Any DocType: all fieldtypes, Singles, trees, Custom Fields with tables, wide ones, and those that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from extract_world import CUSTOMER, ORDER, READER, SHOP, Shop, doctype, open_shop

from federation.demo.site.permissions import SiteUser, add_user

EVERYTHING = "Everything"
SINGLE = "Shop Settings"
TREE = "Region"
PLAIN_TEXT = (
    "Data", "Small Text", "Text", "Long Text", "Text Editor", "HTML Editor", "Markdown Editor", "Code", "JSON",
    "Geolocation", "Read Only", "Autocomplete", "Color", "Barcode", "Phone", "Icon", "Select", "Link", "Signature",
    "Attach", "Attach Image",
)  # fmt: skip
VALUES = {
    "Int": 7, "Long Int": 9007199254740993, "Check": 1, "Float": 0.125, "Currency": 19.99, "Percent": 12.5,
    "Rating": 0.8, "Duration": 93.5, "Date": "2026-02-28", "Datetime": "2026-02-28 23:59:59.123456", "Time": "8:30:0.5",
    "Dynamic Link": "somebody",
}  # fmt: skip
FILES_TOO = [{"fieldtype": kind, "action": "keep"} for kind in ("Attach*", "Signature")]
FIELDS = {f"f_{kind.lower().replace(' ', '_')}": kind for kind in (*PLAIN_TEXT, *VALUES)}
METAS = (
    *SHOP,
    doctype(EVERYTHING, *(f"{name}: {kind}" for name, kind in FIELDS.items()), "s: Section Break", autoname="Prompt"),
    doctype("Shop Hour", "day: Data", "opens: Time", istable=1),
    doctype(SINGLE, "greeting: Data", "open: Check", "tax: Percent", "hours: Table | Shop Hour", issingle=1),
    doctype(TREE, "parent_region: Link | Region", "lft: Int", "rgt: Int", is_tree=1, autoname="Prompt"),
)


@pytest.fixture
def mixed(tmp_path: Path) -> Iterator[Shop]:
    doctypes = [EVERYTHING, SINGLE, TREE, CUSTOMER, ORDER]
    with open_shop(tmp_path, *METAS, doctypes=doctypes, policy=FILES_TOO) as shop:
        yield shop


def test_every_fieldtype_arrives_as_it_is_stored(mixed: Shop) -> None:
    full = {name: VALUES.get(kind, f"{kind} \u00fc \U0001f600") for name, kind in FIELDS.items()}
    mixed.documents.insert(EVERYTHING, {"name": "full", **full})
    mixed.documents.insert(EVERYTHING, {"name": "empty"})
    assert mixed.sync()[EVERYTHING].documents == 2
    mixed.assert_same(EVERYTHING)
    assert mixed.value(EVERYTHING, "full", "f_long_int") == 9007199254740993


def test_a_single_is_one_row_that_is_packaged_when_it_changes(mixed: Shop) -> None:
    mixed.documents.save(SINGLE, SINGLE, {"greeting": "hello", "open": 1, "tax": 7.5})
    assert mixed.sync()[SINGLE].documents == 1
    assert mixed.sync()[SINGLE].status == "unchanged"
    mixed.documents.save(SINGLE, SINGLE, {"greeting": "bye"})
    assert mixed.sync()[SINGLE].documents == 1
    [row] = mixed.folded(SINGLE)[SINGLE].to_pylist()
    assert (row["name"], row["greeting"], row["open"], float(row["tax"])) == (SINGLE, "bye", 1, 7.5)


def test_a_single_that_was_never_saved_stops_nothing(mixed: Shop) -> None:
    assert mixed.sync()[SINGLE].status in ("unchanged", "changed")


def test_a_single_is_found_by_its_module_like_any_other(mixed: Shop) -> None:
    outcomes = mixed.with_settings(doctypes=[], modules=["Shop"]).sync()
    assert {SINGLE, TREE, EVERYTHING, CUSTOMER, ORDER} <= set(outcomes)
    assert "Order Line" not in outcomes
    assert not [outcome.error for outcome in outcomes.values() if outcome.error]


def test_a_tree_that_is_rebuilt_without_a_trace_is_right_after_a_nightly_run(mixed: Shop) -> None:
    for number, parent in enumerate((None, "r0", "r0", "r1")):
        values = {"name": f"r{number}", "parent_region": parent, "lft": 2 * number, "rgt": 2 * number + 1}
        mixed.documents.insert(TREE, values)
    mixed.age(TREE)
    mixed.sync()
    for number in range(4):
        mixed.documents.db_set(TREE, f"r{number}", {"lft": 10 - number, "rgt": 20 + number})
    assert mixed.sync()[TREE].status == "unchanged"
    assert mixed.sync(depth="reconcile")[TREE].documents == 4
    mixed.assert_same(TREE)


@pytest.mark.parametrize("kind", ["Table", "Table MultiSelect"])
def test_a_table_in_a_custom_field_brings_its_rows(mixed: Shop, kind: str) -> None:
    mixed.customer("Ada")
    mixed.sync()
    mixed.site.store.add_custom_field(CUSTOMER, {"fieldname": "wishes", "fieldtype": kind, "options": "Order Line"})
    mixed.documents.save(CUSTOMER, "Ada", {"wishes": [{"item": "a wish"}]})
    mixed.sync()
    mixed.assert_same(CUSTOMER)


def test_two_hundred_and_fifty_columns_are_no_trouble(tmp_path: Path) -> None:
    wide = doctype("Wide", *(f"field_number_{number:03}: Data" for number in range(250)), autoname="WIDE-.###")
    with open_shop(tmp_path, wide, doctypes=["Wide"]) as shop:
        for number in range(3):
            shop.documents.insert("Wide", {f"field_number_{each:03}": f"{number}.{each}" for each in range(250)})
        shop.sync()
        shop.documents.save("Wide", "WIDE-001", {"field_number_249": "changed"})
        shop.sync()
        shop.assert_same("Wide")


def test_a_link_to_a_doctype_that_doesnt_exist_is_text_like_any_other(tmp_path: Path) -> None:
    broken = doctype("Broken", "somewhere: Link | No Such Thing", "lost: Dynamic Link | nowhere", autoname="Prompt")
    with open_shop(tmp_path, broken, doctypes=["Broken"]) as shop:
        shop.documents.insert("Broken", {"name": "one", "somewhere": "else", "lost": "found"})
        shop.sync()
        shop.assert_same("Broken")


def test_virtual_fields_have_no_column(tmp_path: Path) -> None:
    meta = doctype("Half", "real: Data", "sum: Currency", autoname="Prompt")
    meta["fields"][1]["is_virtual"] = 1
    with open_shop(tmp_path, meta, doctypes=["Half"]) as shop:
        shop.documents.insert("Half", {"name": "one", "real": "x"})
        assert shop.sync()["Half"].documents == 1
        assert "sum" not in shop.contract("Half").parent.by_fieldname


def test_a_doctype_that_appears_is_read_and_one_that_vanishes_is_kept_as_it_was(mixed: Shop) -> None:
    shop = mixed.with_settings(doctypes=["Shop *", "Re*"])
    shop.documents.insert(TREE, {"name": "r"})
    assert TREE in shop.sync()
    shop.site.store.create_doctype(doctype("Rebate", "percent: Percent", autoname="Prompt"))
    shop.documents.insert("Rebate", {"name": "winter"})
    assert shop.sync()["Rebate"].documents == 1
    shop.site.store.drop_doctype(TREE)
    outcomes = shop.sync()
    assert TREE not in outcomes
    assert shop.names(TREE) == {"r"}


def test_a_doctype_that_becomes_readable_later_is_read_from_then_on(mixed: Shop) -> None:
    mixed.customer("Ada")
    mixed.order()
    everything_else = SiteUser(READER, reads=(ORDER, TREE, EVERYTHING, SINGLE))
    add_user(mixed.site.store, everything_else, api_key="the-api-key", api_secret="the-api-secret")
    outcomes = mixed.sync()
    assert (outcomes[CUSTOMER].status, outcomes[ORDER].status) == ("failed", "changed")
    add_user(mixed.site.store, SiteUser(READER, reads=("*",)), api_key="the-api-key", api_secret="the-api-secret")
    assert mixed.sync()[CUSTOMER].documents == 1
    mixed.assert_same(CUSTOMER)

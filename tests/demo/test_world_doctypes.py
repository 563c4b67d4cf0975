"""The demo's DocTypes are the real ones, shortened: what they say of a field is what real sites say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from federation.demo.world.doctypes import docfield, doctypes, doctypes_of
from federation.demo.world.sites import demo_sites
from federation.demo.world.tree import read_outline

RECORDED = Path(__file__).parents[1] / "recordings" / "v15" / "meta"


def recording_of(doctype: str) -> Path | None:
    files = (RECORDED / f"{site}.{doctype.replace(' ', '_')}.json" for site in ("north", "south"))
    return next((file for file in files if file.exists()), None)


def recorded_meta(doctype: str) -> dict:
    recording = json.loads(recording_of(doctype).read_text(encoding="utf-8"))
    return recording["response"]["body"]["docs"][0]


RECORDED_DOCTYPES = [name for name in doctypes() if recording_of(name)]
LAYOUT = ("Section Break", "Column Break", "Tab Break")


@pytest.mark.parametrize("doctype", RECORDED_DOCTYPES)
def test_every_field_is_what_real_sites_say_it_is(doctype: str) -> None:
    real = {field["fieldname"]: field for field in recorded_meta(doctype)["fields"]}
    for field in doctypes()[doctype]["fields"]:
        for fact in ("fieldtype", "label", "options", "permlevel", "default"):
            assert (field.get(fact) or "") == (real[field["fieldname"]].get(fact) or ""), (field["fieldname"], fact)
        assert field.get("reqd", 0) == real[field["fieldname"]].get("reqd", 0), field["fieldname"]


def test_the_doctypes_that_were_recorded_are_held_to_their_recordings() -> None:
    assert {"Stock Ledger Entry", "Warehouse", "Address", "Contact", "Dynamic Link", "Student", "Fees"} < set(
        RECORDED_DOCTYPES
    )
    assert len(RECORDED_DOCTYPES) == 20


@pytest.mark.parametrize(("doctype", "columns"), [("GL Entry", 39), ("Stock Ledger Entry", 38)])
def test_the_ledgers_have_every_field_with_a_column(doctype: str, columns: int) -> None:
    real = {f["fieldname"] for f in recorded_meta(doctype)["fields"] if f["fieldtype"] not in LAYOUT}
    own = {f["fieldname"] for f in doctypes()[doctype]["fields"] if f["fieldtype"] not in LAYOUT}
    assert own == real
    assert len(own) + 7 == columns  # with name, owner, creation, modified, modified_by, docstatus, idx


def test_child_tables_that_are_named_exist() -> None:
    for meta in doctypes().values():
        for field in meta["fields"]:
            if field["fieldtype"] in {"Table", "Table MultiSelect"}:
                assert doctypes()[field["options"]]["istable"] == 1


def test_a_field_line_tells_type_label_options_flags_and_description() -> None:
    assert docfield("tier", "Select | Tier | ; Gold; Silver | reqd, default=Gold, length=30 | How much they buy") == {
        "fieldname": "tier",
        "fieldtype": "Select",
        "permlevel": 0,
        "label": "Tier",
        "options": "\nGold\nSilver",
        "reqd": 1,
        "default": "Gold",
        "length": 30,
        "description": "How much they buy",
    }


def test_outlines_become_nested_sets() -> None:
    nodes = {node.label: node for node in read_outline(["A | Asset", "  B", "    C | Bank", "  D", "E"])}
    assert {label: (node.lft, node.rgt) for label, node in nodes.items()} == {
        "A": (1, 8),
        "B": (2, 5),
        "C": (3, 4),
        "D": (6, 7),
        "E": (9, 10),
    }
    assert (nodes["C"].parent, nodes["C"].root, nodes["C"].details, nodes["C"].is_group) == ("B", "A", ("Bank",), False)


def test_every_organisation_lives_under_its_own_law_clock_money_and_language_of_accounts() -> None:
    for fact in ("jurisdiction", "time_zone", "currency", "company", "accounts"):
        assert len({getattr(site, fact) for site in demo_sites().values()}) == 4


def test_only_the_apps_of_a_site_bring_doctypes_beside_those_that_all_have() -> None:
    everyone, teaching, storing = (set(doctypes_of(apps)) for apps in ((), ("education",), ("stock", "staff")))
    assert {"GL Entry", "Address", "Accounts Settings"} < everyone
    assert {"Student", "Fees", "Fee Component"} < teaching - everyone
    assert {"Warehouse", "Stock Ledger Entry", "Employee Checkin"} < storing - everyone
    assert not teaching & storing - everyone


def test_the_two_companies_disagree_on_the_type_of_a_field_of_their_own() -> None:
    types = {
        custom.field["fieldtype"]
        for site in demo_sites().values()
        for custom in site.custom_fields
        if custom.field["fieldname"] == "delivery_distance"
    }
    assert types == {"Int", "Float"}

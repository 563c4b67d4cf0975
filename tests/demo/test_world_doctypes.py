"""The demo's DocTypes are the real ones, shortened: what they say of a field is what real sites say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from federation.demo.world.doctypes import docfield, doctypes
from federation.demo.world.sites import demo_sites
from federation.demo.world.tree import read_outline

RECORDED = Path(__file__).parents[1] / "recordings" / "v15" / "meta"


def recorded_meta(doctype: str) -> dict:
    recording = json.loads((RECORDED / f"north.{doctype.replace(' ', '_')}.json").read_text(encoding="utf-8"))
    return recording["response"]["body"]["docs"][0]


RECORDED_DOCTYPES = [name for name in doctypes() if (RECORDED / f"north.{name.replace(' ', '_')}.json").exists()]


@pytest.mark.parametrize("doctype", RECORDED_DOCTYPES)
def test_every_field_is_what_real_sites_say_it_is(doctype: str) -> None:
    real = {field["fieldname"]: field for field in recorded_meta(doctype)["fields"]}
    for field in doctypes()[doctype]["fields"]:
        for fact in ("fieldtype", "label", "options", "permlevel", "default"):
            assert (field.get(fact) or "") == (real[field["fieldname"]].get(fact) or ""), (field["fieldname"], fact)
        assert field.get("reqd", 0) == real[field["fieldname"]].get("reqd", 0), field["fieldname"]


def test_almost_all_doctypes_are_held_to_recordings() -> None:
    assert set(doctypes()) - set(RECORDED_DOCTYPES) == {"Sales Taxes and Charges"}


def test_the_gl_entry_has_every_field_with_a_column() -> None:
    layout = ("Section Break", "Column Break", "Tab Break")
    real = {f["fieldname"] for f in recorded_meta("GL Entry")["fields"] if f["fieldtype"] not in layout}
    own = {f["fieldname"] for f in doctypes()["GL Entry"]["fields"] if f["fieldtype"] not in layout}
    assert own == real
    assert len(own) + 7 == 39  # with name, owner, creation, modified, modified_by, docstatus, idx


def test_child_tables_that_are_named_exist() -> None:
    for meta in doctypes().values():
        for field in meta["fields"]:
            if field["fieldtype"] == "Table":
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


def test_the_two_companies_live_under_different_law_clocks_money_and_numbering() -> None:
    north, south = demo_sites()["north"], demo_sites()["south"]
    for fact in ("jurisdiction", "time_zone", "currency", "company", "series", "fiscal_year_starts"):
        assert getattr(north, fact) != getattr(south, fact)


def test_the_two_companies_disagree_on_the_type_of_a_field_of_their_own() -> None:
    types = {
        custom.field["fieldtype"]
        for site in demo_sites().values()
        for custom in site.custom_fields
        if custom.field["fieldname"] == "delivery_distance"
    }
    assert types == {"Int", "Float"}

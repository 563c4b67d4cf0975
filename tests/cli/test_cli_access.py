"""`federation access`: the steps to a read-only user, with the site's help and without it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command, Write

from federation.cli.access_plan import Rule
from federation.cli.access_script import access_script
from federation.cli.own_lists import OWN_LISTS
from federation.demo.site.server import RunningSite

Sites = dict[str, RunningSite]


def planned(federation: Command, *arguments: str) -> dict[str, Any]:
    """The plan for the first satellite."""
    ended = federation("access", "--json", *arguments)
    assert ended.exit_code == 0, ended.stderr
    plan = json.loads(ended.stdout)["satellites"][0]
    assert isinstance(plan, dict)
    return plan


def rules(plan: dict[str, Any]) -> dict[str, Any]:
    return {rule["doctype"]: rule for rule in plan["rules"]}


def without_a_site(write: Write, more: str = "") -> Path:
    return write(f"""
satellites: {{north: {{url: "http://north.invalid", site: north.example.com, credentials: env:NOBODY}}}}
doctypes: [Customer, Sales Invoice, "Purchase *"]
modules: [Stock]
{more}""")


def test_it_needs_neither_a_key_nor_the_site(write: Write, federation: Command) -> None:
    without_a_site(write)
    plan = planned(federation)
    assert [rule["doctype"] for rule in plan["rules"]] == ["Customer", "Sales Invoice"]
    assert plan["unresolved"] == ["Purchase *", "Stock"]
    assert plan["user"] == "federation@north.example.com"
    assert "NOBODY_API_KEY is not set" in plan["why_not_asked"]
    assert plan["source"] == "the settings name them"


def test_the_site_tells_child_tables_and_permission_levels(
    settings_file: Path, sites: Sites, federation: Command
) -> None:
    store = sites["north"].store
    store.set_property("Customer", "tax_id", "permlevel", 1)
    store.set_property("Sales Invoice Item", "rate", "permlevel", 2)
    found = rules(planned(federation, "north"))
    assert (found["Customer"]["levels"], found["Customer"]["fields"]) == ([0, 1], {"1": ["tax_id"]})
    assert found["Sales Invoice"]["fields"] == {"2": ["Sales Invoice Item.rate"]}
    assert "Sales Invoice Item" in found["Sales Invoice"]["tables"]
    assert "Sales Invoice Item" not in found, "its rows come under the rule of their parent"


def test_a_level_of_which_the_policy_drops_every_field_is_not_asked_for(
    settings_file: Path, sites: Sites, federation: Command
) -> None:
    sites["north"].store.set_property("Customer", "tax_id", "permlevel", 1)
    with settings_file.open("a") as file:
        file.write("policy: [{field: tax_id, action: drop}]\n")
    assert rules(planned(federation, "north"))["Customer"]["levels"] == [0]


def test_what_the_lake_remembers_stands_in_for_a_site_that_is_down(
    settings_file: Path, sites: Sites, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert federation("sync", "-s", "north").exit_code == 0
    monkeypatch.setenv("NORTH_API_SECRET", "wrong")
    plan = planned(federation, "north")
    assert "when it was last read" in plan["source"]
    assert "API key or secret is wrong" in plan["why_not_asked"]
    assert "Sales Invoice Item" in rules(plan)["Sales Invoice"]["tables"]


def test_what_only_a_system_manager_reads_is_left_out_and_its_loss_said(write: Write, federation: Command) -> None:
    without_a_site(write)
    plan = planned(federation)
    assert set(plan["lost"]) == {"DocType", "Custom Field", "Property Setter"}
    assert {own["doctype"] for own in plan["own_lists"]} == {"Deleted Document", "Comment"}
    assert "System Manager" not in plan["script"]


def test_an_administrator_can_follow_the_steps(write: Write, federation: Command) -> None:
    without_a_site(write)
    shown = federation("access").stdout
    for words in (
        "Federation Reader", "Role Permissions Manager", "Generate Keys", "federation@north.example.com",
        "federation check -s north", "Send Welcome Email", "untick all else: Write, Create, Delete", "Frappe 13",
        "Purchase *", "--script",
    ):  # fmt: skip
        assert words in shown, words


def test_the_script_is_python_that_gives_read_and_nothing_else(write: Write, federation: Command) -> None:
    without_a_site(write)
    script = federation("access", "north", "--script").stdout
    tree = ast.parse(script)
    assert all(statement.lineno == statement.end_lineno for statement in tree.body), "a console takes line by line"
    ((granted,),) = [
        [ast.literal_eval(statement.value)]
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "rules"
    ]
    assert granted == [("Customer", 0), ("Sales Invoice", 0), ("Deleted Document", 0), ("Comment", 0)]
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called == {"add_permission", "update_permission_property", "print"}


def test_the_script_gives_a_level_once_and_the_document_before_its_fields() -> None:
    script = access_script("R", 'odd"user', [Rule("Customer", (0, 1)), Rule("Comment")], OWN_LISTS[-1:])
    assert '[("Customer", 0), ("Customer", 1), ("Comment", 0)]' in script
    assert r'"odd\"user"' in script


def test_an_unknown_satellite_is_wrong_usage(write: Write, federation: Command) -> None:
    without_a_site(write)
    assert federation("access", "nort").exit_code == 2

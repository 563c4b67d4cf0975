"""`federation contract`: what sites changed about their DocTypes, and how it is let in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command

from federation.demo.site.server import RunningSite

FREEZE = "drift: [{change: field_added, reaction: freeze}]\n"


def told(federation: Command, *arguments: str) -> Any:
    return json.loads(federation("contract", *arguments, "--json").stdout)


def drifted(site: RunningSite) -> None:
    """Change a field's options and label, and add one with words that a terminal should not obey."""
    site.store.set_property("Customer", "customer_type", "options", "Company\nGuild")
    site.store.set_property("Customer", "customer_name", "label", "[red]Name[/] \x1b[2J")
    site.store.add_custom_field("Customer", {"fieldname": "loyal", "fieldtype": "Check"})


@pytest.fixture
def read(settings_file: Path, federation: Command) -> Path:
    assert federation("sync", "-s", "north").exit_code == 0
    return settings_file


def test_the_first_version_is_the_first_sight_of_every_doctype(read: Path, federation: Command) -> None:
    (version,) = told(federation, "history")
    assert version["satellite"] == "north"
    assert {change["kind"] for change in version["changes"]} == {"doctype_added"}
    shown = federation("contract", "history")
    assert shown.exit_code == 0
    assert "seen for the first time: " in shown.stdout


def test_each_change_is_in_the_history_and_readable(
    read: Path, federation: Command, sites: dict[str, RunningSite]
) -> None:
    drifted(sites["north"])
    federation("sync", "-s", "north")
    first, second = told(federation, "history", "-s", "north")
    assert second["seq"] > first["seq"]
    assert [(change["fieldname"], change["kind"]) for change in second["changes"]] == [
        ("customer_name", "label"),
        ("customer_type", "options"),
        ("loyal", "field_added"),
    ]
    shown = federation("contract", "history", "-d", "Customer").stdout
    assert "+ loyal: Check" in shown
    assert "\x1b" not in shown
    assert "[red]Name[/]" in shown
    assert told(federation, "history", "-d", "Company")[0]["changes"][0]["doctype"] == "Company"


def test_without_a_mothership_the_lake_tells_the_same(
    read: Path, federation: Command, sites: dict[str, RunningSite]
) -> None:
    drifted(sites["north"])
    federation("sync", "-s", "north")
    merged = told(federation, "history")
    for file in (read.parent / "var").glob("mothership.duckdb*"):
        file.unlink()
    assert told(federation, "history") == merged


def test_a_diff_shows_the_last_change_with_options_line_by_line(
    read: Path, federation: Command, sites: dict[str, RunningSite]
) -> None:
    drifted(sites["north"])
    federation("sync", "-s", "north")
    shown = federation("contract", "diff", "-s", "north").stdout.splitlines()
    assert "    ~ customer_type: options" in shown
    assert "        - Individual" in shown
    assert "        + Guild" in shown
    assert "    + loyal: Check" in shown


def test_a_diff_since_a_commit_or_a_date_sums_up_what_happened(
    read: Path, federation: Command, sites: dict[str, RunningSite]
) -> None:
    (first,) = told(federation, "history")
    store = sites["north"].store
    store.add_custom_field("Customer", {"fieldname": "loyal", "fieldtype": "Check"})
    federation("sync", "-s", "north")
    store.add_custom_field("Customer", {"fieldname": "colour", "fieldtype": "Data"})
    federation("sync", "-s", "north")
    fields = [change["fieldname"] for change in told(federation, "diff", "-s", "north")[0]["changes"]]
    assert fields == ["colour"]
    for since in (str(first["seq"]), first["seen_at"]):
        (one,) = told(federation, "diff", "-s", "north", "--since", since)
        assert [change["fieldname"] for change in one["changes"]] == ["colour", "loyal"]
    (all_of_it,) = told(federation, "diff", "-s", "north", "--since", "2001-01-01")
    assert {change["kind"] for change in all_of_it["changes"]} == {"doctype_added"}
    (nothing,) = told(federation, "diff", "-s", "north", "--since", "99999")
    assert nothing["changes"] == []


def test_options_without_end_are_counted(read: Path, federation: Command, sites: dict[str, RunningSite]) -> None:
    options = "\n".join(f"choice {number}" for number in range(10_000))
    sites["north"].store.set_property("Customer", "customer_type", "options", options)
    federation("sync", "-s", "north")
    shown = federation("contract", "diff", "-s", "north").stdout
    assert "and 9,980 more" in shown
    assert len(shown) < 5_000
    assert "options, 10,000 added, 2 removed" in federation("contract", "history", "-s", "north").stdout


def test_what_is_held_back_is_told_accepted_and_then_brought(
    read: Path, federation: Command, sites: dict[str, RunningSite]
) -> None:
    read.write_text(read.read_text() + FREEZE)
    sites["north"].store.add_custom_field("Customer", {"fieldname": "loyal", "fieldtype": "Check"})
    synced = federation("sync", "-s", "north")
    assert synced.exit_code == 0
    assert "federation contract accept north Customer" in synced.stderr
    assert "held back" in federation("contract", "diff", "-s", "north").stdout
    history = told(federation, "history")
    assert federation("rebuild").exit_code == 0
    assert told(federation, "history") == history
    assert "held back" in federation("contract", "diff", "-s", "north").stdout
    accepted = federation("contract", "accept", "north", "Customer")
    assert accepted.exit_code == 0
    assert "+ loyal: Check" in accepted.stdout
    assert "accept" not in federation("sync", "-s", "north").stderr
    assert "held back" not in federation("contract", "diff", "-s", "north").stdout
    (row,) = json.loads(federation("query", "SELECT count(*) - count(loyal) AS n FROM customer", "--json").stdout)
    assert row == {"n": 0}
    assert "nothing is held back" in federation("contract", "accept", "north", "Customer").stderr
    assert federation("mothership", "check").exit_code == 0


def test_words_of_a_field_that_the_policy_holds_back_are_not_told(
    read: Path, federation: Command, sites: dict[str, RunningSite]
) -> None:
    read.write_text(read.read_text() + "policy: [{field: customer_type, action: drop}]\n")
    drifted(sites["north"])
    federation("sync", "-s", "north")
    for shown in (federation("contract", "diff", "-s", "north"), federation("contract", "history")):
        assert "Guild" not in shown.stdout
        assert "customer_type: options, which the policy holds back" in shown.stdout


def test_a_satellite_that_was_never_read_is_said_to_be(read: Path, federation: Command) -> None:
    shown = federation("contract", "diff", "-s", "south")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "south: it was never read" in shown.stderr
    assert "nothing is held back" in federation("contract", "accept", "south", "Customer").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "--since", "yesterday"),
        ("diff", "--since", "-3"),
        ("diff", "-s", "nroth"),
        ("history", "-s", "nroth"),
        ("accept", "nroth", "Customer"),
        ("accept", "north"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], read: Path, federation: Command) -> None:
    ended = federation("contract", *arguments)
    assert (ended.exit_code, ended.stdout) == (2, "")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{change: field_removed, reaction: freeze}", "can't be frozen"),
        ("{change: permlevel, reaction: freeze}", "by today's level the policy decides"),
        ('{change: "*removed", reaction: freeze}', "what is gone can't be read"),
        ("{change: doctype_added, reaction: ignore}", "`doctypes` and `modules` say"),
        ("{change: retypd, reaction: freeze}", "did you mean `retyped`?"),
        ("{satellite: nroth, reaction: freeze}", "did you mean `north`?"),
        ("{change: label, reaction: forbid}", "drift"),
    ],
)
def test_rules_that_make_no_sense_stop_everything_before_it_starts(
    rule: str, said: str, settings_file: Path, federation: Command
) -> None:
    settings_file.write_text(settings_file.read_text() + f"drift: [{rule}]\n")
    ended = federation("sync")
    assert ended.exit_code == 2
    assert said in ended.stderr

"""`federation quarantine`: what was set aside is listed, shown, read anew and given up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command

from federation.demo.site.faults import Fault
from federation.demo.site.server import RunningSite

Sites = dict[str, RunningSite]
RULE = "expect_column_values_to_not_match_regex"
NO_DASH = f"- {{expect: {RULE}, field: territory, regex: '^-', severity: reject, reason: No territory is a dash.}}"
ODD = ("O'Brien / Söhne \N{GRINNING FACE}", 'a "b" [red]c[/] d')


def answered(federation: Command, *arguments: str, status: int = 0) -> Any:
    ended = federation("quarantine", *arguments, "--json")
    assert ended.exit_code == status, ended.output
    return json.loads(ended.stdout)


def customer(sites: Sites, name: str, site: str = "north", **values: Any) -> None:
    sites[site].documents.insert("Customer", {"name": name, "customer_name": name, "territory": "-", **values})


def save(sites: Sites, name: str, site: str = "north", **values: Any) -> None:
    sites[site].documents.save("Customer", name, values)


@pytest.fixture
def judged(settings_file: Path, federation: Command, sites: Sites) -> Path:
    """Both sites are in the mothership; from now on a rule rejects customers."""
    settings_file.write_text(
        settings_file.read_text().replace("validation: off", "validation: on").replace(", Sales Invoice", "")
    )
    for name in ODD:
        customer(sites, name, territory="everywhere")
    assert federation("sync").exit_code == 0
    folder = settings_file.parent / "expectations"
    folder.mkdir()
    (folder / "customer.yaml").write_text(NO_DASH)
    return settings_file


def test_the_quarantine_is_counted_and_listed_with_what_stands(judged: Path, federation: Command, sites: Sites) -> None:
    save(sites, ODD[0], territory="-nowhere")
    customer(sites, "new one")
    customer(sites, "new one", "south")
    assert federation("sync").exit_code == 0
    held = answered(federation, "list")
    assert held["counts"] == [
        {"satellite": "north", "doctype": "Customer", "rule": RULE, "documents": 2, "superseding": 1},
        {"satellite": "south", "doctype": "Customer", "rule": RULE, "documents": 1, "superseding": 0},
    ]
    told = {(fault["satellite"], fault["name"]): fault for fault in held["faults"]}
    assert told["north", ODD[0]]["supersedes"]
    assert not told["north", "new one"]["supersedes"]
    fault = told["north", ODD[0]]
    assert (fault["fieldname"], fault["value"], fault["reason"]) == ("territory", "-nowhere", "No territory is a dash.")
    assert [fault["satellite"] for fault in answered(federation, "list", "-s", "sou*")["faults"]] == ["south"]
    assert answered(federation, "list", "--rule", "contract") == {"counts": [], "faults": []}
    assert answered(federation, "list", "--limit", "1")["faults"] == held["faults"][:1]
    shown = federation("quarantine", "list", "-d", "Customer").stdout
    assert "superseded" in shown
    assert ODD[0] in shown
    assert federation("quarantine", "list", "-s", "nrth").exit_code == 2


def test_a_document_is_shown_whole_with_what_differs_from_what_stands(
    judged: Path, federation: Command, sites: Sites
) -> None:
    long = "x" * 10_000_000
    save(sites, ODD[1], territory="-[red]\x1b[31m", customer_details=long)
    assert federation("sync").exit_code == 0
    held = answered(federation, "show", "north", "Customer", ODD[1])
    assert held["document"]["customer_details"] == long
    differing = {each["fieldname"]: (each["stands"], each["rejected"]) for each in held["differences"]}
    assert differing.keys() == {"territory", "customer_details", "modified"}, differing
    assert differing["territory"] == ("everywhere", "-[red]\x1b[31m")
    shown = federation("quarantine", "show", "north", "Customer", ODD[1]).stdout
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert "superseded by this one" in shown
    ended = federation("quarantine", "show", "north", "Customer", "nobody")
    assert (ended.exit_code, ended.stdout) == (1, "")


def test_replay_brings_what_was_mended_buries_what_is_gone_and_counts_what_is_rejected_again(
    judged: Path, federation: Command, sites: Sites
) -> None:
    for name in ("mended", "gone", "again"):
        customer(sites, name)
    customer(sites, "again", "south")
    assert federation("sync").exit_code == 0
    documents = sites["north"].documents
    documents.sql_update("Customer", {"name": "mended"}, {"territory": "here"})
    documents.sql_delete("Customer", {"name": "gone"})
    first = answered(federation, "replay")["doctypes"]
    assert [(one["satellite"], one["accepted"], one["gone"], one["rejected"], one["unread"]) for one in first] == [
        ("north", 1, 1, 1, 0),
        ("south", 0, 0, 1, 0),
    ]
    again = answered(federation, "replay", "again", "-s", "north")["doctypes"]
    assert [(one["asked"], one["rejected"]) for one in again] == [(1, 1)]
    assert answered(federation, "replay", "mended", status=1)["unknown"] == ["mended"]
    assert {fault["name"] for fault in answered(federation, "list")["faults"]} == {"again"}
    assert json.loads(federation("mothership", "check", "--json").stdout)["findings"] == []


def test_replay_of_a_site_that_is_down_says_so_and_the_others_are_read(
    judged: Path, federation: Command, sites: Sites
) -> None:
    customer(sites, "one")
    customer(sites, "one", "south")
    assert federation("sync").exit_code == 0
    (judged.parent / "expectations" / "customer.yaml").unlink()
    sites["north"].faults.add(Fault("", kind="html", times=None))
    told = answered(federation, "replay", status=1)["doctypes"]
    assert [(one["satellite"], one["accepted"], one["unread"], bool(one["error"])) for one in told] == [
        ("north", 0, 1, True),
        ("south", 1, 0, False),
    ]


def test_replay_asks_nobody_for_what_the_settings_no_longer_select(
    judged: Path, federation: Command, sites: Sites
) -> None:
    customer(sites, "one")
    assert federation("sync").exit_code == 0
    judged.write_text(judged.read_text().replace("[Company, Customer]", "[Company]"))
    (judged.parent / "expectations" / "customer.yaml").unlink()
    (told,) = answered(federation, "replay", status=1)["doctypes"]
    assert (told["unread"], told["error"]) == (1, "the settings don't select the DocType there any more.")


def test_what_is_dropped_leaves_for_good_and_what_was_accepted_stays(
    judged: Path, federation: Command, sites: Sites
) -> None:
    save(sites, ODD[0], territory="-")
    for name in (ODD[1], "kept"):
        customer(sites, name, "south")
    assert federation("sync").exit_code == 0
    refused = federation("quarantine", "drop", "north", "Customer", ODD[0], stdin="n\n")
    assert refused.exit_code == 0
    assert all(text in refused.stderr for text in (ODD[0], "No territory is a dash.", "the version accepted before"))
    assert len(answered(federation, "list")["faults"]) == 3
    agreed = federation("quarantine", "drop", "north", "Customer", ODD[0], stdin="y\n")
    assert agreed.exit_code == 0, agreed.output
    told = answered(federation, "drop", "south", "Customer", ODD[1], "nobody", "--yes", status=1)
    assert told == {"dropped": [ODD[1]], "newer": [], "unknown": ["nobody"], "error": ""}
    assert [fault["name"] for fault in answered(federation, "list")["faults"]] == ["kept"]
    assert federation("sync", "--full").exit_code == 0
    assert federation("rebuild").exit_code == 0
    assert [fault["name"] for fault in answered(federation, "list")["faults"]] == ["kept"]
    standing = federation("query", "SELECT territory FROM customer WHERE name LIKE 'O''Brien / S%'", "--json")
    assert json.loads(standing.stdout) == [{"territory": "everywhere"}]
    assert json.loads(federation("mothership", "check", "--json").stdout)["findings"] == []
    save(sites, ODD[0], territory="-again")
    assert federation("sync").exit_code == 0
    assert {fault["name"] for fault in answered(federation, "list")["faults"]} == {"kept", ODD[0]}


def test_a_drop_that_was_killed_between_its_commit_and_the_merge_goes_on(
    judged: Path, federation: Command, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer(sites, "one")
    assert federation("sync").exit_code == 0

    def killed(*_: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr("federation.cli.quarantine_drop.merge_satellite", killed)
        assert federation("quarantine", "drop", "north", "Customer", "one", "--yes").exit_code == 137
    assert len(answered(federation, "list")["faults"]) == 1
    assert answered(federation, "drop", "north", "Customer", "one", "--yes")["dropped"] == ["one"]
    assert answered(federation, "list")["faults"] == []
    assert federation("quarantine", "drop", "north", "Customer", "one", "--yes").exit_code == 1


def test_wrong_usage_of_the_quarantine_ends_with_2(judged: Path, federation: Command) -> None:
    for arguments in (
        ("drop", "north", "Customer", "one", "--json"),
        ("drop", "nrth", "Customer", "one", "--yes"),
        ("drop", "*", "Customer", "one", "--yes"),
        ("drop", "north", "Customer"),
        ("show", "north", "Customer"),
        ("list", "--limit", "-1"),
    ):
        assert federation("quarantine", *arguments).exit_code == 2


def test_satellites_on_lakes_of_their_own_are_replayed_and_dropped_there(
    settings_file: Path, federation: Command, sites: Sites
) -> None:
    text = settings_file.read_text().replace("validation: off", "lake: {IN: lake-in, EU: lake-eu}")
    settings_file.write_text(text.replace(", Sales Invoice", ""))
    folder = settings_file.parent / "expectations"
    folder.mkdir()
    (folder / "customer.yaml").write_text(NO_DASH)
    for site in ("north", "south"):
        for name in ODD:
            customer(sites, name, site)
    assert federation("sync").exit_code == 0
    for site in ("north", "south"):
        sites[site].documents.sql_update("Customer", {"name": ODD[0]}, {"territory": "here"})
    told = answered(federation, "replay", *ODD)["doctypes"]
    assert [(one["satellite"], one["accepted"], one["rejected"]) for one in told] == [("north", 1, 1), ("south", 1, 1)]
    for site in ("north", "south"):
        assert answered(federation, "drop", site, "Customer", ODD[1], "--yes")["dropped"] == [ODD[1]]
    assert answered(federation, "list") == {"counts": [], "faults": []}
    assert json.loads(federation("mothership", "check", "--json").stdout)["findings"] == []


def test_a_replay_that_was_killed_between_its_commit_and_the_merge_goes_on(
    judged: Path, federation: Command, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer(sites, "one")
    assert federation("sync").exit_code == 0
    sites["north"].documents.sql_update("Customer", {"name": "one"}, {"territory": "here"})

    def killed(*_: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr("federation.mothership.duckdb.mothership.DuckdbMothership.merge", killed)
        assert federation("quarantine", "replay").exit_code == 137
    assert len(answered(federation, "list")["faults"]) == 1
    (told,) = answered(federation, "replay")["doctypes"]
    assert (told["accepted"], told["rejected"]) == (1, 0)
    assert answered(federation, "list")["faults"] == []


def test_what_a_satellite_says_steers_no_terminal(judged: Path, federation: Command, sites: Sites) -> None:
    nasty = "-\x1b]0;owned\x07 [bold]\u202e"
    customer(sites, "nasty", territory=nasty)
    assert federation("sync").exit_code == 0
    for arguments in (("list",), ("show", "north", "Customer", "nasty"), ("drop", "north", "Customer", "nasty")):
        shown = federation("quarantine", *arguments, stdin="n\n").output
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "[bold]" in federation("quarantine", "list").stdout
    assert answered(federation, "list")["faults"][0]["value"] == nasty
    assert "\x1b" not in federation("quarantine", "show", "north", "Customer", "nasty", "--json").stdout


def test_behind_what_an_expectation_holds_back_it_waits_and_that_is_said(
    judged: Path, federation: Command, sites: Sites
) -> None:
    for name in ("mended", "dropped"):
        customer(sites, name)
    assert federation("sync").exit_code == 0
    rules = judged.parent / "expectations" / "customer.yaml"
    rules.write_text(f"{NO_DASH}\n{NO_DASH.replace('^-', '[?]').replace('reject', 'halt')}")
    customer(sites, "held", territory="?")
    federation("sync")
    sites["north"].documents.sql_update("Customer", {"name": "mended"}, {"territory": "here"})
    (told,) = answered(federation, "replay", "mended", status=1)["doctypes"]
    assert (told["accepted"], told["unread"]) == (0, 1)
    assert "federation release" in told["error"]
    waiting = answered(federation, "drop", "north", "Customer", "dropped", "--yes", status=1)
    assert "federation release" in waiting["error"]
    assert len(answered(federation, "list")["faults"]) == 2
    assert federation("release", "north", "Customer").exit_code == 0
    assert federation("sync").exit_code == 0
    assert answered(federation, "list")["faults"] == []

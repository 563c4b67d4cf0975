"""`federation policy report`: what leaves each satellite, for whoever answers for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command

from federation.demo.site.faults import Fault, FaultPlan
from federation.demo.site.server import RunningSite

POLICY = """policy:
  - {doctype: Customer, field: tax_id, action: mask, show: last 4}
  - {satellite: north, fieldtype: Text Editor, action: drop}
  - {doctype: Sales Invoice, field: taxes, action: drop}
  - {doctype: Customer, field: customer_name, action: hash, key: env:NO_SUCH_KEY}
"""
LEFT_OUT = "  - {doctype: Customer, field: customer_name, action: hash, key: env:NO_SUCH_KEY}\n"
NOTHING = "policy: []\n"


@dataclass
class Watch(FaultPlan):
    """Takes note of every request."""

    requests: list[str] = field(default_factory=list)

    def take(self, request: str) -> Fault | None:
        self.requests.append(request)
        return None


def told(federation: Command, *arguments: str) -> dict[str, Any]:
    return json.loads(federation("policy", "report", "--json", *arguments).stdout)  # type: ignore[no-any-return]


def fields(report: dict[str, Any], doctype: str, satellite: str = "north") -> dict[str, dict[str, Any]]:
    [one] = [one for one in report["satellites"] if one["satellite"] == satellite]
    [fates] = [fates for fates in one["doctypes"] if fates["doctype"] == doctype]
    assert sum(fates["counts"].values()) == len(fates["fields"])
    return {field["fieldname"]: field for field in fates["fields"]}


def add(settings_file: Path, text: str) -> None:
    plain = settings_file.read_text().partition("policy:")[0]
    settings_file.write_text(plain + text)


@pytest.fixture
def read(settings_file: Path, federation: Command) -> Path:
    add(settings_file, NOTHING)
    assert federation("sync", "-s", "north").exit_code == 0
    return settings_file


def test_every_field_is_told_with_the_rule_that_decides(read: Path, federation: Command) -> None:
    add(read, POLICY)
    report = told(federation)
    customer = fields(report, "Customer")
    assert (customer["name"]["action"], customer["name"]["rule"]) == ("keep", "it identifies the document")
    assert (customer["tax_id"]["action"], customer["tax_id"]["shows"]) == ("mask", "last 4")
    assert customer["tax_id"]["rule"] == "policy[1] {doctype: Customer, field: tax_id, action: mask, show: last 4}"
    assert customer["customer_name"]["action"] == "hash"
    assert customer["image"]["action"] == "drop"
    assert "dropped unless a rule names it" in customer["image"]["rule"]
    assert fields(report, "Sales Invoice")["taxes"]["action"] == "drop"


def test_rows_that_stay_at_the_site_are_told_as_dropped(read: Path, federation: Command) -> None:
    add(read, POLICY.replace(LEFT_OUT, ""))
    child = fields(told(federation), "Sales Taxes and Charges")
    assert {field["action"] for field in child.values()} == {"drop"}
    assert "its rows stay at the site: policy[3]" in child["name"]["rule"]
    assert not any(field["older"] for field in child.values())
    table = fields(told(federation), "Sales Invoice")["taxes"]
    assert (table["older"], table["older_in"]) == ("clear", ["lake", "mothership"])
    assert federation("sync", "-s", "north").exit_code == 0
    assert fields(told(federation), "Sales Invoice")["taxes"]["older"] == "clear"


def test_a_satellite_that_was_never_read_says_so(read: Path, federation: Command) -> None:
    shown = federation("policy", "report", "-s", "south")
    assert (shown.exit_code, "south: it was never read" in shown.stderr) == (0, True)
    assert [(one["satellite"], one["as_of"]) for one in told(federation, "-s", "south")["satellites"]] == [
        ("south", None)
    ]


def test_no_site_is_asked_and_no_key_is_needed(read: Path, federation: Command, sites: dict[str, RunningSite]) -> None:
    add(read, POLICY)
    watch = Watch()
    for site in sites.values():
        site.app.faults = watch
    assert federation("policy", "report").exit_code == 0
    assert watch.requests == []


def test_columns_where_older_values_may_still_lie_are_named(read: Path, federation: Command) -> None:
    add(read, POLICY.replace(LEFT_OUT, "") + "  - {doctype: Customer, field: territory, action: drop}\n")
    edited = fields(told(federation), "Customer")
    assert (edited["tax_id"]["older"], edited["tax_id"]["older_in"]) == ("clear", ["lake", "mothership"])
    assert federation("sync", "-s", "north").exit_code == 0
    patched = fields(told(federation), "Customer")
    assert (patched["tax_id"]["older"], patched["tax_id"]["older_in"]) == ("clear", ["lake"])
    assert (patched["territory"]["older"], patched["territory"]["older_in"]) == ("clear", ["lake"])
    assert (patched["customer_name"]["older"], patched["image"]["older"]) == ("", "")
    shown = federation("policy", "report")
    assert "Customer.territory: older values in clear may still lie in the lake" in shown.stderr
    in_clear = "SELECT count(*) AS clear FROM customer WHERE tax_id <> '' AND tax_id NOT LIKE '…%'"
    clear = federation("query", in_clear, "--json")
    assert json.loads(clear.stdout) == [{"clear": 0}]


def test_what_stays_on_the_lake_is_told_with_its_own_rule(read: Path, federation: Command) -> None:
    at = "{doctype: Customer, field: territory, action: drop, at: mothership}"
    add(read, f"policy: [{at}, {{doctype: Sales Invoice, field: taxes, action: drop, at: mothership}}]\n")
    report = told(federation)
    territory = fields(report, "Customer")["territory"]
    assert (territory["action"], territory["at_mothership"]) == ("keep", "drop")
    assert (territory["rule"], territory["rule_at_mothership"]) == ("no rule matches", f"policy[1] {at}")
    child = fields(report, "Sales Taxes and Charges")["rate"]
    assert (child["action"], child["at_mothership"]) == ("keep", "drop")
    assert "its rows stay on the lake: policy[2]" in child["rule_at_mothership"]
    assert "territory" in federation("policy", "report").stdout


def test_what_repeats_hashed_names_is_named(
    settings_file: Path, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMES", "a key to hash names with")
    hashing = "{doctype: Customer, field: name, action: hash, key: env:NAMES}"
    add(settings_file, f"policy: [{hashing}]\n")
    said = "names of Customer are hashed, and Customer.customer_name repeats them"
    assert said in " ".join(federation("check", "-s", "north").output.split())
    assert federation("sync", "-s", "north").exit_code == 0
    assert said in " ".join(federation("policy", "report", "-s", "north").stderr.split())
    report = told(federation, "-s", "north")
    assert (fields(report, "Customer")["name"]["action"], fields(report, "Customer")["name"]["rule"]) == (
        "hash",
        f"policy[1] {hashing.partition(', key')[0]}}}",
    )
    link = fields(report, "Sales Invoice")["customer"]
    assert (link["action"], link["rule"][:34]) == ("hash", "it links to Customer: policy[1] {d")
    add(settings_file, f"policy: [{hashing}, {{doctype: Customer, field: customer_name, action: drop}}]\n")
    assert said not in " ".join(federation("policy", "report", "-s", "north").stderr.split())


@pytest.mark.parametrize(
    "rule",
    [
        "{field: name, action: hash, key: env:NAMES}",
        "{doctype: 'Cust*', field: name, action: hash, key: env:NAMES}",
        "{doctype: Customer, field: name, action: hash, key: env:NAMES, at: mothership}",
        "{doctype: DocType, field: name, action: hash, key: env:NAMES}",
        "{doctype: Customer, field: name, action: mask, show: last 4}",
    ],
)
def test_rules_about_names_that_cant_be_kept_are_refused(settings_file: Path, federation: Command, rule: str) -> None:
    add(settings_file, f"policy: [{rule}]\n")
    assert federation("policy", "report").exit_code == 2


def test_what_is_altered_as_it_leaves_the_site_cant_be_altered_later(settings_file: Path, federation: Command) -> None:
    add(settings_file, "policy: [{field: territory, action: mask, show: last 4, at: mothership}]\n")
    refused = federation("policy", "report")
    assert refused.exit_code == 2
    assert "remove `at`" in " ".join(refused.stderr.split())


def test_the_table_lists_what_is_not_taken_as_it_is_and_everything_where_asked(read: Path, federation: Command) -> None:
    add(read, POLICY)
    shown, everything = federation("policy", "report").stdout, federation("policy", "report", "--all").stdout
    assert "mask: last 4" in shown
    assert "no rule matches" not in shown
    assert "no rule matches" in everything


class Page(HTMLParser):
    """What a page says, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said, self.tags = "", list[str]()
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.said += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [value for name, value in attrs if name in ("src", "action", "onload") or "//" in (value or "")]


def test_the_page_stands_on_its_own_and_runs_nothing_of_a_site(
    read: Path, federation: Command, sites: dict[str, RunningSite], tmp_path: Path
) -> None:
    label = "<script>alert('label')</script>"
    sites["north"].store.add_custom_field("Customer", {"fieldname": "odd", "fieldtype": "Data", "label": label})
    federation("sync", "-s", "north", "-d", "Customer")
    add(read, POLICY)
    file = tmp_path / "report.html"
    assert federation("policy", "report", "--html", str(file)).exit_code == 0
    page = Page(file.read_text())
    assert label in page.said
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    for words in ("policy[1] {doctype: Customer", "It was never read", "shows last 4"):
        assert words in page.said


def test_what_was_held_back_from_the_first_reading_on_lies_nowhere(settings_file: Path, federation: Command) -> None:
    add(settings_file, POLICY.replace(LEFT_OUT, ""))
    assert federation("sync", "-s", "north").exit_code == 0
    report = told(federation)
    listed = [each for one in report["satellites"] for fates in one["doctypes"] for each in fates["fields"]]
    assert {each["action"] for each in listed} == {"keep", "mask", "drop"}
    assert not [each for each in listed if each["older"]]

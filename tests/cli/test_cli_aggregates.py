"""Aggregates through the command: groups in the mothership where documents stay at their site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command, Write

from federation.demo.site.server import RunningSite

SALES = "Sales by month"
PLAIN = """
satellites:
  north: {{url: "{north}", credentials: env:NORTH, jurisdiction: IN}}
  south: {{url: "{south}", credentials: env:SOUTH, jurisdiction: EU}}
doctypes: [Company, "Sales I*"]
publish_seconds: 0
"""
AGGREGATE = f"""
aggregates:
  - name: {SALES}
    doctype: Sales Invoice
    jurisdictions: [EU]
    by: [company, posting_date: month, docstatus]
    sum: [grand_total]
    at_least: 2
"""


@pytest.fixture
def settings_file(sites: dict[str, RunningSite], write: Write) -> Path:
    return write(PLAIN.format(north=sites["north"].url, south=sites["south"].url) + AGGREGATE)


def asked(federation: Command, sql: str) -> list[dict[str, Any]]:
    return json.loads(federation("query", "--json", sql).stdout)  # type: ignore[no-any-return]


def truth(site: RunningSite) -> list[tuple[Any, ...]]:
    sql = """
        SELECT company, substr(posting_date, 1, 7) || '-01', docstatus, count(*), round(sum(grand_total), 6)
        FROM "tabSales Invoice" GROUP BY 1, 2, 3 HAVING count(*) >= 2 ORDER BY 1, 2, 3
    """
    return [tuple(row) for row in site.store.connection().execute(sql)]


@pytest.mark.usefixtures("settings_file")
def test_everything_behind_takes_groups_for_documents(federation: Command, sites: dict[str, RunningSite]) -> None:
    assert federation("sync").exit_code == 0
    rows = asked(
        federation, "SELECT company, posting_date, docstatus, documents, grand_total FROM sales_by_month ORDER BY ALL"
    )
    found = [
        (row["company"], row["posting_date"], row["docstatus"], row["documents"], round(float(row["grand_total"]), 6))
        for row in rows
    ]
    assert found == truth(sites["south"])
    assert asked(federation, "SELECT DISTINCT satellite FROM sales_invoice") == [{"satellite": "north"}]
    for check in (["mothership", "check"], ["rebuild"], ["mothership", "check"], ["integrity"], ["status"]):
        result = federation(*check)
        assert result.exit_code == 0, result.output
    described = asked(
        federation, "SELECT column_name, label FROM federation_dictionary WHERE table_name = 'sales_by_month'"
    )
    assert {row["column_name"]: row["label"] for row in described}["grand_total"] == "Grand Total, sum"


@pytest.mark.usefixtures("settings_file")
def test_the_name_of_a_doctype_stands_for_its_aggregates(federation: Command) -> None:
    outcome = json.loads(federation("sync", "--json", "-d", "Sales Invoice").stdout)
    read = {one["satellite"]: [each["doctype"] for each in one["doctypes"]] for one in outcome["satellites"]}
    assert read == {"north": ["Sales Invoice"], "south": [SALES]}
    again = json.loads(federation("sync", "--json", "-d", SALES).stdout)
    assert [one["satellite"] for one in again["satellites"]] == ["south"]


@pytest.mark.usefixtures("settings_file")
def test_a_check_asks_for_groups_and_the_access_plan_for_their_permission(
    federation: Command, sites: dict[str, RunningSite]
) -> None:
    report = json.loads(federation("check", "--json").stdout)
    [south] = [one for one in report["satellites"] if one["satellite"] == "south"]
    assert south["ok"]
    assert SALES in south["doctypes"]
    [(invoices,)] = sites["south"].store.connection().execute('SELECT count(*) FROM "tabSales Invoice"')
    assert south["documents"][SALES] == invoices
    plan = json.loads(federation("access", "--json", "south").stdout)["satellites"][0]
    assert [rule["doctype"] for rule in plan["rules"]] == ["Company", "Sales Invoice"]


def test_the_policy_report_tells_of_aggregates_and_of_what_was_read_before(
    federation: Command, sites: dict[str, RunningSite], write: Write, tmp_path: Path
) -> None:
    plain = PLAIN.format(north=sites["north"].url, south=sites["south"].url)
    write(plain)
    assert federation("sync", "-s", "south").exit_code == 0
    write(plain + AGGREGATE)
    before = fates(federation)["Sales Invoice"]
    assert before["rule"].startswith(
        "its documents stay at the site: aggregates[1] {doctype: Sales Invoice; by: company"
    )
    assert {field["action"] for field in before["fields"]} == {"drop"}
    total = next(field for field in before["fields"] if field["fieldname"] == "grand_total")
    assert (total["older"], total["older_in"]) == ("clear", ["lake", "mothership"])
    assert federation("sync", "-s", "south").exit_code == 0
    after = fates(federation)
    assert after["Sales Invoice Item"]["counts"]["keep"] == 0
    assert after[SALES]["rule"].endswith("sum: grand_total; at_least: 2}")
    assert [field["fieldname"] for field in after[SALES]["fields"]] == [
        "name",
        "company",
        "posting_date",
        "docstatus",
        "documents",
        "grand_total",
    ]
    page = tmp_path / "report.html"
    assert federation("policy", "report", "--html", str(page)).exit_code == 0
    assert "its documents stay at the site: aggregates[1]" in page.read_text()


@pytest.mark.usefixtures("settings_file")
def test_the_policy_report_tells_of_documents_that_were_never_read(federation: Command) -> None:
    federation("sync", "-s", "south")
    assert "documents stay at the site" in fates(federation)["Sales Invoice"]["rule"]


def fates(federation: Command) -> dict[str, dict[str, Any]]:
    report = json.loads(federation("policy", "report", "--json").stdout)
    [south] = [one for one in report["satellites"] if one["satellite"] == "south"]
    return {one["doctype"]: one for one in south["doctypes"]}

"""A mapping, from the settings to what the commands show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_process import Command, Write

from federation.demo.site.server import RunningSite

MAPPING = """
      - doctype: Customer
        becomes: Client
        fields: {customer_name: client_name}
        constants: {region: South}
"""


@pytest.fixture
def mapped(sites: dict[str, RunningSite], write: Write) -> Path:
    return write(
        f"""
satellites:
  north: {{url: "{sites["north"].url}", credentials: env:NORTH, doctypes: [Customer]}}
  south:
    url: "{sites["south"].url}"
    credentials: env:SOUTH
    doctypes: [Client, Sales Invoice]
    mapping:{MAPPING}
validation: off
policy:
  - {{doctype: Client, field: client_name, action: drop}}
"""
    )


def test_the_mothership_speaks_the_fleets_names_and_the_policy_too(mapped: Path, federation: Command) -> None:
    assert federation("sync", "-s", "south").exit_code == 0
    asked = federation("query", "--json", "SELECT DISTINCT region FROM client")
    assert json.loads(asked.stdout) == [{"region": "South"}]
    columns = "SELECT fieldname, label FROM federation_dictionary WHERE doctype = 'Client'"
    told = {row["fieldname"]: row["label"] for row in json.loads(federation("query", "--json", columns).stdout)}
    assert told["region"] == "Region"
    assert not {"client_name", "customer_name"} & told.keys()
    links = "SELECT DISTINCT options FROM federation_dictionary WHERE fieldname = 'customer'"
    assert json.loads(federation("query", "--json", links).stdout) == [{"options": "Client"}]


def test_check_and_report_show_what_is_mapped(mapped: Path, federation: Command) -> None:
    checked = federation("check", "-s", "south")
    assert "its Customer is Client: customer_name is client_name; region is always South." in checked.stderr
    assert federation("sync", "-s", "south").exit_code == 0
    report = federation("policy", "report", "-s", "south").stdout
    assert "Client ← Customer" in report
    assert "client_name ← customer_name" in report
    assert "region ← a constant of the settings" in report


def test_who_makes_the_user_reads_the_sites_own_names(mapped: Path, federation: Command) -> None:
    plan = json.loads(federation("access", "south", "--json").stdout)["satellites"][0]
    assert {rule["doctype"] for rule in plan["rules"]} == {"Customer", "Sales Invoice"}
    assert "Client" not in plan["script"]


def test_a_mapping_that_doesnt_fit_names_its_line(mapped: Path, federation: Command) -> None:
    mapped.write_text(mapped.read_text().replace("customer_name: client_name", "custmer_name: client_name"))
    ended = federation("sync", "-s", "south")
    assert ended.exit_code == 1
    said = " ".join((ended.stdout + ended.stderr).split())
    assert (
        "south, Client: satellites.south.mapping[1].fields.custmer_name: Customer has no such field on the site" in said
    )
    assert "Did you mean `customer_name`?" in said


def test_a_mapped_doctype_that_isnt_there_is_told_of_even_if_nothing_reads_it(
    mapped: Path, federation: Command
) -> None:
    mapped.write_text(
        mapped.read_text().replace(
            "    mapping:", "    mapping:\n      - {doctype: Custmer Item, becomes: Client Item}"
        )
    )
    checked = federation("check", "-s", "south")
    assert checked.exit_code == 1
    said = " ".join(checked.stderr.split())
    assert "south, Client Item: satellites.south.mapping[1].doctype: the site has no DocType Custmer Item" in said
    synced = federation("sync", "-s", "south", "--json")
    [south] = json.loads(synced.stdout)["satellites"]
    assert {each["doctype"]: each["status"] for each in south["doctypes"]}["Client Item"] == "failed"

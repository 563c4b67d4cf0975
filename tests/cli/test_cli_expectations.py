"""Expectations of the user's own: what `check`, `sync`, `status` and `release` say of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_process import Command

from federation.demo.site.server import RunningSite

HALT = """
- expect: expect_column_values_to_be_between
  field: grand_total
  max_value: -1
  severity: halt
  satellites: [north]
  reason: Nobody sells anything.
"""


@pytest.fixture
def judged(settings_file: Path) -> Path:
    """The folder of expectations beside the settings, which judge."""
    settings_file.write_text(settings_file.read_text().replace("validation: off", "validation: on"))
    folder = settings_file.parent / "expectations"
    folder.mkdir()
    return folder


def test_a_mistake_stops_everything_and_is_named_with_file_and_line(judged: Path, federation: Command) -> None:
    (judged / "customer.yaml").write_text("- {expect: expect_column_values_to_be_unik, field: name}\n")
    result = federation("sync")
    assert result.exit_code == 2
    assert "customer.yaml" in result.stderr
    assert "line 1" in result.stderr
    assert "did you mean `expect_column_values_to_be_unique`?" in result.stderr


def test_check_names_expectations_that_dont_fit_a_satellite(judged: Path, federation: Command) -> None:
    (judged / "customer.yaml").write_text(
        "- {expect: expect_column_values_to_not_be_null, field: custmer_name, satellites: [north]}\n"
    )
    report = json.loads(federation("check", "--json").stdout)
    north, south = report["satellites"]
    assert south["unreadable"] == {}
    assert "expectations/customer.yaml, line 1" in north["unreadable"]["Customer"]
    assert "Did you mean `customer_name`?" in north["unreadable"]["Customer"]


def test_check_names_files_that_nothing_is_held_against(judged: Path, federation: Command) -> None:
    settings = judged.parent / "federation.yaml"
    settings.write_text(settings.read_text().replace("Customer,", '"Cust*",'))
    for stem in ("customer", "custmer"):
        (judged / f"{stem}.yaml").write_text("- {expect: expect_column_values_to_not_be_null, field: name}\n")
    report = json.loads(federation("check", "--json").stdout)
    assert report["idle_expectations"] == ["expectations/custmer.yaml"]
    assert report["lakes"]
    assert json.loads(federation("check", "-s", "north", "--json").stdout)["idle_expectations"] == []


def test_what_is_halted_is_told_until_it_is_released(
    judged: Path, sites: dict[str, RunningSite], federation: Command
) -> None:
    (judged / "sales_invoice.yaml").write_text(HALT)
    federation("sync")
    told = federation("status")
    assert told.exit_code == 1
    assert "north: Sales Invoice is held back since" in told.stderr
    assert "Nobody sells anything." in told.stderr
    assert 'federation release north "Sales Invoice"' in told.stderr
    report = json.loads(federation("status", "--json").stdout)
    north = next(one for one in report["satellites"] if one["satellite"] == "north")
    invoices = next(one for one in north["doctypes"] if one["doctype"] == "Sales Invoice")
    assert (invoices["state"], invoices["rows"], north["state"]) == ("held", 0, "held")
    assert invoices["held"][0]["rule"] == "expect_column_values_to_be_between"
    assert invoices["waiting"] > 0

    released = federation("release", "north", "Sales Invoice")
    assert released.exit_code == 0
    assert f"{invoices['waiting']:,} documents of Sales Invoice of north in 1 packages are released" in released.stdout
    assert federation("sync").exit_code == 0
    assert federation("status").exit_code == 0
    counted = json.loads(
        federation("query", "--json", "SELECT count(*) AS n FROM sales_invoice WHERE satellite = 'north'").stdout
    )
    assert str(invoices["waiting"]) in json.dumps(counted)


def test_where_nothing_is_held_a_release_says_so(settings_file: Path, federation: Command) -> None:
    federation("sync")
    result = federation("release", "north", "Customer")
    assert result.exit_code == 1
    assert "Nothing of Customer is held back at north" in result.stderr
    wrong = federation("release", "nort", "Customer")
    assert wrong.exit_code == 2
    assert "did you mean `north`?" in wrong.stderr

"""What the checks say of a DocType's outcome."""

from __future__ import annotations

import dagster as dg
import pytest

from assets.checks import expectations_check, merge_check, read_check
from federation.extract.outcome import DocTypeOutcome
from federation.quality import Example, Expectation, ExpectationResult, ValidationReport

KEY = dg.AssetKey(["conformed", "customer"])


def test_a_doctype_that_failed_is_an_error_in_the_words_of_its_error():
    check = read_check(KEY, DocTypeOutcome("Customer", "failed", error="Customer: 403. Give the user the role."))
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.description == "Customer: 403. Give the user the role."


@pytest.mark.parametrize(
    ("missed", "words"),
    [
        ({"quarantined": 1200}, "1,200 documents are in quarantine"),
        ({"hidden": tuple(f"C-{number}" for number in range(25))}, "C-19 and 5 more"),
        ({"refused": ("tax_id",)}, "tax_id"),
        ({"strays": 3}, "3 rows came twice"),
    ],
)
def test_what_was_missed_is_a_warning_that_says_what(missed, words):
    check = read_check(KEY, DocTypeOutcome("Customer", "changed", **missed))
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert words in check.description


def test_documents_that_moved_while_they_were_read_are_told_and_are_no_fault():
    check = read_check(KEY, DocTypeOutcome("Customer", "changed", pending=2))
    assert check.passed
    assert check.metadata["pending"].value == 2


def rows_of(table):
    return [dict(record.data) for record in table.records]


def test_all_expectations_are_a_table_with_counts_and_those_unmet_have_one_of_documents():
    unique = Expectation("expect_column_values_to_be_unique", "Customer", "name", "name", "Names are unique.")
    mandatory = Expectation(
        "expect_column_values_to_not_be_null", "Customer", "city", "city", "City is mandatory.", severity="reject"
    )
    examples = (Example("Ada", ""), Example("B|o\n<b>", "x\0"))
    report = ValidationReport((ExpectationResult(unique, 10, 0), ExpectationResult(mandatory, 10, 2, examples)))
    page = "/lake/north/docs/customer/page.html"
    outcome = DocTypeOutcome("Customer", "changed", reports={"Customer": report}, data_docs=page)
    check = expectations_check(KEY, outcome)
    assert not check.passed
    assert check.description == "1 of 2 expectations are not met."
    assert (check.metadata["failing_rows"].value, check.metadata["rejected_rows"].value) == (2, 2)
    about = {"DocType": "Customer", "rows": 10}
    assert rows_of(check.metadata["rules"]) == [
        {"status": "unmet", "rule": "City is mandatory.", **about, "field": "city", "severity": "reject"}
        | {"failing": 2, "%": "20.00"},
        {"status": "met", "rule": "Names are unique.", **about, "field": "name", "severity": "warn"}
        | {"failing": 0, "%": "0.00"},
    ]
    fault = {"DocType": "Customer", "field": "city", "reason": "City is mandatory.", "severity": "reject"}
    assert rows_of(check.metadata["examples"]) == [
        {"document": "Ada", "value": "", **fault},
        {"document": "B|o\N{REPLACEMENT CHARACTER}<b>", "value": "x\N{REPLACEMENT CHARACTER}", **fault},
    ]
    assert check.metadata["data_docs"].value == page


def test_data_docs_that_could_not_be_written_are_told_and_cost_the_check_nothing():
    rule = Expectation("expect_column_values_to_be_unique", "Customer", "name", "name", "Names are unique.")
    report = ValidationReport((ExpectationResult(rule, 10, 0),))
    failed = "north: its Data Docs were not written"
    outcome = DocTypeOutcome("Customer", "changed", reports={"Customer": report}, data_docs_failure=failed)
    check = expectations_check(KEY, outcome)
    assert check.passed
    assert check.metadata["data_docs"].value == failed
    assert "examples" not in check.metadata


def test_a_merge_that_failed_says_why():
    assert merge_check(KEY).passed
    failed = merge_check(KEY, "north: nothing of Customer was merged: damaged.")
    assert (failed.passed, failed.description) == (False, "north: nothing of Customer was merged: damaged.")

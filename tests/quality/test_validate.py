"""Specification of validation: each rule catches what it is for, lets the rest pass, and names the documents."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, time
from decimal import Decimal

import pyarrow as pa
import pytest

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME
from federation.quality import Expectation, ValidationReport, expectations_of, validate


def judged(
    cells: list[object], fieldtype: str, arrow: pa.DataType, *, fieldname: str = "field", **told: object
) -> ValidationReport:
    """Judge one column, in documents named a, b, c, … by the rules that follow from its metadata."""
    column = Column(fieldname, arrow, fieldname=fieldname, fieldtype=fieldtype, satellites=("north",), **told)
    table = pa.table(
        {"name": pa.array([chr(97 + row) for row in range(len(cells))], TEXT), fieldname: pa.array(cells, arrow)}
    )
    return validate(table, expectations_of(TableContract("ToDo", (column,)), frappe_major=15))


@pytest.mark.parametrize(
    ("cell", "fieldtype", "arrow"),
    [
        ("x", "Data", TEXT),
        (0, "Int", INTEGER),
        (Decimal("0.000000001"), "Currency", MONEY),
        (date(9999, 12, 31), "Date", DATE),
        (0, "Datetime", DATETIME),
        (time(0, 0), "Time", TIME),
    ],
)
def test_a_missing_mandatory_value_is_caught_in_every_type_and_a_present_one_passes(cell, fieldtype, arrow):
    report = judged([cell, None, cell, None], fieldtype, arrow, mandatory=True)
    missing = report.results[0]
    assert (missing.rows, missing.failing, missing.percent, missing.documents) == (4, 2, 50.0, ("b", "d"))
    assert report.failed == (missing,)
    assert judged([cell, cell], fieldtype, arrow, mandatory=True).passed


def test_a_mandatory_column_of_nulls_fails_as_a_whole():
    report = judged([None] * 7, "Link", TEXT, mandatory=True)
    assert [(result.failing, result.percent, result.documents) for result in report.failed] == [
        (7, 100.0, tuple("abcde"))
    ]


def test_an_empty_text_in_a_mandatory_field_is_caught_once():
    report = judged(["x", "", None], "Data", TEXT, mandatory=True)
    assert [(result.failing, result.documents) for result in report.results] == [(1, ("c",)), (1, ("b",))]


def test_a_value_that_is_no_option_is_caught_and_an_absent_one_passes():
    (result,) = judged(["Open", "open", "", None, "Lost"], "Select", TEXT, options="Open\nClosed").results
    assert (result.rows, result.failing, result.documents) == (5, 2, ("b", "e"))
    assert judged([None, None], "Select", TEXT, options="Open").passed


def test_an_empty_mandatory_select_is_caught():
    report = judged(["Open", "", None], "Select", TEXT, options="\nOpen", mandatory=True)
    assert [result.documents for result in report.failed] == [("c",), ("b",)]


def test_a_docstatus_of_three_is_caught():
    (result,) = judged([0, 1, 2, 3], "Check", FLAG, fieldname="docstatus").results
    assert (result.failing, result.documents) == (1, ("d",))


def test_a_check_of_two_is_caught():
    (result,) = judged([0, 1, None, 2, -1], "Check", FLAG).results
    assert (result.failing, result.documents) == (2, ("d", "e"))


@pytest.mark.parametrize(
    ("cells", "fieldtype", "arrow"),
    [
        ([0, 1, -1, None], "Int", INTEGER),
        ([Decimal(0), Decimal("0.5"), Decimal("-0.000000001"), None], "Currency", MONEY),
    ],
)
def test_a_negative_number_is_caught_to_the_last_decimal(cells, fieldtype, arrow):
    (result,) = judged(cells, fieldtype, arrow, non_negative=True).results
    assert (result.rows, result.failing, result.documents) == (4, 1, ("c",))


def test_a_rating_above_one_is_caught():
    (result,) = judged([Decimal(0), Decimal("0.8"), Decimal(1), Decimal(4)], "Rating", MONEY).results
    assert (result.failing, result.documents) == (1, ("d",))


NAMES_ARE_UNIQUE = Expectation(
    "expect_column_values_to_be_unique", "ToDo", "name", "name", "No two rows have the same ID."
)


def test_a_name_that_stands_twice_is_caught_and_named_once():
    table = pa.table({"name": ["a", "b", "a", "A", "b", "a"]})
    (result,) = validate(table, [NAMES_ARE_UNIQUE]).results
    assert (result.failing, result.documents) == (5, ("a", "b"))


def test_failing_child_rows_are_told_by_the_documents_that_own_them():
    qty = Expectation("expect_column_values_to_be_between", "ToDo Item", "qty", "qty", "…", {"min_value": 0})
    table = pa.table({"name": [str(row) for row in range(40)], "parent": ["a"] * 30 + ["b"] * 10, "qty": [-1] * 40})
    (result,) = validate(table, [qty], document="parent").results
    assert (result.failing, result.documents) == (40, ("a", "b"))


def test_as_many_documents_are_named_as_asked_for():
    report = validate(pa.table({"name": ["a"] * 2 + ["b"] * 2 + ["c"] * 2}), [NAMES_ARE_UNIQUE], examples=2)
    assert report.results[0].documents == ("a", "b")
    assert validate(pa.table({"name": ["a", "a"]}), [NAMES_ARE_UNIQUE], examples=0).results[0].documents == ()


def test_results_stand_in_the_order_of_the_expectations():
    def expect(rule: str, column: str) -> Expectation:
        return Expectation(f"expect_column_values_to_{rule}", "ToDo", column, column, "…")

    suite = [expect("not_be_null", "b"), expect("be_unique", "a"), expect("not_be_null", "a"), expect("be_unique", "b")]
    table = pa.table({"name": ["x", "y"], "a": ["1", "1"], "b": ["1", None]})
    assert [(result.expectation, result.failing) for result in validate(table, suite).results] == list(
        zip(suite, [1, 2, 0, 0], strict=True)
    )


@pytest.mark.parametrize(
    "fieldname",
    [
        "`x`; DROP TABLE",
        '"quoted"',
        "a b",
        "../etc",
        "$PARAMETER",
        "{}",
        "column",
        "index",
        "ß\N{SNAKE}",
        "\n",
        "x" * 10_000,
    ],
)
def test_a_column_may_have_any_name(fieldname):
    (result,) = judged([0, 1, 5], "Check", FLAG, fieldname=fieldname).results
    assert (result.failing, result.documents, result.error) == (1, ("c",), "")


def test_two_columns_may_differ_in_case_only():
    suite = [Expectation("expect_column_values_to_not_be_null", "ToDo", column, column, "…") for column in ("A", "a")]
    report = validate(pa.table({"name": ["x", "y"], "A": [None, "1"], "a": ["1", "1"]}), suite)
    assert [result.failing for result in report.results] == [1, 0]


def test_rows_in_many_chunks_are_named_rightly():
    table = pa.concat_tables([pa.table({"name": [f"n{row}"], "field": pa.array([row % 5], FLAG)}) for row in range(20)])
    column = Column("field", FLAG, fieldname="field", fieldtype="Check", satellites=("north",))
    (result,) = validate(table, expectations_of(TableContract("ToDo", (column,)))).results
    assert (result.failing, result.documents) == (12, ("n2", "n3", "n4", "n7", "n8"))


def test_a_column_that_the_site_refused_has_no_result():
    absent = Expectation("expect_column_values_to_not_be_null", "ToDo", "salary", "salary", "…")
    report = validate(pa.table({"name": ["a"]}), [absent, NAMES_ARE_UNIQUE])
    assert [result.expectation for result in report.results] == [NAMES_ARE_UNIQUE]


def test_a_rule_that_can_not_be_judged_does_not_pass_and_hides_no_other():
    senseless = Expectation("expect_column_values_to_be_between", "ToDo", "name", "name", "…", {"min_value": 0})
    report = validate(pa.table({"name": ["a", "b"]}), [senseless, NAMES_ARE_UNIQUE])
    failed, passed = report.results
    assert not failed.passed
    assert not report.passed
    assert (failed.rows, failed.failing) == (0, 0)
    assert "same type" in failed.error
    assert (passed.rows, passed.passed) == (2, True)


def test_each_call_judges_its_own_rows():
    first = validate(pa.table({"name": ["a", "a"]}), [NAMES_ARE_UNIQUE])
    second = validate(pa.table({"name": ["a", "b", "c"]}), [NAMES_ARE_UNIQUE])
    assert [(report.results[0].rows, report.passed) for report in (first, second)] == [(2, False), (3, True)]


def test_nothing_is_printed(capfd):
    judged([0, 1, 2], "Check", FLAG)
    assert capfd.readouterr() == ("", "")


LAZY = """
import sys
import pyarrow as pa
from federation.quality import Expectation, validate

unique = Expectation("expect_column_values_to_be_unique", "ToDo", "name", "name", "")
report = validate(pa.table({"name": pa.array([], pa.string())}), [unique])
assert report.passed and [result.rows for result in report.results] == [0]
assert validate(pa.table({"name": ["a"]}), []).results == ()
assert "great_expectations" not in sys.modules
"""


def test_the_engine_is_imported_only_when_there_are_rows_to_judge():
    subprocess.run([sys.executable, "-c", LAZY], check=True)

"""Specification of the suite: of a DocType's rows is expected what Frappe enforces, and nothing else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, WIDE_NUMBER
from federation.quality import Expectation, expectations_of


def field(fieldname: str, fieldtype: str, arrow: pa.DataType, **told: object) -> Column:
    return Column(
        fieldname, arrow, **{"fieldname": fieldname, "fieldtype": fieldtype, "satellites": ("north",), **told}
    )


def rules(column: Column, **given: object) -> list[tuple[str, dict[str, object]]]:
    expectations = expectations_of(TableContract("ToDo", (column,)), **given)
    assert all(
        (each.doctype, each.column, each.fieldname) == ("ToDo", column.name, column.fieldname) for each in expectations
    )
    assert all(each.reason for each in expectations)
    return [(each.type.removeprefix("expect_column_"), dict(each.arguments)) for each in expectations]


def test_names_are_unique():
    assert rules(field("name", "Data", TEXT)) == [("values_to_be_unique", {})]


def test_docstatus_is_draft_submitted_or_cancelled_although_the_contract_keeps_it_as_a_check():
    assert rules(field("docstatus", "Check", FLAG)) == [("values_to_be_in_set", {"value_set": [0, 1, 2]})]


@pytest.mark.parametrize("arrow", [FLAG, INTEGER])
def test_a_check_is_zero_or_one_even_where_it_was_an_int_before(arrow):
    assert rules(field("disabled", "Check", arrow)) == [("values_to_be_in_set", {"value_set": [0, 1]})]


@pytest.mark.parametrize(("fieldtype", "arrow"), [("Date", DATE), ("Currency", MONEY), ("Int", INTEGER)])
def test_a_mandatory_field_is_not_null(fieldtype, arrow):
    assert rules(field("due", fieldtype, arrow, mandatory=True)) == [("values_to_not_be_null", {})]


def test_an_empty_text_is_missing_too():
    assert rules(field("account", "Link", TEXT, mandatory=True)) == [
        ("values_to_not_be_null", {}),
        ("value_lengths_to_be_between", {"min_value": 1}),
    ]


def test_a_select_is_one_of_its_options_or_empty():
    column = field("status", "Select", TEXT, options="\nOpen\n Closed \r\nOpen\n")
    assert rules(column) == [("values_to_be_in_set", {"value_set": ["Open", "Closed", ""]})]


def test_a_mandatory_select_is_one_of_its_options():
    column = field("status", "Select", TEXT, options="\nOpen\nClosed", mandatory=True)
    assert rules(column) == [("values_to_not_be_null", {}), ("values_to_be_in_set", {"value_set": ["Open", "Closed"]})]


@pytest.mark.parametrize("options", ["", "\n\n", " \n ", "[Select]", "Loading..."])
def test_a_select_without_options_of_its_own_takes_anything_as_frappe_does(options):
    assert rules(field("reference", "Select", TEXT, options=options)) == []


def test_a_naming_series_takes_anything_as_frappe_does():
    assert rules(field("naming_series", "Select", TEXT, options="INV-.####")) == []


def test_options_of_a_link_are_a_doctype_and_no_set():
    assert rules(field("customer", "Link", TEXT, options="Customer")) == []


def test_an_altered_select_is_not_compared_with_its_options_but_must_be_there():
    column = field("gender", "Select", TEXT, options="A\nB", mandatory=True)
    assert rules(column, altered={"gender"}) == [("values_to_not_be_null", {})]


@pytest.mark.parametrize(("fieldtype", "arrow"), [("Int", INTEGER), ("Float", MONEY), ("Currency", WIDE_NUMBER)])
def test_a_non_negative_number_is_at_least_zero(fieldtype, arrow):
    assert rules(field("qty", fieldtype, arrow, non_negative=True)) == [("values_to_be_between", {"min_value": 0})]


@pytest.mark.parametrize("fieldtype", ["Percent", "Duration"])
def test_non_negative_is_not_expected_of_fieldtypes_that_frappe_does_not_check(fieldtype):
    assert rules(field("share", fieldtype, MONEY, non_negative=True)) == []


@pytest.mark.parametrize("major", [14, 15])
def test_a_rating_is_a_share_of_one_since_frappe_14(major):
    assert rules(field("stars", "Rating", MONEY), frappe_major=major) == [
        ("values_to_be_between", {"min_value": 0, "max_value": 1})
    ]


@pytest.mark.parametrize("major", [13, None])
def test_a_rating_that_may_count_stars_is_not_judged(major):
    assert rules(field("stars", "Rating", MONEY), frappe_major=major) == []


@pytest.mark.parametrize(
    "told", [{"fieldtype": "Check"}, {"fieldtype": "Int", "non_negative": True}, {"fieldtype": "Rating"}]
)
def test_numbers_that_are_kept_as_text_are_not_judged_as_numbers(told):
    assert rules(field("once_text", **{"arrow": TEXT, **told}), frappe_major=15) == []


def test_a_field_that_is_gone_is_not_judged():
    assert rules(field("old", "Data", TEXT, mandatory=True, satellites=())) == []


def test_our_own_columns_are_not_judged():
    columns = (
        Column("satellite", TEXT),
        Column("observed", DATETIME),
        field("sent_utc", "Datetime", DATETIME, mandatory=True, utc_of="sent"),
    )
    assert expectations_of(TableContract("ToDo", columns)) == []


def test_a_reason_stays_readable_with_a_thousand_long_options():
    options = "\n".join(f"{number:04} {'long ' * 100}" for number in range(1_000))
    (expectation,) = expectations_of(
        TableContract("ToDo", (field("status", "Select", TEXT, options=options, label="Status"),))
    )
    assert expectation.reason.startswith("Status is one of its options: 0000 long")
    assert expectation.reason.endswith("and 995 more.")
    assert len(expectation.reason) < 300


def test_an_expectation_identifies_its_results():
    def expectation() -> Expectation:
        return Expectation(
            "expect_column_values_to_be_in_set", "ToDo", "status", "status", "…", {"value_set": ["Open"]}
        )

    assert {expectation(): 1}[expectation()] == 1

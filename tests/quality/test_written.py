"""Expectations of the user's own meet a satellite's table: what they catch in each type, and what they can't judge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME
from federation.quality import UnfitExpectation, bound_to, judge
from federation.settings.expectations import WrittenExpectation

BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOT_IN_SET = "expect_column_values_to_not_be_in_set"
NOT_NULL = "expect_column_values_to_not_be_null"
NULL = "expect_column_values_to_be_null"
REGEX = "expect_column_values_to_match_regex"
LENGTH = "expect_column_value_lengths_to_be_between"
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
EQUAL = "expect_column_pair_values_to_be_equal"
STRFTIME = "expect_column_values_to_match_strftime_format"
PAIRS = "expect_column_pair_values_to_be_in_set"


def written(expect: str, fields: Sequence[str], **arguments: object) -> WrittenExpectation:
    return WrittenExpectation(expect, tuple(fields), arguments, "reject", (), "", "", "expectations/todo.yaml, line 1")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def table(**columns: pa.DataType) -> TableContract:
    kinds = {TEXT: "Data", INTEGER: "Int", FLAG: "Check", MONEY: "Currency", DATE: "Date", DATETIME: "Datetime"}
    own = (
        Column(name, kind, fieldname=name, fieldtype=kinds.get(kind, "Time"), satellites=("north",))
        for name, kind in columns.items()
    )
    return TableContract("ToDo", tuple(own))


def bound(contract: TableContract, expectation: WrittenExpectation, **told: Sequence[str]) -> object:
    read = [column.name for column in contract.columns]
    return bound_to(contract, expectation, **{"read": read, "withheld": (), "altered": (), "hashed": ()} | told)


def failing(kind: pa.DataType, cells: list[object], expect: str, **arguments: object) -> list[int]:
    """The rows of a column that a rule rejects."""
    rule = bound(table(a=kind), written(expect, ["a"], **arguments))
    rows = pa.table({"name": pa.array(map(str, range(len(cells))), TEXT), "a": pa.array(cells, kind)})
    judgement = judge(rows, [rule])
    assert not judgement.report.results[0].error
    return judgement.failing[rule].to_pylist() if judgement.failing else []


@pytest.mark.parametrize(
    ("kind", "cells", "expect", "arguments"),
    [
        (INTEGER, [1, -1, None, 2**62], BETWEEN, {"min_value": 0}),
        (INTEGER, [1, 0], BETWEEN, {"min_value": 0, "strict_min": True}),
        (MONEY, [Decimal("0.1"), Decimal("-0.000000001"), None], BETWEEN, {"min_value": 0}),
        (MONEY, [Decimal("0.1"), Decimal("0.2")], IN_SET, {"value_set": [0.1, 5]}),
        (FLAG, [0, 1], NOT_IN_SET, {"value_set": [1]}),
        (DATE, [date(2020, 1, 31), date(1, 1, 1), date(2020, 2, 1), None], BETWEEN, {"min_value": "2020-01-31"}),
        (DATE, [date(2020, 1, 1), date(9999, 12, 31)], BETWEEN, {"max_value": "2100-01-01"}),
        (DATE, [date(2020, 1, 31), date(2020, 2, 1)], IN_SET, {"value_set": ["2020-01-31"]}),
        (DATETIME, [instant("2020-01-31"), instant("2019-01-01")], BETWEEN, {"min_value": "2020-01-31"}),
        (DATETIME, [instant("2020-01-01"), instant("9999-12-31")], BETWEEN, {"max_value": "2100-01-01 12:00:00"}),
        (TEXT, ["a", "A", None], IN_SET, {"value_set": ["a"]}),
        (TEXT, ["27ABC", "x"], REGEX, {"regex": "^[0-9]{2}"}),
        (TEXT, ["ok", "long" * 2_500_000, None], LENGTH, {"max_value": 10}),
        (TEXT, ["", None], NOT_NULL, {}),
        (TIME, [time(0), None], NOT_NULL, {}),
        (TIME, [None, time(0)], NULL, {}),
        (TEXT, ["2020-01-31", "31.1.2020"], STRFTIME, {"strftime_format": "%Y-%m-%d"}),
        (TEXT, ["{}", "{"], "expect_column_values_to_be_json_parseable", {}),
    ],
)  # fmt: skip
def test_a_rule_catches_the_second_row_alone(
    kind: pa.DataType, cells: list[object], expect: str, arguments: dict[str, object]
) -> None:
    assert failing(kind, cells, expect, **arguments) == [1]


@pytest.mark.parametrize(
    ("first", "second", "expect", "arguments"),
    [
        ([date(2020, 1, 2), date(2020, 1, 1), None], [date(2020, 1, 1), date(2020, 1, 1), date(2020, 1, 1)], GREATER,
         {"ignore_row_if": "either_value_is_missing"}),
        ([date(2020, 1, 2), date(2020, 1, 1)], [date(2020, 1, 2), date(2020, 1, 2)], EQUAL, {}),
        ([date(2020, 1, 2), date(2020, 1, 1)], [date(2020, 1, 2), date(2020, 1, 2)], PAIRS,
         {"value_pairs_set": [["2020-01-02", "2020-01-02"]]}),
    ],
)  # fmt: skip
def test_a_rule_about_two_fields_catches_the_second_row_alone(
    first: list[object], second: list[object], expect: str, arguments: dict[str, object]
) -> None:
    rule = bound(table(a=DATE, b=DATE), written(expect, ["a", "b"], **arguments))
    names = pa.array(map(str, range(len(first))), TEXT)
    judgement = judge(pa.table({"name": names, "a": pa.array(first, DATE), "b": pa.array(second, DATE)}), [rule])
    assert not judgement.report.results[0].error
    assert judgement.failing[rule].to_pylist() == [1]


@pytest.mark.parametrize(
    ("kind", "expect", "arguments", "told"),
    [
        (TEXT, BETWEEN, {"min_value": 1}, "judges what has an order, and `a` is a Data"),
        (INTEGER, REGEX, {"regex": "x"}, "judges text, and `a` is a Int"),
        (INTEGER, IN_SET, {"value_set": [1, "two"]}, "`a` is a Int, and 'two' isn't one"),
        (TEXT, IN_SET, {"value_set": ["one", 2]}, "`a` is a Data, and 2 isn't one"),
        (TIME, IN_SET, {"value_set": ["12:00:00"]}, "`a` is a Time, and '12:00:00' isn't one"),
        (DATE, BETWEEN, {"min_value": 5}, "`a` is a Date, and 5 is none"),
        (INTEGER, BETWEEN, {"min_value": "2020-01-31"}, "`a` is a Int, and '2020-01-31' isn't one"),
    ],
)
def test_what_doesnt_suit_the_type_is_refused_with_its_place(
    kind: pa.DataType, expect: str, arguments: dict[str, object], told: str
) -> None:
    with pytest.raises(UnfitExpectation, match=r"expectations/todo\.yaml, line 1") as refused:
        bound(table(a=kind), written(expect, ["a"], **arguments))
    assert told in str(refused.value)


def test_fields_of_different_types_cant_be_compared() -> None:
    with pytest.raises(UnfitExpectation, match=r"`a` is a Date and `b` is a Datetime, so one can't be held"):
        bound(table(a=DATE, b=DATETIME), written(GREATER, ["a", "b"]))


def test_a_field_that_isnt_there_is_refused_with_the_nearest_that_is() -> None:
    with pytest.raises(UnfitExpectation, match=r"ToDo has no field `totel` that is read here. Did you mean `total`"):
        bound(table(total=INTEGER), written(NOT_NULL, ["totel"]))

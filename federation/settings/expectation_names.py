"""Expectation names: Great Expectations' rules that settings may name, with their arguments, without its import.

A test holds this table against the engine that is installed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Argument = Literal[
    "bound", "share", "flag", "values", "pairs", "format", "regex", "regexes", "count", "missing", "any or all"
]
"""What an argument takes: a number or a date, true or false, a list, …"""
Suits = Literal["everything", "text", "what has an order"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of Great Expectations.

    Attributes:
        arguments: its arguments, besides the columns and `mostly`.
        required: those it can't do without; of those named in `any_of`, one at least.
        suits: the columns that it can judge.
        columns: how many columns it looks at.
        is_row_wise: whether a row meets it doesn't depend on other rows, so that it may reject.
    """

    arguments: Mapping[str, Argument] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    suits: Suits = "everything"
    columns: int = 1
    is_row_wise: bool = True


_RANGE: Final[Mapping[str, Argument]] = {
    "min_value": "bound",
    "max_value": "bound",
    "strict_min": "flag",
    "strict_max": "flag",
}
_LENGTHS: Final[Mapping[str, Argument]] = {**_RANGE, "min_value": "count", "max_value": "count"}
_ENDS: Final = ("min_value", "max_value")
_MISSING: Final[Mapping[str, Argument]] = {"ignore_row_if": "missing"}
_REGEXES: Final[Mapping[str, Argument]] = {"regex_list": "regexes"}

RULES: Final[Mapping[str, Rule]] = {
    "expect_column_values_to_not_be_null": Rule(),
    "expect_column_values_to_be_null": Rule(),
    "expect_column_values_to_be_unique": Rule(is_row_wise=False),
    "expect_column_values_to_be_between": Rule(_RANGE, any_of=_ENDS, suits="what has an order"),
    "expect_column_values_to_be_in_set": Rule({"value_set": "values"}, ("value_set",)),
    "expect_column_values_to_not_be_in_set": Rule({"value_set": "values"}, ("value_set",)),
    "expect_column_value_lengths_to_be_between": Rule(_LENGTHS, any_of=_ENDS, suits="text"),
    "expect_column_value_lengths_to_equal": Rule({"value": "count"}, ("value",), suits="text"),
    "expect_column_values_to_match_regex": Rule({"regex": "regex"}, ("regex",), suits="text"),
    "expect_column_values_to_not_match_regex": Rule({"regex": "regex"}, ("regex",), suits="text"),
    "expect_column_values_to_match_regex_list": Rule(
        {**_REGEXES, "match_on": "any or all"}, ("regex_list",), suits="text"
    ),
    "expect_column_values_to_not_match_regex_list": Rule(_REGEXES, ("regex_list",), suits="text"),
    "expect_column_values_to_match_strftime_format": Rule(
        {"strftime_format": "format"}, ("strftime_format",), suits="text"
    ),
    "expect_column_values_to_be_dateutil_parseable": Rule(suits="text"),
    "expect_column_values_to_be_json_parseable": Rule(suits="text"),
    "expect_column_pair_values_to_be_equal": Rule(_MISSING, columns=2),
    "expect_column_pair_values_a_to_be_greater_than_b": Rule(
        {"or_equal": "flag", **_MISSING}, suits="what has an order", columns=2
    ),
    "expect_column_pair_values_to_be_in_set": Rule(
        {"value_pairs_set": "pairs", **_MISSING}, ("value_pairs_set",), columns=2
    ),
}
"""By the engine's own names."""

"""Expectation arguments: what the settings may give to a rule of Great Expectations, kind by kind."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from federation.settings.expectation_names import Argument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SOME_DAY: Final = datetime(2020, 1, 31, 12, tzinfo=UTC)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_format(value: object) -> bool:
    """What is written in it can be read by it: the engine wants the same."""
    try:
        return isinstance(value, str) and bool(datetime.strptime(_SOME_DAY.strftime(value), value))  # noqa: DTZ007
    except ValueError:
        return False


def _is_regex(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        re.compile(value)
    except re.error:
        return False
    return True


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | bool) or _is_number(value)


def _is_list(value: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(map(fits, value))


KINDS: Final[Mapping[Argument, tuple[str, Callable[[object], bool]]]] = {
    "bound": ("be a number, or a date such as 2020-01-31", lambda value: _is_number(value) or _is_date(value)),
    "share": ("be a share from 0 to 1, such as 0.99", _is_share),
    "flag": ("be true or false", lambda value: isinstance(value, bool)),
    "values": ("be a list of values", lambda value: _is_list(value, _is_scalar)),
    "pairs": (
        "be a list of pairs, such as [[Open, 0], [Closed, 1]]",
        lambda value: _is_list(value, lambda pair: _is_list(pair, _is_scalar) and len(list(pair)) == 2),  # type: ignore[call-overload]  # noqa: PLR2004
    ),
    "format": ("be a format of dates, such as %Y-%m-%d", _is_format),
    "regex": ("be a regular expression", _is_regex),
    "regexes": ("be a list of regular expressions", lambda value: _is_list(value, _is_regex)),
    "count": ("be a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0),
    "missing": (
        "be one of both_values_are_missing, either_value_is_missing, neither",
        lambda value: value in ("both_values_are_missing", "either_value_is_missing", "neither"),
    ),
    "any or all": ("be any or all", lambda value: value in ("any", "all")),
}
"""Kind of argument → what a value of it must do, and whether one does."""

"""Suite: the expectations that follow from what Frappe itself promises about a DocType's fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import FLAG, INTEGER, MONEY, TEXT, WIDE_NUMBER
from federation.contract.names import NAME
from federation.quality.expectation import Expectation

NOT_NULL: Final = "expect_column_values_to_not_be_null"
LENGTH: Final = "expect_column_value_lengths_to_be_between"
IN_SET: Final = "expect_column_values_to_be_in_set"
BETWEEN: Final = "expect_column_values_to_be_between"
UNIQUE: Final = "expect_column_values_to_be_unique"

_WHOLE: Final = (FLAG, INTEGER)
_NUMBERS: Final = (FLAG, INTEGER, MONEY, WIDE_NUMBER)
_NEVER_NEGATIVE: Final = frozenset({"Int", "Float", "Currency"})
"""The only fieldtypes whose `non_negative` Frappe enforces on the server (Document._validate_non_negative)."""
_FILLED_BY_SCRIPT: Final = frozenset({"[Select]", "Loading..."})
"""Options of Select fields that a client script fills in: Frappe doesn't check them (Meta.get_select_fields)."""
_RATING_AS_SHARE: Final = 14
"""Since this version a Rating is held between 0 and 1 (Document._fix_rating_value); before, it counts stars."""
_SHOWN_OPTIONS: Final = 5


def expectations_of(
    table: TableContract, *, altered: Collection[str] = (), frappe_major: int | None = None
) -> list[Expectation]:
    """Return what the rows of one satellite have to meet, from its own metadata.

    Only what Frappe enforces on the server is expected, so a row that fails was written past Frappe's checks or before
    a rule was made. Fields that the satellite no longer has are not judged.

    Args:
        table: the satellite's own contract of the DocType or child DocType. A contract over several satellites would
            judge one by the options of another.
        altered: columns that arrive hashed or masked: that a value is there can be told, but not which one.
        frappe_major: the satellite's major version of Frappe, None where it isn't known: then Ratings are not judged.
    """
    return [
        expectation
        for column in table.columns
        if column.fieldname and column.satellites and not column.utc_of
        for expectation in _of_column(table, column, altered=column.name in altered, frappe_major=frappe_major)
    ]


def _of_column(
    table: TableContract, column: Column, *, altered: bool, frappe_major: int | None
) -> Iterator[Expectation]:
    def expect(rule: str, reason: str, **arguments: object) -> Expectation:
        return Expectation(rule, table.doctype, column.name, column.fieldname, reason, arguments)

    label = column.label or column.fieldname
    options = () if altered else _options(column)
    if column.fieldname == NAME:
        yield expect(UNIQUE, "No two rows have the same ID.")
    if column.fieldname == "docstatus" and column.type in _WHOLE:
        yield expect(IN_SET, "A document is a draft (0), submitted (1) or cancelled (2).", value_set=[0, 1, 2])
    elif column.fieldtype == "Check" and column.type in _WHOLE:
        yield expect(IN_SET, f"{label} is a checkbox: 0 or 1.", value_set=[0, 1])
    if column.mandatory:
        yield expect(NOT_NULL, f"{label} is mandatory.")
    if column.mandatory and column.type == TEXT and not options:
        yield expect(LENGTH, f"{label} is mandatory, and Frappe takes an empty text for a missing one.", min_value=1)
    if options:
        allowed = [*options] if column.mandatory else [*options, ""]
        yield expect(IN_SET, f"{label} is one of its options: {_listed(options)}.", value_set=allowed)
    if column.non_negative and column.fieldtype in _NEVER_NEGATIVE and column.type in _NUMBERS:
        yield expect(BETWEEN, f"{label} is not negative.", min_value=0)
    if column.fieldtype == "Rating" and column.type in _NUMBERS and (frappe_major or 0) >= _RATING_AS_SHARE:
        yield expect(BETWEEN, f"{label} is a rating: a share of one.", min_value=0, max_value=1)


def _options(column: Column) -> tuple[str, ...]:
    """Return what a Select may hold, or () where Frappe doesn't check it (BaseDocument._validate_selects)."""
    unchecked = column.fieldname == "naming_series" or column.options in _FILLED_BY_SCRIPT
    if column.fieldtype != "Select" or column.type != TEXT or unchecked:
        return ()
    # Frappe strips the value that it stores.
    stripped = (option.strip() for option in column.options.split("\n"))
    return tuple(dict.fromkeys(option for option in stripped if option))


def _listed(options: tuple[str, ...]) -> str:
    shown = ", ".join(option[:40] for option in options[:_SHOWN_OPTIONS])
    more = len(options) - _SHOWN_OPTIONS
    return f"{shown} and {more} more" if more > 0 else shown

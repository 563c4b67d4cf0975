"""Suite: the expectations that follow from what Frappe itself promises about a DocType's fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, WIDE_NUMBER
from federation.contract.names import NAME
from federation.quality.expectation import Expectation
from federation.settings.model import MetadataRule

NOT_NULL: Final = "expect_column_values_to_not_be_null"
LENGTH: Final = "expect_column_value_lengths_to_be_between"
IN_SET: Final = "expect_column_values_to_be_in_set"
BETWEEN: Final = "expect_column_values_to_be_between"
UNIQUE: Final = "expect_column_values_to_be_unique"
NOT_LESS: Final = "expect_column_pair_values_a_to_be_greater_than_b"

_Ruled = tuple[str, Expectation]
"""A kind of rule, as `MetadataRule` names it, and the rule."""
_ALWAYS: Final = "always"
"""The kind of rules that reject whatever the settings say."""
_SPANS: Final = (("from_date", "to_date"), ("start_date", "end_date"))

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
    table: TableContract,
    *,
    altered: Collection[str] = (),
    frappe_major: int | None = None,
    reject: Collection[MetadataRule] = (),
) -> list[Expectation]:
    """Return what the rows of one satellite have to meet, from its own metadata.

    Only what Frappe enforces on the server is expected, so a row that fails was written past Frappe's checks or before
    a rule was made. Fields that the satellite no longer has are not judged. What can't be true rejects: a state of a
    document, or a checkbox, that nobody knows. What Frappe may once have let pass warns, unless `reject` names it.

    Args:
        table: the satellite's own contract of the DocType or child DocType. A contract over several satellites would
            judge one by the options of another.
        altered: columns that arrive hashed or masked: that a value is there can be told, but not which one.
        frappe_major: the satellite's major version of Frappe, None where it isn't known: then Ratings are not judged.
        reject: kinds of rules that set a document aside instead of warning.
    """
    columns = [column for column in table.columns if column.fieldname and column.satellites and not column.utc_of]
    ruled = [
        rule
        for column in columns
        for rule in _of_column(table, column, altered=column.name in altered, frappe_major=frappe_major)
    ]
    return [
        replace(expectation, severity="reject") if kind == _ALWAYS or kind in reject else expectation
        for kind, expectation in [*ruled, *_of_pairs(table, columns, altered)]
    ]


def _of_column(table: TableContract, column: Column, *, altered: bool, frappe_major: int | None) -> Iterator[_Ruled]:
    def expect(rule: str, reason: str, **arguments: object) -> Expectation:
        return Expectation(rule, table.doctype, column.name, column.fieldname, reason, arguments)

    label = column.label or column.fieldname
    options = () if altered else _options(column)
    if column.fieldname == NAME:
        # Judged within a batch, into which a document may come twice: it can't reject.
        yield "", expect(UNIQUE, "No two rows have the same ID.")
    if column.fieldname == "docstatus" and column.type in _WHOLE:
        reason = "A document is a draft (0), submitted (1) or cancelled (2)."
        yield _ALWAYS, expect(IN_SET, reason, value_set=[0, 1, 2])
    elif column.fieldtype == "Check" and column.type in _WHOLE:
        yield _ALWAYS, expect(IN_SET, f"{label} is a checkbox: 0 or 1.", value_set=[0, 1])
    if column.mandatory:
        yield "mandatory", expect(NOT_NULL, f"{label} is mandatory.")
    if column.mandatory and column.type == TEXT and not options and not altered:
        reason = f"{label} is mandatory, and Frappe takes an empty text for a missing one."
        yield "mandatory", expect(LENGTH, reason, min_value=1)
    if options:
        allowed = [*options] if column.mandatory else [*options, ""]
        yield "options", expect(IN_SET, f"{label} is one of its options: {_listed(options)}.", value_set=allowed)
    if column.non_negative and column.fieldtype in _NEVER_NEGATIVE and column.type in _NUMBERS:
        yield "negative", expect(BETWEEN, f"{label} is not negative.", min_value=0)
    if column.fieldtype == "Rating" and column.type in _NUMBERS and (frappe_major or 0) >= _RATING_AS_SHARE:
        yield "rating", expect(BETWEEN, f"{label} is a rating: a share of one.", min_value=0, max_value=1)


def _of_pairs(table: TableContract, columns: Sequence[Column], altered: Collection[str]) -> Iterator[_Ruled]:
    """Yield that nothing ends before it starts: pairs that Frappe checks (Document.validate_from_to_dates)."""
    by_fieldname = {column.fieldname: column for column in columns if column.name not in altered}
    for start, end in _SPANS:
        first, last = by_fieldname.get(start), by_fieldname.get(end)
        if first is None or last is None or first.type != last.type or first.type not in (DATE, DATETIME):
            continue
        reason = f"{last.label or end} is not before {first.label or start}."
        arguments = {"or_equal": True, "ignore_row_if": "either_value_is_missing"}
        yield "order", Expectation(NOT_LESS, table.doctype, last.name, end, reason, arguments, other=first.name)


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

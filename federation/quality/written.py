"""Written: an expectation of the user's own meets the table of a satellite: its fields become columns, dates dates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import pyarrow as pa

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import DATE, DATETIME, TEXT, TIME
from federation.quality.expectation import Expectation
from federation.quality.suite import NOT_NULL
from federation.settings.errors import did_you_mean
from federation.settings.expectation_names import RULES
from federation.settings.expectations import WrittenExpectation

_TEMPORAL = (DATE, DATETIME)


class UnfitExpectation(ValueError):
    """An expectation asks for what the satellite's table doesn't have."""

    def __init__(self, written: WrittenExpectation, what: str, fix: str) -> None:
        super().__init__(f"{written.place}: {what}. {fix[:1].upper()}{fix[1:]}")


def bound_to(
    table: TableContract,
    written: WrittenExpectation,
    *,
    read: Collection[str],
    withheld: Collection[str],
    altered: Collection[str],
    hashed: Collection[str],
) -> Expectation:
    """Return the expectation about the rows of one satellite.

    Args:
        table: the satellite's own contract of the DocType or child DocType.
        written: what the user wrote.
        read: columns that are asked for.
        withheld: fields that the policy drops.
        altered: those that the policy changes on the way: nothing can be said of their values.
        hashed: those among them of which a missing value stays one.

    Raises:
        UnfitExpectation: the table has no such field, the policy holds it back, or the rule can't judge its type.
    """
    rule = RULES[written.expect]
    columns = [_column(table, written, fieldname, read, withheld) for fieldname in written.fields]
    for column in columns:
        if column.name in altered and not (written.expect == NOT_NULL and column.name in hashed):
            what = f"the policy alters `{column.fieldname}` on its way, so its values can't be judged"
            raise UnfitExpectation(written, what, "remove the expectation, or keep the field")
        if not _suits(column.type, rule.suits):
            what = f"{written.expect} judges {rule.suits}, and `{column.fieldname}` is a {column.fieldtype}"
            raise UnfitExpectation(written, what, "choose another rule, or another field")
    if len(columns) > 1 and columns[0].type != columns[1].type and rule.suits != "everything":
        first, second = (f"`{column.fieldname}` is a {column.fieldtype}" for column in columns)
        what = f"{first} and {second}"
        raise UnfitExpectation(written, f"{what}, so one can't be held against the other", "compare fields of a kind")
    return Expectation(
        written.expect,
        table.doctype,
        columns[0].name,
        columns[0].fieldname,
        written.reason or _told(written),
        {name: _argument(columns, written, name, value) for name, value in written.arguments.items()},
        written.severity,
        columns[1].name if len(columns) > 1 else "",
    )


def _column(
    table: TableContract, written: WrittenExpectation, fieldname: str, read: Collection[str], withheld: Collection[str]
) -> Column:
    if fieldname in withheld:
        what = f"the policy holds `{fieldname}` of {table.doctype} back"
        raise UnfitExpectation(written, what, "remove the expectation, or keep the field")
    column = table.by_fieldname.get(fieldname.casefold())
    if column is None or column.name not in read:
        known = [each.fieldname for each in table.by_fieldname.values() if each.name in read]
        fix = did_you_mean(fieldname, known, "name under `satellites:` those that have it, or remove it")
        raise UnfitExpectation(written, f"{table.doctype} has no field `{fieldname}` that is read here", fix)
    return column


def _suits(kind: pa.DataType, suits: str) -> bool:
    if suits == "text":
        return bool(kind == TEXT)
    if suits == "what has an order":
        return kind not in (TEXT, TIME)
    return True


def _argument(columns: Sequence[Column], written: WrittenExpectation, name: str, value: object) -> object:
    """Return an argument whose values are of the columns' types."""
    kind = RULES[written.expect].arguments.get(name)
    if kind == "bound":
        return _value(columns[0], written, value)
    if kind == "values" and isinstance(value, list):
        return [_value(columns[0], written, each) for each in value]
    if kind == "pairs" and isinstance(value, list):
        return [
            tuple(_value(column, written, each) for column, each in zip(columns, pair, strict=True)) for pair in value
        ]
    return value


def _value(column: Column, written: WrittenExpectation, value: object) -> object:
    """Return a value in the column's type: a date in a YAML file is text."""
    if column.type in _TEMPORAL:
        return _instant(column, written, value)
    if column.type == TIME or isinstance(value, str) != (column.type == TEXT):
        what = f"`{column.fieldname}` is a {column.fieldtype}, and {value!r} isn't one"
        raise UnfitExpectation(written, what, "write text in quotes and numbers without")
    return value


def _instant(column: Column, written: WrittenExpectation, value: object) -> datetime:
    """The engine compares a date as its midnight; times are the site's own."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError as error:
        what = f"`{column.fieldname}` is a {column.fieldtype}, and {value!r} is none"
        raise UnfitExpectation(written, what, "write it like 2020-01-31, or 2020-01-31 12:00:00") from error


def _told(written: WrittenExpectation) -> str:
    arguments = ", ".join(f"{name}: {value}" for name, value in written.arguments.items())
    fields = " and ".join(written.fields)
    return f"{fields}: {written.expect}{f' ({arguments})' if arguments else ''}."

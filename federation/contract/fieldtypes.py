"""Fieldtypes: what each Frappe fieldtype is on the wire and which Arrow type the mothership keeps it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from connectors.frappe import WireKind

TEXT: Final = pa.string()
INTEGER: Final = pa.int64()
FLAG: Final = pa.int8()
DATE: Final = pa.date32()
TIME: Final = pa.time64("us")
DATETIME: Final = pa.timestamp("us")
MONEY: Final = pa.decimal128(21, 9)
"""Frappe stores Float, Currency, Percent and Duration as DECIMAL(21,9)."""
WIDE_NUMBER: Final = pa.decimal128(38, 9)
"""Where one satellite counts (up to bigint) what another one measures: 29 integer digits hold both."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """How a fieldtype travels and how it is kept.

    Attributes:
        wire: the JSON kind of its cells.
        arrow: the Arrow type of its column.
    """

    wire: WireKind
    arrow: pa.DataType


_TEXT: Final = ColumnType("text", TEXT)
_NUMBER: Final = ColumnType("number", MONEY)
_INTEGER: Final = ColumnType("integer", INTEGER)

COLUMN_TYPES: Final[dict[str, ColumnType]] = {
    **dict.fromkeys(
        (
            "Data", "Link", "Dynamic Link", "Select", "Small Text", "Text", "Long Text", "Text Editor", "HTML Editor",
            "Markdown Editor", "Code", "JSON", "Geolocation", "Read Only", "Autocomplete", "Attach", "Attach Image",
            "Signature", "Color", "Barcode", "Phone", "Icon", "Password",
        ),
        _TEXT,
    ),
    **dict.fromkeys(("Float", "Currency", "Percent", "Duration", "Rating"), _NUMBER),
    **dict.fromkeys(("Int", "Long Int"), _INTEGER),
    "Check": ColumnType("integer", FLAG),
    "Date": ColumnType("text", DATE),
    "Datetime": ColumnType("text", DATETIME),
    "Time": ColumnType("text", TIME),
}  # fmt: skip

TABLE_FIELDTYPES: Final = frozenset({"Table", "Table MultiSelect"})
"""Fields whose value is the rows of a child table."""

LAYOUT_FIELDTYPES: Final = frozenset(
    {"Section Break", "Column Break", "Tab Break", "Fold", "Heading", "HTML", "Button", "Image"}
)
"""Fields that only lay out the form: Frappe keeps no column for them."""


def column_type(fieldtype: str) -> ColumnType | None:
    """Return how `fieldtype` is kept, or None where Frappe keeps no column for it.

    A fieldtype that no version known to us has is kept as text: a site with a newer Frappe loses nothing.
    """
    if fieldtype in TABLE_FIELDTYPES or fieldtype in LAYOUT_FIELDTYPES:
        return None
    return COLUMN_TYPES.get(fieldtype, _TEXT)


def widen(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """Return the narrowest type that holds every value of both.

    The stated rules: a flag widens to an integer or to money, an integer with money to a wide number; a date with a
    datetime to a datetime; everything else meets as text. The rule is commutative and associative, so the order in
    which satellites join never matters.
    """
    if first == second:
        return first
    pair = {first, second}
    if pair <= _NUMERIC:
        return _NUMERIC_MEET.get(frozenset(pair), WIDE_NUMBER)
    return DATETIME if pair == {DATE, DATETIME} else TEXT


_NUMERIC: Final = {FLAG, INTEGER, MONEY, WIDE_NUMBER}
_NUMERIC_MEET: Final = {frozenset({FLAG, INTEGER}): INTEGER, frozenset({FLAG, MONEY}): MONEY}

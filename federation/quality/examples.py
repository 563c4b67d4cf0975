"""Examples: the first documents that don't meet an expectation, each with the values of one row that doesn't."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

EXAMPLES = 5
"""How many documents a result names."""
_LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class Example:
    """A document that doesn't meet an expectation.

    Attributes:
        document: its name.
        value: what stands in the columns that the expectation looks at, as far as it may be shown; "" for nothing.
    """

    document: str
    value: str = ""


def examples_of(
    rows: pa.Table, document: str, columns: Sequence[str], count: int, hidden: Collection[str] = ()
) -> tuple[Example, ...]:
    """Return the first different documents of rows that fail.

    Args:
        rows: the rows, or the first of them; no more than a person would leaf through.
        document: the column with the name of a row's document.
        columns: those that the expectation looks at.
        count: how many at most.
        hidden: columns whose values are not to be shown.
    """
    shown = [rows.column(column).to_pylist() for column in columns if column not in hidden]
    first: dict[str, Example] = {}
    # Until there are enough documents: a loop over examples, whatever the size of the table that they come from.
    for position, name in enumerate(rows.column(document).to_pylist()):
        if len(first) == count:
            break
        if name is not None and str(name) not in first:
            told = [value for cells in shown if (value := text_of(cells[position]))]
            first[str(name)] = Example(str(name), shortened(", ".join(told)))
    return tuple(first.values())


def text_of(value: object) -> str:
    """Return a conformed cell as a reader writes it; "" for none."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if value.as_tuple().exponent else f"{value:f}"
    return str(value)


def shortened(text: str) -> str:
    """Return a text no longer than can be read in a table."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"

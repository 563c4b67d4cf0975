"""Answers that no honest site gives, for `Fault(kind="lie")`: each lie turns a well answered value into a bad one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from federation.demo.site.lists import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    Lie = Callable[[object], object]

LONE_SURROGATE = "\ud800"
NUL = "\x00"


def every_row_twice(answer: object) -> object:
    """Each row of a list comes twice: names are not unique in the page."""
    if not isinstance(answer, Page):
        return answer
    return replace(answer, rows=[row for row in answer.rows for _ in range(2)])


def a_column_says(column: str, value: object) -> Lie:
    """One column of every row holds `value`: 10 MB of text, a NUL byte, a lone surrogate, a parent that isn't there."""

    def lie(answer: object) -> object:
        if not isinstance(answer, Page) or column not in answer.keys:
            return answer
        place = answer.keys.index(column)
        return replace(answer, rows=[(*row[:place], value, *row[place + 1 :]) for row in answer.rows])

    return lie


def a_count_says(number: int) -> Lie:
    """Counts answer `number`: those of get_count, and those of a list of counts."""

    def lie(answer: object) -> object:
        if isinstance(answer, Page):
            counted = [place for place, row in enumerate(answer.rows[:1]) if all(isinstance(v, int) for v in row)]
            return replace(answer, rows=[tuple(number for _ in answer.keys)]) if counted else answer
        return number if isinstance(answer, int) else answer

    return lie


def the_document_says(**values: Any) -> Lie:  # noqa: ANN401 - whatever JSON can hold
    """A single document, or metadata, holds other values."""

    def lie(answer: object) -> object:
        return answer | values if isinstance(answer, dict) else answer

    return lie

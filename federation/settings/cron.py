"""Cron lines: which five-field expressions a schedule may have.

The scheduler's own parser is private to it and costs a second to import, so this is a strict part of what it takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

ALIASES: Final = frozenset({"@hourly", "@daily", "@weekly", "@monthly"})

_ITEM: Final = re.compile(r"(?:(\*)|(\w{1,3})(?:-(\w{1,3}))?)(?:/([0-9]{1,2}))?", re.ASCII)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAYS_OF_SHORT_MONTHS: Final = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True, slots=True)
class _Field:
    label: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        if text in self.names:
            return self.low + self.names.index(text)
        return int(text) if text.isdigit() and self.low <= int(text) <= self.high else None

    def values(self, item: str) -> range | None:
        """Return what one item of the field's list stands for, or None if it stands for nothing."""
        match = _ITEM.fullmatch(item)
        if match is None:
            return None
        star, first, last, step = match.groups()
        start = self.low if star else self.number(first)
        if not (star or last):
            return None if start is None or step else range(start, start + 1)
        end = self.high if star else self.number(last)
        every = int(step or 1)
        if start is None or end is None or start >= end or not 1 <= every <= self.high:
            return None
        return range(start, end + 1, every)


_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _WEEKDAYS),
)


def cron_mistake(line: str) -> str | None:
    """Return what is wrong with a cron line, or None.

    Accepted are five fields of `*`, numbers, names (`jan`, `mon`), ascending ranges, lists and steps (`*/15`,
    `8-18/2`), and the aliases `@hourly`, `@daily`, `@weekly`, `@monthly`.
    """
    if line in ALIASES:
        return None
    texts = line.lower().split()
    if len(texts) != len(_FIELDS):
        return f"has {len(texts)} fields instead of {len(_FIELDS)} (minute, hour, day, month, weekday)"
    chosen: list[set[int]] = []
    for text, field in zip(texts, _FIELDS, strict=True):
        ranges = [field.values(item) for item in text.split(",")]
        if None in ranges:
            return f"has a {field.label} that is no number, range, list or step within {field.low} to {field.high}"
        chosen.append({value for values in ranges if values is not None for value in values})
    _, _, days, months, _ = chosen
    if min(days) > max(_DAYS_OF_SHORT_MONTHS.get(month, 31) for month in months):
        return "names a day that none of its months has"
    return None

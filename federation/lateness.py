"""Lateness: since when a DocType must have been read to be on schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Final

_ALIASES: Final = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
_MONTHS: Final = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def late_before(cron: str, now: datetime, zone: tzinfo) -> datetime:
    """Return the time (UTC) of the scheduled run before the last one: what is as of an earlier time missed a run.

    The last run may still be under way, so it isn't counted.

    Args:
        cron: a line that the settings accept.
        now: aware.
        zone: of the cron line.
    """
    local = now.astimezone(zone).replace(tzinfo=None)
    (tick,) = islice(_ticks(cron, local), 1, 2)
    return tick.replace(tzinfo=zone).astimezone(UTC)


def _ticks(cron: str, until: datetime) -> Iterator[datetime]:
    """Yield the times of a cron line, the newest first, from `until` on backwards."""
    minute, hour, day, month, weekday = _ALIASES.get(cron, cron).lower().split()
    minutes = sorted(_values(minute, 0, 59), reverse=True)
    hours = sorted(_values(hour, 0, 23), reverse=True)
    days, months, weekdays = _values(day, 1, 31), _values(month, 1, 12, _MONTHS), _values(weekday, 0, 6, _WEEKDAYS)
    # Cron's rule: where both kinds of day are restricted, either will do.
    either = not day.startswith("*") and not weekday.startswith("*")
    date = until.date()
    while True:
        by_day, by_weekday = date.day in days, date.isoweekday() % 7 in weekdays
        if date.month in months and (by_day or by_weekday if either else by_day and by_weekday):
            times = (datetime.combine(date, time(hour, minute)) for hour in hours for minute in minutes)
            yield from (tick for tick in times if tick <= until)
        date -= timedelta(days=1)


def _values(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    values: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        start, end = (names.index(end) if end in names else int(end) for end in (first, last or first))
        values.update(range(start, end + 1, int(step or 1)))
    return values

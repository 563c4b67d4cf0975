"""Ages: how long ago something was, in words that are short enough for a table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_UNITS: Final = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))

_SHORT: Final = 10
_MINUTE: Final = 60


def age_in_words(then: datetime, now: datetime) -> str:
    """Return `3 min ago`; both instants in UTC, aware."""
    age = now - then
    for unit, name in _UNITS:
        if age >= unit:
            return f"{age // unit} {name} ago"
    return "just now"


def instant(moment: datetime) -> str:
    """Return an instant to the minute, in its own zone: `2026-11-23 12:47`."""
    return f"{moment:%Y-%m-%d %H:%M}"


def duration(seconds: float) -> str:
    """Return how long something took: `0.4 s`, `12 s`, `3 min 20 s`."""
    tenths = round(seconds, 1)
    whole = round(seconds)
    if tenths < _SHORT:
        return f"{tenths:.1f} s"
    return f"{whole} s" if whole < _MINUTE else f"{whole // _MINUTE} min {whole % _MINUTE} s"

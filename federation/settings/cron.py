"""Cron lines: which expressions a schedule may have: five fields or an alias, as the scheduler reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from croniter import CroniterError, croniter

ALIASES: Final = frozenset({"@hourly", "@daily", "@weekly", "@monthly"})
_FIELDS: Final = 5


def cron_mistake(line: str) -> str | None:
    """Return what is wrong with a cron line, or None.

    Accepted are five fields of `*`, numbers, names (`jan`, `mon`), ranges, lists and steps (`*/15`, `8-18/2`), and the
    aliases `@hourly`, `@daily`, `@weekly`, `@monthly`, as far as they name a time that comes.
    """
    if line in ALIASES:
        return None
    if (fields := len(line.split())) != _FIELDS:
        return f"has {fields} fields instead of {_FIELDS} (minute, hour, day, month, weekday)"
    if not line.isascii():
        return "holds letters or digits that no cron line has"
    try:
        croniter(line, datetime.now(UTC)).get_next(datetime)
    except CroniterError as error:
        return f"is not a cron line that ever comes ({error})"
    return None

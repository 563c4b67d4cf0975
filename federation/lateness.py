"""Lateness: since when a DocType must have been read to be on schedule."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from croniter import croniter


def late_before(cron: str, now: datetime, zone: tzinfo) -> datetime:
    """Return the time (UTC) of the scheduled run before the last one: what is as of an earlier time missed a run.

    The last run may still be under way, so it isn't counted.

    Args:
        cron: a line that the settings accept.
        now: aware.
        zone: of the cron line.
    """
    # Naive, because the line means wall-clock times; a run that is due right now counts as the last one.
    local = now.astimezone(zone).replace(tzinfo=None)
    runs = croniter(cron, local)
    if not croniter.match(cron, local) or local.second or local.microsecond:
        runs.get_prev(datetime)
    before_last: datetime = runs.get_prev(datetime)
    return before_last.replace(tzinfo=zone).astimezone(UTC)

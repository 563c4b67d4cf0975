"""Site time: our instants in the site's own local time, and the window of `modified` that a walk must read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

CLOCK_ERROR: Final = timedelta(seconds=2)
"""The `Date` header is cut to whole seconds, and some servers make it only once a second."""
_MOVED: Final = timedelta(minutes=1)
"""A site's clock or zone was changed where its local time differs by more from what it was taken for."""
_STEP: Final = timedelta(days=1)
"""No zone changes its offset twice a day."""
_FORM: Final = "%Y-%m-%d %H:%M:%S.%f"


@dataclass(frozen=True, slots=True)
class SiteClock:
    """The site's clock as it stands now.

    Attributes:
        zone: the zone of the site's local times.
        skew: the site's clock minus ours.
    """

    zone: ZoneInfo
    skew: timedelta

    def local(self, instant: datetime) -> datetime:
        """Return the site's naive local time at `instant` (aware), as the site's clock shows it."""
        return (instant + self.skew).astimezone(self.zone).replace(tzinfo=None)

    def offset(self, instant: datetime) -> timedelta:
        """Return the zone's offset from UTC at `instant` (aware)."""
        return (instant + self.skew).astimezone(self.zone).utcoffset() or timedelta(0)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of `modified` that a walk reads, as on the wire.

    Attributes:
        start: the earliest stamp that may have been committed since the last walk; "" before the first one.
        until: the latest stamp that was written before the run began.
        bound: `until` as it would be if no clock were ever set back: what the next window is counted from.
    """

    start: str
    until: str
    bound: str


def window(clock: SiteClock, now: datetime, *, begun: datetime | None, bound: str, overlap: timedelta) -> Window:
    """Return what a walk that begins `now` (UTC) must read after one that began at `begun` with `bound`.

    A row is stamped when it is written and seen when it is committed, up to `overlap` later [h_late_commit/01-04], so
    the window reaches back behind the last walk's beginning. It grows where local time fell in between: at the end of
    DST an hour comes twice, and a site's clock or zone may be set back. Whatever is read twice is found unchanged.

    Args:
        clock: the site's clock today.
        now: when the walk begins.
        begun: when the last walk began; None where there was none.
        bound: the last walk's `Window.bound`.
        overlap: the longest time from the stamp of a row to its commit.
    """
    here = clock.local(now)
    plain = wire_time(here + CLOCK_ERROR)
    if begun is None:
        return Window("", plain, plain)
    then, then_today = read_wire_time(bound) - CLOCK_ERROR, clock.local(begun)
    set_back = then - then_today if then - then_today > _MOVED else timedelta(0)
    fall = _fall(clock, begun - overlap, now)
    start = min(then, then_today) - overlap - fall - CLOCK_ERROR
    return Window(wire_time(start), wire_time(here + max(fall, set_back) + CLOCK_ERROR), plain)


def wire_time(local: datetime) -> str:
    """Return a naive local time as Frappe writes `modified`: such texts sort as the times do."""
    return local.strftime(_FORM)


def read_wire_time(text: str) -> datetime:
    """Return the naive local time of a text that `wire_time` or Frappe wrote; Frappe leaves out a fraction of 0."""
    return datetime.strptime(text if "." in text else f"{text}.0", _FORM)  # noqa: DTZ007 - local time has no zone


def _fall(clock: SiteClock, first: datetime, last: datetime) -> timedelta:
    """Return how far the zone's offset lies below any that it had since `first`."""
    today = clock.offset(last)
    instant, highest = first.astimezone(UTC), today
    while instant < last:
        highest = max(highest, clock.offset(instant))
        instant += _STEP
    return highest - today

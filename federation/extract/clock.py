"""Clock: `observed` only ever moves forward, whatever the machine's clock does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

_TICK = timedelta(microseconds=1)


class ObservedClock:
    """Tells the instants at which a satellite is observed, strictly rising over all its runs.

    A machine's clock may step back, and the next run may come from another machine: a later observation would then
    seem earlier and lose the merge. So the clock is told the newest instant that the satellite's log has.
    """

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def rise_above(self, floor: datetime | None) -> None:
        """Tell only instants later than `floor` (UTC) from now on."""
        with self._lock:
            self._last = max(self._last, floor or self._last)

    def __call__(self) -> datetime:
        """Return now in UTC, later than any instant returned before."""
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + _TICK)
            return self._last

    @property
    def last(self) -> datetime:
        """The newest instant told so far."""
        return self._last

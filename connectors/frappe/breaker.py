"""Breaker: a site that failed too often in a row is left alone for a while, then asked once."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_FAILURES: Final = 10
"""Tries in a row, all threads together: two requests that were retried to their end."""
_FIRST_REST: Final = 30.0
_LONGEST_REST: Final = 600.0


class Breaker:
    """Decides whether a request may be sent. Any number of threads may share it.

    pybreaker isn't used: it lets one call run at a time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a site that is well. `clock` gives seconds."""
        self._clock = clock
        self._failures = 0
        self._rest = _FIRST_REST
        self._resting_until = 0.0
        self._lock = Lock()

    def seconds_to_rest(self) -> float:
        """Return 0 if the caller may send a request, else the seconds for which the site is left alone.

        After a rest one caller gets through; the others wait as long again for what it finds.
        """
        with self._lock:
            if self._failures < _FAILURES:
                return 0
            now = self._clock()
            if now < self._resting_until:
                return self._resting_until - now
            self._resting_until = now + self._rest
            return 0

    def answered(self) -> None:
        """Take note that the site answered, whatever it said."""
        with self._lock:
            self._failures = 0
            self._rest = _FIRST_REST

    def failed(self) -> None:
        """Take note that the site didn't, or that it can't."""
        with self._lock:
            self._failures += 1
            if self._failures > _FAILURES:
                self._rest = min(self._rest * 2, _LONGEST_REST)
            self._resting_until = self._clock() + self._rest

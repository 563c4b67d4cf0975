"""The site's rate limit: so many seconds of server time in a window, as Frappe counts it [i_limits/07]."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from federation.demo.site.errors import TooManyRequestsError

if TYPE_CHECKING:
    from collections.abc import Callable

_MICROSECONDS = 1_000_000


@dataclass
class RateLimit:
    """Server time for all clients together. Windows begin at whole multiples of their length. Safe between threads.

    Attributes:
        seconds: server time that a window allows; a request that begins below it is answered to its end.
        window: length of a window, seconds.
        clock: seconds since the epoch.
    """

    seconds: float
    window: int = 60
    clock: Callable[[], float] = time.time
    _used: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def _limit(self) -> int:
        return int(self.seconds * _MICROSECONDS)

    def enter(self) -> dict[str, str]:
        """The headers that tell a request what is left, before it is counted itself.

        Raises:
            TooManyRequestsError: nothing is left in this window.
        """
        number, spent = divmod(int(self.clock()), self.window)
        with self._lock:
            used = self._used.get(number, 0)
        if used > self._limit:
            raise TooManyRequestsError(self.window - spent, self._limit)
        return {
            "X-RateLimit-Limit": str(self._limit),
            "X-RateLimit-Remaining": str(max(self._limit - used, 0)),
            "X-RateLimit-Reset": str(self.window - spent),
        }

    def leave(self, seconds: float) -> dict[str, str]:
        """Count a request's server time, and tell it in microseconds."""
        used = int(seconds * _MICROSECONDS)
        number = int(self.clock()) // self.window
        with self._lock:
            self._used = {number: self._used.get(number, 0) + used}
        return {"X-RateLimit-Used": str(used)}

"""Rate limit: the site's budget of server time, paced so that its other users keep a part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNPACED: Final = 0.5
"""While this share of the budget is left, nobody need wait."""
_KEPT: Final = 0.2
"""The share that is left to others."""
_NUMBER: Final = re.compile("[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Budget:
    """What the site says of its budget for the running window, shared by all of its users [v15/i_limits/07].

    Attributes:
        limit, remaining: server time, microseconds.
        used: by the request just answered, microseconds.
        reset: seconds to the next window.
    """

    limit: int
    remaining: int
    used: int
    reset: int

    def pause(self) -> float:
        """Return the seconds to wait before the next request: what is left lasts for the window, less a share."""
        if self.remaining >= self.limit * _UNPACED:
            return 0
        ours = self.remaining - self.limit * _KEPT
        return float(self.reset) if ours <= 0 else min(self.reset, self.reset * self.used / ours)


def read_budget(headers: Mapping[str, str]) -> Budget | None:
    """Return what an answer says, None where the site limits nobody."""
    said = [headers.get(f"X-RateLimit-{name}", "") for name in ("Limit", "Remaining", "Used", "Reset")]
    limit, remaining, used, reset = (int(text) if _NUMBER.fullmatch(text) else None for text in said)
    if not limit or remaining is None or reset is None:
        return None
    return Budget(limit, remaining, used or 0, reset)


class RateLimit:
    """How long the next request must wait. Any number of threads may share it."""

    def __init__(self, longest: float) -> None:
        """Never ask for more than `longest` seconds: the site's own 429 says when it is enough."""
        self._longest = longest
        self._due = 0.0
        self._lock = Lock()

    def answered(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer's headers."""
        budget = read_budget(headers)
        with self._lock:
            self._due = min(budget.pause(), self._longest) if budget else 0.0

    def pause(self) -> float:
        """Return the seconds to wait before the next request; each answer makes one request wait."""
        with self._lock:
            due, self._due = self._due, 0.0
            return due

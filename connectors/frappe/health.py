"""Health: when parallel keep-alive connections slow each other down, and it is worth reopening them.

Two connections of one client can land on the same worker process of the site, where they fight for one interpreter:
together they then get less than one alone (6 of 18 parallel runs, 1.6 times the server's CPU). New connections are
dealt out anew. This module only decides; the session acts.
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

_ENOUGH_BYTES: Final = 256 * 1024
"""Smaller answers measure the latency, not the rate."""
_SAMPLES: Final = 5
_SLOW: Final = 0.6
"""A healthy pair leaves each connection at least 0.85 of the rate of one alone; a bad one less than 0.5."""
_PATIENCE: Final = 20
"""Answers to wait after reopening, doubled each time: a site that is slow for another reason is soon left in peace."""


class PairHealth:
    """Decides from finished answers whether the connections should be reopened. Not thread-safe."""

    def __init__(self) -> None:
        self._alone: deque[float] = deque(maxlen=_SAMPLES)
        self._paired: deque[float] = deque(maxlen=_SAMPLES)
        self._patience = _PATIENCE
        self._quiet = 0

    def should_reopen(self, size: int, seconds: float, in_flight: int) -> bool:
        """Take note of an answer of `size` bytes in `seconds` while `in_flight` requests ran; True means reopen."""
        if size < _ENOUGH_BYTES or seconds <= 0:
            return False
        (self._alone if in_flight == 1 else self._paired).append(size / seconds)
        if self._quiet:
            self._quiet -= 1
            return False
        if len(self._paired) < _SAMPLES or not self._alone:
            return False
        if max(self._paired) >= _SLOW * median(self._alone):
            return False
        self._paired.clear()
        self._quiet = self._patience
        self._patience *= 2
        return True

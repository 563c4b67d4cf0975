"""Pressure: how many requests a site may have in flight, by how fast it answers them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Final

from connectors.frappe.body import AbandonedError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from threading import Event

_SLOW: Final = 3.0
"""Times the best: two requests on one server core take twice as long each, and lose nothing together."""
_UNNOTICED: Final = 0.1
"""Seconds of difference that say nothing."""
_LESS: Final = 0.7
_FORGETTING: Final = 1.01
"""The best is forgotten by a hundredth an answer: a table grows, a site moves."""


@dataclass(eq=False, slots=True)
class Slot:
    """A request in flight, and how many were at once at most while it was."""

    crowd: int = 1


class Pressure:
    """Lets requests through: additive increase, multiplicative decrease, from 1 to `most`, beginning with `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._window = float(most)
        self._slots: set[Slot] = set()
        self._patience = 0
        self._best: dict[Hashable, float] = {}
        self._changed = Condition()

    @property
    def allowed(self) -> int:
        """How many requests may be in flight now."""
        return int(self._window)

    @contextmanager
    def slot(self, abandoned: Event) -> Iterator[Slot]:
        """Hold one of the allowed requests; waits for it.

        Raises:
            AbandonedError: the event was set and `wake` called, or it was set from the beginning.
        """
        with self._changed:
            while not abandoned.is_set() and len(self._slots) >= self.allowed:
                self._changed.wait()
            if abandoned.is_set():
                raise AbandonedError
            slot = Slot()
            self._slots.add(slot)
            for each in self._slots:
                each.crowd = max(each.crowd, len(self._slots))
        try:
            yield slot
        finally:
            with self._changed:
                self._slots.remove(slot)
                self._changed.notify()

    def wake(self) -> None:
        """Let those who wait for a slot see that nobody wants their answers any more."""
        with self._changed:
            self._changed.notify_all()

    def answered(self, kind: Hashable, seconds: float) -> None:
        """Take note of how long an answer took, of a kind whose answers are alike."""
        with self._changed:
            best = self._best[kind] = min(seconds, self._best.get(kind, seconds) * _FORGETTING)
            if seconds > best * _SLOW + _UNNOTICED:
                self._ease(_LESS)
            else:
                self._patience = max(0, self._patience - 1)
                self._window = min(self._most, self._window + 1 / self._window)
                self._changed.notify()

    def strained(self) -> None:
        """Take note that the site said or showed that it is too busy."""
        with self._changed:
            self._ease(_LESS * _LESS)

    def _ease(self, factor: float) -> None:
        """Answers already under way tell the same once more: they count as one sign."""
        if self._patience:
            self._patience -= 1
            return
        self._patience = len(self._slots)
        self._window = max(1.0, self._window * factor)

"""Interruption: Ctrl-C asks for a clean stop; a second one ends the process at once, which is safe as well."""

from __future__ import annotations

import signal
from collections.abc import Callable
from threading import Event
from types import FrameType, TracebackType
from typing import Self


class Interrupted(Exception):
    """The user asked to stop; raised where a run may be left."""


class Interruption:
    """Turns the first SIGINT into a wish that threads look at; the second is a `KeyboardInterrupt` as ever.

    Args:
        on_wish: called once, when the wish is uttered.
    """

    def __init__(self, on_wish: Callable[[], None]) -> None:
        self._on_wish = on_wish
        self._wished = Event()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    @property
    def wished(self) -> bool:
        """The user asked to stop."""
        return self._wished.is_set()

    def leave_if_wished(self) -> None:
        """End what the calling thread is doing.

        Raises:
            Interrupted: the user asked to stop.
        """
        if self.wished:
            raise Interrupted

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self._wished.set()
        self._on_wish()

"""Processes for the tests of rebuilding: one that dies on its way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from federation import rebuilding
from federation.mothership.replacement import Replacement
from federation.rebuilding import RebuiltSatellite, rebuild
from federation.settings.load import load_settings

KILLED = 9
POINTS = ("merging", "swapping", "before the swap", "within the swap", "after the swap")


def die(*_: object) -> None:
    """As a power cut would: nothing is closed, flushed or rolled back."""
    os._exit(KILLED)


class _Told:
    def __init__(self, point: str) -> None:
        self._point = point
        self._merged = 0

    def merging(self, satellite: str) -> None: ...

    def merged(self, satellite: RebuiltSatellite) -> None:
        self._merged += 1
        if self._point == "merging" and self._merged == 2:
            die()

    def swapping(self) -> None:
        if self._point == "swapping":
            die()


def rebuild_and_die(settings_file: Path, point: str) -> None:
    """Rebuild, and be killed at a point."""
    made = rebuilding.open_replacement

    def open_replacement(*arguments: Any) -> Replacement:
        replacement = made(*arguments)
        replacement.swap = _dying(replacement.swap, point)  # type: ignore[method-assign]
        return replacement

    rebuilding.open_replacement = open_replacement
    rebuild(load_settings(settings_file), _Told(point))


def _dying(swap: Callable[[], tuple[str, ...]], point: str) -> Callable[[], tuple[str, ...]]:
    def work() -> tuple[str, ...]:
        if point == "before the swap":
            die()
        if point == "within the swap":
            # Files change places by `replace`; a server does it in one statement, and then needs to be told of views.
            from federation.mothership.mariadb import views

            Path.replace = die  # type: ignore[method-assign]
            views.refresh = die
        remarks = swap()
        die()
        return remarks

    return work

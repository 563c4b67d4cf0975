"""Shortened: of hundreds of satellites a reader sees those that need a look; the others are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

MOST_SHOWN: Final = 30
"""Satellites, or rows of a satellite, that a reader takes in without looking for the one that matters."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Shortened(Generic[Item]):
    """What is shown of many items, and how many aren't.

    Attributes:
        shown: all of them in their order, or the first of those that need a look.
        unwell: how many more need a look.
        well: how many don't, and aren't shown.
    """

    shown: tuple[Item, ...]
    unwell: int = 0
    well: int = 0

    def rest(self) -> str:
        """Return what isn't shown: `… and 4 more that need a look, and 270 that are well`; "" where nothing isn't."""
        parts = (
            f"{self.unwell:,} more that need{'s' if self.unwell == 1 else ''} a look" if self.unwell else "",
            f"{self.well:,} that {'is' if self.well == 1 else 'are'} well" if self.well else "",
        )
        told = ", and ".join(filter(None, parts))
        return f"… and {told}" if told else ""


def shortened(items: Sequence[Item], is_well: Callable[[Item], bool], *, show_all: bool) -> Shortened[Item]:
    """Return all items where they are few or `show_all`, else those that aren't well, and counts."""
    if show_all or len(items) <= MOST_SHOWN:
        return Shortened(tuple(items))
    unwell = [item for item in items if not is_well(item)]
    return Shortened(tuple(unwell[:MOST_SHOWN]), max(0, len(unwell) - MOST_SHOWN), len(items) - len(unwell))

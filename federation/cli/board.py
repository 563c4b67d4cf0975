"""Board: who is being read right now, how many rows came, and how fast, drawn live while a sync runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Final

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from federation.cli.ages import duration
from federation.cli.screen import plain
from federation.extract.outcome import DocTypeOutcome

_STOPPING: Final = Text("   stopping at the next page; Ctrl-C again stops at once", "yellow")


@dataclass
class _Reading:
    """A DocType whose walk is under way."""

    began: float
    rows: int = 0


@dataclass
class _Lane:
    """A satellite in work."""

    began: float
    expected: int | None
    phase: str = "connecting"
    rows: int = 0
    readings: dict[str, _Reading] = field(default_factory=dict)
    ended: list[DocTypeOutcome] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class Board:
    """What is going on in a sync. Any thread may tell it something; rich draws it several times a second.

    Args:
        satellites: how many there are to do.
        clock: seconds that only go forward.
    """

    def __init__(self, satellites: int, clock: Callable[[], float] = monotonic) -> None:
        self._satellites = satellites
        self._clock = clock
        self._lock = Lock()
        self._began = clock()
        self._lanes: dict[str, _Lane] = {}
        self._done = 0
        self._rows = 0
        self._spinner = Spinner("dots", style="cyan")
        self.stopping = False

    def begin(self, satellite: str, expected: int | None) -> None:
        """A satellite's turn has come.

        Args:
            satellite: its name.
            expected: how many DocTypes it will bring, None where only the site can tell.
        """
        with self._lock:
            self._lanes[satellite] = _Lane(self._clock(), expected)

    def start(self, satellite: str, doctype: str) -> None:
        """A DocType's walk begins."""
        with self._lock:
            lane = self._lanes[satellite]
            lane.phase = "reading"
            lane.readings[doctype] = _Reading(self._clock())

    def count(self, satellite: str, doctype: str, rows: int) -> None:
        """So many more rows of it were read."""
        with self._lock:
            lane = self._lanes[satellite]
            lane.readings[doctype].rows += rows
            lane.rows += rows
            self._rows += rows

    def end(self, satellite: str, outcome: DocTypeOutcome) -> None:
        """A DocType's walk ended."""
        with self._lock:
            lane = self._lanes[satellite]
            reading = lane.readings.pop(outcome.doctype, None)
            lane.seconds[outcome.doctype] = self._clock() - reading.began if reading else 0.0
            lane.ended.append(outcome)

    def merge(self, satellite: str) -> None:
        """The satellite's packages begin to be merged."""
        with self._lock:
            lane = self._lanes[satellite]
            lane.phase = "merging"
            lane.readings.clear()

    def finish(self, satellite: str) -> tuple[tuple[DocTypeOutcome, ...], dict[str, float]]:
        """The satellite is done with. Return what ended, in that order, and DocType → seconds of its walk."""
        with self._lock:
            lane = self._lanes.pop(satellite)
            self._done += 1
            return tuple(lane.ended), lane.seconds

    def __rich__(self) -> Group:
        """Draw the satellites in work, the DocTypes below them, and the whole."""
        with self._lock:
            now = self._clock()
            grid = Table.grid(padding=(0, 2))
            grid.add_column(width=1)
            grid.add_column(no_wrap=True, overflow="ellipsis", min_width=16)
            grid.add_column(no_wrap=True)
            for _ in range(4):
                grid.add_column(justify="right", no_wrap=True)
            for satellite, lane in self._lanes.items():
                for row in self._drawn(satellite, lane, now):
                    grid.add_row(*row)
            done = Text(f"{self._done:,} of {self._satellites:,} satellites", "dim")
            grid.add_row("", Text("all", "dim"), done, "", *_pace(self._rows, now - self._began, "dim"))
            return Group(grid, _STOPPING) if self.stopping else Group(grid)

    def _drawn(self, satellite: str, lane: _Lane, now: float) -> Iterator[tuple[Spinner | Text | ProgressBar, ...]]:
        ended = len(lane.ended)
        # A site may bring more DocTypes than were named: those of patterns and modules.
        bar = (
            ProgressBar(total=None, pulse=True, width=24, animation_time=now)
            if lane.expected is None or lane.phase == "merging"
            else ProgressBar(total=max(lane.expected, ended, 1), completed=ended, width=24)
        )
        of_all = f" of {lane.expected:,}" if lane.expected is not None else ""
        state = f"{ended:,}{of_all} DocTypes" if lane.phase == "reading" else lane.phase
        yield self._spinner, Text(satellite, "bold"), bar, Text(state), *_pace(lane.rows, now - lane.began)
        for doctype, reading in lane.readings.items():
            yield Text(), plain(f"  {doctype}"), Text(), Text(), *_pace(reading.rows, now - reading.began, "dim")


def _pace(rows: int, seconds: float, style: str = "") -> tuple[Text, Text, Text]:
    pace = f"{rows / seconds:,.0f} rows/s" if rows and seconds >= 1 else ""
    told = f"{rows:,} row{'s' if rows > 1 else ''}" if rows else ""
    return Text(told, style), Text(pace, style), Text(duration(seconds), style)

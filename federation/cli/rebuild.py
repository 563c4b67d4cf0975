"""`federation rebuild`: the mothership again from the lake alone, and what that brought."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from rich.live import Live
from rich.text import Text

from federation.cli.ages import duration, instant
from federation.cli.board import Board
from federation.cli.exits import Status, end_at_once
from federation.cli.screen import (
    answers,
    complain,
    nothing,
    notices,
    number,
    plain,
    print_json,
    remark,
    table_of_sections,
)
from federation.cli.shortened import MOST_SHOWN, shortened
from federation.lakes import find_on_lakes
from federation.rebuilding import RebuildReport, RebuiltDocType, RebuiltSatellite
from federation.rebuilding import rebuild as work
from federation.settings.load import load_settings
from federation.settings.model import Settings

_REDRAW_SECONDS: Final = 0.125
_COUNTS: Final = ("documents", "waiting", "quarantined")
_HEADINGS: Final = ("satellite", "DocType", *_COUNTS, "complete as of")
_KEPT: Final = (
    "The mothership stays as it was. Put right what is named above and rebuild again; with --accept-losses it is "
    "replaced all the same."
)


def rebuild(settings_file: Path | None, *, accept_losses: bool, as_json: bool, show_all: bool) -> Status:
    """Rebuild the mothership; FAILED where it was not replaced, or something is missing from it now.

    Raises:
        SettingsError: a mistake in the settings; nothing was started.
        LakeError: no lake can be listed.
        MothershipError: the database refused; the mothership stays as it was.
    """
    settings = load_settings(settings_file)
    found = find_on_lakes(settings).satellites
    if not found:
        places = settings.lakes()
        lakes = f"the lake {places[0]}" if len(places) == 1 else f"any of the lakes {', '.join(map(str, places))}"
        complain(f"There is nothing on {lakes}: run `federation sync`.")
        return Status.FAILED
    report = _watched(settings, len(found), accept_losses=accept_losses)
    if as_json:
        print_json(report)
    else:
        _show(report, show_all=show_all)
    return Status.DONE if report.ok else Status.FAILED


class _Watcher:
    """Shows on the board which satellite is merged; its lines are for the thread that draws."""

    def __init__(self, satellites: int) -> None:
        self.board = Board(satellites)
        self.lines: deque[Text] = deque()

    def merging(self, satellite: str) -> None:
        self.board.begin(satellite, None)
        self.board.merge(satellite)

    def merged(self, satellite: RebuiltSatellite) -> None:
        self.board.finish(satellite.satellite)
        self.lines.append(_ended_line(satellite))

    def swapping(self) -> None:
        self.lines.append(Text("… what was committed meanwhile, and the swap", "dim"))


def _watched(settings: Settings, satellites: int, *, accept_losses: bool) -> RebuildReport:
    """Rebuild on another thread, and draw on this one; Ctrl-C ends the process at once, which is safe."""
    watcher = _Watcher(satellites)
    screen = notices()
    live = Live(get_renderable=watcher.board.__rich__, console=screen, auto_refresh=False, transient=True)
    with ThreadPoolExecutor(1, "rebuild") as pool, live if screen.is_terminal else nullcontext():
        running = pool.submit(work, settings, watcher, accept_losses=accept_losses)
        try:
            while not running.done() or watcher.lines:
                wait([running], timeout=_REDRAW_SECONDS)
                while watcher.lines:
                    line = watcher.lines.popleft()
                    if satellites <= MOST_SHOWN or not screen.is_terminal:
                        screen.print(line)
                if screen.is_terminal:
                    live.refresh()
        except KeyboardInterrupt:
            end_at_once(
                "Stopped at once. Analysts see the mothership as it was, or the new one; a rebuild begins anew."
            )
        return running.result()


def _ended_line(satellite: RebuiltSatellite) -> Text:
    rows = sum(doctype.rows for doctype in satellite.doctypes)
    parts = (f"{len(satellite.doctypes):,} DocTypes", f"{rows:,} documents", duration(satellite.seconds))
    sign = Text("✓ ", "green") if satellite.ok else Text("✗ ", "red")
    return sign + Text(satellite.satellite, "bold") + Text("  " + " · ".join(parts), "dim")


def _show(report: RebuildReport, *, show_all: bool) -> None:
    """Print the table on stdout; on stderr what is missing and what is odd."""
    short = shortened(report.satellites, lambda satellite: satellite.ok, show_all=show_all)
    if short.shown:
        answers().print(table_of_sections(_HEADINGS, map(_section, short.shown), numbers=_COUNTS))
    if rest := short.rest():
        answers().print(plain(rest), style="dim")
    for satellite in report.satellites:
        if not satellite.in_settings:
            remark(f"{satellite.satellite} is not in the settings; what the lake has of it was taken over.")
        if satellite.error:
            complain(f"{satellite.satellite}: {satellite.error}")
        for doctype in satellite.doctypes:
            if doctype.error:
                complain(f"{satellite.satellite}, {doctype.doctype}: {doctype.error}")
            if doctype.waiting:
                remark(
                    f"{satellite.satellite}, {doctype.doctype}: {doctype.waiting:,} documents wait on the lake: the "
                    "walk that they belong to is not complete, or `federation status` says what holds them back."
                )
    for loss in report.lost:
        complain(
            f"{loss.satellite}, {loss.doctype}: {loss.packages:,} packages that the mothership has merged are not on "
            "the lake any more. Restore them from a backup of the lake."
        )
    for sentence in report.remarks:
        remark(sentence)
    if report.swapped:
        notices().print(f"The mothership is rebuilt ({duration(report.seconds)}).", style="green")
    else:
        complain(_KEPT)


def _section(satellite: RebuiltSatellite) -> Iterator[tuple[Text, ...]]:
    name = Text(satellite.satellite, "bold")
    for doctype in satellite.doctypes:
        yield name, plain(doctype.doctype), *_cells(doctype)
        name = Text()
    if not satellite.doctypes:
        yield name, nothing()


def _cells(doctype: RebuiltDocType) -> Iterator[Text]:
    yield number(doctype.rows)
    yield number(doctype.waiting, "yellow")
    yield number(doctype.quarantined, "yellow")
    yield Text(instant(doctype.as_of)) if doctype.as_of else nothing()

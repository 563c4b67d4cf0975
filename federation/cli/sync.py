"""`federation sync`: satellites side by side, each extracted and merged, then one publication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console
from rich.live import Live

from federation.cli.board import Board
from federation.cli.choosing import chosen_doctypes, chosen_satellites
from federation.cli.described import described_modules
from federation.cli.exits import Status, end_at_once
from federation.cli.interruption import Interrupted, Interruption
from federation.cli.readiness import demand_secrets
from federation.cli.screen import notices, print_json
from federation.cli.shortened import MOST_SHOWN
from federation.cli.sync_report import SyncedSatellite, SyncReport, synced_satellite
from federation.cli.sync_tables import ended_line, show_report
from federation.extract.doctype_run import Depth
from federation.extract.outcome import DocTypeOutcome
from federation.extract.satellite import RunOptions
from federation.merging import publish
from federation.mothership.errors import MothershipError
from federation.mothership.interface import MergeReport
from federation.settings.load import load_settings
from federation.settings.model import Satellite, Settings
from federation.sync import SatelliteOutcome, sync_satellite

_AT_ONCE: Final = 4
"""Satellites worked on at one time: with more, this machine is busier than the sites are."""
_REDRAW_SECONDS: Final = 0.125


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks of a sync.

    Attributes:
        satellites: only these; all that are enabled if empty.
        doctypes: only these; all that the settings select if empty.
        depth: `changes`; `reconcile`: also what changes can't tell, within the settings' budget; `full`: everything.
        allow_mass_delete: believe a satellite although more documents are gone than the settings allow.
    """

    satellites: tuple[str, ...] = ()
    doctypes: tuple[str, ...] = ()
    depth: Depth = "changes"
    allow_mass_delete: bool = False


def sync(settings_file: Path | None, wish: Wish, *, as_json: bool, show_all: bool) -> Status:
    """Bring the satellites wished for into the mothership, and publish it.

    Raises:
        SettingsError: a mistake in the settings, or a secret that can't be had; nothing was started.
        typer.BadParameter: a satellite or DocType that the settings don't have.
    """
    settings = load_settings(settings_file)
    satellites = chosen_satellites(settings, wish.satellites)
    modules = described_modules(settings, satellites) if wish.doctypes else {}
    doctypes = chosen_doctypes(settings, satellites, wish.doctypes, modules)
    due = [satellite for satellite in satellites if satellite.name in doctypes]
    demand_secrets(settings, due)
    began = monotonic()
    options = {name: RunOptions(only, wish.depth, wish.allow_mass_delete) for name, only in doctypes.items()}
    synced, interrupted = sync_side_by_side(settings, due, options)
    published, trouble = (False, "") if interrupted else publish_now(settings)
    report = SyncReport(tuple(synced), published, trouble, interrupted, round(monotonic() - began, 3))
    if as_json:
        print_json(report)
    else:
        show_report(report, show_all=show_all)
    if interrupted:
        notices().print("Interrupted. What was committed stands; `federation sync` goes on from there.", style="yellow")
        return Status.INTERRUPTED
    return Status.DONE if report.ok else Status.FAILED


def publish_now(settings: Settings) -> tuple[bool, str]:
    """Return whether analysts see something new, and why they can't."""
    try:
        return publish(settings, force=True), ""
    except MothershipError as error:
        return False, str(error)


def sync_side_by_side(
    settings: Settings, satellites: Sequence[Satellite], options: Mapping[str, RunOptions]
) -> tuple[list[SyncedSatellite], bool]:
    """Return what became of each satellite, in their order, and whether the user stopped it.

    Args:
        settings: where their lakes and the mothership are.
        satellites: those to sync.
        options: satellite → what is asked of its run.
    """
    board = Board(len(satellites))
    screen = notices()

    def stopping() -> None:
        board.stopping = True

    def sync_one(satellite: Satellite) -> SyncedSatellite:
        asked = options[satellite.name]
        board.begin(satellite.name, _expected(settings, satellite, asked))
        return _sync_one(settings, satellite, asked, _Watcher(board, satellite.name, interruption))

    with Interruption(stopping) as interruption, ThreadPoolExecutor(_AT_ONCE, "satellite") as pool:
        running = [pool.submit(sync_one, satellite) for satellite in satellites]
        try:
            _watch(running, board, screen)
        except KeyboardInterrupt:
            end_at_once("Stopped at once. What was committed stands; `federation sync` goes on from there.")
        return [done.result() for done in running], interruption.wished


def _watch(running: Sequence[Future[SyncedSatellite]], board: Board, screen: Console) -> None:
    """Draw the board until all have ended, and leave a line of each behind.

    This thread alone draws: rich loses count of its lines where another one prints while it redraws them.
    """
    live = Live(get_renderable=board.__rich__, console=screen, auto_refresh=False, transient=True)
    with live if screen.is_terminal else nullcontext():
        waiting = set(running)
        while waiting:
            ended, waiting = wait(waiting, timeout=_REDRAW_SECONDS, return_when=FIRST_COMPLETED)
            for done in ended:
                # Of hundreds the board counts those that went well; a log, which has no board, gets a line of each.
                is_told = len(running) <= MOST_SHOWN or not screen.is_terminal
                if done.exception() is None and (is_told or not done.result().ok):
                    screen.print(ended_line(done.result()))
            if screen.is_terminal:
                live.refresh()


def _sync_one(settings: Settings, satellite: Satellite, options: RunOptions, watcher: _Watcher) -> SyncedSatellite:
    began = monotonic()
    try:
        watcher.interruption.leave_if_wished()
        outcome = sync_satellite(settings, satellite, options, watcher, watcher.merging)
    except Interrupted:
        ended, seconds = watcher.board.finish(satellite.name)
        outcome = SatelliteOutcome(satellite.name, ended, MergeReport(), "", monotonic() - began)
        return synced_satellite(outcome, seconds, interrupted=True)
    _, seconds = watcher.board.finish(satellite.name)
    return synced_satellite(outcome, seconds)


def _expected(settings: Settings, satellite: Satellite, options: RunOptions) -> int | None:
    """Return how many DocTypes will come, None where the site has to resolve patterns and modules."""
    selection = settings.selection(satellite)
    if options.doctypes is not None:
        return len(options.doctypes)
    return None if selection.patterns or selection.modules else len(selection.names)


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Shows one satellite's run on the board, and ends it where the user asked to stop."""

    board: Board
    satellite: str
    interruption: Interruption

    def started(self, doctype: str) -> None:
        self.interruption.leave_if_wished()
        self.board.start(self.satellite, doctype)

    def read(self, doctype: str, rows: int) -> None:
        self.board.count(self.satellite, doctype, rows)
        self.interruption.leave_if_wished()

    def ended(self, outcome: DocTypeOutcome) -> None:
        self.board.end(self.satellite, outcome)

    def merging(self, satellite: str) -> None:
        self.interruption.leave_if_wished()
        self.board.merge(satellite)

"""Tour: what `make demo` shows: a first load, a working day, what is new, an analyst's questions, and the proof."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console
from rich.live import Live
from sqlalchemy.engine import URL

from federation.cli.ages import duration
from federation.cli.board import Board
from federation.cli.query_answer import show_table
from federation.cli.screen import answers, number, plain, table
from federation.cli.status import freshness_table, report_of
from federation.definitions import run_job
from federation.demo.fleet import DemoFleet, make_fleet
from federation.demo.proof import SiteProof, prove
from federation.demo.queries import QUESTIONS
from federation.demo.world.activity import live
from federation.extract.outcome import DocTypeOutcome
from federation.merging import open_reader, publish
from federation.settings.load import load_settings
from federation.settings.model import Settings

_STEPS: Final = 60
"""Things that each organisation does in its working day: some hundreds of changes."""


def run_tour(folder: Path, *, gl_rows: int, seed: int, mothership: URL | None = None) -> bool:
    """Make the satellites in `folder`, bring them together, let them live, compare; return whether all is the same.

    Args:
        folder: where.
        gl_rows: GL Entries of each site.
        seed: the same one makes the same sites.
        mothership: an empty database on a MariaDB server, with an account that may make others and its password; None
            is a DuckDB file in `folder`.

    Raises:
        OSError: a simulated satellite didn't start.
    """
    screen = answers()
    began = monotonic()
    screen.rule("[bold]Four organisations, four Frappe sites[/]", style="dim")
    fleet = make_fleet(folder, gl_rows=gl_rows, seed=seed, mothership=mothership)
    settings = load_settings(fleet.settings_file)
    _introduce(screen, fleet)
    with fleet.serving():
        done = _run(screen, fleet, "sync", "The first load: the Dagster job `sync`")
        _let_live(screen, fleet, seed)
        done &= _run(screen, fleet, "sync", "An hour later: `sync` again, for what changed")
        done &= _run(screen, fleet, "reconcile", "At night: `reconcile`, for what no timestamp tells")
        publish(settings, force=True)
        _show_freshness(screen, settings)
        _ask(screen, settings)
        proofs = list(prove(fleet, settings))
    _show(screen, proofs)
    took = duration(monotonic() - began)
    screen.print(f"[dim]The mothership stays in[/] {settings.mothership.place} [dim](the tour took {took})[/]")
    return done and all(proof.same for proof in proofs)


class _Watcher:
    """Shows one satellite's run on the board, and counts what ended."""

    def __init__(self, board: Board, satellite: str) -> None:
        self._board = board
        self._satellite = satellite
        self.ended_walks: list[DocTypeOutcome] = []

    def started(self, doctype: str) -> None:
        self._board.start(self._satellite, doctype)

    def read(self, doctype: str, rows: int) -> None:
        self._board.count(self._satellite, doctype, rows)

    def ended(self, outcome: DocTypeOutcome) -> None:
        self._board.end(self._satellite, outcome)
        self.ended_walks.append(outcome)

    def merging(self, satellite: str) -> None:
        self._board.merge(satellite)


def _introduce(screen: Console, fleet: DemoFleet) -> None:
    grid = table("satellite", "organisation", "Frappe", "currency", "time zone", "jurisdiction", "address")
    for site in fleet.sites:
        spec = site.spec
        address = f"http://127.0.0.1:{site.port}"
        facts = (site.name, spec.company, str(spec.version), spec.currency, spec.time_zone, spec.jurisdiction, address)
        grid.add_row(*map(plain, facts))
    screen.print(grid)


def _run(screen: Console, fleet: DemoFleet, job: str, title: str) -> bool:
    """Run a Dagster job for every satellite, and say what came; return whether all succeeded."""
    screen.rule(f"[bold]{title}[/]", style="dim")
    grid = table("satellite", "", "DocTypes changed", "documents", "absent", "set aside", "time", numbers=_COUNTED)
    board = Board(len(fleet.sites))
    succeeded = True
    with Live(get_renderable=board.__rich__, console=screen, refresh_per_second=8, transient=True):
        for site in fleet.sites:
            began = monotonic()
            board.begin(site.name, None)
            watcher = _Watcher(board, site.name)
            ok = run_job(fleet.settings_file, job, site.name, watcher, fleet.folder / "dagster")
            board.finish(site.name)
            succeeded &= ok
            ended = watcher.ended_walks
            grid.add_row(
                plain(site.name),
                "[green]✓[/]" if ok else "[red]✗[/]",
                number(sum(walk.status == "changed" for walk in ended)),
                number(sum(walk.documents for walk in ended)),
                number(sum(walk.tombstones for walk in ended)),
                number(sum(walk.quarantined for walk in ended)),
                duration(monotonic() - began),
            )
    screen.print(grid)
    return succeeded


_COUNTED: Final = ("DocTypes changed", "documents", "absent", "set aside", "time")


def _let_live(screen: Console, fleet: DemoFleet, seed: int) -> None:
    screen.rule("[bold]A working day: what happens on the sites meanwhile[/]", style="dim")
    tally: Counter[str] = Counter()
    for site in fleet.sites:
        with site.documents() as documents:
            tally.update(change.kind for change in live(documents, site.spec, seed=seed, steps=_STEPS))
    screen.print(plain(" · ".join(f"{count} × {kind}" for kind, count in tally.most_common())), style="dim")


def _show_freshness(screen: Console, settings: Settings) -> None:
    screen.rule("[bold]How fresh and how whole[/]", style="dim")
    with open_reader(settings) as mothership:
        fresh = mothership.freshness() if mothership else []
    screen.print(freshness_table(report_of(settings, fresh, datetime.now(UTC)), condensed=True))


def _ask(screen: Console, settings: Settings) -> None:
    for question in QUESTIONS:
        screen.rule(f"[bold]{question.asked}[/]", style="dim")
        with open_reader(settings) as mothership:
            if mothership is not None:
                show_table(mothership.query(question.sql))


def _show(screen: Console, proofs: list[SiteProof]) -> None:
    screen.rule("[bold]The proof: every document of every site against the mothership[/]", style="dim")
    grid = table("satellite", "", "tables", "rows", "values", "missing", "surplus", "differing", numbers=_PROVEN)
    for proof in proofs:
        grid.add_row(
            plain(proof.satellite),
            "[green]✓ the same[/]" if proof.same else "[red]✗ not the same[/]",
            number(len(proof.tables)),
            number(proof.rows),
            number(proof.cells),
            *(number(sum(getattr(each, side) for each in proof.tables), "red") for side in _PROVEN[3:]),
        )
    screen.print(grid)
    for proof in proofs:
        for each in proof.tables:
            if not each.same:
                screen.print(
                    plain(f"{proof.satellite}, {each.doctype}: for example {', '.join(each.examples)}"), style="red"
                )


_PROVEN: Final = ("tables", "rows", "values", "missing", "surplus", "differing")

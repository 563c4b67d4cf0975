"""Figure: one measured promise, and the table that all of them stand in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """A promise and what was measured.

    Attributes:
        what: what was done.
        measured: the figure, as a reader wants it.
        ceiling: what it was measured against, in the same run; "" for an absolute figure.
        wanted: the promise; "" where a figure is only told.
        met: the promise is kept; None where nothing was promised.
    """

    what: str
    measured: str
    ceiling: str = ""
    wanted: str = ""
    met: bool | None = None


def show(title: str, figures: Iterable[Figure]) -> None:
    """Print figures as a table."""
    grid = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("what", "measured", "against", "wanted", ""):
        grid.add_column(heading, justify="left" if heading in ("what", "against") else "right")
    for figure in figures:
        verdict = "" if figure.met is None else "[green]met[/]" if figure.met else "[red]missed[/]"
        grid.add_row(figure.what, figure.measured, figure.ceiling, figure.wanted, verdict)
    Console(width=140).print(grid)

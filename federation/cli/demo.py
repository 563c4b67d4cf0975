"""`federation demo`: simulated satellites on this machine: a tour that proves itself, and the Dagster UI on them."""

from __future__ import annotations

from pathlib import Path

import typer
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from federation.cli.exits import Status
from federation.cli.screen import notices, plain
from federation.demo.stage import run_stage
from federation.demo.tour import run_tour


def run(folder: Path, scale: int, seed: int, mothership: str | None) -> Status:
    """Give the tour; FAILED where a run failed or a document differs."""
    same = run_tour(folder.absolute(), gl_rows=scale, seed=seed, mothership=_url(mothership))
    return Status.DONE if same else Status.FAILED


def ui(folder: Path, scale: int, seed: int, port: int, mothership: str | None) -> Status:
    """Serve the Dagster UI until it is interrupted."""
    url = _url(mothership)
    notices().print(
        plain(f"The Dagster UI will answer on http://127.0.0.1:{port}. Ctrl-C ends it, and the sites with it.")
    )
    failed = run_stage(folder.absolute(), gl_rows=scale, seed=seed, port=port, mothership=url)
    return Status.FAILED if failed else Status.DONE


def _url(mothership: str | None) -> URL | None:
    if not mothership:
        return None
    try:
        return make_url(mothership)
    except ArgumentError:
        # The message would quote what may hold a password.
        raise typer.BadParameter("--mothership: write mariadb://user:password@host:port/database") from None

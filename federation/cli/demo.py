"""`federation demo`: simulated satellites on this machine: a tour that proves itself, and the Dagster UI on them."""

from __future__ import annotations

from pathlib import Path

from federation.cli.exits import Status
from federation.cli.screen import notices, plain
from federation.demo.stage import run_stage
from federation.demo.tour import run_tour


def run(folder: Path, scale: int, seed: int) -> Status:
    """Give the tour; FAILED where a run failed or a document differs."""
    return Status.DONE if run_tour(folder.absolute(), gl_rows=scale, seed=seed) else Status.FAILED


def ui(folder: Path, scale: int, seed: int, port: int) -> Status:
    """Serve the Dagster UI until it is interrupted."""
    notices().print(
        plain(f"The Dagster UI will answer on http://127.0.0.1:{port}. Ctrl-C ends it, and the sites with it.")
    )
    return Status.FAILED if run_stage(folder.absolute(), gl_rows=scale, seed=seed, port=port) else Status.DONE

"""Serve: one simulated satellite in the foreground: `python -m federation.demo.serve STORE PORT`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from federation.demo.site.server import serve


def main(store: Path, port: int, rows_per_second: Annotated[float | None, typer.Option()] = None) -> None:
    """Serve the site whose data is STORE on PORT of this machine, until interrupted."""
    serve(store, port=port, slow_rows_per_second=rows_per_second)


if __name__ == "__main__":
    typer.run(main)

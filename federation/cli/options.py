"""Options: those that several subcommands have."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
Satellites = Annotated[
    list[str] | None,
    typer.Option(
        "--satellite",
        "-s",
        metavar="NAME",
        help="Only this satellite, or those of a pattern (campus-*); may be given several times.",
    ),
]
ShowAll = Annotated[bool, typer.Option("--all", help="Show every row, however many there are.")]

"""The `federation` command: everything that the pipeline does, from a terminal, with the same functions."""

from __future__ import annotations


def main() -> None:
    """Run the command; the entry point of the distribution."""
    from federation.cli.app import run  # noqa: PLC0415 - importing this package costs nothing

    run()

"""All benchmarks, one table: `make bench`; or those that are named: `python -m benchmarks idle fleet`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer

from benchmarks import (
    decode,
    delta,
    expectations,
    extraction,
    fleet,
    idle,
    incremental,
    mariadb,
    mariadb_memory,
    memory,
    merge,
    reread,
    ticks,
)
from benchmarks.figure import Figure, show

_ALL: Final = {
    "decode": decode,
    "idle": idle,
    "ticks": ticks,
    "reread": reread,
    "delta": delta,
    "extraction": extraction,
    "expectations": expectations,
    "merge": merge,
    "fleet": fleet,
    "incremental": incremental,
    "memory": memory,
    "mariadb": mariadb,
    "mariadb_memory": mariadb_memory,
}


def main(names: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Measure everything that is promised, the quick ones first; or only what is named."""
    chosen = names or list(_ALL)
    if unknown := set(chosen) - _ALL.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: no such benchmark; there are {', '.join(_ALL)}")
    show("Federation", _figures(chosen))


def _figures(names: Sequence[str]) -> Iterator[Figure]:
    for name in names:
        yield from _ALL[name].figures()


if __name__ == "__main__":
    typer.run(main)

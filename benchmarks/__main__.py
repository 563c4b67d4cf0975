"""All benchmarks, one table: `make bench`."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import decode, extraction, idle, memory, merge
from benchmarks.figure import Figure, show


def figures() -> Iterator[Figure]:
    """Measure everything that is promised, the quick ones first."""
    for benchmark in (decode, idle, extraction, merge, memory):
        yield from benchmark.figures()


if __name__ == "__main__":
    show("Federation", figures())

"""Memory: the peak of a first load into MariaDB, measured as `memory` does into DuckDB.

python -m benchmarks.mariadb_memory
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import memory
from benchmarks.figure import Figure, show
from benchmarks.mariadb_place import host, mothership_settings


def figures() -> Iterator[Figure]:
    """Load one and two million rows, with validation and without, each into an empty database."""
    with host() as server:

        @contextmanager
        def mothership() -> Iterator[str]:
            with server.place() as place:
                yield mothership_settings(place)

        yield from memory.peaks(mothership)


if __name__ == "__main__":
    show("Memory, MariaDB", figures())

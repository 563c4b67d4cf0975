"""Bench: the DuckDB in memory on which packages are read before their rows go to the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import duckdb

from federation.mothership.duckdb.sql import DuckdbConnection, without_progress_bar

_LEAST_MEMORY_MB: Final = 128
_MOST_MEMORY_MB: Final = 4_096

_T = TypeVar("_T")


@contextmanager
def bench(memory_mb: int) -> Iterator[DuckdbConnection]:
    """Give an empty bench that holds no more than `memory_mb` and writes nothing to any disk."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_mb}MB",
        "threads": 1,
        "temp_directory": "",
        # Rows of one document need not lie side by side on their way: only the server's keys say where they go.
        "preserve_insertion_order": False,
        "enable_external_file_cache": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=settings) as connection:
        yield DuckdbConnection(without_progress_bar(connection))


def with_room(work: Callable[[int], _T]) -> _T:
    """Do `work` with so many MB for its bench, and as long as that is too little, again with twice as much.

    How much rows need shows when they are read: a text may have one letter or a million. Work that fails must leave
    nothing behind.

    Raises:
        duckdb.OutOfMemoryException: all that it may take is too little.
    """
    memory_mb = _LEAST_MEMORY_MB
    while True:
        try:
            return work(memory_mb)
        except duckdb.OutOfMemoryException:
            if memory_mb >= _MOST_MEMORY_MB:
                raise
            memory_mb *= 2

"""Published: the mothership as analysts see it, opened for reading, if there is one yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from federation.mothership.duckdb.published import PublishedMothership
from federation.mothership.interface import Readable
from federation.settings.model import Settings


@contextmanager
def published(settings: Settings) -> Iterator[Readable | None]:
    """Open what was published last; None where nothing was yet.

    Raises:
        MothershipError: it can't be read.
    """
    if not settings.mothership_file.exists():
        yield None
        return
    with PublishedMothership(settings.mothership_file) as mothership:
        yield mothership

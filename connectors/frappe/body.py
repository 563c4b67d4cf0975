"""Body: an answer's bytes, read under a cap on size and time, whatever the site sends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from threading import Event

_CHUNK: Final = 1024 * 1024
"""Reading by large chunks is twice as fast as `requests`' own `.content`."""


class Source(Protocol):
    """What is needed of urllib3's response."""

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        """Return the next decoded bytes as soon as there are any, b"" at the end."""


class OversizeError(Exception):
    """The decoded body is larger than the cap."""


class OverdueError(Exception):
    """The body's end didn't come before the deadline."""


class AbandonedError(Exception):
    """Nobody wants the answer any more."""


def read_body(source: Source, *, most: int, deadline: float, abandoned: Event) -> bytes:
    """Return the decoded body.

    Args:
        source: where it comes from; a compressed body is unpacked in bounded steps, so a bomb stops at the cap.
        most: bytes, decoded.
        deadline: `time.monotonic()` after which a trickling body is given up.
        abandoned: set from another thread when the answer isn't wanted any more.

    Raises:
        OversizeError, OverdueError, AbandonedError: as their names say.
    """
    chunks: list[bytes] = []
    size = 0
    while chunk := source.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > most:
            raise OversizeError
        if time.monotonic() > deadline:
            raise OverdueError
        if abandoned.is_set():
            raise AbandonedError
        chunks.append(chunk)
    return b"".join(chunks)

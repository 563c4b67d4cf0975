"""Place: where a lake lies, and whether two lakes lie in each other."""

from __future__ import annotations

import os
from dataclasses import dataclass

from fsspec import get_filesystem_class
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem


@dataclass(frozen=True, slots=True)
class LakePlace:
    """Where a lake lies.

    Attributes:
        url: an absolute folder, or an fsspec URL; without credentials.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def is_local(self) -> bool:
        """It is a folder of this machine."""
        return issubclass(get_filesystem_class(self._scheme()), LocalFileSystem)

    def holds(self, other: LakePlace) -> bool:
        """Return whether `other` is this place or lies in it, as far as their names tell; neither is touched."""
        mine = self._steps()
        return other._steps()[: len(mine)] == mine

    def _scheme(self) -> str:
        scheme, separator, _ = self.url.partition("://")
        return scheme if separator else "file"

    def _steps(self) -> tuple[str, ...]:
        """The way to the place: the protocol in one spelling, then the names of folders."""
        if self.is_local:
            # Links aren't followed: that would ask a mount whose server may be out of reach.
            path = os.path.normpath(url_to_fs(self.url)[1])
            return ("file", *(step for step in path.split("/") if step))
        protocol = get_filesystem_class(self._scheme()).protocol
        first = protocol if isinstance(protocol, str) else protocol[0]
        return (first, *(step for step in self.url.partition("://")[2].split("/") if step))

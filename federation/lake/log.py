"""Log: the satellite's commits in order, one manifest each, written by one exclusive put."""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from federation.lake.errors import AlreadyExists, CommitLost, DamagedLog
from federation.lake.history import Described, History
from federation.lake.manifest import Manifest
from federation.lake.storage import LakeFolder

_FILE: Final = re.compile(r"([0-9]{10})\.json")


class CommitLog:
    """The commits of one source of one satellite: `log/<source>/0000000042.json`."""

    def __init__(self, folder: LakeFolder, source: str = "rest") -> None:
        self.folder = folder
        self.source = source
        self._history: History | None = None
        self._reading = threading.Lock()

    def length(self) -> int:
        """Return the last commit's number, 0 before the first: one listing."""
        return max(self._seqs(), default=0)

    def newest(self) -> Manifest | None:
        """Return the last commit, or None before the first: one listing and one read.

        Raises:
            DamagedLog: its manifest can't be read.
        """
        seqs = self._seqs()
        return self._manifest(seqs[-1]) if seqs else None

    def read(self, after: int = 0) -> Iterator[Manifest]:
        """Yield the commits later than `after`, in order: one listing and one read each.

        Raises:
            DamagedLog: a manifest can't be read, or one between two others is missing.
        """
        for expected, seq in enumerate((seq for seq in self._seqs() if seq > after), start=after + 1):
            if seq != expected:
                raise DamagedLog(self.folder.satellite, self._path(expected), "is missing")
            yield self._manifest(seq)

    def since(self, after: int) -> History:
        """Return what was committed later than `after`, up to now; what was read before isn't read again."""
        with self._reading:
            known = self._history
            if known is None or known.after > after:
                known = History(after)
            self._history = known.followed_by(self.read(known.seq))
            return self._history

    def described_at(self, seq: int) -> Described | None:
        """Return the satellite's schema as of a commit, None where it had none yet.

        Raises:
            LakeError: the commit's manifest can't be read.
        """
        manifest = self._manifest(seq) if seq else None
        return Described(seq, manifest.written_at, manifest.schema) if manifest and manifest.schema else None

    def last_until(self, instant: datetime) -> int:
        """Return the last commit that was written by then (aware), 0 where there was none: one listing, few reads.

        Raises:
            LakeError: a commit's manifest can't be read.
        """
        seqs = sorted(self._seqs())
        found = bisect_right(seqs, instant, key=lambda seq: self._manifest(seq).written_at)
        return seqs[found - 1] if found else 0

    def append(self, manifest: Manifest) -> None:
        """Put a commit at its place.

        Raises:
            CommitLost: another run has put its own there.
        """
        content = msgspec.json.encode(manifest)
        path = self._path(manifest.seq)
        try:
            self.folder.create(path, content)
        except AlreadyExists:
            # A put whose answer got lost did arrive: the manifest that stands there is this one.
            if self.folder.read(path) != content:
                raise CommitLost(self.folder.satellite, self.source, manifest.seq) from None

    def replace(self, manifest: Manifest) -> None:
        """Put a manifest in the place of the one that its commit has: for erasure alone, by who holds the log."""
        self.folder.write(self._path(manifest.seq), msgspec.json.encode(manifest))

    def _seqs(self) -> list[int]:
        matches = (_FILE.fullmatch(name) for name in self.folder.names(f"log/{self.source}"))
        return [int(match[1]) for match in matches if match]

    def _path(self, seq: int) -> str:
        return f"log/{self.source}/{seq:010d}.json"

    def _manifest(self, seq: int) -> Manifest:
        path = self._path(seq)
        try:
            manifest = msgspec.json.decode(self.folder.read(path), type=Manifest)
        except msgspec.DecodeError as error:
            raise DamagedLog(self.folder.satellite, path, f"is not a manifest ({error})") from error
        if (manifest.seq, manifest.satellite, manifest.source) != (seq, self.folder.satellite, self.source):
            raise DamagedLog(self.folder.satellite, path, "is the manifest of another commit")
        return manifest

"""Fingerprint index: the fingerprints of all known documents, sorted in files and looked up by page."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.uint64]


class FingerprintIndex:
    """Document → content, both as 64-bit numbers, in a folder: 16 bytes a document, none of them held in memory.

    What is added later takes the place of what was there before.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments: list[tuple[Numbers, Numbers]] = []

    def add(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Add fingerprints.

        Args:
            batches: document: uint64, content: uint64; sorted by document, each once.
        """
        paths = [self._folder / uuid.uuid4().hex for _ in range(2)]
        with paths[0].open("xb") as documents, paths[1].open("xb") as contents:
            for batch in batches:
                batch.column("document").to_numpy(zero_copy_only=False).tofile(documents)
                batch.column("content").to_numpy(zero_copy_only=False).tofile(contents)
        if paths[0].stat().st_size:
            mapped = [np.memmap(path, np.uint64, mode="r") for path in paths]
            self._segments.append((mapped[0], mapped[1]))

    def holds(self, documents: Numbers, contents: Numbers) -> npt.NDArray[np.bool_]:
        """Return, for each document, whether what was added last for it is this content."""
        same = np.zeros(len(documents), dtype=np.bool_)
        open_questions = np.ones(len(documents), dtype=np.bool_)
        for known, content in reversed(self._segments):
            place = np.minimum(np.searchsorted(known, documents), len(known) - 1)
            found = (known[place] == documents) & open_questions
            same |= found & (content[place] == contents)
            open_questions &= ~found
        return same

"""Errors of the lake: each says what happened, to what, and what to do.

LakeError                satellite-level: the run of this satellite ends, other satellites go on
├── LakeUnavailable      the file system refused or is out of reach
├── NotOnLake            a file that should be there is not
├── AlreadyExists        an exclusive write met a file
├── CommitLost           another run has taken over the satellite's log
├── DamagedLog           a manifest can't be read, or one is missing
└── CompactionFailed     DocType-level: the `current` dataset of one DocType stays as it was
"""

from __future__ import annotations


class LakeError(Exception):
    """The lake didn't do what it was asked for."""


class LakeUnavailable(LakeError):
    """The file system under the lake refused an operation."""

    def __init__(self, action: str, place: str, reason: str) -> None:
        super().__init__(
            f"The lake could not {action} {place}: {reason}. Check that the place exists, that there is room and that "
            "this user may write there; the next run goes on from the last commit."
        )


class NotOnLake(LakeError):
    """A file is not there."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The lake has no {place}. If files were moved or deleted by hand, put them back.")


class AlreadyExists(LakeError):
    """A file that must be written once is there already."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is on the lake already and is never overwritten.")


class CommitLost(LakeError):
    """Another run has committed at this place of the log: this one is fenced off and must end."""

    def __init__(self, satellite: str, source: str, seq: int) -> None:
        super().__init__(
            f"{satellite}: commit {seq} of its {source} log was taken by another run, so this run ends and nothing of "
            "it since its last commit counts. If two machines sync this satellite, let only one do it; else nothing is "
            "to be done: the next run goes on."
        )
        self.satellite = satellite
        self.seq = seq


class DamagedLog(LakeError):
    """The log of a satellite can't be trusted: a manifest is unreadable, is not its own, or is missing."""

    def __init__(self, satellite: str, place: str, reason: str) -> None:
        super().__init__(
            f"{satellite}: {place} {reason}, so its log can't be followed past it. Restore the file from a backup of "
            "the lake; without one, move the satellite's folder away and let the next run load it anew."
        )
        self.satellite = satellite


class CompactionFailed(LakeError):
    """The `current` dataset of one DocType was not made anew; the one before stays."""

    def __init__(self, satellite: str, doctype: str, reason: str) -> None:
        super().__init__(
            f"{satellite}: the current dataset of {doctype} was not made anew and stays as it was: {reason} The next "
            "compaction tries again; if a package is damaged, restore it from a backup of the lake."
        )
        self.satellite = satellite
        self.doctype = doctype

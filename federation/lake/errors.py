"""Errors of the lake: each says what happened, to what, and what to do.

LakeError                satellite-level: the run of this satellite ends, other satellites go on
├── LakeUnavailable      the file system refused or is out of reach
├── NotOnLake            a file that should be there is not
├── AlreadyExists        an exclusive write met a file
├── CommitLost           another run has taken over the satellite's log
├── DamagedLog           a manifest can't be read, or one is missing
├── LogSetBack           a log ends before the commit up to which it was merged
├── LogElsewhere         the satellite's log lies on another lake than the settings say
├── TwoLogs              the satellite has logs on two lakes
└── CompactionFailed     DocType-level: the `current` dataset of one DocType stays as it was
"""

from __future__ import annotations

from collections.abc import Sequence

from federation.lake.place import LakePlace


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
            "the lake; without one, move all of the satellite's folder away but `erasure`, let the next run load it "
            "anew, and make the mothership follow the new log: `federation rebuild --accept-losses`."
        )
        self.satellite = satellite


class LogSetBack(LakeError):
    """A log ends before the commit up to which the mothership has merged it: it is another one, or lost its end."""

    def __init__(self, satellite: str, place: str, newest: int, merged: int) -> None:
        super().__init__(
            f"{satellite}: its log at {place} ends with commit {newest:,}, and the mothership has merged it up to "
            f"{merged:,}, so nothing is merged: what is committed now would count as merged already. If the lake was "
            "moved, restored or is not mounted, put the whole log back; if the satellite was loaded anew on purpose, "
            "run `federation rebuild --accept-losses`, which makes the mothership again from what the lakes have."
        )
        self.satellite = satellite


class LogElsewhere(LakeError):
    """A satellite's log lies on another lake than the one that the settings name for it."""

    def __init__(self, satellite: str, own: LakePlace, other: LakePlace) -> None:
        super().__init__(
            f"{satellite}: the settings keep it on the lake {own}, and its log lies on {other}, so nothing is read "
            f"into a second one. Move the folder {other}/{satellite} with all that is in it to {own}/{satellite}; or "
            "give the satellite the jurisdiction back that it had."
        )
        self.satellite = satellite


class TwoLogs(LakeError):
    """A satellite lies on several lakes, and nobody can tell which of its logs goes on."""

    def __init__(self, satellite: str, places: Sequence[LakePlace]) -> None:
        folders = " and ".join(f"{place}/{satellite}" for place in places)
        super().__init__(
            f"{satellite}: it has a log in {folders}, so none of them is taken. Keep the folder that the syncs went on "
            "with, on the lake of its jurisdiction, and move the other one away from the lakes."
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

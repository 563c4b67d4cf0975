"""Errors of the mothership: each says what happened, to what, and what to do.

MothershipError             the run's merge ends; what was merged before stays, and the next run goes on
├── MothershipBusy          another process writes
├── MothershipUnavailable   the database can't be opened, read or written
├── MothershipNewer         a newer version of Federation made it
├── QueryFailed             a query of an analyst was refused
└── MergeFailed             DocType-level: nothing of this DocType was merged, the others were
    └── PackageDamaged      a file on the lake is not the one that its manifest names
"""

from __future__ import annotations


class MothershipError(Exception):
    """The mothership didn't do what it was asked for."""


class MothershipBusy(MothershipError):
    """Another process holds the mothership for writing."""

    def __init__(self, who: str, file: str, seconds: float, holder: str) -> None:
        super().__init__(
            f"{who} waited {seconds:g} s to write to {file}, which is still held by {holder}. Nothing was merged; "
            "run it again when the other one has ended, or end that one."
        )


class MothershipUnavailable(MothershipError):
    """The database under the mothership refused."""

    def __init__(self, action: str, place: str, reason: str) -> None:
        super().__init__(
            f"The mothership could not {action} {place}: {reason}. Check that there is room and that this user may "
            "write there. What was merged before is kept and the rest waits on the lake for the next run; if the file "
            "itself is damaged, delete it, and the next run merges the lake anew."
        )


class MothershipNewer(MothershipError):
    """The database has tables of a later version than this program knows."""

    def __init__(self, place: str, found: int, known: int) -> None:
        super().__init__(
            f"{place} has version {found} of the federation_* tables and this program knows {known}. Install the "
            "version of Federation that wrote it, or a later one."
        )


class QueryFailed(MothershipError):
    """A query was refused."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The query was refused: {reason}")


class MergeFailed(MothershipError):
    """The packages of one DocType were not merged: none of them, and the next run tries them again."""

    def __init__(self, satellite: str, doctype: str, reason: str) -> None:
        super().__init__(f"{satellite}: nothing of {doctype} was merged: {reason}")
        self.satellite = satellite
        self.doctype = doctype


class PackageDamaged(MergeFailed):
    """A file of a package is missing, or is not what its manifest says."""

    def __init__(self, satellite: str, doctype: str, path: str, reason: str) -> None:
        super().__init__(
            satellite,
            doctype,
            f"{path} {reason}. Restore it from a backup of the lake and the next run merges it; other DocTypes go on.",
        )
        self.path = path

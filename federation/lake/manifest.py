"""Manifest: what one commit says — its packages, the walks it completes and the positions it reaches."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

FileKind = Literal["rows", "tombstones", "quarantine"]
WalkKind = Literal["changes", "full"]
Stage = Literal["opening", "batch", "closing"]


class PackageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One immutable Parquet file.

    Attributes:
        path: relative to the satellite's folder on the lake.
        table: the DocType whose rows it holds: the package's own or a child DocType.
        kind: rows; or tombstones (name, observed); or quarantine (name, fieldname, value, reason, observed, document).
        rows: how many.
        size: bytes.
        sha256: of the file, hexadecimal.
    """

    path: str
    table: str
    kind: FileKind
    rows: int
    size: int
    sha256: str


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The changes of one DocType from one satellite in one commit.

    Attributes:
        id: unique over the lake: `<run id>/<DocType slug>/<batch>`.
        walk: the walk it belongs to; merged only once a manifest says that the walk is complete.
        documents: documents with all their child rows.
        tombstones: documents read and found absent.
        quarantined: documents set aside.
        files: a `rows` file for the DocType and for each of its child DocTypes, empty ones included: a table with no
            file here is not covered by the package, a table with an empty one has lost its rows.
        observed_from, observed_to: the span of `observed` over its documents and tombstones (UTC).
    """

    id: str
    doctype: str
    walk: str
    documents: int
    tombstones: int
    quarantined: int
    files: tuple[PackageFile, ...]
    observed_from: datetime
    observed_to: datetime


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the changes of one DocType are read, in the site's own words.

    Attributes:
        modified, name: the last document of the walk by `(modified, name)`; "" before the first.
        pending: names that must be read again whatever `modified` says.
    """

    modified: str = ""
    name: str | int = ""
    pending: tuple[str, ...] = ()


class OpenWalk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A walk that was begun and not ended: the next run of its kind goes on from here."""

    id: str
    position: Position


class CompletedWalk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A walk that reached its bound.

    Attributes:
        through: the instant (UTC) as of which the DocType is complete: the start of the run that ended the walk.
    """

    id: str
    doctype: str
    kind: WalkKind
    through: datetime


class DocTypeState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that extraction remembers of one DocType."""

    position: Position = Position()
    open_changes: OpenWalk | None = None
    open_full: OpenWalk | None = None
    through: datetime | None = None


class FencedRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run that never closed: it was killed, or it goes on elsewhere and can't commit any more.

    Attributes:
        opened: the seq of its opening manifest; its other manifests follow without a gap.
        fenced_at: when a later run took the log over (UTC).
    """

    run_id: str
    opened: int
    fenced_at: datetime


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One commit of one source of one satellite.

    States are cumulative: the newest manifest alone tells how far the satellite is read, so a run starts with one
    listing and one read. All instants are aware and in UTC; the columns of the files hold them naive, in UTC too.

    Attributes:
        seq: contiguous from 1 within the satellite's source.
        stage: every run opens with a manifest, which fences off any run before it, and closes with one.
        opened: the seq of the run's opening manifest.
        fenced: runs whose leftovers may still lie on the lake, because they never closed.
        packages: what this commit adds.
        completed: the walks that this commit completes; their packages, of this commit and of earlier ones, may merge.
        doctypes: DocType → state after this commit, for all DocTypes of the satellite.
        deleted: how far the list of Deleted Documents is read.
        observed_floor: the newest `observed` ever committed; the clock of a later run starts above it.
        schema: the sha256 that names the satellite's schema at this commit (`schema/<sha256>.json`); "" before the
            first.
    """

    seq: int
    satellite: str
    source: str
    run_id: str
    stage: Stage
    written_at: datetime
    opened: int
    fenced: tuple[FencedRun, ...] = ()
    packages: tuple[Package, ...] = ()
    completed: tuple[CompletedWalk, ...] = ()
    doctypes: dict[str, DocTypeState] = {}
    deleted: Position = Position()
    observed_floor: datetime | None = None
    schema: str = ""

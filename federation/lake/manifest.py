"""Manifest: what one commit says — its packages, the walks it completes and the positions it reaches."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

FileKind = Literal["rows", "tombstones", "quarantine", "seen", "patch", "aliases", "dropped"]
WalkKind = Literal["changes", "full", "compare", "patch", "drop"]
PassKind = Literal["full", "compare"]
Stage = Literal["opening", "batch", "closing"]


class PackageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One immutable Parquet file.

    Attributes:
        path: relative to the satellite's folder on the lake.
        table: the DocType whose rows it holds: the package's own or a child DocType.
        kind: rows; or tombstones (name, observed); or quarantine (name, fieldname, value, reason, observed, document);
            or seen (name, observed), documents found as they are known; or patch, columns to set in rows that are
            known; or aliases (old_name, new_name, observed); or dropped (name, observed, digest), versions that leave
            the quarantine because somebody gave them up.
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


class Breach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expectation of severity `halt` that rows of a commit don't meet.

    Attributes:
        rule: Great Expectations' name of it.
        fieldname: the Frappe field.
        reason: the rule for a reader.
        failing: how many rows.
    """

    rule: str
    fieldname: str
    reason: str
    failing: int


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a package isn't merged until somebody releases it.

    Attributes:
        breaches: what its commit doesn't meet.
        through: the instant (UTC) as of which the DocType was complete before the package's walk; None in a first load.
    """

    breaches: tuple[Breach, ...]
    through: datetime | None = None


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The changes of one DocType from one satellite in one commit.

    Attributes:
        id: unique over the lake: `<run id>/<DocType slug>/<batch>`.
        walk: the walk it belongs to; merged only once a manifest says that the walk is complete.
        documents: documents with all their child rows.
        tombstones: documents read and found absent.
        quarantined: documents set aside.
        patched: rows of patch files.
        files: a `rows` file for the DocType and for each of its child DocTypes, empty ones included: a table with no
            file here is not covered by the package, a table with an empty one has lost its rows.
        observed_from, observed_to: the span of `observed` over all that it holds (UTC).
        hold: why it is held back; None: it isn't.
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
    patched: int = 0
    hold: Hold | None = None

    @property
    def is_news(self) -> bool:
        """It tells something about documents; one of `seen` files alone tells that nothing is to be told."""
        return any(file.kind != "seen" for file in self.files)


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
    """The changes walk under way, a first load included: the next run goes on from here.

    Attributes:
        position: how far it is read; in the first load's phase by primary key, the name reached.
        begun: when it began (UTC).
        by_name: it is in the first load's phase by primary key.
        until: the site-local bound up to which it reads, as text.
    """

    id: str
    position: Position
    begun: datetime
    by_name: bool = False
    until: str = ""


class Pass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rolling pass under way over all documents of a DocType, some of them each night, in the order of their names.

    Attributes:
        begun: when it began (UTC).
        after: the name that it has reached; "" before the first.
        last: the name that it ends with.
    """

    begun: datetime
    after: str | int = ""
    last: str | int = ""


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
    """All that extraction remembers of one DocType.

    Attributes:
        position: how far its changes are read.
        until: the site-local bound of the last completed changes walk, as text.
        begun: when that walk began (UTC).
        through: the instant (UTC) as of which the DocType is complete.
        open: the changes walk under way; every other walk ends in the run that began it, or is given up.
        passes: the rolling passes under way.
        compared: when the last completed rolling pass began (UTC).
        uncovered: fields, `Child.field` for one of a child table, that older rows lack, or hold as another policy left
            them.
        treatments: field → what the policy makes of it, for those that aren't taken as they are; None where rows
            were read before this was remembered.
        older_treatments: field → the loosest treatment that older packages carry, where it is another one.
        temporary: documents alive under temporary names.
        temporary_newest: the newest `creation` among them, as on the wire.
        accepted_by: the fingerprint of the rules that all accepted documents were judged by; "" where that isn't known.
        rejected_by: the fingerprint of the rules and columns by which all documents set aside were last judged.
    """

    position: Position = Position()
    until: str = ""
    begun: datetime | None = None
    through: datetime | None = None
    open: OpenWalk | None = None
    passes: dict[PassKind, Pass] = {}
    compared: datetime | None = None
    uncovered: tuple[str, ...] = ()
    treatments: dict[str, str] | None = None
    older_treatments: dict[str, str] = {}
    temporary: int = 0
    temporary_newest: str = ""
    accepted_by: str = ""
    rejected_by: str = ""


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document by which a site is known again: name and `creation` as on the wire."""

    doctype: str
    name: str
    creation: str


class SiteState(msgspec.Struct, frozen=True):
    """All that extraction remembers of the site as a whole.

    Fields that it doesn't know are passed over: older manifests hold positions of the feeds here, which say no more
    than `begun` and `until`.

    Attributes:
        begun: when the last run began whose feeds of deletions and renames were read to their end (UTC).
        until: the site-local bound of that run, as text.
        anchors: documents by which the site is known again.
        zone: its time zone as last told; "" before the first time.
    """

    begun: datetime | None = None
    until: str = ""
    anchors: tuple[Anchor, ...] = ()
    zone: str = ""


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
        site: what is remembered of the site as a whole.
        observed_floor: the newest `observed` ever committed; the clock of a later run starts above it.
        schema: the sha256 that names the satellite's schema at this commit (`schema/<sha256>.json`); "" before the
            first.
        released: DocTypes of which all packages held back until now may merge.
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
    site: SiteState = SiteState()
    observed_floor: datetime | None = None
    schema: str = ""
    released: tuple[str, ...] = ()

"""Contract history: the versions that a satellite's contract has had, from the mothership, or from its lake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from federation.contract.satellite_schema import DocTypeSchema
from federation.drift.changes import Change, changes
from federation.drift.following import held_back
from federation.drift.steps import steps
from federation.drift.words import told
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema
from federation.lakes import lake_folder
from federation.merging import open_reader
from federation.mothership.interface import Readable
from federation.mothership.sql import listed, literal
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Settings

_SINCE: Final = 3
"""The version of the system tables that has drift."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a satellite said otherwise of its DocTypes with one commit.

    Attributes:
        seq: the commit.
        seen_at: when it was written (UTC).
        changes: at least one, by DocType, fieldname and kind.
    """

    satellite: str
    seq: int
    seen_at: datetime
    changes: tuple[Change, ...]


def versions_merged(settings: Settings, satellites: Collection[str]) -> dict[str, tuple[Version, ...]] | None:
    """Return satellite → its versions, oldest first, as the mothership tells them; None where it can't yet.

    Raises:
        MothershipError: the mothership can't be read.
    """
    with open_reader(settings) as mothership:
        if mothership is None or not _tells_drift(mothership):
            return None
        rows = mothership.query(
            "SELECT satellite, seq, seen_at, doctype, fieldname, kind, was, became FROM federation_drift "
            f"WHERE satellite IN ({listed(map(literal, sorted(satellites)))}) "
            "ORDER BY satellite, seq, doctype, fieldname, kind"
        ).read_all()
    versions = groupby(_versions(rows.to_pylist()), key=lambda version: version.satellite)
    return {satellite: tuple(of_satellite) for satellite, of_satellite in versions}


def versions_on_lake(settings: Settings, satellite: str) -> tuple[Version, ...]:
    """Return a satellite's versions, oldest first, from every manifest on its lake.

    Raises:
        LakeError: the lake can't be read.
    """
    folder = lake_folder(settings, satellite)
    history = CommitLog(folder).since(0)
    newest = history.newest.schema if history.newest else ""
    if not newest:
        return ()
    words = _Words(settings, satellite, read_schema(folder, newest).doctypes)
    taken = steps(folder, history.described, 0).taken
    return tuple(Version(satellite, step.seq, step.seen_at, words.of(step.changes)) for step in taken)


@dataclass(frozen=True, slots=True)
class Difference:
    """How a satellite describes its DocTypes today, compared with an earlier commit.

    Attributes:
        since: the earlier commit, 0 where there was none yet.
        seq: the newest commit, 0 where there is none.
        seen_at: when that was written (UTC); None where there is none.
        changes: what it says otherwise.
        held_back: what it says and the settings freeze, since whenever.
    """

    satellite: str
    since: int
    seq: int
    seen_at: datetime | None
    changes: tuple[Change, ...]
    held_back: tuple[Change, ...]


def difference(settings: Settings, satellite: str, since: int | datetime) -> Difference:
    """Return what a satellite says otherwise than it did.

    Args:
        settings: they say where its lake is, and what the policy holds back.
        satellite: its name.
        since: a commit, or the instant (aware) as of which the last commit counts.

    Raises:
        LakeError: the lake can't be read.
    """
    folder = lake_folder(settings, satellite)
    log = CommitLog(folder)
    newest = log.newest()
    if newest is None or not newest.schema:
        return Difference(satellite, 0, 0, None, (), ())
    seq = min(since, newest.seq) if isinstance(since, int) else log.last_until(since)
    schema = read_schema(folder, newest.schema)
    described = log.described_at(seq)
    before = read_schema(folder, described.schema) if described else None
    words = _Words(settings, satellite, schema.as_told)
    waiting = dict.fromkeys(change for doctype in schema.doctypes for change in held_back(schema, doctype))
    return Difference(
        satellite, seq, newest.seq, newest.written_at, words.of(changes(before, schema)), words.of(waiting)
    )


class _Words:
    """A satellite's own words, as far as today's policy lets them be told."""

    def __init__(self, settings: Settings, satellite: str, versions: Mapping[str, DocTypeSchema]) -> None:
        self._satellite = satellite
        self._versions = versions
        self._keeps = FleetPolicy(settings).keeps

    def of(self, found: Iterable[Change]) -> tuple[Change, ...]:
        return tuple(told(one, self._satellite, self._versions.get(one.doctype), self._keeps) for one in found)


def _tells_drift(mothership: Readable) -> bool:
    """Return whether its tables were made, or brought up, by a program that writes drift down."""
    (row,) = mothership.query("SELECT version FROM federation_meta").read_all().to_pylist()
    return int(row["version"]) >= _SINCE


def _versions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Version]:
    for (satellite, seq), of_commit in groupby(rows, key=lambda row: (row["satellite"], row["seq"])):
        listed_rows = list(of_commit)
        found = (
            Change(row["doctype"], row["fieldname"], row["kind"], row["was"], row["became"]) for row in listed_rows
        )
        yield Version(satellite, seq, listed_rows[0]["seen_at"].replace(tzinfo=UTC), tuple(found))

"""Verifying: the mothership that the settings name, held against what the lake says it must be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

import msgspec

from federation.lake.errors import LakeError
from federation.lake.history import Described, History
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema
from federation.lake.storage import LakeFolder
from federation.lakes import find_on_lakes
from federation.merging import mariadb_address, open_mothership, open_reader
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.errors import MothershipUnavailable, QueryFailed
from federation.mothership.interface import Mothership, Readable
from federation.mothership.system_tables import DRIFT, LEDGER, SCHEMA
from federation.mothership.verify import Finding, verify
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Settings

_WHO: Final = "check of the mothership"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """How the mothership compares with the lake.

    Attributes:
        findings: what differs.
        unverified: satellite → why its rows could not be held against the lake.
        satellites: how many were compared.
        seconds: how long it took.
    """

    findings: tuple[Finding, ...]
    unverified: Mapping[str, str]
    satellites: int
    seconds: float

    @property
    def ok(self) -> bool:
        """All of the mothership was compared, and is as the lake says."""
        return not self.findings and not self.unverified


def verify_mothership(settings: Settings) -> VerifyReport:
    """Compare what analysts see with what the lake makes of the same packages; nothing is changed anywhere.

    The packages that the ledger names are merged into a mothership of its own in a folder of `var`, removed at the end.
    Syncs go on; where they change something that seems to differ, they wait while that is looked at again.

    Raises:
        MothershipError: there is no mothership, or it can't be read.
    """
    began = monotonic()
    settings.var.mkdir(parents=True, exist_ok=True)
    with (
        open_reader(settings) as live,
        TemporaryDirectory(prefix="check-", dir=settings.var) as folder,
        DuckdbMothership(Path(folder, "mothership"), who=_WHO) as expected,
    ):
        if live is None:
            raise MothershipUnavailable("check", settings.mothership.place, "there is none yet; run `federation sync`")
        scratch = _Scratch(settings, expected)
        merged = _merged(live)
        scratch.merge(live, merged)
        findings = list(verify(live, expected))
        if findings and _merged(live) != merged:
            with open_mothership(settings, _WHO):
                merged = _merged(live)
                scratch.merge(live, merged)
                findings = list(verify(live, expected))
        findings += scratch.lost(merged)
    findings += _structure(settings)
    told = tuple(finding for finding in findings if finding.satellite not in scratch.unverified)
    return VerifyReport(told, scratch.unverified, len(scratch.found), round(monotonic() - began, 3))


def _structure(settings: Settings) -> Iterator[Finding]:
    if settings.mothership.engine == "mariadb":
        from federation.mothership.mariadb.structure import structure  # noqa: PLC0415 - only where it is MariaDB

        yield from structure(
            mariadb_address(settings), FleetPolicy(settings, "mothership"), settings.mothership.indexes
        )


Merged = Mapping[str, frozenset[str]]
"""Satellite → the packages that a mothership has merged."""


class _Scratch:
    """The mothership that should be.

    Attributes:
        found: satellite → the packages on its lake.
        unverified: satellite → why not all of its packages could be merged.
    """

    def __init__(self, settings: Settings, expected: Mothership) -> None:
        self.found: dict[str, frozenset[str]] = {}
        self.unverified: dict[str, str] = {}
        self._settings = settings
        self._expected = expected
        self._policy = FleetPolicy(settings, "mothership")

    def merge(self, live: Readable, merged: Merged) -> None:
        """Merge the packages that `live` has merged too, by the schemas that it follows."""
        schemas, told = _schemas(live), _told(live)
        on_lakes = find_on_lakes(self._settings)
        self.unverified.update((satellite, str(error)) for satellite, error in on_lakes.troubles.items())
        for error in on_lakes.unlisted.values():
            # Whoever isn't found may lie there.
            self.unverified.update(dict.fromkeys(merged.keys() - {*on_lakes.satellites}, str(error)))
        for satellite, folder in on_lakes.folders.items():
            log = MergedLog(
                folder, merged.get(satellite, frozenset()), schemas.get(satellite, ""), told.get(satellite, 0)
            )
            try:
                self.found[satellite] = log.packages()
                failed = self._expected.merge(log, self._policy).failed
            except LakeError as error:
                self.unverified[satellite] = str(error)
            else:
                if failed:
                    self.unverified[satellite] = " ".join(map(str, failed.values()))

    def lost(self, merged: Merged) -> list[Finding]:
        """Return what the ledger names and the lake has no more."""
        gone = {name: packages - self.found.get(name, frozenset()) for name, packages in sorted(merged.items())}
        reason = "packages that the lake has no more"
        return [
            Finding(LEDGER.name, satellite, "surplus", len(packages), tuple(sorted(packages))[:5], reason=reason)
            for satellite, packages in gone.items()
            if packages
        ]


class MergedLog(CommitLog):
    """A satellite's log as far as a mothership has merged it.

    Args:
        folder: of the satellite.
        merged: the packages in the mothership's ledger.
        schema: what the mothership follows, by name; "" or a name that the lake doesn't have is the newest.
        told: the last commit of which the mothership tells drift: where no schema is named, more isn't expected.
    """

    def __init__(self, folder: LakeFolder, merged: Collection[str], schema: str, told: int) -> None:
        super().__init__(folder)
        self._merged = merged
        self._schema = schema
        self._told = told

    def packages(self) -> frozenset[str]:
        """Return the ids of all packages on the lake."""
        return frozenset(one.package.id for committed in super().since(0).packages.values() for one in committed)

    def since(self, after: int) -> History:
        """Return what was committed later than `after` and is merged."""
        history = super().since(after)
        packages = {
            doctype: tuple(one for one in committed if one.package.id in self._merged)
            for doctype, committed in history.packages.items()
        }
        newest = history.newest
        if newest is not None and self._follows_another(newest.schema):
            newest = msgspec.structs.replace(newest, schema=self._schema)
        return replace(history, newest=newest, packages=packages, described=self._described(history.described))

    def _described(self, described: tuple[Described, ...]) -> tuple[Described, ...]:
        """Return the schemas up to the one that the mothership follows."""
        last = max((one.seq for one in described if one.schema == self._schema), default=self._told)
        return tuple(one for one in described if one.seq <= last)

    def _follows_another(self, newest: str) -> bool:
        if self._schema in ("", newest):
            return False
        try:
            read_schema(self.folder, self._schema)
        except LakeError:
            return False
        return True


def _merged(live: Readable) -> Merged:
    merged: dict[str, set[str]] = {}
    for row in live.query(f"SELECT satellite, package FROM {LEDGER.name}").read_all().to_pylist():
        merged.setdefault(row["satellite"], set()).add(row["package"])
    return {satellite: frozenset(packages) for satellite, packages in merged.items()}


def _schemas(live: Readable) -> dict[str, str]:
    """Return satellite → the schema that the tables follow, as far as that can be told."""
    try:
        rows = live.query(f"SELECT DISTINCT satellite, sha256 FROM {SCHEMA.name}").read_all().to_pylist()
    except QueryFailed:
        return {}
    return {row["satellite"]: row["sha256"] for row in rows}


def _told(live: Readable) -> dict[str, int]:
    """Return satellite → the last commit of which drift is told, as far as that can be told."""
    try:
        rows = live.query(f"SELECT satellite, max(seq) AS seq FROM {DRIFT.name} GROUP BY satellite")
        return {row["satellite"]: int(row["seq"]) for row in rows.read_all().to_pylist()}
    except QueryFailed:
        return {}

"""Drift watch: what a run follows of a site's changes, and that somebody is told of each, even if the run is killed."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from federation.contract.satellite_schema import SatelliteSchema
from federation.drift.following import follow
from federation.drift.reactions import Reactions
from federation.drift.seen import SeenDrift, seen_drift
from federation.drift.words import Keeps
from federation.lake.errors import DamagedLog, NotOnLake
from federation.lake.run import LakeRun
from federation.lake.schemas import read_schema


class DriftWatch:
    """The drift that one run sees.

    A change is told with the outcome of its DocType. A run that ends before it leaves word in the schema
    (`SatelliteSchema.untold`), which is committed with the change itself: the next outcome tells it.

    Args:
        run: whose.
        reactions: what the settings say.
        keeps: the policy, which may hold words back.
    """

    def __init__(self, run: LakeRun, reactions: Reactions, keeps: Keeps) -> None:
        self._run = run
        self._reactions = reactions
        self._keeps = keeps
        self._known = self._now = SatelliteSchema(run.folder.satellite)
        self._told: set[str] = set()

    def follow(self, known: SatelliteSchema, described: SatelliteSchema, doctypes: Collection[str]) -> SatelliteSchema:
        """Return the schema to read by: what the site says, as far as the settings follow it.

        Args:
            known: what the run found on the lake.
            described: what the site says.
            doctypes: those that are about to be read.
        """
        self._known = known
        self._now = follow(known, described, doctypes, self._reactions.freezes)
        new = {doctype: self._run.schema_name for doctype in doctypes if self.seen(doctype).followed}
        self._now = replace(self._now, untold={**new, **known.untold})
        return self._now

    def seen(self, doctype: str) -> SeenDrift:
        """Return what is to be told of a DocType."""
        return seen_drift(self._told_last(doctype), self._now, doctype, self._reactions, self._keeps)

    def has_told(self, doctype: str) -> None:
        """Take note that the outcome of a DocType was handed over."""
        self._told.add(doctype)

    def close(self) -> None:
        """Describe what nobody needs to be told any more; to be called before the closing commit."""
        left = {doctype: name for doctype, name in self._now.untold.items() if doctype not in self._told}
        if left != self._now.untold:
            self._run.describe(replace(self._now, untold=left))

    def _told_last(self, doctype: str) -> SatelliteSchema:
        name = self._known.untold.get(doctype)
        try:
            return read_schema(self._run.folder, name) if name else self._known
        except (NotOnLake, DamagedLog):
            return self._known

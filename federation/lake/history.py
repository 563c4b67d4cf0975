"""History: a stretch of the log as packages by DocType, and which of them count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from federation.lake.manifest import Manifest, Package


@dataclass(frozen=True, slots=True)
class Committed:
    """A package and the commit that brought it.

    Attributes:
        treatments: field → what the policy made of it as the package was read, for those that weren't taken as they
            are; None where that wasn't remembered.
    """

    seq: int
    package: Package
    treatments: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """The commit from which on the satellite's schema is another one.

    Attributes:
        written_at: when the commit was written (UTC).
        schema: what names the schema on the lake.
    """

    seq: int
    written_at: datetime
    schema: str


@dataclass(frozen=True)
class History:
    """What was committed later than `after`.

    Attributes:
        newest: the last commit, None where there is none.
        packages: DocType → its packages in the order of their commits.
        completed: the walks that came to their end.
        released: DocType → the last commit that released what was held back of it.
        described: the schemas in their order; the first may be that of the commit `after`.
    """

    after: int
    newest: Manifest | None = None
    packages: Mapping[str, tuple[Committed, ...]] = field(default_factory=dict)
    completed: frozenset[str] = frozenset()
    released: Mapping[str, int] = field(default_factory=dict)
    described: tuple[Described, ...] = ()

    @property
    def seq(self) -> int:
        """The last commit's number."""
        return self.newest.seq if self.newest else self.after

    def followed_by(self, manifests: Iterable[Manifest]) -> History:
        """Return the history with the commits that come next."""
        newest = self.newest
        packages = {doctype: list(committed) for doctype, committed in self.packages.items()}
        completed = set(self.completed)
        released = dict(self.released)
        described = list(self.described)
        for manifest in manifests:
            for package in manifest.packages:
                before = packages.setdefault(package.doctype, [])
                state = manifest.doctypes.get(package.doctype)
                treatments: Mapping[str, str] | None = state.treatments if state else None
                if before and before[-1].treatments == treatments:
                    # One of what thousands of manifests say alike is enough.
                    treatments = before[-1].treatments
                before.append(Committed(manifest.seq, package, treatments))
            completed.update(walk.id for walk in manifest.completed)
            released.update(dict.fromkeys(manifest.released, manifest.seq))
            if manifest.schema and not (described and described[-1].schema == manifest.schema):
                described.append(Described(manifest.seq, manifest.written_at, manifest.schema))
            newest = manifest
        if newest is self.newest:
            return self
        frozen = {doctype: tuple(committed) for doctype, committed in packages.items()}
        return History(self.after, newest, frozen, frozenset(completed), released, tuple(described))

    def of(self, doctype: str, after: int) -> tuple[Committed, ...]:
        """Return the packages of `doctype` that were committed later than `after`, and count by their names."""
        state = self.newest.doctypes.get(doctype) if self.newest else None
        least = max(after, state.since if state else 0)
        return tuple(committed for committed in self.packages.get(doctype, ()) if committed.seq > least)

    def counts(self, package: Package) -> bool:
        """Return whether the walk of `package` is complete, so that its documents may be shown."""
        return package.walk in self.completed

    def is_held(self, committed: Committed) -> bool:
        """Return whether a package that counts may not be shown yet: it is held back, or stands behind one that is."""
        queue = self._queues.get(committed.package.doctype)
        return queue is not None and committed.seq >= queue

    def holding(self, doctype: str) -> tuple[Committed, ...]:
        """Return the packages of complete walks that were committed as held back, and not released since."""
        return tuple(
            committed
            for committed in self.packages.get(doctype, ())
            if committed.package.hold is not None
            and self.counts(committed.package)
            and committed.seq > self.released.get(doctype, 0)
        )

    @cached_property
    def _queues(self) -> Mapping[str, int]:
        """DocType → the commit from which on its packages wait: with the first of a walk of which any is held back."""
        queues = {}
        for doctype, packages in self.packages.items():
            if walks := {committed.package.walk for committed in self.holding(doctype)}:
                queues[doctype] = min(committed.seq for committed in packages if committed.package.walk in walks)
        return queues

    def settled(self, doctype: str) -> int:
        """Return the newest commit up to which no package of `doctype` can begin to count, or be released, later.

        A package waits while its walk is open, or while the run that wrote it may still say that the walk is
        complete. One whose walk was given up never counts and holds nothing back.
        """
        waiting = [committed.seq for committed in self.packages.get(doctype, ()) if self._waits(committed.package)]
        if doctype in self._queues:
            waiting.append(self._queues[doctype])
        return min(waiting) - 1 if waiting else self.seq

    def _waits(self, package: Package) -> bool:
        if self.counts(package) or self.newest is None:
            return False
        state = self.newest.doctypes.get(package.doctype)
        goes_on = state is not None and state.open is not None and state.open.id == package.walk
        run_goes_on = self.newest.stage != "closing" and package.id.startswith(f"{self.newest.run_id}/")
        return goes_on or run_goes_on

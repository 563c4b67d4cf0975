"""Run: the writer's side of one run of one satellite, from its opening commit to its closing one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from federation.contract.satellite_schema import SatelliteSchema
from federation.lake.current import remove_current
from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk, DocTypeState, Manifest, Package, SiteState, Stage
from federation.lake.orphans import fenced_runs, remove_orphans, remove_unnamed
from federation.lake.packages import PackageWriter
from federation.lake.schemas import read_schema, write_schema
from federation.lake.storage import LakeFolder

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return this machine's time, aware and in UTC."""
    return datetime.now(UTC)


def new_run_id(now: datetime) -> str:
    """Return a name for a run that begins at `now` (UTC): readable, sortable and unlike any other."""
    return f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


class LakeRun:
    """One run's hold on the log of its satellite; safe to share between threads.

    Attributes:
        folder: the satellite's folder.
        log: the log that the run commits to.
        run_id: the run.
    """

    def __init__(self, log: CommitLog, opening: Manifest, now: Clock) -> None:
        self.folder = log.folder
        self.log = log
        self.run_id = opening.run_id
        self._newest = opening
        self._schema_sha256 = opening.schema
        self._noted_states: dict[str, DocTypeState] = {}
        self._noted_walks: list[CompletedWalk] = []
        self._named: list[str] = []
        self._now = now
        self._committing = threading.Lock()

    @classmethod
    def open(cls, folder: LakeFolder, source: str, run_id: str, now: Clock = utc_now) -> LakeRun:
        """Write the opening commit, which fences off every run before it, then remove what those left unnamed.

        Raises:
            CommitLost: another run committed at the same moment; this one must not go on.
            DamagedLog: the log can't be read.
            LakeUnavailable: the lake can't be read or written.
        """
        log = CommitLog(folder, source)
        before = log.newest()
        instant = now()
        seq = before.seq + 1 if before else 1
        opening = Manifest(
            seq=seq,
            satellite=folder.satellite,
            source=source,
            run_id=run_id,
            stage="opening",
            written_at=instant,
            opened=seq,
            fenced=fenced_runs(before, instant),
            doctypes=before.doctypes if before else {},
            site=before.site if before else SiteState(),
            observed_floor=before.observed_floor if before else None,
            schema=before.schema if before else "",
        )
        log.append(opening)
        remove_orphans(log, opening.fenced)
        return cls(log, opening, now)

    @property
    def doctypes(self) -> frozenset[str]:
        """The DocTypes that the satellite was ever read for."""
        return frozenset(self._newest.doctypes)

    @property
    def site(self) -> SiteState:
        """What is remembered of the site as a whole, as of the last commit."""
        return self._newest.site

    @property
    def observed_floor(self) -> datetime | None:
        """The newest `observed` ever committed for the satellite, None before the first."""
        return self._newest.observed_floor

    @property
    def schema(self) -> SatelliteSchema | None:
        """The satellite's schema as last described, None before the first time."""
        return read_schema(self.folder, self._schema_sha256) if self._schema_sha256 else None

    @property
    def schema_name(self) -> str:
        """What names that schema on the lake, "" before the first time."""
        return self._schema_sha256

    def state(self, doctype: str) -> DocTypeState:
        """Return how far `doctype` is read, what was noted since the last commit included."""
        with self._committing:
            return self._noted_states.get(doctype) or self._newest.doctypes.get(doctype, DocTypeState())

    def begin_anew(self, doctype: str, state: DocTypeState) -> None:
        """Let a DocType be read as for the first time: none of its packages counts from here on for those who extract.

        Raises:
            CommitLost: another run has taken the log over.
            LakeUnavailable: the lake can't be written.
        """
        # First what was made of the packages: killed behind it, it would be made of them again.
        remove_current(self.folder, doctype)
        with self._committing:
            since = self._newest.seq
        self.commit(states={doctype: msgspec.structs.replace(state, since=since)})

    def note(self, states: Mapping[str, DocTypeState], completed: Iterable[CompletedWalk] = ()) -> None:
        """Keep states and ended walks that need no commit of their own: the next manifest carries them.

        Args:
            states: DocType → state; `state` shows it at once.
            completed: walks that ended. Their packages may merge with the next manifest, the closing one at the latest.
        """
        with self._committing:
            self._noted_states.update(states)
            self._noted_walks.extend(completed)

    def describe(self, schema: SatelliteSchema) -> None:
        """Keep the satellite's schema; commits name it from the next one on."""
        self._schema_sha256 = write_schema(self.folder, schema)

    def package(self, doctype: str, *, batch: int, walk: str, tables: Iterable[str]) -> PackageWriter:
        """Return the writer of a package of this run: of `doctype` and the tables that it covers.

        Args:
            doctype: whose documents it holds.
            batch: the package's number within the run and the DocType.
            walk: the id of the walk that it belongs to.
            tables: the DocType and its child DocTypes, as far as they are read.
        """
        return PackageWriter(self.folder, self.run_id, doctype, batch=batch, walk=walk, tables=tables)

    def commit(
        self,
        packages: Iterable[Package] = (),
        completed: Iterable[CompletedWalk] = (),
        states: Mapping[str, DocTypeState] | None = None,
        site: SiteState | None = None,
        observed: datetime | None = None,
        *,
        released: Iterable[str] = (),
    ) -> Manifest:
        """Make packages, ended walks and positions visible together, with all that was noted before.

        Args:
            packages: finished packages of this run.
            completed: walks that end with this commit.
            states: DocType → state; DocTypes that aren't named stay as they are.
            site: what is remembered of the site as a whole now; None: as before.
            observed: the newest instant (UTC) at which anything was observed; packages tell their own.
            released: DocTypes of which nothing that was committed before is held back any more.

        Raises:
            CommitLost: another run has taken the log over: nothing of this run counts from here on.
        """
        return self._commit(
            "batch",
            packages=tuple(packages),
            completed=tuple(completed),
            states=states,
            site=site,
            observed=observed,
            released=tuple(released),
        )

    def close(self, site: SiteState | None = None, observed: datetime | None = None) -> Manifest:
        """End the run: remove files that no commit of it names, then write the closing commit.

        Raises:
            CommitLost: another run has taken the log over.
        """
        remove_unnamed(self.folder, self.run_id, self._named)
        return self._commit("closing", site=site, observed=observed)

    def _commit(
        self,
        stage: Stage,
        *,
        packages: tuple[Package, ...] = (),
        completed: tuple[CompletedWalk, ...] = (),
        states: Mapping[str, DocTypeState] | None = None,
        site: SiteState | None,
        observed: datetime | None,
        released: tuple[str, ...] = (),
    ) -> Manifest:
        with self._committing:
            newest = self._newest
            manifest = msgspec.structs.replace(
                newest,
                seq=newest.seq + 1,
                stage=stage,
                written_at=self._now(),
                packages=packages,
                completed=(*self._noted_walks, *completed),
                doctypes={**newest.doctypes, **self._noted_states, **(states or {})},
                site=site or newest.site,
                observed_floor=_latest(newest.observed_floor, observed, *(package.observed_to for package in packages)),
                schema=self._schema_sha256,
                released=released,
            )
            self.log.append(manifest)
            self._newest = manifest
            self._noted_states.clear()
            self._noted_walks.clear()
            self._named.extend(file.path for package in packages for file in package.files)
            return manifest


def _latest(*instants: datetime | None) -> datetime | None:
    return max((instant for instant in instants if instant is not None), default=None)

"""Replacement: a mothership made in files of its own, which then become those of the live one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
from filelock import FileLock, Timeout

from federation.mothership.duckdb.database import DuckdbLimits, WriterDatabase, explained, first_line
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.duckdb.others import take_along
from federation.mothership.duckdb.published import generation_of
from federation.mothership.duckdb.sql import DuckdbConnection, without_progress_bar
from federation.mothership.errors import MothershipBusy
from federation.mothership.sql import literal
from federation.mothership.system_tables import TABLE


class DuckdbReplacement:
    """A mothership in `<file>.rebuild/`; see `federation.mothership.replacement.Replacement`.

    Args:
        file: what analysts open.
        who: who rebuilds, for those who wait.
        names: DocType → table, as they were given once.
        limits: what it may take.
    """

    def __init__(self, file: Path, *, who: str, names: Mapping[str, str], limits: DuckdbLimits) -> None:
        self._file = file
        self._who = who
        self._names = names
        self._limits = limits
        self._live = file.with_name(f"{file.name}.writer")
        self._folder = file.with_name(f"{file.name}.rebuild")
        self._aside = self._folder / "mothership"
        self._made = self._folder / "mothership.writer"
        self._entered = ExitStack()
        self._making = ExitStack()
        self.mothership = DuckdbMothership(self._aside, who=who, limits=limits)

    def __enter__(self) -> Self:
        """Wait for another rebuild, and begin with an empty folder."""
        with ExitStack() as entered:
            entered.enter_context(self._held(self._folder))
            with explained("make", str(self._folder)):
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder.mkdir()
            entered.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._give_names()
            self._making.enter_context(self.mothership)
            entered.push(self._making)
            self._entered = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the folder."""
        self._entered.__exit__(kind, error, trace)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The live mothership's writers wait while the context lasts."""
        with self._held(self._file):
            yield

    def swap(self) -> tuple[str, ...]:
        """Put the made file in the place of the live writer's; analysts see it with the next publication."""
        self._making.close()
        with explained("complete", str(self._made)), _opened(self._made) as connection:
            remarks = self._take_along(connection)
            # The published file may have come as far by chance, and nobody would see that there is news.
            least = {"least": (generation_of(self._file) or 0) + 1}
            connection.run("UPDATE federation_meta SET generation = greatest(generation, $least)", least)
            connection.run("CHECKPOINT made")
        with explained("replace", str(self._live)):
            # A process killed behind this line leaves the live file as of its last checkpoint, its ledger included.
            self._live.with_name(f"{self._live.name}.wal").unlink(missing_ok=True)
            self._made.replace(self._live)
            _sync(self._file.parent)
        return remarks

    def _give_names(self) -> None:
        database = WriterDatabase(self._aside, self._who, self._limits).open()
        try:
            if self._names:
                database.connection.insert(TABLE.name, ("doctype", "table_name"), list(self._names.items()))
        finally:
            database.close()

    def _take_along(self, connection: DuckdbConnection) -> tuple[str, ...]:
        if not self._live.exists():
            return ()
        try:
            connection.run("ATTACH {file} AS live", file=literal(str(self._live)))
        except duckdb.Error as error:
            return (f"The former {self._live} can't be read ({first_line(error)}), nor can tables of others in it.",)
        remarks = tuple(take_along(connection, self._names.values()))
        connection.run("DETACH live")
        return remarks

    @contextmanager
    def _held(self, file: Path) -> Iterator[None]:
        """Hold the lock that writers of `file` hold, and tell those who wait who does."""
        holder = file.with_name(f"{file.name}.lock.holder")
        lock = FileLock(file.with_name(f"{file.name}.lock"), thread_local=False)
        with explained("lock", str(file)):
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=self._limits.lock_seconds)
            except Timeout:
                other = holder.read_text()[:200] if holder.exists() else "another process"
                raise MothershipBusy(self._who, str(file), self._limits.lock_seconds, other) from None
        try:
            holder.write_text(f"{self._who} (process {os.getpid()})")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()


@contextmanager
def _opened(file: Path) -> Iterator[DuckdbConnection]:
    """Attach a file as `made`, and use it: another file may be attached beside it."""
    with duckdb.connect() as raw:
        connection = DuckdbConnection(without_progress_bar(raw))
        connection.run("ATTACH {file} AS made", file=literal(str(file)))
        connection.run("USE made")
        yield connection


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

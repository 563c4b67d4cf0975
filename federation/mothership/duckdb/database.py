"""Database: the private file that one writer at a time works on."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, TypeVar

import duckdb
from filelock import FileLock, Timeout

from federation.mothership.duckdb.schema import create_system_tables
from federation.mothership.duckdb.sql import DuckdbConnection, without_progress_bar
from federation.mothership.errors import MothershipBusy, MothershipError, MothershipUnavailable
from federation.mothership.sql import literal

_LEAST_MEMORY_MB: Final = 96
_MEMORY_MB_PER_COLUMN: Final = 1.5
"""Of a row group, for each thread that writes one; measured with 42 and 211 columns. Long texts need more."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class DuckdbLimits:
    """What the mothership may take.

    Attributes:
        threads: of DuckDB; memory grows with each, and one merges faster than any site is read.
        memory_mb: the most that DuckDB may hold in memory, where rows are so wide or long that it needs it.
        lock_seconds: how long a writer waits for the one before.
        publish_seconds: the least time between two publications that nobody forces.
    """

    threads: int = 1
    memory_mb: int = 4_096
    lock_seconds: float = 600.0
    publish_seconds: float = 60.0


class WriterDatabase:
    """The private file `<file>.writer`, held by an OS lock on `<file>.lock`.

    Attributes:
        file: the file that analysts open.
        writer_file: the file that is written.
    """

    def __init__(self, file: Path, who: str, limits: DuckdbLimits) -> None:
        self.file = file
        self.writer_file = file.with_name(f"{file.name}.writer")
        self._who = who
        self._limits = limits
        self._holder = file.with_name(f"{file.name}.lock.holder")
        self._lock = FileLock(file.with_name(f"{file.name}.lock"), thread_local=False)
        self._memory_mb = min(_LEAST_MEMORY_MB, limits.memory_mb)
        self._connection: DuckdbConnection | None = None

    def open(self) -> Self:
        """Wait for other writers, then open the file, made with our system tables where it is not there.

        Raises:
            MothershipBusy: they didn't end in time.
            MothershipUnavailable: the file can't be opened.
            MothershipNewer: a later version made it.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=self._limits.lock_seconds)
        except Timeout:
            raise MothershipBusy(self._who, str(self.file), self._limits.lock_seconds, self._holder_text()) from None
        except OSError as error:
            raise MothershipUnavailable("lock", str(self.file), error.strerror or type(error).__name__) from error
        try:
            since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
            self._holder.write_text(f"{self._who} (process {os.getpid()} on {socket.gethostname()}, since {since})")
            create_system_tables(self.connection, str(self.file))
        except BaseException:
            self.close(healthy=False)
            raise
        return self

    def close(self, *, healthy: bool = True) -> None:
        """Close the file and let the next writer in.

        Args:
            healthy: what was committed is brought from the write-ahead log into the file; else the next one does that.
        """
        try:
            if healthy and self._connection is not None:
                with explained("complete", str(self.writer_file)):
                    self._connection.run("CHECKPOINT")
        finally:
            self._disconnect()
            self._holder.unlink(missing_ok=True)
            self._lock.release()

    @property
    def connection(self) -> DuckdbConnection:
        """The open file."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def make_room_for(self, columns: int) -> None:
        """Let DuckDB take the memory that rows of so many columns need."""
        wanted = min(int(columns * self._limits.threads * _MEMORY_MB_PER_COLUMN), self._limits.memory_mb)
        if wanted > self._memory_mb:
            self._memory_mb = wanted
            self.connection.run(f"SET memory_limit = '{wanted}MB'")

    def with_room(self, work: Callable[[DuckdbConnection], _T]) -> _T:
        """Do `work`, and as long as DuckDB finds its memory too small, do it again with twice as much.

        How much rows need shows when they are written: a text may have one letter or a million. Work that fails must
        leave nothing behind in the file, which is opened anew: after a COMMIT that runs out of memory DuckDB 1.5 holds
        a part of its rows in the table, and a checkpoint would fail or keep them.

        Raises:
            duckdb.OutOfMemoryException, duckdb.TransactionException: all that it may take is too little.
        """
        while True:
            try:
                return work(self.connection)
            except (duckdb.OutOfMemoryException, duckdb.TransactionException):
                # What is found too small within COMMIT comes as TransactionException; nobody else can be in its way.
                self._disconnect()
                if self._memory_mb >= self._limits.memory_mb:
                    raise
                self._memory_mb = min(2 * self._memory_mb, self._limits.memory_mb)

    def write_anew(self) -> None:
        """Write the file anew: what was deleted lies in its free blocks, and in statistics of its columns, until then.

        Killed in between, it is as it was.

        Raises:
            MothershipUnavailable: it can't be written, or holds what can't be copied; it stays as it was.
        """
        with self.at_rest() as written, explained("write anew", str(written)):
            fresh = written.with_name(f"{written.name}.fresh")
            fresh.unlink(missing_ok=True)
            config: dict[str, str | bool | int | float | list[str]] = {
                "memory_limit": f"{self._limits.memory_mb}MB",
                "threads": 1,
                "temp_directory": f"{written}.spill",
                "preserve_insertion_order": False,
            }
            with duckdb.connect(config=config) as raw:
                connection = DuckdbConnection(without_progress_bar(raw))
                connection.run("ATTACH {file} AS live (READ_ONLY)", file=literal(str(written)))
                connection.run("ATTACH {file} AS fresh", file=literal(str(fresh)))
                connection.run("COPY FROM DATABASE live TO fresh")
                connection.run("CHECKPOINT fresh")
            fresh.replace(written)

    @contextmanager
    def at_rest(self) -> Iterator[Path]:
        """Everything is in the one file, and the file is closed, while the context lasts."""
        with explained("complete", str(self.writer_file)):
            self.connection.run("CHECKPOINT")
        self._disconnect()
        yield self.writer_file

    def _connect(self) -> DuckdbConnection:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self._memory_mb}MB",
            "threads": self._limits.threads,
            "temp_directory": f"{self.writer_file}.spill",
            "preserve_insertion_order": False,
            # One checkpoint, before the file is published, is enough. It drops row groups whose rows are all deleted,
            # as those before a full walk are; rewriting the others would cost ten times what the merge did.
            "checkpoint_threshold": "1GB",
            "max_vacuum_tasks": 0,
            # Files are read once or twice, by columns: keeping their bytes would only take room from the merge.
            "enable_external_file_cache": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with explained("open", str(self.writer_file)):
            connection = without_progress_bar(duckdb.connect(self.writer_file, config=settings))
            # A file is closed also when something went wrong: what is not committed for sure mustn't get into it then.
            connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            return DuckdbConnection(connection)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.raw.close()
            self._connection = None

    def _holder_text(self) -> str:
        try:
            return self._holder.read_text()[:200]
        except OSError:
            return "another process"


@contextmanager
def explained(action: str, place: str) -> Iterator[None]:
    """Turn DuckDB's errors and the file system's into ours."""
    try:
        yield
    except MothershipError:
        raise
    except duckdb.Error as error:
        raise MothershipUnavailable(action, place, first_line(error)) from error
    except OSError as error:
        raise MothershipUnavailable(action, place, error.strerror or type(error).__name__) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, printable and cut: DuckDB quotes values of rows further down."""
    text = str(error).partition("\n")[0][:300]
    return "".join(char if char.isprintable() else " " for char in text)

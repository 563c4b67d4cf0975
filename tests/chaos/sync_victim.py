"""Syncs one satellite in a process of its own for every line it reads, and kills that process at its n-th effect.

An effect is whatever changes something outside of the process: a file opened for writing, linked, renamed or removed;
the end of a package's file; a statement that changes the mothership. Effects of one kind on one folder in a row count
as one, and a partial file counts with its link or rename alone. A line is JSON: `settings` (a path), `kill_at` (a
number, 0 for never), `depth`, and `effects` (a path, for what they were). The answer is the exit status.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import duckdb
import pandas as pd  # noqa: F401 - pyarrow would import it in every child

from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.lake.storage import LakeOutput
from federation.settings.load import load_settings
from federation.settings.model import Settings
from federation.sync import sync_satellite

MUTATIONS = frozenset({"os.link", "os.rename", "os.remove", "os.truncate"})
CHANGES = re.compile(r"(INSERT INTO|DELETE FROM|CREATE TABLE|UPDATE|ALTER|COMMENT|BEGIN|COMMIT|CHECKPOINT)\b(?! _)")
IDLE = (".lock", ".holder")
"""Files that hold no state."""


class Reaper:
    """Counts the effects of this process and ends it at one of them, as a power cut would: nothing is tidied up."""

    def __init__(self, kill_at: int) -> None:
        self._kill_at = kill_at
        self.seen: list[str] = []

    def effect(self, what: str) -> None:
        if self.seen and self.seen[-1] == what:
            return
        self.seen.append(what)
        if len(self.seen) == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        opened = event == "open" and (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if opened or event in MUTATIONS:
            folder, _, name = str(args[0]).rpartition("/")
            partial = folder.endswith("/.partial") and event in ("open", "os.remove")
            if not partial and folder != "/tmp" and not name.endswith(IDLE):
                self.effect(f"{event} {name if folder.endswith('/.partial') else folder}")

    def statement(self, sql: str) -> None:
        if change := CHANGES.match(sql.lstrip()):
            self.effect(change[1])

    def closing(self, close: Callable[[LakeOutput], None]) -> Callable[[LakeOutput], None]:
        def counted(output: LakeOutput) -> None:
            if output.path.startswith("runs/"):
                self.effect(f"close {output.path.rpartition('/')[0]}")
            close(output)

        return counted


class WatchedConnection:
    """A connection to DuckDB whose statements count when they change something."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, reaper: Reaper) -> None:
        self._connection = connection
        self._reaper = reaper

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *args: Any) -> Any:
        self._reaper.statement(sql)
        return self._connection.execute(sql, *args)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def watched(order: dict[str, Any]) -> tuple[Reaper, Settings]:
    """Count every effect of this process from here on; the settings are read before."""
    reaper = Reaper(order["kill_at"])
    connect = duckdb.connect
    duckdb.connect = lambda *args, **kwargs: WatchedConnection(connect(*args, **kwargs), reaper)  # type: ignore[assignment]
    LakeOutput.close = reaper.closing(LakeOutput.close)  # type: ignore[method-assign]
    settings = load_settings(Path(order["settings"]))
    sys.addaudithook(reaper.audit)
    return reaper, settings


def sync(order: dict[str, Any]) -> None:
    """Sync, and end the process."""
    reaper, settings = watched(order)
    outcome = sync_satellite(settings, settings.satellites["shop"], RunOptions(depth=order["depth"]), Unwatched())
    Path(order["effects"]).write_text("\n".join(reaper.seen))
    if not outcome.ok:
        sys.stderr.write(f"{outcome}\n")
    os._exit(0 if outcome.ok else 1)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            sync(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

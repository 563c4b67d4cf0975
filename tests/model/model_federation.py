"""The federation of the model: its settings, and syncs in a process that can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml
from model_site import DOCUMENTS, KEY, SECRET, ModelSite

from federation.lake.log import CommitLog
from federation.lake.place import LakePlace
from federation.lake.storage import LakeFolder, open_lake

KILLED, CRASHED = -9, 70


@dataclass
class Victim:
    """The process whose children sync, and die where they are told to."""

    process: subprocess.Popen[str]

    def sync(self, **order: Any) -> int:
        """Return the exit status: 0, 1 where something failed, `KILLED`, or `CRASHED` for an error nobody expected."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def open_victim() -> Iterator[Victim]:
    command = [sys.executable, str(Path(__file__).with_name("model_victim.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Victim(process)


class Outcome(msgspec.Struct, frozen=True):
    """What came of one sync.

    Attributes:
        status: see `Victim.sync`.
        error: why the satellite failed as a whole.
        failed: DocType → why it failed.
        effects: what it changed outside of its process.
        pending: documents that must be read again.
    """

    status: int
    error: str = ""
    failed: dict[str, str] = {}
    effects: int = 0
    pending: int = 0


@dataclass
class Federation:
    """What the federation has of one site."""

    folder: Path
    site: ModelSite
    victim: Victim

    def __post_init__(self) -> None:
        (self.folder / "key").write_text(KEY)
        (self.folder / "secret").write_text(SECRET)
        site = {"url": self.site.running.url, "credentials": {"key": "file:key", "secret": "file:secret"}}
        settings = {
            "doctypes": list(DOCUMENTS),
            "satellites": {"site": site | {"page_rows": 3, "connections": 2, "read_timeout_seconds": 3}},
            "lake": "lake", "mothership": "duckdb:///mothership/mothership.duckdb", "var": "var",
            "batch_rows": 8, "publish_seconds": 0, "validation": False,
            "reconcile": {"compare_rows": 5, "reread_rows": 4},
        }  # fmt: skip
        (self.folder / "federation.yaml").write_text(yaml.safe_dump(settings))

    @property
    def mothership(self) -> Path:
        return self.folder / "mothership" / "mothership.duckdb"

    @property
    def lake(self) -> LakeFolder:
        return open_lake(LakePlace(str(self.folder / "lake")), "site")

    @property
    def log(self) -> CommitLog:
        return CommitLog(self.lake)

    def sync(self, depth: str = "changes", *, kill_at: int = 0, allow_mass_delete: bool = False) -> Outcome:
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        status = self.victim.sync(
            settings=str(self.folder / "federation.yaml"),
            now=(self.site.time() - datetime.now(UTC)).total_seconds(),
            depth=depth, kill_at=kill_at, allow_mass_delete=allow_mass_delete, told=str(told),
        )  # fmt: skip
        heard = json.loads(told.read_text()) if told.exists() else {}
        return msgspec.convert({"status": status, **heard}, Outcome)

    def passing(self) -> set[str]:
        """DocTypes that a pass reads again, which hasn't come to its end."""
        newest = self.log.newest()
        states = newest.doctypes if newest is not None else {}
        return {doctype for doctype, state in states.items() if "full" in state.passes}

    def is_another_site(self) -> bool:
        """Whether none of the documents by which the site is known is there any more."""
        newest = self.log.newest()
        anchors = newest.site.anchors if newest is not None else ()
        there = {
            (anchor.doctype, name, creation if "." in creation else f"{creation}.000000")
            for anchor in anchors
            for name, creation in self.site.query(f'SELECT CAST(name AS TEXT), creation FROM "tab{anchor.doctype}"')
        }
        return bool(anchors) and not any((anchor.doctype, anchor.name, anchor.creation) in there for anchor in anchors)

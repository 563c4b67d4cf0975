"""A process that is killed at any effect leaves a state from which the next run reaches the same tables."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

import duckdb
import pytest
import yaml

from federation.demo.comparison import compare_table
from federation.demo.site.documents import SiteDocuments
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningSite
from federation.demo.site.store import SiteStore
from federation.demo.world.truth import site_documents
from federation.lake.log import CommitLog
from federation.lake.place import LakePlace
from federation.lake.storage import open_lake

ORDER, LINE, CUSTOMER = "Order", "Order Line", "Customer"
TABLES = {ORDER: "order", LINE: "order_line", CUSTOMER: "customer"}
BOOKKEEPING = {"observed", "merged_at", "as_of", "compared_at", "package", "run_id", "seq"}
SYSTEM_TABLES = ("federation_tombstone", "federation_quarantine", "federation_freshness", "federation_dictionary")


def fields(*lines: str) -> list[dict[str, Any]]:
    parts = [line.split(" | ") for line in lines]
    return [{"fieldname": name, "fieldtype": kind, "options": (rest or [None])[0]} for name, kind, *rest in parts]


DOCTYPES = (
    {"name": CUSTOMER, "autoname": "Prompt", "fields": fields("title | Data")},
    {"name": LINE, "istable": 1, "fields": fields("item | Data", "qty | Float")},
    {
        "name": ORDER, "autoname": "ORD-.####",
        "fields": fields("total | Currency", "due | Datetime", "lines | Table | Order Line"),
    },
)  # fmt: skip


@dataclass
class Victim:
    """The process that syncs and is killed."""

    process: subprocess.Popen[str]

    def sync(self, folder: Path, *, kill_at: int = 0, depth: str = "changes") -> int:
        """Return the exit status."""
        order = {
            "settings": str(folder / "federation.yaml"), "kill_at": kill_at, "depth": depth,
            "effects": str(folder / "effects"),
        }  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def effects(self, folder: Path, *, depth: str = "changes") -> list[str]:
        """Sync undisturbed; return what effects that had."""
        assert self.sync(folder, depth=depth) == 0
        return (folder / "effects").read_text().splitlines()


class Victims:
    """As many as there are cores to kill on; each is used by one test or thread at a time."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._free: Queue[Victim] = Queue()
        self.count = len(processes)
        for process in processes:
            self._free.put(Victim(process))

    @contextmanager
    def one(self) -> Iterator[Victim]:
        victim = self._free.get()
        try:
            yield victim
        finally:
            self._free.put(victim)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    command = [sys.executable, str(Path(__file__).with_name("sync_victim.py"))]
    with ExitStack() as running:
        processes = [
            running.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(2)
        ]
        yield Victims(processes)
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    store = SiteStore(tmp_path / "site.sqlite")
    for meta in DOCTYPES:
        store.create_doctype({"doctype": "DocType", "module": "Shop", "modified": "2025-01-01 00:00:00", **meta})
    store.set_single("System Settings", {"time_zone": "Asia/Kolkata"})
    add_user(store, SiteUser("reader@shop.test", reads=("*",)), api_key="key", api_secret="secret")
    with RunningSite(tmp_path / "site.sqlite", documents=SiteDocuments(store)) as site:
        for number in range(5):
            site.documents.insert(CUSTOMER, {"name": f"c{number}", "title": f"«{number}» 🐝"})
            order(site, lines=number)
        yield site


def order(site: RunningSite, lines: int) -> str:
    rows = [{"item": f"item {number}", "qty": number / 4} for number in range(lines)]
    made = site.documents.insert(ORDER, {"total": 12.1 * lines, "due": "2026-03-29 02:30:00", "lines": rows})
    return str(made["name"])


def let_live(site: RunningSite) -> None:
    """Changes of every kind, those that nobody is told of included."""
    documents = site.documents
    documents.save(ORDER, "ORD-0002", {"lines": [{"item": "another", "qty": 1}]})
    documents.delete(ORDER, "ORD-0003")
    documents.sql_update(ORDER, {"name": "ORD-0004"}, {"due": "never", "modified": documents.now().isoformat(" ")})
    documents.rename(CUSTOMER, "c1", "c1 renamed")
    documents.sql_delete(CUSTOMER, {"name": "c2"})
    documents.db_set(CUSTOMER, "c3", {"title": "silently"})
    site.store.add_custom_field(ORDER, {"fieldname": "urgent", "fieldtype": "Check"})
    order(site, lines=3)


def new_folder(folder: Path, site: RunningSite) -> Path:
    """Settings with pages and batches so small that every boundary is met."""
    folder.mkdir()
    (folder / "key").write_text("key")
    (folder / "secret").write_text("secret")
    settings = {
        "doctypes": [CUSTOMER, ORDER],
        "satellites": {
            "shop": {
                "url": site.url, "credentials": {"key": "file:key", "secret": "file:secret"},
                "page_rows": 3, "connections": 1,
            }
        },
        "lake": "lake", "mothership": "duckdb:///mothership/mothership.duckdb", "var": "var",
        "batch_rows": 4, "publish_seconds": 0, "validation": False,
    }  # fmt: skip
    (folder / "federation.yaml").write_text(yaml.safe_dump(settings))
    return folder


def published(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What analysts see: every table, without the instants and ids that no two runs share."""
    with duckdb.connect(folder / "mothership" / "mothership.duckdb", read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        tables = {}
        for name in names:
            if name.startswith("federation_") and name not in SYSTEM_TABLES:
                continue
            columns = [row[0] for row in connection.execute(f'DESCRIBE "{name}"').fetchall()]
            kept = ", ".join(f'"{column}"' for column in columns if column not in BOOKKEEPING)
            tables[name] = connection.execute(f'SELECT {kept} FROM "{name}" ORDER BY ALL').fetchall()
        merged = connection.execute("SELECT count(*), count(DISTINCT package) FROM federation_ledger").fetchall()
        assert merged[0][0] == merged[0][1]
        return tables


def left_over(folder: Path) -> set[str]:
    """Files that nobody named: packages without a manifest, and whatever lies beside the mothership."""
    lake = open_lake(LakePlace(str(folder / "lake")), "shop")
    manifests = list(CommitLog(lake).read())
    assert manifests[-1].stage == "closing"
    named = {file.path for manifest in manifests for package in manifest.packages for file in package.files}
    assert named <= set(lake.files("runs"))
    beside = {path.name for path in (folder / "mothership").iterdir()} - {
        "mothership.duckdb",
        "mothership.duckdb.writer",
    }
    return (set(lake.files("runs")) - named) | {name for name in beside if not name.endswith(".lock")}


def kill_everywhere(victims: Victims, base: Path, scratch: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Kill a nightly sync of `base` at each of its effects, sync again, and compare with a sync that nobody killed."""
    undisturbed = scratch / "undisturbed"
    shutil.copytree(base, undisturbed)
    with victims.one() as victim:
        effects = victim.effects(undisturbed, depth="full")
    expected = published(undisturbed)
    assert left_over(undisturbed) == set()

    def kill(at: int) -> None:
        folder = scratch / f"killed at {at}"
        shutil.copytree(base, folder)
        with victims.one() as victim:
            # Threads run as they like, so the last effects of one run may be missing from another.
            assert victim.sync(folder, kill_at=at, depth="full") in (-signal.SIGKILL, 0), effects[at - 1]
            assert victim.sync(folder, depth="full") == 0, effects[at - 1]
        assert published(folder) == expected, effects[at - 1]
        assert left_over(folder) == set(), effects[at - 1]
        shutil.rmtree(folder)

    with ThreadPoolExecutor(victims.count) as pool:
        list(pool.map(kill, range(1, len(effects) + 1)))
    return expected


def assert_equals_the_site(folder: Path, site: RunningSite, *doctypes: str) -> None:
    with duckdb.connect(folder / "mothership" / "mothership.duckdb", read_only=True) as connection:
        for doctype in doctypes:
            truth = site_documents(site.store, doctype)
            held = compare_table(truth, connection, TABLES[doctype], "shop", doctype=doctype, held_back=())
            assert held.same, held


def test_a_nightly_run_over_changes_of_every_kind_killed_at_any_effect_ends_in_the_same_tables(
    victims: Victims, site: RunningSite, tmp_path: Path
) -> None:
    base = new_folder(tmp_path / "base", site)
    with victims.one() as victim:
        assert victim.sync(base) == 0
    let_live(site)
    expected = kill_everywhere(victims, base, tmp_path)
    assert_equals_the_site(tmp_path / "undisturbed", site, CUSTOMER)
    assert len(expected["federation_tombstone"]) == 3
    assert len(expected["federation_quarantine"]) == 1


def test_a_first_load_killed_again_and_again_a_little_later_each_time_arrives(
    victims: Victims, site: RunningSite, tmp_path: Path
) -> None:
    base = new_folder(tmp_path / "base", site)
    kills = 0
    with victims.one() as victim:
        while (status := victim.sync(base, kill_at=1 + 5 * kills)) != 0:
            assert status == -signal.SIGKILL
            kills += 1
        assert victim.sync(base) == 0
    assert kills > 5
    assert left_over(base) == set()
    assert_equals_the_site(base, site, CUSTOMER, ORDER, LINE)

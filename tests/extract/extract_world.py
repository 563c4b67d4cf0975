"""A small shop as a simulated site, a lake to read it into, and the comparison of both."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from federation.contract.columns import Contract
from federation.contract.union import contract_of
from federation.demo.comparison import compare_table
from federation.demo.site.documents import SiteDocuments
from federation.demo.site.faults import Fault, FaultPlan
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningSite
from federation.demo.site.store import SiteStore
from federation.demo.world.truth import site_documents
from federation.extract.outcome import DocTypeOutcome, Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.lake.current import compact
from federation.lake.log import CommitLog
from federation.lake.manifest import Manifest
from federation.lake.place import LakePlace
from federation.lake.schemas import read_schema
from federation.lake.storage import LakeFolder, open_lake
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Satellite, Settings

CUSTOMER, ORDER, PUNCH = "Customer", "Order", "Punch"
READER = "reader@shop.test"


def doctype(name: str, *fields: str, **options: Any) -> dict[str, Any]:
    """Metadata from lines `fieldname: Fieldtype | options`."""
    parsed = []
    for line in fields:
        fieldname, _, rest = line.partition(": ")
        fieldtype, _, linked = rest.partition(" | ")
        parsed.append({"fieldname": fieldname, "fieldtype": fieldtype, "options": linked or None, "label": fieldname})
    return {
        "doctype": "DocType",
        "name": name,
        "module": "Shop",
        "modified": "2025-01-01 00:00:00",
        "fields": parsed,
    } | options


SHOP = (
    doctype(CUSTOMER, "customer_name: Data", "email: Data", "phone: Data", "limit: Currency", autoname="Prompt"),
    doctype("Order Line", "item: Data", "qty: Float", istable=1),
    doctype("Order Tax", "rate: Percent", istable=1),
    doctype(
        ORDER,
        "customer: Link | Customer",
        "remarks: Data",
        "due: Datetime",
        "total: Currency",
        "lines: Table | Order Line",
        "taxes: Table | Order Tax",
        "amended_from: Link | Order",
        autoname="ORD-.####",
        is_submittable=1,
    ),
    doctype(PUNCH, "device: Data", autoname="autoincrement"),
)


class SiteClock:
    """The true time, plus what a test likes; no two looks at it show the same."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self._last = datetime.now(UTC)

    def go_back(self) -> None:
        """Show the true time again."""
        self.ahead, self._last = timedelta(0), datetime.now(UTC)

    def __call__(self) -> datetime:
        self._last = max(datetime.now(UTC) + self.ahead, self._last + timedelta(microseconds=1))
        return self._last


@dataclass
class Watch(FaultPlan):
    """Takes note of every request, decoded, and does something just before some of them are answered."""

    requests: list[str] = field(default_factory=list, repr=False)
    _before: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    def take(self, request: str) -> Fault | None:
        self.requests.append(request)
        due = next((entry for entry in self._before if entry[0] in request), None)
        if due is not None:
            self._before.remove(due)
            due[1]()
        return super().take(request)

    def forget(self) -> None:
        """Nothing more happens."""
        self._before.clear()

    def before(self, request: str, act: Callable[[], object]) -> None:
        """Do `act` once, before the next request that contains `request` is answered."""
        self._before.append((request, act))


@dataclass(repr=False)
class Shop:
    """The site, and what the federation has of it.

    Attributes:
        site: the running site.
        clock: the site's.
        settings: one satellite, `shop`, with all DocTypes that have documents.
    """

    folder: Path
    site: RunningSite
    settings: Settings
    watch: Watch
    clock: SiteClock

    def __repr__(self) -> str:
        return "the shop"

    @property
    def satellite(self) -> Satellite:
        return self.settings.satellites["shop"]

    @property
    def documents(self) -> SiteDocuments:
        return self.site.documents

    @property
    def _lake(self) -> Path:
        return Path(self.settings.lake_of("shop").url)

    @property
    def lake(self) -> LakeFolder:
        return open_lake(self.settings.lake_of("shop"), "shop")

    def with_settings(self, **changes: Any) -> Shop:
        return Shop(self.folder, self.site, _settings(self.folder, self.site.url, **changes), self.watch, self.clock)

    def customer(self, name: str, **values: Any) -> str:
        made = self.documents.insert(CUSTOMER, {"name": name, "customer_name": name, **values})
        return str(made["name"])

    def order(self, lines: int = 2, **values: Any) -> str:
        rows = [{"item": f"item {number}", "qty": number / 4} for number in range(lines)]
        made = self.documents.insert(ORDER, {"lines": rows, "taxes": [{"rate": 19}], "total": 0.1, **values})
        return str(made["name"])

    def age(self, *doctypes: str) -> None:
        """All documents were changed long before any overlap."""
        for name in doctypes or (CUSTOMER, ORDER, PUNCH):
            for table in (name, *self.site.store.tables(self.site.store.meta(name)).values()):
                self.documents.sql_update(table, {"docstatus": 0}, {"modified": "2026-01-01 00:00:00.000001"})

    def sync(self, **options: Any) -> dict[str, DocTypeOutcome]:
        """Run once; what became of each DocType."""
        outcomes = extract(self.settings, self.satellite, RunOptions(**options), Unwatched())
        return {outcome.doctype: outcome for outcome in outcomes}

    def manifests(self) -> list[Manifest]:
        return list(CommitLog(self.lake).read())

    def contract(self, name: str) -> Contract:
        policy = FleetPolicy(self.settings)
        schema = read_schema(self.lake, self.manifests()[-1].schema)
        contract = contract_of(name, [schema], keeps=policy.keeps, hashes=policy.hashes)
        assert contract is not None
        return contract

    def folded(self, name: str) -> dict[str, Any]:
        """DocType and its child DocTypes → rows on the lake, folded to the newest state, as an Arrow table."""
        with _copied(self._lake) as copy:
            folder = open_lake(LakePlace(str(copy)), "shop")
            current = compact(folder, CommitLog(folder), self.contract(name))
            with duckdb.connect() as connection:
                return {
                    file.table: connection.sql(f"FROM read_parquet('{folder.uri(file.path)}')").to_arrow_table()
                    for file in current.files
                    if file.kind == "rows"
                }

    def set_aside(self, name: str) -> set[str]:
        """Documents in quarantine on the lake, folded to the newest state."""
        with _copied(self._lake) as copy:
            folder = open_lake(LakePlace(str(copy)), "shop")
            current = compact(folder, CommitLog(folder), self.contract(name))
            files = [folder.uri(file.path) for file in current.files if file.kind == "quarantine"]
            return {row["name"] for file in files for row in pq.read_table(file).to_pylist()}

    def names(self, name: str) -> set[str]:
        rows = self.folded(name).get(name)
        return set() if rows is None else set(rows.column("name").to_pylist())

    def value(self, name: str, document: str, column: str) -> Any:
        rows = self.folded(name)[name].to_pylist()
        return next(row[column] for row in rows if row["name"] == document)

    def assert_same(self, *doctypes: str) -> None:
        """The lake, folded, holds what the site holds: every document, child row and cell."""
        for name in doctypes or (CUSTOMER, ORDER, PUNCH):
            rows = self.folded(name)
            tables = [name, *self.site.store.tables(self.site.store.meta(name)).values()]
            with duckdb.connect() as connection:
                for table in tables:
                    if table in rows:
                        connection.register("folded", rows[table])
                        connection.execute('CREATE OR REPLACE TABLE "here" AS FROM folded')
                        connection.unregister("folded")
                    else:
                        connection.execute('DROP TABLE IF EXISTS "here"')
                    truth = site_documents(self.site.store, table)
                    difference = compare_table(truth, connection, "here", "shop", doctype=table, held_back=())
                    assert difference.same, difference

    def killed(self, request: str, **options: Any) -> None:
        """Run, and leave the lake as it stood before the first answer to `request`: as if the run had been killed."""
        self.watch.before(request, self.freeze)
        self.sync(**options)
        self.thaw()

    def freeze(self) -> None:
        """Keep the lake as it stands."""
        shutil.copytree(self._lake, self._lake.with_name("lake frozen"))

    def thaw(self) -> None:
        """Make the lake what it was when it was frozen, if it was."""
        frozen = self._lake.with_name("lake frozen")
        if frozen.exists():
            shutil.rmtree(self._lake)
            frozen.rename(self._lake)

    def asked_for(self, request: str) -> int:
        """How many requests contained this text."""
        return sum(request in asked for asked in self.watch.requests)

    def stored_files(self) -> set[str]:
        return set(self.lake.files("runs"))

    def named_files(self) -> set[str]:
        return {file.path for manifest in self.manifests() for package in manifest.packages for file in package.files}


@contextmanager
def _copied(folder: Path) -> Iterator[Path]:
    copy = folder.with_name("lake copied")
    shutil.copytree(folder, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


@contextmanager
def open_shop(folder: Path, *metas: Mapping[str, Any], version: int = 15, **settings: Any) -> Iterator[Shop]:
    """The shop, empty and in Indian time, while it is open."""
    store = SiteStore(folder / "site.sqlite", version=version)
    for meta in metas or SHOP:
        store.create_doctype(meta)
    store.set_single("System Settings", {"time_zone": "Asia/Kolkata"})
    add_user(store, SiteUser(READER, reads=("*",)), api_key="the-api-key", api_secret="the-api-secret")
    clock, watch = SiteClock(), Watch()
    documents = SiteDocuments(store, clock=clock, rng=random.Random(1))  # noqa: S311 - names, not secrets
    with RunningSite(folder / "site.sqlite", documents=documents) as site:
        site.app.faults = watch
        (folder / "key").write_text("the-api-key")
        (folder / "secret").write_text("the-api-secret")
        (folder / "hash").write_text("a key to hash with, long enough")
        yield Shop(folder, site, _settings(folder, site.url, **settings), watch, clock)


def _settings(folder: Path, url: str, **changes: Any) -> Settings:
    return Settings.model_validate_json(written_settings(url, folder, **changes), context={"folder": folder})


def written_settings(url: str, folder: Path, **changes: Any) -> str:
    """The settings as JSON, for another process."""
    satellite = {
        "url": url,
        "credentials": {"key": f"file:{folder}/key", "secret": f"file:{folder}/secret"},
        "read_timeout_seconds": 5,
        **changes.pop("satellite", {}),
    }
    plain = {
        "doctypes": [CUSTOMER, ORDER, PUNCH],
        "satellites": {"shop": satellite, **changes.pop("others", {})},
        "lake": "lake",
        "mothership": "duckdb:///mothership.duckdb",
        "var": "var",
        "validation": False,
    }
    return json.dumps(plain | changes)

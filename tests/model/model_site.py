"""The model's site: a few DocTypes that have every trait polling trips over, and a server whose clock can be moved."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from federation.demo.site.documents import SiteDocuments
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningSite
from federation.demo.site.store import SiteStore, table_of

PARTY, REGION, OFFER, ORDER, LINE, PUNCH, LEDGER, NOTE, PREFERENCES = (
    "Party", "Region", "Offer", "Order", "Line", "Punch", "Ledger Row", "Note", "Preferences",
)  # fmt: skip
DOCUMENTS = (PARTY, REGION, OFFER, ORDER, PUNCH, LEDGER, NOTE, PREFERENCES)
"""Whatever has documents of its own."""
TABLES = (*DOCUMENTS, LINE)
KEY, SECRET, READER = "the-api-key", "the-api-secret", "reader@model.test"
ODD_NAMES = (
    "plain", "a/b", "what?", "#1", "50 %", "per%20cent", "a+b", "x, y", "🐝 bee", "Café", "cafe", "CAFE", "straße",
    "STRASSE", "O'Neil", 'quo"te', "back\\slash", "نخلة", "日本", "İstanbul", "ﬁn", "a\u0301b",
)  # fmt: skip
"""Some are one name to the site: it takes neither case nor accents for a difference."""
START = datetime(2026, 10, 24, 21, 0, tzinfo=UTC)
"""Four hours before clocks in Europe go back."""


def _doctype(name: str, *fields: str, **options: Any) -> dict[str, Any]:
    """Metadata from lines `fieldname: Fieldtype | options`; a `!` behind the fieldname is permission level 1."""
    parsed = []
    for line in fields:
        fieldname, _, rest = line.partition(": ")
        fieldtype, _, linked = rest.partition(" | ")
        field = {"fieldname": fieldname.rstrip("!"), "fieldtype": fieldtype, "options": linked or None}
        parsed.append(field | {"label": fieldname, "permlevel": int(fieldname.endswith("!"))})
    base = {"doctype": "DocType", "name": name, "module": "Model", "modified": "2025-01-01 00:00:00", "fields": parsed}
    return base | options


DOCTYPES = (
    _doctype(PARTY, "title: Data", "credit!: Currency", "region: Link | Region", autoname="Prompt"),
    _doctype(REGION, "title: Data", "parent_region: Link | Region", "lft: Int", "rgt: Int",
             autoname="Prompt", is_tree=1),
    _doctype(LINE, "qty: Float", "text: Data", "party: Link | Party", istable=1),
    _doctype(OFFER, "party: Link | Party", "digest: Data", "lines: Table | Line", autoname="hash"),
    _doctype(
        ORDER, "party: Link | Party", "remarks: Data", "due: Datetime", "digest: Data", "lines: Table | Line",
        "more: Table | Line", "status: Select | Draft\nCancelled", "amended_from: Link | Order", autoname="ORD-.####",
        is_submittable=1,
    ),
    _doctype(PUNCH, "device: Data", "party: Link | Party", autoname="autoincrement"),
    _doctype(
        LEDGER, "voucher_type: Link | DocType", "voucher_no: Dynamic Link | voucher_type", "batch: Data",
        "debit: Currency", "credit: Currency", "total: Currency", "remarks: Data", "is_cancelled: Check",
        "to_rename: Check", autoname="ACC-GLE-.#####",
    ),
    _doctype(
        NOTE, "about: Link | DocType", "subject: Dynamic Link | about", "text: Small Text", autoname="hash"
    ),
    _doctype(PREFERENCES, "colour: Data", "limit: Int", issingle=1),
)  # fmt: skip


class TrueTime:
    """The true time of a world in which hours pass at a word. Real seconds pass as well."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._passed = timedelta(0)

    def let_pass(self, length: timedelta) -> None:
        self._passed += length

    def __call__(self) -> datetime:
        return START + self._passed + timedelta(seconds=monotonic() - self._began)


class SiteClock:
    """What the site takes for the true time; no two looks at it show the same while it isn't set.

    Attributes:
        ahead: how far it is wrong.
    """

    def __init__(self, true_time: TrueTime) -> None:
        self._true_time = true_time
        self.ahead = timedelta(0)
        self._last = true_time()

    def set_ahead(self, ahead: timedelta) -> None:
        self.ahead, self._last = ahead, self._true_time() + ahead

    def __call__(self) -> datetime:
        self._last = max(self._true_time() + self.ahead, self._last + timedelta(microseconds=1))
        return self._last


@dataclass(repr=False)
class ModelSite:
    """A running site that lives.

    Attributes:
        running: the server.
        time: the true time.
        clock: the site's.
        rng: for random names.
        half_named: batches of ledger rows some of which have got their own names before others.
        movers: orders between which a line moved: where one vanished unseen, the mothership's old one would miss it.
        shifted: the site's clock or zone was changed since the last sync that read everything.
    """

    running: RunningSite
    time: TrueTime
    clock: SiteClock
    rng: random.Random
    half_named: set[str] = field(default_factory=set)
    movers: set[str] = field(default_factory=set)
    shifted: bool = False

    @property
    def documents(self) -> SiteDocuments:
        return self.running.documents

    @property
    def store(self) -> SiteStore:
        return self.running.store

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.store.connection().execute(sql, parameters).fetchall()

    def names(self, doctype: str, where: str = "1") -> list[Any]:
        """Names in the order of creation."""
        rows = self.query(f"SELECT name FROM {table_of(doctype)} WHERE {where} ORDER BY creation, rowid")
        return [name for (name,) in rows]

    def count(self, doctype: str) -> int:
        return self.store.count(doctype)

    def has_column(self, doctype: str, column: str) -> bool:
        return column in self.store.meta(doctype).columns

    def write(self, sql: str, *parameters: object) -> int:
        """Raw SQL."""
        with self.store.writing() as connection:
            return connection.execute(sql, parameters).rowcount

    def set_reader_levels(self, *levels: int) -> None:
        add_user(self.store, SiteUser(READER, reads=("*",), levels=levels), api_key=KEY, api_secret=SECRET)

    def set_zone(self, zone: str) -> None:
        self.store.set_single("System Settings", {"time_zone": zone})


class _Dated:
    """Answers carry the site's own time: its clock is its server's."""

    def __init__(self, app: ASGIApp, clock: SiteClock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._clock().replace(microsecond=0), usegmt=True)
                message["headers"] = [*message["headers"], (b"date", date.encode())]
            await send(message)

        await self._app(scope, receive, dated)


@contextmanager
def open_site(folder: Path, version: int, *, seed: int = 1) -> Iterator[ModelSite]:
    """The site, empty and in Berlin, while it runs."""
    time = TrueTime()
    clock = SiteClock(time)
    store = SiteStore(folder / "site.sqlite", version=version)
    for meta in DOCTYPES:
        store.create_doctype(meta)
    rng = random.Random(seed)  # noqa: S311 - names, not secrets
    running = RunningSite(folder / "site.sqlite", documents=SiteDocuments(store, clock=clock, rng=rng))
    config = running._server.config
    config.date_header, config.app = False, _Dated(config.app, clock)
    with running:
        site = ModelSite(running, time, clock, rng)
        site.set_zone("Europe/Berlin")
        site.set_reader_levels(1)
        site.documents.save(PREFERENCES, PREFERENCES, {"colour": "none", "limit": 0})
        yield site


def digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """What a document says of its own lines: a mixture of two states contradicts itself."""
    return "|".join(sorted(f"{row.get('text')}×{float(row.get('qty') or 0):g}" for row in rows))


def lines_of(site: ModelSite, doctype: str, name: str) -> list[tuple[str, Any, Any]]:
    """(name, text, qty) of a document's lines, whichever table field they stand in."""
    return site.query(
        f"SELECT name, text, qty FROM {table_of(LINE)} WHERE parent = ? AND parenttype = ?", name, doctype
    )


def redigest_silently(site: ModelSite, doctype: str, name: str) -> None:
    """Let a document agree with its lines again, without `modified`."""
    rows = [{"text": text, "qty": qty} for _, text, qty in lines_of(site, doctype, name)]
    site.write(f"UPDATE {table_of(doctype)} SET digest = ? WHERE name = ?", digest(rows), name)

"""A small site to test the simulated one with: orders with lines, customers, a DocType counted by integers."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from federation.demo.site.documents import SiteDocuments
from federation.demo.site.manners import NEWEST
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.store import SiteStore

if TYPE_CHECKING:
    from pathlib import Path

READER = {"Authorization": "token reader:secret"}
CLERK = {"Authorization": "token clerk:secret"}


def doctype(name: str, *fields: str, **options: Any) -> dict[str, Any]:
    """Metadata from lines `fieldname: Fieldtype | options`; a `!` behind the fieldname is permission level 1."""
    parsed = []
    for line in fields:
        fieldname, _, rest = line.partition(": ")
        fieldtype, _, linked = rest.partition(" | ")
        field = {"fieldname": fieldname.rstrip("!"), "fieldtype": fieldtype, "options": linked or None}
        parsed.append(field | {"label": fieldname, "permlevel": int(fieldname.endswith("!"))})
    return {
        "doctype": "DocType",
        "name": name,
        "module": "Shop",
        "modified": "2025-01-01 00:00:00",
        "fields": parsed,
    } | options


SHOP = (
    doctype("Customer", "customer_name: Data", "group: Data", "credit!: Currency", autoname="field:customer_name"),
    doctype("Order Line", "item: Data", "qty: Float", istable=1),
    doctype(
        "Order",
        "customer: Link | Customer",
        "remarks: Data",
        "posting_date: Date",
        "due: Datetime",
        "total: Currency",
        "status: Select | Draft\nSubmitted\nCancelled",
        "lines: Table | Order Line",
        "amended_from: Link | Order",
        autoname="ORD-.YYYY.-",
        is_submittable=1,
    ),
    doctype("Punch", "device: Data", autoname="autoincrement"),
)


class Clock:
    """A true clock that moves a second, and a bit, with every look at it."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)) -> None:
        self.now = start
        self.step = timedelta(seconds=1, microseconds=1)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


def shop(path: Path, *, clock: Clock | None = None, version: int = NEWEST) -> SiteDocuments:
    """The site's documents, empty, in Indian time."""
    store = SiteStore(path, version=version)
    for meta in SHOP:
        store.create_doctype(meta)
    store.set_single("System Settings", {"time_zone": "Asia/Kolkata"})
    add_user(store, SiteUser("reader@shop.test", reads=("*",)), api_key="reader", api_secret="secret")
    add_user(
        store,
        SiteUser("clerk@shop.test", reads=("Customer", "Order"), writes=True),
        api_key="clerk",
        api_secret="secret",
    )
    return SiteDocuments(store, clock=clock or Clock(), rng=random.Random(1))  # noqa: S311 - names, not secrets

"""A working day on a simulated site: what acts share, from choosing a document to posting to the ledgers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from federation.demo.site.store import table_of
from federation.demo.site.wire import wire_datetime

if TYPE_CHECKING:
    import random

    from federation.demo.site.documents import SiteDocuments
    from federation.demo.world.sites import SiteSpec

GL_ENTRY, STOCK_LEDGER = "GL Entry", "Stock Ledger Entry"
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing that happened to one document; `name` is its name afterwards, or the one that it had."""

    kind: str
    doctype: str
    name: str | int


@dataclass(frozen=True)
class Day:
    """The site, who works there, and the luck of the day."""

    documents: SiteDocuments
    site: SiteSpec
    rng: random.Random

    def user(self) -> str:
        """Someone who works there."""
        return self.rng.choice(self.site.users)

    def has(self, doctype: str) -> bool:
        """Whether the site has the DocType."""
        return doctype in self.documents.store.doctypes()

    def pick(self, doctype: str, condition: str = "1", *parameters: object) -> Row | None:
        """One of the rows for which the SQL `condition` holds (the row is called `this`), or None."""
        counting = f"SELECT count(*) FROM {table_of(doctype)} AS this WHERE {condition}"
        (count,) = self.documents.store.connection().execute(counting, parameters).fetchone()
        if not count:
            return None
        at = self.rng.randrange(count)
        (row,) = self.rows(doctype, f"{condition} ORDER BY rowid LIMIT 1 OFFSET ?", *parameters, at)
        return row

    def rows(self, doctype: str, condition: str, *parameters: object) -> list[Row]:
        """All rows for which the SQL `condition` holds."""
        sql = f"SELECT * FROM {table_of(doctype)} AS this WHERE {condition}"
        cursor = self.documents.store.connection().execute(sql, parameters)
        columns = [entry[0] for entry in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor]

    def postings_of(self, ledger: str, voucher_type: str, voucher: str) -> list[Row]:
        """A voucher's rows in one of the ledgers, oldest first."""
        return self.rows(ledger, "voucher_type = ? AND voucher_no = ? ORDER BY rowid", voucher_type, voucher)

    def post(self, ledger: str, entries: Sequence[Mapping[str, Any]], user: str) -> list[Change]:
        """Insert ledger rows, under temporary names until the hourly job comes [f_deletions/35-39]."""
        names = [f"{self.rng.getrandbits(40):010x}" for _ in entries]
        for name, entry in zip(names, entries, strict=True):
            self.documents.insert(ledger, {**entry, "name": name}, user=user)
        return [Change("create", ledger, name) for name in names]

    def take_back(
        self, ledger: str, posted: Sequence[Row], reversals: Sequence[Mapping[str, Any]], user: str
    ) -> list[Change]:
        """Cancel a voucher's ledger rows: flag them by SQL, and add the rows that undo them."""
        stamp = {"is_cancelled": 1, "modified": wire_datetime(self.documents.now()), "modified_by": user}
        for entry in posted:
            self.documents.sql_update(ledger, {"name": entry["name"]}, stamp)
        originals = [Change("cancel", ledger, entry["name"]) for entry in posted]
        return [*originals, *self.post(ledger, reversals, user)]

    def backdate(self, doctype: str, name: str | int, by: timedelta) -> None:
        """Stamp a new document and its child rows as if they had been written earlier and committed only now."""
        store = self.documents.store
        meta = store.meta(doctype)
        stamp = dict.fromkeys(("creation", "modified"), wire_datetime(self.documents.now() - by))
        self.documents.db_set(doctype, name, stamp)
        for child in set(store.tables(meta).values()):
            self.documents.sql_update(child, {"parent": name, "parenttype": doctype}, stamp)


Act: TypeAlias = Callable[[Day], list[Change]]
"""Does one thing, in one transaction that is open already, and tells what changed: nothing, if it found nothing."""
Weighted: TypeAlias = Iterator[tuple[Act, int]]
"""Acts, and how often each happens compared with the others."""


def posting_time(now: datetime) -> str:
    """Frappe's Time text of an instant, to the second."""
    return f"{now.hour}:{now.minute:02}:{now.second:02}"

"""The site's little ORM: documents with their child rows, changed with Frappe's side effects, and without them."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from federation.demo.site.collation import collation_key
from federation.demo.site.errors import DuplicateNameError, InvalidError, MissingDocumentError
from federation.demo.site.naming import default_values, give_back, hash_name, new_name
from federation.demo.site.rows import (
    Document,
    delete_children,
    delete_row,
    delete_where,
    insert_row,
    move_children,
    read_children,
    read_row,
    relink,
    update_row,
    update_where,
)
from federation.demo.site.store import SiteStore, table_of
from federation.demo.site.trees import nest
from federation.demo.site.wire import wire_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from federation.demo.site.meta import SiteMeta


DRAFT, SUBMITTED, CANCELLED = 0, 1, 2
ADMINISTRATOR = "Administrator"
_CANCEL_FIRST = (
    "You must <a href='https://docs.erpnext.com//docs/user/manual/en/setting-up/articles/delete-submitted-document'"
    " target='_blank'> Cancel </a> it first."
)


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class SiteDocuments:
    """Changes to a site's documents. Every method is one transaction.

    Args:
        store: the site's data; System Settings' time_zone rules `now()`.
        clock: the true time, UTC; it may be exchanged while the site runs, as where a server's clock jumps.
        rng: where random names come from; seed it to get the same names again.
    """

    def __init__(
        self, store: SiteStore, *, clock: Callable[[], datetime] = utc_now, rng: random.Random | None = None
    ) -> None:
        self.store = store
        self.clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - names, not secrets

    @property
    def time_zone(self) -> str:
        """The site's time zone, from System Settings; UTC where it was never set."""
        return str(self.store.single("System Settings").get("time_zone") or "UTC")

    def now(self) -> datetime:
        """The site's clock: naive local time, microseconds."""
        return self.clock().astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)

    # -- reading -----------------------------------------------------------------------------------------------------

    def exists(self, doctype: str, name: str | int) -> bool:
        """Whether the document is there; case and accents don't matter."""
        return read_row(self.store, self.store.meta(doctype), name) is not None

    def get(self, doctype: str, name: str | int) -> Document:
        """A document with all columns and child rows, as stored.

        Raises:
            MissingDocumentError: there is none of this name.
        """
        meta = self.store.meta(doctype)
        document = (
            self.store.single(doctype) | {"name": doctype} if meta.is_single else read_row(self.store, meta, name)
        )
        if document is None:
            raise MissingDocumentError(doctype, name)
        for fieldname, child in self.store.tables(meta).items():
            document[fieldname] = read_children(self.store, doctype, document["name"], fieldname, child)
        return document

    # -- changes as the ORM makes them -------------------------------------------------------------------------------

    def insert(self, doctype: str, values: Mapping[str, Any], *, user: str = ADMINISTRATOR) -> Document:
        """Create a document with its child rows (values of table fields: lists of mappings).

        Raises:
            DuplicateNameError: the name exists, in any case or accent.
        """
        meta = self.store.meta(doctype)
        now = self.now()
        stamp = wire_datetime(now)
        with self.store.writing():
            name = new_name(self.store, meta, values, now=now, rng=self._rng)
            if self.exists(doctype, name):
                raise DuplicateNameError(doctype, name)
            heads: Document = {"name": name, "creation": stamp, "modified": stamp, "owner": user, "modified_by": user}
            autoname = str(meta.wire.get("autoname") or "")
            if autoname.startswith("field:"):
                heads[autoname.removeprefix("field:")] = name
            given = {c: v for c, v in values.items() if c in meta.columns and v is not None}
            row = default_values(meta, now) | given | heads
            insert_row(self.store, meta, row)
            nest(self.store, meta)
            docstatus = int(row.get("docstatus") or DRAFT)
            self._replace_children(meta, {**row, "docstatus": docstatus}, values)
            self._follow_customisation(doctype, row)
        return self.get(doctype, name)

    def save(self, doctype: str, name: str | int, changes: Mapping[str, Any], *, user: str = ADMINISTRATOR) -> Document:
        """Change fields and replace the child rows of each table field given; `modified` moves, on all child rows too.

        Child rows that keep their `name` are kept; those left out disappear without a Deleted Document.
        """
        meta = self.store.meta(doctype)
        stamp = wire_datetime(self.now())
        if meta.is_single:
            return self._save_single(meta, changes, stamp=stamp, user=user)
        with self.store.writing():
            current = self.get(doctype, name)
            protected = {"name", "creation", "owner"}
            values = {c: v for c, v in changes.items() if c in meta.columns and c not in protected}
            update_row(self.store, meta, current["name"], values | {"modified": stamp, "modified_by": user})
            nest(self.store, meta)
            tables = {fieldname: changes.get(fieldname, current[fieldname]) for fieldname in self.store.tables(meta)}
            saved = {**current, **values, "modified": stamp, "modified_by": user}
            self._replace_children(meta, saved, tables)
        return self.get(doctype, current["name"])

    def submit(self, doctype: str, name: str | int, *, user: str = ADMINISTRATOR) -> Document:
        """Submit a draft: docstatus 1, child rows too."""
        return self._move(doctype, name, {}, before=DRAFT, after=SUBMITTED, user=user)

    def cancel(
        self, doctype: str, name: str | int, changes: Mapping[str, Any] | None = None, *, user: str = ADMINISTRATOR
    ) -> Document:
        """Cancel a submitted document: docstatus 2, child rows too, `status` Cancelled where there is one."""
        status = {"status": "Cancelled"} if "status" in self.store.meta(doctype).columns else {}
        changes = {**status, **(changes or {})}
        return self._move(doctype, name, changes, before=SUBMITTED, after=CANCELLED, user=user)

    def amend(
        self, doctype: str, name: str | int, changes: Mapping[str, Any] | None = None, *, user: str = ADMINISTRATOR
    ) -> Document:
        """Draft a copy of a cancelled document: named with `-1`, `-2` …, `amended_from` set; the old one stays."""
        cancelled = self.get(doctype, name)
        if cancelled["docstatus"] != CANCELLED:
            raise InvalidError(f"{doctype} {name} is not cancelled: only cancelled documents can be amended")
        origin, _, count = str(cancelled["name"]).rpartition("-")
        amended_before = bool(cancelled.get("amended_from"))
        new = f"{origin}-{int(count) + 1}" if amended_before else f"{cancelled['name']}-1"
        meta = self.store.meta(doctype)
        values = cancelled | {"name": new, "amended_from": cancelled["name"], "docstatus": DRAFT}
        for fieldname in self.store.tables(meta):
            values[fieldname] = [{k: v for k, v in row.items() if k != "name"} for row in cancelled[fieldname]]
        return self.insert(doctype, values | dict(changes or {}), user=user)

    def delete(self, doctype: str, name: str | int, *, user: str = ADMINISTRATOR) -> None:
        """Delete a document and its child rows, leaving a Deleted Document; the last name of a series is free again.

        Raises:
            InvalidError: the document is submitted.
        """
        meta = self.store.meta(doctype)
        with self.store.writing():
            document = self.get(doctype, name)
            if document["docstatus"] == SUBMITTED:
                raise InvalidError(f"{doctype} {name}: Submitted Record cannot be deleted. {_CANCEL_FIRST}")
            delete_row(self.store, meta, document["name"])
            nest(self.store, meta)
            delete_children(self.store, meta, document["name"])
            data: Document = {"doctype": doctype} | document
            for fieldname, child in self.store.tables(meta).items():
                data[fieldname] = [{"doctype": child} | row for row in document[fieldname]]
            tombstone = {
                "deleted_doctype": doctype,
                "deleted_name": str(document["name"]),
                "data": json.dumps(data, indent=1, sort_keys=True, separators=(",", ": ")),
            }
            self.insert("Deleted Document", tombstone, user=user)
            give_back(self.store, str(document["name"]))
            self._follow_customisation(doctype, document)

    def rename(self, doctype: str, old: str, new: str, *, user: str = ADMINISTRATOR) -> None:
        """Rename a document: primary key, child rows' `parent` and all Link values change, and no `modified` moves.

        The only trace is a Comment of type Edit on the new name; there is no Deleted Document [f_deletions/18-24].
        """
        meta = self.store.meta(doctype)
        with self.store.writing():
            stored = self._stored_name(meta, old)
            if collation_key(new) != collation_key(stored) and self.exists(doctype, new):
                raise DuplicateNameError(doctype, new)
            update_row(self.store, meta, stored, {"name": new})
            move_children(self.store, meta, stored, new)
            relink(self.store, doctype, stored, new)
            mark = self.store.manners.emphasis
            self._comment(doctype, new, f"renamed from <{mark}>{stored}</{mark}> to <{mark}>{new}</{mark}>", user)

    def merge(self, doctype: str, old: str, new: str, *, user: str = ADMINISTRATOR) -> None:
        """Rename onto a document that exists: links follow, the old one is deleted [f_deletions/25-27]."""
        meta = self.store.meta(doctype)
        with self.store.writing():
            stored, kept = self._stored_name(meta, old), self._stored_name(meta, new)
            relink(self.store, doctype, stored, kept)
            mark = self.store.manners.emphasis
            self._comment(doctype, kept, f"merged <{mark}>{stored}</{mark}> into <{mark}>{kept}</{mark}>", user)
            self.delete(doctype, stored, user=user)

    # -- changes that polling by `modified` cannot see ---------------------------------------------------------------

    def db_set(
        self, doctype: str, name: str | int, values: Mapping[str, Any], *, update_modified: bool = False
    ) -> None:
        """Write columns of one row directly; `modified` moves only when asked for."""
        meta = self.store.meta(doctype)
        stamp = {"modified": wire_datetime(self.now())} if update_modified else {}
        with self.store.writing():
            if not self.exists(doctype, name):
                raise MissingDocumentError(doctype, name)
            update_row(self.store, meta, name, {**values, **stamp})

    def name_ledger_rows(self, doctype: str) -> dict[str, str]:
        """ERPNext's hourly job: rows with `to_rename` get names of their series, by SQL and without a trace.

        In version 15 their `modified` moves, before it doesn't; `creation` never does [f_deletions/35-39].

        Returns:
            The new name by temporary name, in the order of creation.
        """
        meta = self.store.meta(doctype)
        sql = f"SELECT name FROM {table_of(doctype)} WHERE to_rename = 1 ORDER BY creation, rowid"
        named: dict[str, str] = {}
        with self.store.writing() as connection:
            for (old,) in connection.execute(sql).fetchall():
                now = self.now()
                new = str(new_name(self.store, meta, {}, now=now, rng=self._rng))
                stamp = {"modified": wire_datetime(now)} if self.store.manners.stamps_ledger_names else {}
                update_row(self.store, meta, old, {"name": new, "to_rename": 0, **stamp})
                named[old] = new
        return named

    def sql_update(self, doctype: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Raw UPDATE of all rows whose columns equal `where`; the number of rows. Nothing else moves."""
        return update_where(self.store, self.store.meta(doctype), where, values)

    def sql_delete(self, doctype: str, where: Mapping[str, Any]) -> int:
        """Raw DELETE of all rows whose columns equal `where`; the number of rows. No Deleted Document, no cascade."""
        return delete_where(self.store, self.store.meta(doctype), where)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _follow_customisation(self, doctype: str, row: Mapping[str, Any]) -> None:
        """A Custom Field or Property Setter changes the effective metadata; a deleted one leaves its column behind."""
        if doctype in {"Custom Field", "Property Setter"}:
            self.store.refresh_customisations(str(row.get("dt") or row.get("doc_type")))

    def _move(
        self, doctype: str, name: str | int, changes: Mapping[str, Any], *, before: int, after: int, user: str
    ) -> Document:
        with self.store.writing():
            if self.get(doctype, name)["docstatus"] != before:
                raise InvalidError(f"{doctype} {name}: docstatus cannot change to {after}")
            return self.save(doctype, name, {**changes, "docstatus": after}, user=user)

    def _save_single(self, meta: SiteMeta, changes: Mapping[str, Any], *, stamp: str, user: str) -> Document:
        """Singles keep text: `idx` reads "0" afterwards, where the answer to the save says 0 [e_types/37, 38]."""
        heads = {"owner": user, "docstatus": 0, "idx": "0"} | self.store.single(meta.name)
        known = {c: v for c, v in changes.items() if c in meta.columns and c not in {"name", "creation"}}
        self.store.set_single(meta.name, heads | known | {"modified": stamp, "modified_by": user})
        return self.get(meta.name, meta.name) | {"idx": 0}

    def _stored_name(self, meta: SiteMeta, name: str) -> str:
        row = read_row(self.store, meta, name)
        if row is None:
            raise MissingDocumentError(meta.name, name)
        return str(row["name"])

    def _comment(self, doctype: str, name: str, content: str, user: str) -> None:
        about = {"reference_doctype": doctype, "reference_name": name}
        self.insert("Comment", {"comment_type": "Edit", "content": content, **about}, user=user)

    def _replace_children(self, meta: SiteMeta, parent: Document, values: Mapping[str, Any]) -> None:
        """Write the rows of all table fields anew. A new row has its parent's creation [k_event_streaming/07]."""
        delete_children(self.store, meta, parent["name"])
        for fieldname, child in self.store.tables(meta).items():
            rows: Iterable[Mapping[str, Any]] = values.get(fieldname) or ()
            child_meta = self.store.meta(child)
            shared = {column: parent[column] for column in ("modified", "modified_by", "docstatus")}
            place = {"parent": parent["name"], "parenttype": meta.name, "parentfield": fieldname}
            for idx, row in enumerate(rows, start=1):
                born = {"name": hash_name(self._rng), "creation": parent["creation"], "owner": parent["owner"]}
                kept = {c: v for c, v in row.items() if c in child_meta.columns and v is not None}
                insert_row(self.store, child_meta, born | kept | shared | place | {"idx": idx})

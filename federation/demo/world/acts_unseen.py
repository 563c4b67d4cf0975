"""Acts that timestamps tell nothing or too little of: renames, SQL, bulk changes, late commits, the hourly naming."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from federation.demo.site.collation import collation_key
from federation.demo.site.store import NAME_KEY
from federation.demo.site.wire import wire_datetime
from federation.demo.world.acts_buying import SUPPLIER
from federation.demo.world.acts_people import ADDRESS, CONTACT, check_in
from federation.demo.world.acts_selling import CUSTOMER, draft, gain_customer
from federation.demo.world.acts_teaching import admit, enrol
from federation.demo.world.campus import STUDENT
from federation.demo.world.day import GL_ENTRY, STOCK_LEDGER, Change
from federation.demo.world.ledger import GL_SERIES, STOCK_SERIES
from federation.demo.world.people import CHECKIN

if TYPE_CHECKING:
    from federation.demo.world.day import Act, Day, Weighted

_PARTY_TITLES = {CUSTOMER: "customer_name", SUPPLIER: "supplier_name", STUDENT: "student_name"}
_SPARED = 30
"""Parties are merged only while there are more."""
_LATEST_COMMIT_SECONDS = 400
_CENT = 0.01
_IN_BULK: tuple[tuple[str, str, str, tuple[Any, ...]], ...] = (
    ("Sales Invoice", "customer_group", "terms", ("<p>Net</p>", "<p>Net, no cash</p>")),
    ("Fees", "program", "student_category", ("Regular", "Evening")),
    (CHECKIN, "device_id", "shift", ("Day", "Night")),
)
"""DocType, the field whose value chooses the rows, the field that is set, and what it is set to."""


def unseen() -> Weighted:
    """What happens in every organisation, and polling by `modified` sees badly or not at all."""
    yield from ((rename, 4), (merge, 1), (name_ledgers, 4), (change_status, 5), (repair_rounding, 3))
    yield from ((set_in_bulk, 1), (delete_by_sql, 2), (commit_late, 4))


def rename(day: Day) -> list[Change]:
    """A party or an item gets another name: keys and links change, no `modified` moves [f_deletions/18-24]."""
    doctype = day.rng.choice([name for name in (*_PARTY_TITLES, "Item") if day.has(name)])
    document = day.pick(doctype)
    if document is None:
        return []
    title = document["item_code" if doctype == "Item" else _PARTY_TITLES[doctype]]
    new = f"{str(title).partition(' (')[0]} ({day.rng.randint(1_000, 999_999)})"
    if day.documents.exists(doctype, new):
        return []
    day.documents.rename(doctype, document["name"], new, user=day.user())
    if doctype == "Item":
        day.documents.db_set("Item", new, {"item_code": new})
    return [Change("rename", doctype, new)]


def merge(day: Day) -> list[Change]:
    """Two parties turn out to be one: the links of the first go to the second, the first is deleted."""
    doctype = day.rng.choice([name for name in _PARTY_TITLES if day.has(name)])
    if day.documents.store.count(doctype) < _SPARED:
        return []
    gone = day.pick(doctype)
    kept = day.pick(doctype)
    if gone is None or kept is None or gone["name"] == kept["name"]:
        return []
    day.documents.merge(doctype, gone["name"], kept["name"], user=day.user())
    return [Change("merge", doctype, gone["name"])]


def name_ledgers(day: Day) -> list[Change]:
    """The hourly job: temporary names become numbered ones, by SQL, without a trace [f_deletions/35-39]."""
    changes = []
    for ledger, series in ((GL_ENTRY, GL_SERIES), (STOCK_LEDGER, STOCK_SERIES)):
        temporary = day.rows(ledger, "to_rename = 1 ORDER BY creation, rowid") if day.has(ledger) else []
        for row in temporary:
            now = day.documents.now()
            prefix = series.replace(".YYYY.", str(now.year))
            final = f"{prefix}{day.documents.store.next_in_series(prefix):05}"
            values = {"name": final, NAME_KEY: collation_key(final), "to_rename": 0, "modified": wire_datetime(now)}
            day.documents.sql_update(ledger, {"name": row["name"]}, values)
            changes.append(Change("rename by SQL", ledger, final))
    return changes


def change_status(day: Day) -> list[Change]:
    """A job finds a voucher overdue, by SQL [g_unmodified/03-04]."""
    doctype = next((name for name in ("Sales Invoice", "Purchase Invoice") if day.has(name)), None)
    if doctype is None:
        return []
    voucher = day.pick(doctype, "status IN ('Unpaid', 'Partly Paid')")
    if voucher is None:
        return []
    day.documents.db_set(doctype, voucher["name"], {"status": "Overdue"})
    return [Change("change silently", doctype, voucher["name"])]


def repair_rounding(day: Day) -> list[Change]:
    """A cent is moved in the ledger rows of a journal, by SQL, on both sides."""
    journal = day.pick("Journal Entry", "docstatus = 1")
    if journal is None:
        return []
    changes = []
    posted = day.postings_of(GL_ENTRY, "Journal Entry", journal["name"])
    for side in ("debit", "credit"):
        entry = next((row for row in posted if row[side] > 0), None)
        if entry is None:
            return []
        day.documents.sql_update(GL_ENTRY, {"name": entry["name"]}, {side: round(entry[side] + _CENT, 2)})
        changes.append(Change("repair silently", GL_ENTRY, entry["name"]))
    return changes


def set_in_bulk(day: Day) -> list[Change]:
    """One UPDATE over all rows of a kind gives them one `modified`."""
    doctype, chosen_by, field, values = day.rng.choice([entry for entry in _IN_BULK if day.has(entry[0])])
    row = day.pick(doctype)
    if row is None:
        return []
    where = {chosen_by: row[chosen_by]}
    stamp = {"modified": wire_datetime(day.documents.now()), "modified_by": day.user()}
    day.documents.sql_update(doctype, where, {field: day.rng.choice(values), **stamp})
    names = (found["name"] for found in day.rows(doctype, f"{chosen_by} = ?", row[chosen_by]))
    return [Change("set in bulk", doctype, name) for name in names]


def delete_by_sql(day: Day) -> list[Change]:
    """A row and its child rows disappear without a trace."""
    doctype = day.rng.choice([name for name in (CONTACT, ADDRESS, CHECKIN) if day.has(name)])
    document = day.pick(doctype)
    if document is None:
        return []
    store = day.documents.store
    for child in set(store.tables(store.meta(doctype)).values()):
        day.documents.sql_delete(child, {"parent": document["name"], "parenttype": doctype})
    day.documents.sql_delete(doctype, {"name": document["name"]})
    return [Change("delete by SQL", doctype, document["name"])]


def commit_late(day: Day) -> list[Change]:
    """Something is stamped, and committed only minutes later: it turns up behind newer rows [h_late_commit/01-04]."""
    acts: dict[str, tuple[Act, ...]] = {
        CUSTOMER: (draft, gain_customer),
        STUDENT: (admit, enrol),
        CHECKIN: (check_in,),
    }
    possible = [act for doctype, offered in acts.items() if day.has(doctype) for act in offered]
    late = timedelta(seconds=day.rng.uniform(1, _LATEST_COMMIT_SECONDS))
    created = day.rng.choice(possible)(day)
    for change in created:
        day.backdate(change.doctype, change.name, late)
    return [Change("commit late", change.doctype, change.name) for change in created]

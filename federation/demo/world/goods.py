"""The stock ledger on a working day: goods come, go back and move, and no store is left with less than nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from federation.demo.site.store import table_of
from federation.demo.site.wire import wire_datetime
from federation.demo.world.day import STOCK_LEDGER, Change, posting_time
from federation.demo.world.postings import as_new, fiscal_year_of

if TYPE_CHECKING:
    from federation.demo.world.day import Day

_STANDS = "item_code = ? AND warehouse = ? AND is_cancelled = 0"


def stock_of(day: Day, item: str, store: str) -> float:
    """How much of an item lies in a store now."""
    last = day.rows(STOCK_LEDGER, f"{_STANDS} ORDER BY rowid DESC LIMIT 1", item, store)
    return float(last[0]["qty_after_transaction"]) if last else 0.0


def move(
    day: Day,
    doctype: str,
    voucher: Mapping[str, Any],
    row: Mapping[str, Any],
    *,
    store: str,
    quantity: float,
    user: str,
) -> list[Change]:
    """Insert the Stock Ledger Entry of one row of a voucher: `quantity` comes into the store, or leaves it below 0."""
    now, rate = day.documents.now(), row["valuation_rate"]
    after = stock_of(day, row["item_code"], store) + quantity
    entry = {
        "docstatus": 1,
        "item_code": row["item_code"],
        "warehouse": store,
        "posting_date": voucher["posting_date"],
        "posting_time": posting_time(now),
        "posting_datetime": wire_datetime(now),
        "voucher_type": doctype,
        "voucher_no": voucher["name"],
        "voucher_detail_no": row["name"],
        "actual_qty": quantity,
        "qty_after_transaction": after,
        "incoming_rate": rate if quantity > 0 else 0.0,
        "outgoing_rate": rate if quantity < 0 else 0.0,
        "valuation_rate": rate,
        "stock_value": round(after * rate, 2),
        "stock_value_difference": round(quantity * rate, 2),
        "stock_queue": "[]",
        "company": day.site.company,
        "stock_uom": "Nos",
        "fiscal_year": fiscal_year_of(day.site, str(voucher["posting_date"])),
        "to_rename": 1,
    }
    return day.post(STOCK_LEDGER, [entry], user)


def receive(day: Day, doctype: str, voucher: Mapping[str, Any], user: str) -> list[Change]:
    """Take the goods of a purchase in."""
    return [
        change
        for row in voucher["items"]
        for change in move(day, doctype, voucher, row, store=row["warehouse"], quantity=row["qty"], user=user)
    ]


def would_run_short(day: Day, doctype: str, voucher: str) -> bool:
    """Whether a store would ever have held less than nothing, had the voucher not brought its goods."""
    brought: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for entry in day.postings_of(STOCK_LEDGER, doctype, voucher):
        place = entry["item_code"], entry["warehouse"]
        brought[place] += entry["actual_qty"]
        first.setdefault(place, entry["name"])
    since = f"{_STANDS} AND rowid >= (SELECT rowid FROM {table_of(STOCK_LEDGER)} WHERE name = ?)"
    return any(
        min(row["qty_after_transaction"] for row in day.rows(STOCK_LEDGER, since, *place, first[place])) < quantity
        for place, quantity in brought.items()
    )


def return_goods(day: Day, doctype: str, voucher: str, user: str) -> list[Change]:
    """Cancel a voucher's movements; what later ones say of the stock is put right by SQL, and no `modified` moves."""
    posted = day.postings_of(STOCK_LEDGER, doctype, voucher)
    changes = []
    for entry in posted:
        later = f"{_STANDS} AND rowid > (SELECT rowid FROM {table_of(STOCK_LEDGER)} WHERE name = ?)"
        for row in day.rows(STOCK_LEDGER, later, entry["item_code"], entry["warehouse"], entry["name"]):
            after = row["qty_after_transaction"] - entry["actual_qty"]
            told = {"qty_after_transaction": after, "stock_value": round(after * row["valuation_rate"], 2)}
            day.documents.sql_update(STOCK_LEDGER, {"name": row["name"]}, told)
            if row["voucher_no"] != voucher:
                changes.append(Change("repair silently", STOCK_LEDGER, row["name"]))
    undoing = [
        as_new(entry)
        | {"actual_qty": -entry["actual_qty"], "stock_value_difference": -entry["stock_value_difference"]}
        | {"incoming_rate": entry["outgoing_rate"], "outgoing_rate": entry["incoming_rate"]}
        for entry in posted
    ]
    return [*changes, *day.take_back(STOCK_LEDGER, posted, undoing, user)]

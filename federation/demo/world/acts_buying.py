"""Acts of a company that buys and keeps stock: goods are bought, issued and moved from store to store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from federation.demo.world.acts_debts import acts_on
from federation.demo.world.day import GL_ENTRY, STOCK_LEDGER, Change, posting_time
from federation.demo.world.goods import move
from federation.demo.world.masters import SUPPLIER_SERIES
from federation.demo.world.postings import issue_postings
from federation.demo.world.stock import DOCTYPE as STOCK_ENTRY
from federation.demo.world.stock import ISSUE, SERIES, TRANSFER
from federation.demo.world.vouchers import draft_purchase

if TYPE_CHECKING:
    from federation.demo.world.day import Day, Weighted

PURCHASE, SUPPLIER = "Purchase Invoice", "Supplier"
_ISSUED = 0.6
_LAST = (
    'is_cancelled = 0 AND qty_after_transaction >= 2 AND rowid = (SELECT max(rowid) FROM "tabStock Ledger Entry" AS o'
    " WHERE o.item_code = this.item_code AND o.warehouse = this.warehouse AND o.is_cancelled = 0)"
)
"""The last movement of an item in a store that still holds some of it."""


def buying() -> Weighted:
    """What happens in a company that buys and keeps stock."""
    yield from ((gain_supplier, 3), (order, 12), (move_goods, 14))
    yield from acts_on(PURCHASE)


def gain_supplier(day: Day) -> list[Change]:
    """Somebody new wants to sell."""
    title = f"{day.rng.choice(day.site.suppliers)} {day.rng.randint(1_000, 999_999)}"
    values = {"naming_series": SUPPLIER_SERIES, "supplier_name": title, "supplier_group": "Local"}
    supplier = day.documents.insert(SUPPLIER, {**values, "country": day.site.country}, user=day.user())
    return [Change("create", SUPPLIER, supplier["name"])]


def order(day: Day) -> list[Change]:
    """Goods are ordered: a Purchase Invoice is drafted."""
    supplier = day.pick(SUPPLIER, "disabled = 0")
    if supplier is None:
        return []
    now, items = day.documents.now(), day.rows("Item", "is_stock_item = 1 ORDER BY rowid")
    due = now.date() + timedelta(days=30)
    values = draft_purchase(day.site, supplier, items, now=now, due=due, rng=day.rng)
    purchase = day.documents.insert(PURCHASE, values, user=day.user())
    return [Change("create", PURCHASE, purchase["name"])]


def move_goods(day: Day) -> list[Change]:
    """Some of what lies in a store is issued, or goes to another store."""
    lying = day.pick(STOCK_LEDGER, _LAST)
    if lying is None:
        return []
    user, now = day.user(), day.documents.now()
    quantity = day.rng.randint(1, int(lying["qty_after_transaction"]) // 2)
    is_issue = day.rng.random() < _ISSUED
    others = [store for store in day.site.stores if store != lying["warehouse"]]
    target = None if is_issue else day.rng.choice(others)
    value = round(quantity * lying["valuation_rate"], 2)
    values = {
        "naming_series": SERIES,
        "stock_entry_type": ISSUE if is_issue else TRANSFER,
        "purpose": ISSUE if is_issue else TRANSFER,
        "company": day.site.company,
        "posting_date": now.date().isoformat(),
        "posting_time": posting_time(now),
        "from_warehouse": lying["warehouse"],
        "to_warehouse": target,
        "total_outgoing_value": value,
        "total_incoming_value": 0.0 if is_issue else value,
        "value_difference": -value if is_issue else 0.0,
        "total_amount": value,
        "items": [
            {"s_warehouse": lying["warehouse"], "t_warehouse": target, "item_code": lying["item_code"]}
            | dict.fromkeys(("qty", "transfer_qty"), quantity)
            | dict.fromkeys(("uom", "stock_uom"), "Nos")
            | dict.fromkeys(("basic_rate", "valuation_rate"), lying["valuation_rate"])
            | dict.fromkeys(("basic_amount", "amount"), value)
            | {"conversion_factor": 1.0, "cost_center": day.site.cost_center_name(day.site.cost_centers[0])}
            | {"expense_account": day.site.accounts_of("Stock Adjustment")[0].name}
        ],
    }
    draft = day.documents.insert(STOCK_ENTRY, values, user=user)
    entry = day.documents.submit(STOCK_ENTRY, draft["name"], user=user)
    (row,) = entry["items"]
    changes = [Change("create", STOCK_ENTRY, entry["name"])]
    changes += move(day, STOCK_ENTRY, entry, row, store=lying["warehouse"], quantity=-quantity, user=user)
    if target:
        return changes + move(day, STOCK_ENTRY, entry, row, store=target, quantity=quantity, user=user)
    return changes + day.post(GL_ENTRY, issue_postings(day.site, entry), user)

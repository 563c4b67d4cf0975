"""Acts of a company that sells: customers are won and edited, invoices are drafted, edited and stripped of rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from federation.demo.world.acts_debts import acts_on
from federation.demo.world.day import Change
from federation.demo.world.vouchers import draft_invoice, invoice_totals

if TYPE_CHECKING:
    from federation.demo.world.day import Day, Weighted

INVOICE, CUSTOMER = "Sales Invoice", "Customer"


def selling() -> Weighted:
    """What happens in a company that sells."""
    yield from ((gain_customer, 6), (edit_customer, 6), (draft, 10), (edit, 10), (remove_row, 3))
    yield from acts_on(INVOICE)


def gain_customer(day: Day) -> list[Change]:
    """Somebody new wants to buy."""
    series = day.site.series.customers
    title = f"{day.rng.choice(day.site.customer_stems)} {day.rng.randint(1_000, 999_999)}"
    if day.documents.exists(CUSTOMER, title):
        return []
    values = {
        "naming_series": series,
        "customer_name": title,
        "customer_type": day.rng.choice(("Company", "Individual")),
        "customer_group": day.rng.choice(day.site.customer_groups),
        "territory": day.rng.choice(day.site.territories),
        "language": day.site.language,
    }
    customer = day.documents.insert(CUSTOMER, values if series else {**values, "name": title}, user=day.user())
    return [Change("create", CUSTOMER, customer["name"])]


def edit_customer(day: Day) -> list[Change]:
    """Somebody's website moves."""
    customer = day.pick(CUSTOMER)
    if customer is None:
        return []
    changes = {"website": f"https://shop{day.rng.randint(1, 9_999)}.example", "is_frozen": 0}
    day.documents.save(CUSTOMER, customer["name"], changes, user=day.user())
    return [Change("edit", CUSTOMER, customer["name"])]


def draft(day: Day) -> list[Change]:
    """Somebody orders."""
    customer = day.pick(CUSTOMER, "is_frozen = 0")
    if customer is None:
        return []
    now, items = day.documents.now(), day.rows("Item", "is_sales_item = 1 ORDER BY rowid")
    due = now.date() + timedelta(days=day.rng.choice((14, 30, 45)))
    values = draft_invoice(day.site, customer, items, now=now, due=due, rng=day.rng)
    invoice = day.documents.insert(INVOICE, values, user=day.user())
    return [Change("create", INVOICE, invoice["name"])]


def edit(day: Day) -> list[Change]:
    """A purchase order number is added."""
    invoice = day.pick(INVOICE, "docstatus < 2")
    if invoice is None:
        return []
    changes = {"po_no": f"PO-{day.rng.randint(1, 99_999)}", "remarks": "Call before delivery\nRing twice"}
    day.documents.save(INVOICE, invoice["name"], changes, user=day.user())
    return [Change("edit", INVOICE, invoice["name"])]


def remove_row(day: Day) -> list[Change]:
    """An item is taken off a draft: its row disappears without a trace."""
    found = day.pick(INVOICE, "docstatus = 0")
    if found is None:
        return []
    invoice = day.documents.get(INVOICE, found["name"])
    items = list(invoice["items"])
    if len(items) == 1:
        return []
    removed = items.pop(day.rng.randrange(len(items)))
    totals = invoice_totals(items, invoice["taxes"], conversion_rate=invoice["conversion_rate"])
    day.documents.save(INVOICE, invoice["name"], totals, user=day.user())
    return [Change("edit", INVOICE, invoice["name"]), Change("remove row", "Sales Invoice Item", removed["name"])]

"""What customers paid: Payment Entries, each for one Sales Invoice, and what they post to the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import money, pick, texts, wire_dates
from federation.demo.world.heads import Heads
from federation.demo.world.invoices import DOCTYPE as INVOICE
from federation.demo.world.invoices import paid_cents
from federation.demo.world.ledger import Vouchers

if TYPE_CHECKING:
    from federation.demo.world.invoices import Invoices
    from federation.demo.world.masters import Customers
    from federation.demo.world.sales import Sales
    from federation.demo.world.scene import Scene

DOCTYPE = "Payment Entry"


def write_payments(
    scene: Scene, customers: Customers, sales: Sales, invoices: Invoices, rng: np.random.Generator
) -> Vouchers:
    """Insert a payment for every paid or partly paid sale; return what they post.

    Customers pay in company currency at the invoice's rate: no exchange gains.
    """
    site, clock = scene.site, scene.clock
    paid = np.flatnonzero(sales.paid_share)
    paid = paid[np.argsort(sales.ended[paid], kind="stable")]
    count = len(paid)
    created = sales.ended[paid]
    entered = created + rng.integers(500_000, 5_000_000, count).astype("timedelta64[us]")
    heads = Heads(
        doctype=DOCTYPE,
        names=scene.names.numbered(site.series.payments, clock.of(created)),
        owner=pick(site.users, count, rng),
        created=created,
        submitted=entered,
        modified=entered,
        docstatus=np.ones(count, np.int64),
    )
    posting = clock.dates(created)
    cents = paid_cents(sales)[0][paid]
    amount = money(cents)
    customer = sales.customer[paid]
    invoice = invoices.heads.names[paid]
    party = customers.names[customer]
    reference = texts(f"R{number}" for number in rng.integers(10_000, 10_000_000, count).tolist())
    remarks = texts(
        f"Amount {site.currency} {value} received from {who}\nTransaction reference no {ref} dated {day}\n"
        f"Amount {site.currency} {value} against Sales Invoice {what}"
        for value, who, ref, day, what in zip(
            amount.tolist(), party, reference, wire_dates(posting), invoice, strict=True
        )
    )
    columns = heads.columns(scene) | {
        "naming_series": site.series.payments,
        "title": customers.titles[customer],
        "payment_type": "Receive",
        "posting_date": wire_dates(posting),
        "company": site.company,
        "mode_of_payment": "Wire Transfer",
        "party_type": "Customer",
        "party": party,
        "party_name": customers.titles[customer],
        "paid_from": site.receivable.name,
        "paid_from_account_currency": site.currency,
        "paid_to": site.bank.name,
        "paid_to_account_currency": site.currency,
        "paid_amount": amount,
        "base_paid_amount": amount,
        "source_exchange_rate": 1.0,
        "received_amount": amount,
        "base_received_amount": amount,
        "target_exchange_rate": 1.0,
        "total_allocated_amount": amount,
        "base_total_allocated_amount": amount,
        "reference_no": reference,
        "reference_date": wire_dates(posting),
        "cost_center": invoices.cost_center[paid],
        "status": "Submitted",
        "remarks": remarks,
        "is_opening": "No",
    }
    scene.insert(DOCTYPE, count, columns)
    due = texts(wire_dates(invoices.due[paid]))
    total = money((sales.base_total + sales.base_tax.sum(axis=1))[paid])
    references = heads.child_columns(np.arange(count), np.ones(count, np.int64), "references", scene) | {
        "reference_doctype": INVOICE,
        "reference_name": invoice,
        "due_date": due,
        "total_amount": total,
        "outstanding_amount": total,
        "allocated_amount": amount,
        "exchange_rate": 1.0,
        "account": site.receivable.name,
    }
    scene.insert("Payment Entry Reference", count, references)
    postings = np.column_stack([-cents, cents])
    through = [scene.place_of(site.receivable), scene.place_of(site.bank)]
    return Vouchers(
        doctype=DOCTYPE,
        subtype="Receive",
        names=heads.names,
        owner=heads.owner,
        created=created,
        cancelled=np.full(count, np.datetime64("NaT", "us")),
        posting=posting,
        due=due,
        party=party,
        against=invoice,
        against_type=INVOICE,
        currency=np.full(count, site.currency, dtype=object),
        rate=np.ones(count),
        cost_center=invoices.cost_center[paid],
        remarks=remarks,
        accounts=np.tile(through, (count, 1)),
        cents=postings,
        billed=postings,
    )

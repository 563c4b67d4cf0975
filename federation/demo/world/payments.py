"""How debts are settled: Payment Entries from customers and students or to suppliers, and what they post."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import money, pick, texts, wire_dates
from federation.demo.world.heads import Heads
from federation.demo.world.ledger import Vouchers

if TYPE_CHECKING:
    from federation.demo.world.columns import Dates, Instants, Integers, Texts
    from federation.demo.world.scene import Scene
    from federation.demo.world.sites import Account

DOCTYPE = "Payment Entry"


@dataclass(frozen=True)
class Debts:
    """n vouchers of one DocType that were paid, at least in part, each once.

    `paid` of `total` cents, in company currency, at the instant `settled`. `account` is where the debts stand: the
    organisation pays those of suppliers and receives all others.
    """

    doctype: str
    party_type: str
    account: Account
    names: Texts
    party: Texts
    titles: Texts
    due: Dates
    cost_center: Texts
    total: Integers
    paid: Integers
    settled: Instants


def write_payments(scene: Scene, debts: Debts, rng: np.random.Generator) -> Vouchers:
    """Insert a payment for every debt; return what they post."""
    site, clock = scene.site, scene.clock
    order = np.argsort(debts.settled, kind="stable")
    count = len(order)
    created = debts.settled[order]
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
    days = clock.dates(created)
    posting, due = wire_dates(days), wire_dates(debts.due[order])
    amount, total = money(debts.paid[order]), money(debts.total[order])
    party, titles, voucher = debts.party[order], debts.titles[order], debts.names[order]
    cost_center = debts.cost_center[order]
    is_paying = debts.party_type == "Supplier"
    source, target = (site.bank, debts.account) if is_paying else (debts.account, site.bank)
    reference = texts(f"R{number}" for number in rng.integers(10_000, 10_000_000, count).tolist())
    verb = "paid to" if is_paying else "received from"
    remarks = texts(
        f"Amount {site.currency} {value} {verb} {who}\nTransaction reference no {ref} dated {day}\n"
        f"Amount {site.currency} {value} against {debts.doctype} {what}"
        for value, who, ref, day, what in zip(amount.tolist(), party, reference, posting, voucher, strict=True)
    )
    columns = heads.columns(scene) | {
        "naming_series": site.series.payments,
        "title": titles,
        "payment_type": "Pay" if is_paying else "Receive",
        "posting_date": posting,
        "company": site.company,
        "mode_of_payment": "Wire Transfer",
        "party_type": debts.party_type,
        "party": party,
        "party_name": titles,
        "paid_from": source.name,
        "paid_from_account_currency": site.currency,
        "paid_to": target.name,
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
        "reference_date": posting,
        "cost_center": cost_center,
        "status": "Submitted",
        "remarks": remarks,
        "is_opening": "No",
    }
    scene.insert(DOCTYPE, count, columns)
    references = heads.child_columns(np.arange(count), np.ones(count, np.int64), "references", scene) | {
        "reference_doctype": debts.doctype,
        "reference_name": voucher,
        "due_date": due,
        "total_amount": total,
        "outstanding_amount": total,
        "allocated_amount": amount,
        "exchange_rate": 1.0,
        "account": debts.account.name,
    }
    scene.insert("Payment Entry Reference", count, references)
    cents = debts.paid[order] * (1 if is_paying else -1)
    postings = np.column_stack([cents, -cents])
    through = [scene.place_of(debts.account), scene.place_of(site.bank)]
    return Vouchers(
        doctype=DOCTYPE,
        subtype="Pay" if is_paying else "Receive",
        names=heads.names,
        owner=heads.owner,
        created=created,
        cancelled=np.full(count, np.datetime64("NaT", "us")),
        posting=days,
        due=texts(due),
        party_type=debts.party_type,
        party=party,
        against=voucher,
        against_type=debts.doctype,
        currency=np.full(count, site.currency, dtype=object),
        rate=np.ones(count),
        cost_center=cost_center,
        remarks=remarks,
        accounts=np.tile(through, (count, 1)),
        cents=postings,
        billed=postings,
    )

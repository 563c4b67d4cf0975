"""Sales become Sales Invoices: items, taxes, status, credit notes, amendments, and what they post to the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import money, only, pick, spans, texts, wire_dates
from federation.demo.world.heads import Heads
from federation.demo.world.ledger import Vouchers, billed_vouchers, tied
from federation.demo.world.payments import Debts
from federation.demo.world.sales import Fate

if TYPE_CHECKING:
    from federation.demo.world.columns import Dates, Flags, Integers, Texts
    from federation.demo.world.masters import Customers
    from federation.demo.world.sales import Sales
    from federation.demo.world.scene import Scene
    from federation.demo.world.sites import SiteSpec

DOCTYPE = "Sales Invoice"
_AMENDED_AFTER = np.timedelta64(15, "m")


@dataclass(frozen=True)
class Invoices:
    """n documents: first one for each sale, in its order, then credit notes and amendments.

    `sale` is the sale that each comes from and `sign` -1 for credit notes. `outstanding` in cents of company currency.
    """

    heads: Heads
    sale: Integers
    sign: Integers
    posting: Dates
    due: Dates
    status: Texts
    outstanding: Integers
    return_against: Texts
    amended_from: Texts
    cost_center: Texts


def paid_cents(sales: Sales) -> tuple[Integers, Integers]:
    """What was paid on each sale, in company currency and in the billed one."""
    base_grand = sales.base_total + sales.base_tax.sum(axis=1)
    grand = sales.total + sales.tax.sum(axis=1)
    return np.rint(base_grand * sales.paid_share).astype(np.int64), np.rint(grand * sales.paid_share).astype(np.int64)


def make_invoices(scene: Scene, customers: Customers, sales: Sales, rng: np.random.Generator) -> Invoices:
    """The documents of a stretch of trade as they stand at the end of the scene."""
    site, clock, names = scene.site, scene.clock, scene.names
    count = len(sales.customer)
    returned = np.flatnonzero(sales.fate == Fate.RETURNED)
    cancelled = np.flatnonzero(sales.fate == Fate.CANCELLED)
    amended = cancelled[::2][sales.ended[cancelled[::2]] + _AMENDED_AFTER < scene.last_start]
    sale = np.concatenate([np.arange(count), returned, amended])
    is_original = np.arange(len(sale)) < count
    is_return = np.isin(np.arange(len(sale)), count + np.arange(len(returned)))
    is_amendment = ~is_original & ~is_return

    created = np.concatenate([sales.created, sales.ended[returned], sales.ended[amended] + _AMENDED_AFTER])
    own = names.numbered(site.series.invoices, clock.of(sales.created))
    notes = names.numbered(site.series.returns, clock.of(sales.ended[returned]))
    all_names = np.concatenate([own, notes, texts(f"{name}-1" for name in own[amended])])

    fate = np.where(is_original, sales.fate[sale], Fate.OPEN)
    posting = clock.dates(created)
    due = posting + customers.terms[sales.customer[sale]].astype("timedelta64[D]")
    base_grand = (sales.base_total + sales.base_tax.sum(axis=1))[sale]
    owed = np.isin(fate, (Fate.DRAFT, Fate.OPEN, Fate.PARTLY_PAID)) & ~is_return
    outstanding = np.where(owed, base_grand - paid_cents(sales)[0][sale] * is_original, 0)

    saved = created + rng.integers(1_500_000, 90_000_000, len(sale)).astype("timedelta64[us]")
    ended = np.where(is_original, sales.ended[sale], np.datetime64("NaT", "us"))
    submitted = np.where(fate == Fate.CANCELLED, ended, saved)
    modified = tied(np.where(np.isnat(ended), submitted, np.fmax(ended, submitted)), rng)
    return Invoices(
        heads=Heads(
            doctype=DOCTYPE,
            names=all_names,
            owner=pick(site.users, len(sale), rng),
            created=created,
            submitted=submitted,
            modified=modified,
            docstatus=np.select([fate == Fate.DRAFT, fate == Fate.CANCELLED], [0, 2], 1),
        ),
        sale=sale,
        sign=np.where(is_return, -1, 1),
        posting=posting,
        due=due,
        status=_status(fate, is_return, scene.today > due),
        outstanding=outstanding,
        return_against=only(is_return, own[sale]),
        amended_from=only(is_amendment, own[sale]),
        cost_center=scene.cost_centers(len(sale), rng),
    )


def write_invoices(
    scene: Scene, customers: Customers, sales: Sales, invoices: Invoices, rng: np.random.Generator
) -> None:
    """Insert the documents with their items and taxes."""
    site = scene.site
    sale, sign = invoices.sale, invoices.sign
    customer = sales.customer[sale]
    quantity = np.add.reduceat(sales.quantity, sales.first_line)[sale] * sign / 2
    total, base_total = money(sales.total[sale] * sign), money(sales.base_total[sale] * sign)
    tax, base_tax = sales.tax.sum(axis=1)[sale] * sign, sales.base_tax.sum(axis=1)[sale] * sign
    title = customers.titles[customer]
    columns = invoices.heads.columns(scene) | {
        "title": title,
        "naming_series": np.where(sign < 0, site.series.returns, site.series.invoices).astype(object),
        "customer": customers.names[customer],
        "customer_name": title,
        "company": site.company,
        "posting_date": wire_dates(invoices.posting),
        "posting_time": scene.clock.times(invoices.heads.created),
        "due_date": wire_dates(invoices.due),
        "is_return": (sign < 0).astype(np.int64),
        "return_against": invoices.return_against,
        "amended_from": invoices.amended_from,
        "cost_center": invoices.cost_center,
        "currency": billed_currency(site, sales)[sale],
        "conversion_rate": sales.rate[sale],
        "selling_price_list": "Standard Selling",
        "price_list_currency": site.currency,
        "plc_conversion_rate": 1.0,
        "total_qty": quantity,
        "base_total": base_total,
        "base_net_total": base_total,
        "total": total,
        "net_total": total,
        "taxes_and_charges": texts(site.taxes)[sales.template[sale]],
        "base_total_taxes_and_charges": money(base_tax),
        "total_taxes_and_charges": money(tax),
        "base_grand_total": money(sales.base_total[sale] * sign + base_tax),
        "grand_total": money(sales.total[sale] * sign + tax),
        "outstanding_amount": money(invoices.outstanding),
        "disable_rounded_total": 1,
        "territory": customers.territories[customer],
        "customer_group": customers.groups[customer],
        "debit_to": site.receivable.name,
        "party_account_currency": site.currency,
        "is_opening": "No",
        "against_income_account": scene.account_names[sales.income_account[sale]],
        "language": site.language,
        "status": invoices.status,
        "remarks": "No Remarks",
    }
    count = len(sale)
    scene.insert(DOCTYPE, count, columns | scene.custom_values(DOCTYPE, count, rng))
    _write_items(scene, sales, invoices)
    _write_taxes(scene, sales, invoices)


def invoice_vouchers(scene: Scene, customers: Customers, sales: Sales, invoices: Invoices) -> Vouchers:
    """What the submitted and cancelled ones post: receivable against income and taxes."""
    posted = np.flatnonzero(invoices.heads.docstatus)
    sale, sign = invoices.sale[posted], invoices.sign[posted, None]
    receivable = np.full(len(posted), scene.place_of(scene.site.receivable))
    vouchers = billed_vouchers(
        scene,
        invoices.heads,
        posted,
        posting=invoices.posting[posted],
        due=invoices.due[posted],
        party_type="Customer",
        party=customers.names[sales.customer[sale]],
        cost_center=invoices.cost_center[posted],
        accounts=np.column_stack([receivable, sales.income_account[sale], sales.tax_account[sale]]),
        cents=_postings(sales.base_total, sales.base_tax)[sale] * sign,
    )
    return replace(
        vouchers,
        against=np.where(sign[:, 0] < 0, invoices.return_against[posted], vouchers.names),
        currency=billed_currency(scene.site, sales)[sale],
        rate=sales.rate[sale],
        billed=_postings(sales.total, sales.tax)[sale] * sign,
    )


def invoice_debts(scene: Scene, customers: Customers, sales: Sales, invoices: Invoices) -> Debts:
    """What customers paid, in company currency at the invoice's rate: no exchange gains."""
    paid = np.flatnonzero(sales.paid_share)
    customer = sales.customer[paid]
    return Debts(
        doctype=DOCTYPE,
        party_type="Customer",
        account=scene.site.receivable,
        names=invoices.heads.names[paid],
        party=customers.names[customer],
        titles=customers.titles[customer],
        due=invoices.due[paid],
        cost_center=invoices.cost_center[paid],
        total=(sales.base_total + sales.base_tax.sum(axis=1))[paid],
        paid=paid_cents(sales)[0][paid],
        settled=sales.ended[paid],
    )


def billed_currency(site: SiteSpec, sales: Sales) -> Texts:
    """The currency that each sale is billed in."""
    return np.where(sales.rate == 1.0, site.currency, site.foreign_currency).astype(object)


def _status(fate: Integers, is_return: Flags, is_late: Flags) -> Texts:
    cases = {
        "Return": is_return,
        "Draft": fate == Fate.DRAFT,
        "Cancelled": fate == Fate.CANCELLED,
        "Credit Note Issued": fate == Fate.RETURNED,
        "Paid": fate == Fate.PAID,
        "Overdue": is_late,
        "Partly Paid": fate == Fate.PARTLY_PAID,
    }
    return np.select(list(cases.values()), list(cases), "Unpaid").astype(object)


def _postings(total: Integers, tax: Integers) -> Integers:
    return np.column_stack([total + tax.sum(axis=1), -total, -tax])


def _write_items(scene: Scene, sales: Sales, invoices: Invoices) -> None:
    counts = sales.line_count[invoices.sale]
    of = np.repeat(np.arange(len(counts)), counts)
    line = spans(sales.first_line[invoices.sale], counts)
    sign = invoices.sign[of]
    product = sales.product[line]
    codes, labels, groups = (
        texts(getattr(item, column) for item in scene.site.products)[product] for column in ("code", "label", "group")
    )
    quantity = sales.quantity[line] * sign / 2
    rate, base_rate = money(sales.price[line]), money(sales.base_price[line])
    amount, base_amount = money(sales.amount[line] * sign), money(sales.base_amount[line] * sign)
    columns = invoices.heads.child_columns(of, spans(np.ones_like(counts), counts), "items", scene) | {
        "item_code": codes,
        "item_name": labels,
        "description": labels,
        "item_group": groups,
        "qty": quantity,
        "stock_uom": "Nos",
        "uom": "Nos",
        "conversion_factor": 1.0,
        "stock_qty": quantity,
        "price_list_rate": rate,
        "rate": rate,
        "amount": amount,
        "base_rate": base_rate,
        "base_amount": base_amount,
        "net_rate": rate,
        "net_amount": amount,
        "base_net_rate": base_rate,
        "base_net_amount": base_amount,
        "income_account": scene.account_names[sales.income_account[invoices.sale]][of],
        "cost_center": invoices.cost_center[of],
    }
    scene.insert("Sales Invoice Item", len(of), columns)


def _write_taxes(scene: Scene, sales: Sales, invoices: Invoices) -> None:
    of, place = np.nonzero(sales.tax_account[invoices.sale] >= 0)
    sale, sign = invoices.sale[of], invoices.sign[of]
    account = sales.tax_account[sale, place]
    tax, base_tax = sales.tax[sale, place] * sign, sales.base_tax[sale, place] * sign
    running = (sales.total[:, None] + np.cumsum(sales.tax, axis=1))[sale, place] * sign
    base_running = (sales.base_total[:, None] + np.cumsum(sales.base_tax, axis=1))[sale, place] * sign
    columns = invoices.heads.child_columns(of, place + 1, "taxes", scene) | {
        "charge_type": "On Net Total",
        "account_head": scene.account_names[account],
        "description": scene.account_titles[account],
        "cost_center": invoices.cost_center[of],
        "rate": sales.tax_rate[sale, place],
        "account_currency": scene.site.currency,
        "tax_amount": money(tax),
        "tax_amount_after_discount_amount": money(tax),
        "total": money(running),
        "base_tax_amount": money(base_tax),
        "base_tax_amount_after_discount_amount": money(base_tax),
        "base_total": money(base_running),
    }
    scene.insert("Sales Taxes and Charges", len(of), columns)

"""What a company buys: Purchase Invoices that receive the goods too, what they post, and what is paid on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import money, pick, spans, texts, wire_dates
from federation.demo.world.heads import Heads
from federation.demo.world.ledger import Vouchers, billed_vouchers, tied
from federation.demo.world.payments import Debts
from federation.demo.world.sales import Fate, fates, working_instants

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from federation.demo.world.columns import Dates, Instants, Integers, Texts
    from federation.demo.world.masters import Suppliers
    from federation.demo.world.scene import Scene

DOCTYPE = "Purchase Invoice"
SERIES = "ACC-PINV-.YYYY.-"
_CENTS = 100
_UNTAXED_SHARE = 0.1
_PAYMENT_DAYS = np.timedelta64(30, "D")


@dataclass(frozen=True)
class Purchases:
    """n purchases with m lines, in the order in which they came. Amounts in cents of company currency.

    Lines of purchase i are `first_line[i] … first_line[i] + line_count[i] - 1`; `of` is each line's purchase and
    `detail` its document name. `cancelled` is NaT for purchases that stand. `paid` of the grand total was paid, at
    `settled`. `tax_account` is a place in the chart, or -1.
    """

    heads: Heads
    fate: Integers
    supplier: Integers
    cancelled: Instants
    settled: Instants
    paid: Integers
    posting: Dates
    cost_center: Texts
    first_line: Integers
    line_count: Integers
    of: Integers
    detail: Texts
    product: Integers
    store: Integers
    quantity: Integers
    price: Integers
    total: Integers
    template: Integers
    tax: Integers
    tax_account: Integers
    tax_rate: NDArray[np.float64]

    @property
    def grand_total(self) -> Integers:
        """What the supplier asks for."""
        return self.total + self.tax

    @property
    def due(self) -> Dates:
        """When it is to be paid."""
        return self.posting + _PAYMENT_DAYS

    @property
    def outstanding(self) -> Integers:
        """What is still owed."""
        return np.where(self.fate == Fate.CANCELLED, 0, self.grand_total - self.paid)


def draw_purchases(
    rng: np.random.Generator,
    scene: Scene,
    suppliers: Suppliers,
    *,
    count: int,
    begin: np.datetime64,
    end: np.datetime64,
) -> Purchases:
    """`count` purchases between `begin` and `end` (UTC), as they stand at the end of the scene."""
    site, clock = scene.site, scene.clock
    created = working_instants(rng, count, begin, end, opens=clock.opening(begin))
    fate, ended = fates(rng, created, scene.last_start)
    fate = np.where(fate == Fate.RETURNED, Fate.PAID, fate)
    # Goods are given back before the stretch ends, so that stock runs on from one stretch to the next.
    given_back = created + ((end - created).astype(np.int64) * rng.uniform(0.1, 0.9, count)).astype("timedelta64[us]")
    cancelled = np.where(fate == Fate.CANCELLED, given_back, np.datetime64("NaT", "us"))
    settled = np.where(np.isin(fate, (Fate.PAID, Fate.PARTLY_PAID)), ended, np.datetime64("NaT", "us"))

    line_count = rng.integers(1, 6, count)
    first_line = np.cumsum(line_count) - line_count
    of = np.repeat(np.arange(count), line_count)
    product = rng.integers(0, len(site.products), len(of))
    price = np.array([round(item.price * _CENTS) for item in site.products])[product]
    quantity = rng.integers(5, 81, len(of))
    total = np.add.reduceat(price * quantity, first_line)
    template = (rng.random(count) < _UNTAXED_SHARE).astype(np.int64)
    heads_of_tax = [accounts[0] if accounts else None for accounts in site.taxes.values()]
    places = np.array([-1 if account is None else scene.place_of(account) for account in heads_of_tax])
    rates = np.array([0.0 if account is None else account.tax_rate for account in heads_of_tax])
    tax = np.rint(total * rates[template] / _CENTS).astype(np.int64)
    share = np.select([fate == Fate.PAID, fate == Fate.PARTLY_PAID], [np.ones(count), rng.uniform(0.2, 0.8, count)])

    saved = created + rng.integers(1_500_000, 90_000_000, count).astype("timedelta64[us]")
    submitted = np.where(np.isnat(cancelled), saved, cancelled)
    return Purchases(
        heads=Heads(
            doctype=DOCTYPE,
            names=scene.names.numbered(SERIES, clock.of(created)),
            owner=pick(site.users, count, rng),
            created=created,
            submitted=submitted,
            modified=tied(np.where(np.isnat(settled), submitted, np.fmax(settled, submitted)), rng),
            docstatus=np.select([fate == Fate.DRAFT, fate == Fate.CANCELLED], [0, 2], 1),
        ),
        fate=fate,
        supplier=(np.searchsorted(suppliers.created, created) * rng.random(count) ** 2).astype(np.int64),
        cancelled=cancelled,
        settled=settled,
        paid=np.rint((total + tax) * share).astype(np.int64),
        posting=clock.dates(created),
        cost_center=scene.cost_centers(count, rng),
        first_line=first_line,
        line_count=line_count,
        of=of,
        detail=texts(scene.names.random(len(of))),
        product=product,
        store=rng.integers(0, len(site.stores), count)[of],
        quantity=quantity,
        price=price,
        total=total,
        template=template,
        tax=tax,
        tax_account=places[template],
        tax_rate=rates[template],
    )


def write_purchases(scene: Scene, suppliers: Suppliers, purchases: Purchases, rng: np.random.Generator) -> None:
    """Insert the documents with their items and taxes."""
    site = scene.site
    count = len(purchases.supplier)
    title = suppliers.titles[purchases.supplier]
    total, tax = money(purchases.total), money(purchases.tax)
    quantity = np.add.reduceat(purchases.quantity, purchases.first_line).astype(float)
    columns = purchases.heads.columns(scene) | {
        "title": title,
        "naming_series": SERIES,
        "supplier": suppliers.names[purchases.supplier],
        "supplier_name": title,
        "company": site.company,
        "posting_date": wire_dates(purchases.posting),
        "posting_time": scene.clock.times(purchases.heads.created),
        "bill_no": texts(f"INV/{number}" for number in rng.integers(100, 100_000, count).tolist()),
        "bill_date": wire_dates(purchases.posting - np.timedelta64(2, "D")),
        "due_date": wire_dates(purchases.due),
        "cost_center": purchases.cost_center,
        "currency": site.currency,
        "conversion_rate": 1.0,
        "update_stock": 1,
        "set_warehouse": texts(site.stores)[purchases.store[purchases.first_line]],
        "total_qty": quantity,
        "base_total": total,
        "base_net_total": total,
        "total": total,
        "net_total": total,
        "taxes_and_charges": texts(site.taxes)[purchases.template],
        "base_total_taxes_and_charges": tax,
        "total_taxes_and_charges": tax,
        "base_grand_total": money(purchases.grand_total),
        "grand_total": money(purchases.grand_total),
        "disable_rounded_total": 1,
        "outstanding_amount": money(purchases.outstanding),
        "credit_to": site.payable.name,
        "party_account_currency": site.currency,
        "is_opening": "No",
        "against_expense_account": site.accounts_of("Stock")[0].name,
        "status": _status(scene, purchases),
        "remarks": "No Remarks",
    }
    scene.insert(DOCTYPE, count, columns | scene.custom_values(DOCTYPE, count, rng))
    _write_items(scene, purchases)
    _write_taxes(scene, purchases)


def purchase_vouchers(scene: Scene, suppliers: Suppliers, purchases: Purchases) -> Vouchers:
    """What the submitted and cancelled ones post: goods and tax against the supplier."""
    posted = np.flatnonzero(purchases.heads.docstatus)
    count = len(posted)
    payable, stock = (scene.place_of(each) for each in (scene.site.payable, scene.site.accounts_of("Stock")[0]))
    total, tax = purchases.total[posted], purchases.tax[posted]
    return billed_vouchers(
        scene,
        purchases.heads,
        posted,
        posting=purchases.posting[posted],
        due=purchases.due[posted],
        party_type="Supplier",
        party=suppliers.names[purchases.supplier[posted]],
        cost_center=purchases.cost_center[posted],
        accounts=np.column_stack([np.full(count, payable), np.full(count, stock), purchases.tax_account[posted]]),
        cents=np.column_stack([-total - tax, total, tax]),
    )


def purchase_debts(scene: Scene, suppliers: Suppliers, purchases: Purchases) -> Debts:
    """What the company paid."""
    paid = np.flatnonzero(purchases.paid)
    supplier = purchases.supplier[paid]
    return Debts(
        doctype=DOCTYPE,
        party_type="Supplier",
        account=scene.site.payable,
        names=purchases.heads.names[paid],
        party=suppliers.names[supplier],
        titles=suppliers.titles[supplier],
        due=purchases.due[paid],
        cost_center=purchases.cost_center[paid],
        total=purchases.grand_total[paid],
        paid=purchases.paid[paid],
        settled=purchases.settled[paid],
    )


def _status(scene: Scene, purchases: Purchases) -> Texts:
    cases = {
        "Draft": purchases.fate == Fate.DRAFT,
        "Cancelled": purchases.fate == Fate.CANCELLED,
        "Paid": purchases.fate == Fate.PAID,
        "Overdue": scene.today > purchases.due,
        "Partly Paid": purchases.fate == Fate.PARTLY_PAID,
    }
    return np.select(list(cases.values()), list(cases), "Unpaid").astype(object)


def _write_items(scene: Scene, purchases: Purchases) -> None:
    site, of = scene.site, purchases.of
    codes, labels, groups = (
        texts(getattr(item, column) for item in site.products)[purchases.product]
        for column in ("code", "label", "group")
    )
    quantity, rate = purchases.quantity.astype(float), money(purchases.price)
    amount = money(purchases.price * purchases.quantity)
    idx = spans(np.ones_like(purchases.line_count), purchases.line_count)
    columns = purchases.heads.child_columns(of, idx, "items", scene) | {
        "name": purchases.detail,
        "item_code": codes,
        "item_name": labels,
        "description": labels,
        "item_group": groups,
        "received_qty": quantity,
        "qty": quantity,
        "uom": "Nos",
        "stock_uom": "Nos",
        "conversion_factor": 1.0,
        "stock_qty": quantity,
        **dict.fromkeys(("rate", "base_rate", "net_rate", "base_net_rate", "valuation_rate"), rate),
        **dict.fromkeys(("amount", "base_amount", "net_amount", "base_net_amount"), amount),
        "warehouse": texts(site.stores)[purchases.store],
        "expense_account": site.accounts_of("Stock")[0].name,
        "cost_center": purchases.cost_center[of],
    }
    scene.insert("Purchase Invoice Item", len(of), columns)


def _write_taxes(scene: Scene, purchases: Purchases) -> None:
    of = np.flatnonzero(purchases.tax_account >= 0)
    account = purchases.tax_account[of]
    tax, total = money(purchases.tax[of]), money(purchases.grand_total[of])
    columns = purchases.heads.child_columns(of, np.ones_like(of), "taxes", scene) | {
        "category": "Total",
        "add_deduct_tax": "Add",
        "charge_type": "On Net Total",
        "account_head": scene.account_names[account],
        "description": scene.account_titles[account],
        "cost_center": purchases.cost_center[of],
        "rate": purchases.tax_rate[of],
        "account_currency": scene.site.currency,
        "tax_amount": tax,
        "total": total,
        "base_tax_amount": tax,
        "base_total": total,
    }
    scene.insert("Purchase Taxes and Charges", len(of), columns)

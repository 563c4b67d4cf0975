"""Single documents of a working day: the values of an invoice, a purchase, a fee, and of what is paid on each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from federation.demo.world.campus import FEE_SERIES
from federation.demo.world.day import posting_time
from federation.demo.world.postings import DEBTS
from federation.demo.world.purchases import SERIES as PURCHASE_SERIES

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from federation.demo.world.sites import SiteSpec

Values = dict[str, Any]
_PAID = (
    "paid_amount",
    "base_paid_amount",
    "received_amount",
    "base_received_amount",
    "total_allocated_amount",
    "base_total_allocated_amount",
)


def draft_invoice(
    site: SiteSpec,
    customer: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    due: date,
    rng: random.Random,
) -> Values:
    """A Sales Invoice over one to four of the `items` (rows of Item), in company currency, with its taxes."""
    template, center = rng.choice(list(site.taxes)), site.cost_center_name(rng.choice(site.cost_centers))
    income = site.accounts_of("Income Account")[0].name
    rows = [
        _row_values(item, rng.randint(1, 12), cost_center=center)
        | {"income_account": income, "price_list_rate": item["standard_rate"]}
        for item in rng.sample(items, min(len(items), rng.randint(1, 4)))
    ]
    return _invoice(site, rows, template, now=now, due=due, cost_center=center) | {
        "naming_series": site.series.invoices,
        "title": customer["customer_name"],
        "customer": customer["name"],
        "customer_name": customer["customer_name"],
        "customer_group": customer["customer_group"],
        "territory": customer["territory"],
        "selling_price_list": "Standard Selling",
        "price_list_currency": site.currency,
        "plc_conversion_rate": 1.0,
        "debit_to": site.receivable.name,
        "against_income_account": income,
        "language": site.language,
    }


def draft_purchase(
    site: SiteSpec,
    supplier: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    due: date,
    rng: random.Random,
) -> Values:
    """A Purchase Invoice over one to four of the `items` (rows of Item) that brings them into one store."""
    template, center = rng.choice(list(site.taxes)), site.cost_center_name(rng.choice(site.cost_centers))
    store, stock = rng.choice(site.stores), site.accounts_of("Stock")[0].name
    rows = [
        _row_values(item, quantity, cost_center=center)
        | {"received_qty": quantity, "valuation_rate": item["standard_rate"]}
        | {"warehouse": store, "expense_account": stock}
        for item in rng.sample(items, min(len(items), rng.randint(1, 4)))
        for quantity in [rng.randint(5, 60)]
    ]
    return _invoice(site, rows, template, now=now, due=due, cost_center=center) | {
        "naming_series": PURCHASE_SERIES,
        "title": supplier["supplier_name"],
        "supplier": supplier["name"],
        "supplier_name": supplier["supplier_name"],
        "bill_no": f"INV/{rng.randint(100, 99_999)}",
        "bill_date": now.date().isoformat(),
        "update_stock": 1,
        "set_warehouse": store,
        "credit_to": site.payable.name,
        "against_expense_account": stock,
    }


def _invoice(
    site: SiteSpec, rows: list[Values], template: str, *, now: datetime, due: date, cost_center: str
) -> Values:
    taxes = [
        {"charge_type": "On Net Total", "account_head": account.name, "description": account.title}
        | {"rate": account.tax_rate, "cost_center": cost_center, "account_currency": site.currency}
        for account in site.taxes[template]
    ]
    return {
        "company": site.company,
        "posting_date": now.date().isoformat(),
        "posting_time": posting_time(now),
        "due_date": due.isoformat(),
        "cost_center": cost_center,
        "currency": site.currency,
        "conversion_rate": 1.0,
        "taxes_and_charges": template,
        "party_account_currency": site.currency,
        "is_opening": "No",
        "status": "Draft",
        "disable_rounded_total": 1,
        "remarks": "No Remarks",
        **invoice_totals(rows, taxes, conversion_rate=1.0),
    }


def invoice_totals(items: Sequence[Values], taxes: Sequence[Values], *, conversion_rate: float) -> Values:
    """The items, the taxes worked out on them, and all totals of a draft."""
    total = round(sum(item["amount"] for item in items), 2)
    base_total = round(sum(item["base_amount"] for item in items), 2)
    running, base_running, worked_out = total, base_total, []
    for row in taxes:
        tax = round(total * row["rate"] / 100, 2)
        base_tax = round(tax * conversion_rate, 2)
        running, base_running = round(running + tax, 2), round(base_running + base_tax, 2)
        worked_out.append(
            {**row, "tax_amount": tax, "tax_amount_after_discount_amount": tax, "total": running}
            | {"base_tax_amount": base_tax, "base_tax_amount_after_discount_amount": base_tax}
            | {"base_total": base_running}
        )
    return {
        "items": list(items),
        "taxes": worked_out,
        "total_qty": sum(item["qty"] for item in items),
        "total": total,
        "net_total": total,
        "base_total": base_total,
        "base_net_total": base_total,
        "total_taxes_and_charges": round(running - total, 2),
        "base_total_taxes_and_charges": round(base_running - base_total, 2),
        "grand_total": running,
        "base_grand_total": base_running,
        "outstanding_amount": base_running,
    }


def payment_for(
    site: SiteSpec, doctype: str, voucher: Mapping[str, Any], amount: float, *, day: date, rng: random.Random
) -> Values:
    """A Payment Entry that settles `amount` (company currency) of an invoice or fee."""
    debt = DEBTS[doctype]
    owed_to_us = debt.sign > 0
    source, target = (voucher[debt.account], site.bank.name) if owed_to_us else (site.bank.name, voucher[debt.account])
    verb = "received from" if owed_to_us else "paid to"
    return {
        "naming_series": site.series.payments,
        "title": voucher[debt.title],
        "payment_type": "Receive" if owed_to_us else "Pay",
        "posting_date": day.isoformat(),
        "company": site.company,
        "mode_of_payment": "Wire Transfer",
        "party_type": debt.party_type,
        "party": voucher[debt.party],
        "party_name": voucher[debt.title],
        "paid_from": source,
        "paid_from_account_currency": site.currency,
        "paid_to": target,
        "paid_to_account_currency": site.currency,
        "source_exchange_rate": 1.0,
        "target_exchange_rate": 1.0,
        "reference_no": f"R{rng.randint(10_000, 9_999_999)}",
        "reference_date": day.isoformat(),
        "cost_center": voucher["cost_center"],
        "status": "Submitted",
        "remarks": f"Amount {site.currency} {amount} {verb} {voucher[debt.party]}",
        "is_opening": "No",
        **dict.fromkeys(_PAID, amount),
        "references": [
            {"reference_doctype": doctype, "reference_name": voucher["name"], "due_date": voucher["due_date"]}
            | {"total_amount": voucher[debt.total], "outstanding_amount": voucher["outstanding_amount"]}
            | {"allocated_amount": amount, "exchange_rate": 1.0, "account": voucher[debt.account]}
        ],
    }


def draft_fees(site: SiteSpec, enrolment: Mapping[str, Any], *, fee: float, now: datetime, due: date) -> Values:
    """The Fees of a Program Enrollment: `fee` parted by the site's shares."""
    names = [program.name for program in site.programs]
    place = names.index(enrolment["program"]) if enrolment["program"] in names else 0
    income = site.accounts_of("Income Account")
    amounts = [round(fee * share / 100, 2) for share in site.fee_shares.values()]
    components = [
        {"fees_category": category, "amount": amount} for category, amount in zip(site.fee_shares, amounts, strict=True)
    ]
    total = round(sum(amounts), 2)
    copied = ("student", "student_name", "program", "academic_year", "academic_term")
    return {
        **{fieldname: enrolment[fieldname] for fieldname in copied},
        "naming_series": FEE_SERIES,
        "company": site.company,
        "posting_date": now.date().isoformat(),
        "posting_time": posting_time(now),
        "due_date": due.isoformat(),
        "program_enrollment": enrolment["name"],
        "fee_structure": f"EDU-FST-2025-{place + 1:05}",
        "currency": site.currency,
        "grand_total": total,
        "outstanding_amount": total,
        "receivable_account": site.receivable.name,
        "income_account": income[place >= len(site.programs) - 2].name,
        "cost_center": site.cost_center_name(site.cost_centers[place % len(site.cost_centers)]),
        "components": components,
    }


def _row_values(item: Mapping[str, Any], quantity: int, *, cost_center: str) -> Values:
    price = item["standard_rate"]
    amount = round(price * quantity, 2)
    return {
        "item_code": item["name"],
        "item_name": item["item_name"],
        "description": item["item_name"],
        "item_group": item["item_group"],
        "qty": quantity,
        "stock_qty": quantity,
        "uom": "Nos",
        "stock_uom": "Nos",
        "conversion_factor": 1.0,
        "cost_center": cost_center,
        **dict.fromkeys(("rate", "base_rate", "net_rate", "base_net_rate"), price),
        **dict.fromkeys(("amount", "base_amount", "net_amount", "base_net_amount"), amount),
    }

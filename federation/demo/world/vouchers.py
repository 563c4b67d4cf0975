"""Single documents of a working day: the values of an invoice or a payment, and the GL Entries that each one posts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from federation.demo.world.ledger import fiscal_year

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
    site: SiteSpec, customer: Mapping[str, Any], *, now: datetime, due: date, rng: random.Random
) -> Values:
    """A Sales Invoice over one to four products, in company currency, with items and taxes."""
    template = rng.choice(list(site.taxes))
    center = site.cost_center_name(rng.choice(site.cost_centers))
    income = site.accounts_of("Income Account")[0].name
    items = []
    for product in rng.sample(site.products, rng.randint(1, 4)):
        quantity = rng.randint(1, 12)
        amount = round(product.price * quantity, 2)
        rates = dict.fromkeys(("price_list_rate", "rate", "base_rate", "net_rate", "base_net_rate"), product.price)
        amounts = dict.fromkeys(("amount", "base_amount", "net_amount", "base_net_amount"), amount)
        items.append(
            {"item_code": product.code, "item_name": product.label, "description": product.label}
            | {"item_group": product.group, "qty": quantity, "stock_qty": quantity, "uom": "Nos", "stock_uom": "Nos"}
            | {"conversion_factor": 1.0, "income_account": income, "cost_center": center, **rates, **amounts}
        )
    taxes = [
        {"charge_type": "On Net Total", "account_head": account.name, "description": account.title}
        | {"rate": account.tax_rate, "cost_center": center, "account_currency": site.currency}
        for account in site.taxes[template]
    ]
    return {
        "naming_series": site.series.invoices,
        "title": customer["customer_name"],
        "customer": customer["name"],
        "customer_name": customer["customer_name"],
        "customer_group": customer["customer_group"],
        "territory": customer["territory"],
        "company": site.company,
        "posting_date": now.date().isoformat(),
        "posting_time": f"{now.hour}:{now.minute:02}:{now.second:02}",
        "due_date": due.isoformat(),
        "cost_center": center,
        "currency": site.currency,
        "conversion_rate": 1.0,
        "selling_price_list": "Standard Selling",
        "price_list_currency": site.currency,
        "plc_conversion_rate": 1.0,
        "taxes_and_charges": template,
        "debit_to": site.receivable.name,
        "party_account_currency": site.currency,
        "is_opening": "No",
        "against_income_account": income,
        "language": site.language,
        "status": "Draft",
        "disable_rounded_total": 1,
        "remarks": "No Remarks",
        **invoice_totals(items, taxes, conversion_rate=1.0),
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


def payment_for(site: SiteSpec, invoice: Mapping[str, Any], amount: float, *, day: date, rng: random.Random) -> Values:
    """A Payment Entry that settles `amount` (company currency) of an invoice."""
    reference = f"R{rng.randint(10_000, 9_999_999)}"
    return {
        "naming_series": site.series.payments,
        "title": invoice["customer_name"],
        "payment_type": "Receive",
        "posting_date": day.isoformat(),
        "company": site.company,
        "mode_of_payment": "Wire Transfer",
        "party_type": "Customer",
        "party": invoice["customer"],
        "party_name": invoice["customer_name"],
        "paid_from": site.receivable.name,
        "paid_from_account_currency": site.currency,
        "paid_to": site.bank.name,
        "paid_to_account_currency": site.currency,
        "source_exchange_rate": 1.0,
        "target_exchange_rate": 1.0,
        "reference_no": reference,
        "reference_date": day.isoformat(),
        "cost_center": invoice["cost_center"],
        "status": "Submitted",
        "remarks": f"Amount {site.currency} {amount} received from {invoice['customer']}",
        "is_opening": "No",
        **dict.fromkeys(_PAID, amount),
        "references": [
            {"reference_doctype": "Sales Invoice", "reference_name": invoice["name"], "due_date": invoice["due_date"]}
            | {"total_amount": invoice["base_grand_total"], "outstanding_amount": invoice["outstanding_amount"]}
            | {"allocated_amount": amount, "exchange_rate": 1.0, "account": site.receivable.name}
        ],
    }


def invoice_postings(site: SiteSpec, invoice: Mapping[str, Any]) -> list[Values]:
    """GL Entries of a submitted invoice: receivable against income and each tax."""
    receivable = {"account": invoice["debit_to"], "against": invoice["against_income_account"]}
    receivable |= {"party_type": "Customer", "party": invoice["customer"], "due_date": invoice["due_date"]}
    receivable |= {"against_voucher_type": "Sales Invoice", "against_voucher": invoice["name"]}
    entries = [
        (receivable, invoice["base_grand_total"], invoice["grand_total"]),
        ({"account": invoice["against_income_account"]}, -invoice["base_net_total"], -invoice["net_total"]),
        *(({"account": row["account_head"]}, -row["base_tax_amount"], -row["tax_amount"]) for row in invoice["taxes"]),
    ]
    common = _common(site, "Sales Invoice", invoice)
    common |= {"voucher_subtype": "Sales Invoice", "against": invoice["customer"]}
    common |= {"transaction_currency": invoice["currency"], "transaction_exchange_rate": invoice["conversion_rate"]}
    return [common | facts | _amounts(amount, billed) for facts, amount, billed in entries if amount]


def payment_postings(site: SiteSpec, payment: Mapping[str, Any]) -> list[Values]:
    """GL Entries of a received payment: bank against receivable."""
    amount, settled = payment["base_paid_amount"], payment["references"][0]
    common = _common(site, "Payment Entry", payment) | {"voucher_subtype": "Receive"}
    common |= {"transaction_currency": site.currency, "transaction_exchange_rate": 1.0}
    party = {"account": payment["paid_from"], "against": payment["paid_to"], "due_date": settled["due_date"]}
    party |= {"party_type": "Customer", "party": payment["party"]}
    party |= {"against_voucher_type": "Sales Invoice", "against_voucher": settled["reference_name"]}
    bank = {"account": payment["paid_to"], "against": payment["party"]}
    return [common | party | _amounts(-amount, -amount), common | bank | _amounts(amount, amount)]


def reversal(entry: Mapping[str, Any]) -> Values:
    """The GL Entry that takes back another one."""
    swapped = {
        f"{side}{suffix}": entry[f"{other}{suffix}"]
        for side, other in (("debit", "credit"), ("credit", "debit"))
        for suffix in ("", "_in_account_currency", "_in_transaction_currency")
    }
    kept = {column: value for column, value in entry.items() if column not in {"name", "creation", "modified", "idx"}}
    return kept | swapped | {"is_cancelled": 1, "to_rename": 1, "remarks": f"On cancellation of {entry['voucher_no']}"}


def _common(site: SiteSpec, doctype: str, voucher: Mapping[str, Any]) -> Values:
    posting_date = str(voucher["posting_date"])
    year, month = int(posting_date[:4]), int(posting_date[5:7])
    first = year if month >= site.fiscal_year_starts else year - 1
    return {
        "docstatus": 1,
        "posting_date": posting_date,
        "fiscal_year": fiscal_year(first, site.fiscal_year_starts),
        "account_currency": site.currency,
        "voucher_type": doctype,
        "voucher_no": voucher["name"],
        "cost_center": voucher["cost_center"],
        "company": site.company,
        "is_opening": "No",
        "is_advance": "No",
        "to_rename": 1,
        "remarks": voucher["remarks"],
    }


def _amounts(amount: float, billed: float) -> Values:
    side, value, billed_value = ("debit", amount, billed) if amount > 0 else ("credit", -amount, -billed)
    return {side: value, f"{side}_in_account_currency": value, f"{side}_in_transaction_currency": billed_value}

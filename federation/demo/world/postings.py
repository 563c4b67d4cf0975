"""What single vouchers post to the general ledger on a working day, and what takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federation.demo.world.ledger import fiscal_year

if TYPE_CHECKING:
    from federation.demo.world.sites import SiteSpec

Values = dict[str, Any]


@dataclass(frozen=True)
class Debt:
    """How a DocType says who owes what: the fieldnames of its party, the party's title, the account and the total.

    `sign` is 1 where the party owes the company, -1 where the company owes the party.
    """

    party_type: str
    party: str
    title: str
    account: str
    total: str
    sign: int


DEBTS: Mapping[str, Debt] = {
    "Sales Invoice": Debt("Customer", "customer", "customer_name", "debit_to", "base_grand_total", 1),
    "Purchase Invoice": Debt("Supplier", "supplier", "supplier_name", "credit_to", "base_grand_total", -1),
    "Fees": Debt("Student", "student", "student_name", "receivable_account", "grand_total", 1),
}


def debt_postings(site: SiteSpec, doctype: str, voucher: Mapping[str, Any]) -> list[Values]:
    """GL Entries of a submitted invoice or fee: the party's account against income or stock, and each tax."""
    debt = DEBTS[doctype]
    counterpart = _counterpart(site, doctype, voucher)
    party = {"account": voucher[debt.account], "against": counterpart}
    party |= {"party_type": debt.party_type, "party": voucher[debt.party], "due_date": voucher["due_date"]}
    party |= {"against_voucher_type": doctype, "against_voucher": voucher["name"]}
    rate = voucher.get("conversion_rate") or 1.0
    taxes = voucher.get("taxes", ())
    entries = [
        (party, voucher[debt.total], voucher["grand_total"]),
        ({"account": counterpart}, -_net(voucher, "base_net_total"), -_net(voucher, "net_total")),
        *(({"account": row["account_head"]}, -row["base_tax_amount"], -row["tax_amount"]) for row in taxes),
    ]
    common = _common(site, doctype, voucher)
    common |= {"voucher_subtype": doctype, "against": voucher[debt.party]}
    common |= {"transaction_currency": voucher["currency"], "transaction_exchange_rate": rate}
    return [
        common | facts | _amounts(debt.sign * amount, debt.sign * billed) for facts, amount, billed in entries if amount
    ]


def payment_postings(site: SiteSpec, payment: Mapping[str, Any]) -> list[Values]:
    """GL Entries of a payment: bank against the party's account."""
    amount, settled = payment["base_paid_amount"], payment["references"][0]
    received = payment["payment_type"] == "Receive"
    account, bank = payment["paid_from"], payment["paid_to"]
    if not received:
        account, bank = bank, account
    sign = 1 if received else -1
    common = _common(site, "Payment Entry", payment) | {"voucher_subtype": payment["payment_type"]}
    common |= {"transaction_currency": site.currency, "transaction_exchange_rate": 1.0}
    party = {"account": account, "against": bank, "due_date": settled["due_date"]}
    party |= {"party_type": payment["party_type"], "party": payment["party"]}
    party |= {"against_voucher_type": settled["reference_doctype"], "against_voucher": settled["reference_name"]}
    through = {"account": bank, "against": payment["party"]}
    owed, paid = -sign * amount, sign * amount
    return [common | party | _amounts(owed, owed), common | through | _amounts(paid, paid)]


def issue_postings(site: SiteSpec, entry: Mapping[str, Any]) -> list[Values]:
    """GL Entries of goods issued: their cost leaves the stock."""
    stock, adjustment = (site.accounts_of(kind)[0].name for kind in ("Stock", "Stock Adjustment"))
    center, value = entry["items"][0]["cost_center"], entry["total_outgoing_value"]
    common = _common(site, "Stock Entry", {**entry, "cost_center": center, "remarks": "No Remarks"})
    common |= {"voucher_subtype": entry["purpose"], "transaction_currency": site.currency}
    common |= {"transaction_exchange_rate": 1.0}
    spent = {"account": adjustment, "against": stock} | _amounts(value, value)
    return [common | spent, common | {"account": stock, "against": adjustment} | _amounts(-value, -value)]


def reversal(entry: Mapping[str, Any]) -> Values:
    """The GL Entry that takes back another one."""
    swapped = {
        f"{side}{suffix}": entry[f"{other}{suffix}"]
        for side, other in (("debit", "credit"), ("credit", "debit"))
        for suffix in ("", "_in_account_currency", "_in_transaction_currency")
    }
    return as_new(entry) | swapped | {"remarks": f"On cancellation of {entry['voucher_no']}"}


def as_new(entry: Mapping[str, Any]) -> Values:
    """The values of a ledger row, to be changed into those of the row that undoes it."""
    kept = {column: value for column, value in entry.items() if column not in {"name", "creation", "modified", "idx"}}
    return kept | {"is_cancelled": 1, "to_rename": 1}


def fiscal_year_of(site: SiteSpec, day: str) -> str:
    """The fiscal year that a day (`YYYY-MM-DD`) falls into."""
    year, month = int(day[:4]), int(day[5:7])
    return fiscal_year(year if month >= site.fiscal_year_starts else year - 1, site.fiscal_year_starts)


def _net(voucher: Mapping[str, Any], fieldname: str) -> float:
    """Fees have no taxes, and so no net total of their own."""
    return float(voucher[fieldname] if fieldname in voucher else voucher["grand_total"])


def _counterpart(site: SiteSpec, doctype: str, voucher: Mapping[str, Any]) -> str:
    if doctype == "Purchase Invoice":
        return site.accounts_of("Stock")[0].name
    return str(voucher["income_account" if doctype == "Fees" else "against_income_account"])


def _common(site: SiteSpec, doctype: str, voucher: Mapping[str, Any]) -> Values:
    return {
        "docstatus": 1,
        "posting_date": voucher["posting_date"],
        "fiscal_year": fiscal_year_of(site, str(voucher["posting_date"])),
        "account_currency": site.currency,
        "voucher_type": doctype,
        "voucher_no": voucher["name"],
        "cost_center": voucher["cost_center"],
        "company": site.company,
        "is_opening": "No",
        "is_advance": "No",
        "to_rename": 1,
        "remarks": voucher.get("remarks") or "No Remarks",
    }


def _amounts(amount: float, billed: float) -> Values:
    side, value, billed_value = ("debit", amount, billed) if amount > 0 else ("credit", -amount, -billed)
    return {side: value, f"{side}_in_account_currency": value, f"{side}_in_transaction_currency": billed_value}

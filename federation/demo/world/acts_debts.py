"""Acts on what parties owe: invoices and fees are submitted, paid, cancelled, amended, postponed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from federation.demo.site.store import table_of
from federation.demo.world.day import GL_ENTRY, STOCK_LEDGER, Change
from federation.demo.world.goods import receive, return_goods, would_run_short
from federation.demo.world.postings import DEBTS, debt_postings, payment_postings, reversal
from federation.demo.world.vouchers import payment_for

if TYPE_CHECKING:
    from federation.demo.world.day import Act, Day, Weighted

PAYMENT = "Payment Entry"
_PAID_IN_FULL = 0.7
_SILENT = 0.2


def acts_on(doctype: str) -> Weighted:
    """What happens to vouchers of a DocType that parties owe or are owed by."""
    acts: dict[Act, int] = {
        lambda day: submit(day, doctype): 14,
        lambda day: pay(day, doctype): 20,
        lambda day: cancel(day, doctype): 8,
        lambda day: amend(day, doctype): 5,
        lambda day: delete_draft(day, doctype): 3,
        lambda day: delete_with_ledgers(day, doctype): 4,
        lambda day: postpone(day, doctype): 6,
    }
    yield from acts.items()


def submit(day: Day, doctype: str) -> list[Change]:
    """A draft becomes a debt, and what it brings lies in its store."""
    draft = day.pick(doctype, "docstatus = 0")
    if draft is None:
        return []
    user = day.user()
    if "status" in draft:
        day.documents.save(doctype, draft["name"], {"status": "Unpaid"}, user=user)
    voucher = day.documents.submit(doctype, draft["name"], user=user)
    goods = receive(day, doctype, voucher, user) if voucher.get("update_stock") else []
    postings = day.post(GL_ENTRY, debt_postings(day.site, doctype, voucher), user)
    return [Change("submit", doctype, voucher["name"]), *goods, *postings]


def pay(day: Day, doctype: str) -> list[Change]:
    """Somebody pays a debt or a part of it; now and then the voucher shows it without `modified` moving."""
    is_original = "is_return = 0 AND " if "is_return" in day.documents.store.meta(doctype).columns else ""
    voucher = day.pick(doctype, f"{is_original}docstatus = 1 AND outstanding_amount > 0")
    if voucher is None:
        return []
    owed, user = voucher["outstanding_amount"], day.user()
    in_full = day.rng.random() < _PAID_IN_FULL
    amount = owed if in_full else round(owed * day.rng.uniform(0.2, 0.8), 2) or owed
    values = payment_for(day.site, doctype, voucher, amount, day=day.documents.now().date(), rng=day.rng)
    draft = day.documents.insert(PAYMENT, values, user=user)
    payment = day.documents.submit(PAYMENT, draft["name"], user=user)
    rest = round(owed - amount, 2)
    told = {"outstanding_amount": rest}
    if "status" in voucher:
        told |= {"status": "Partly Paid" if rest else "Paid"}
    silent = day.rng.random() < _SILENT
    day.documents.db_set(doctype, voucher["name"], told, update_modified=not silent)
    return [
        Change("create", PAYMENT, payment["name"]),
        Change("pay silently" if silent else "pay", doctype, voucher["name"]),
        *day.post(GL_ENTRY, payment_postings(day.site, payment), user),
    ]


def cancel(day: Day, doctype: str) -> list[Change]:
    """A debt that nobody paid on is called off: its ledger rows are flagged, and taken back by others."""
    is_original = "is_return = 0 AND " if "is_return" in day.documents.store.meta(doctype).columns else ""
    unpaid = f"{is_original}docstatus = 1 AND outstanding_amount = {DEBTS[doctype].total}"
    voucher = day.pick(doctype, unpaid)
    if voucher is None:
        return []
    user = day.user()
    goods: list[Change] = []
    if voucher.get("update_stock"):
        if would_run_short(day, doctype, voucher["name"]):
            return []
        goods = return_goods(day, doctype, voucher["name"], user)
    day.documents.cancel(doctype, voucher["name"], {"outstanding_amount": 0}, user=user)
    posted = day.postings_of(GL_ENTRY, doctype, voucher["name"])
    taken_back = day.take_back(GL_ENTRY, posted, [reversal(entry) for entry in posted], user)
    return [Change("cancel", doctype, voucher["name"]), *goods, *taken_back]


def amend(day: Day, doctype: str) -> list[Change]:
    """A cancelled voucher is drafted again."""
    voucher = day.pick(doctype, f"docstatus = 2 AND {_unamended(doctype)}")
    if voucher is None:
        return []
    owed = {"outstanding_amount": voucher[DEBTS[doctype].total]}
    if "status" in voucher:
        owed |= {"status": "Draft"}
    amended = day.documents.amend(doctype, voucher["name"], owed, user=day.user())
    return [Change("amend", doctype, amended["name"])]


def delete_draft(day: Day, doctype: str) -> list[Change]:
    """A draft is thrown away, leaving a Deleted Document."""
    draft = day.pick(doctype, "docstatus = 0")
    if draft is None:
        return []
    day.documents.delete(doctype, draft["name"], user=day.user())
    return [Change("delete", doctype, draft["name"])]


def delete_with_ledgers(day: Day, doctype: str) -> list[Change]:
    """A cancelled voucher is deleted; its ledger rows go by SQL, without a trace."""
    voucher = day.pick(doctype, f"docstatus = 2 AND {_unamended(doctype)}")
    if voucher is None:
        return []
    changes = [Change("delete", doctype, voucher["name"])]
    for ledger in filter(day.has, (GL_ENTRY, STOCK_LEDGER)):
        posted = day.postings_of(ledger, doctype, voucher["name"])
        changes += [Change("delete by SQL", ledger, entry["name"]) for entry in posted]
        if posted:
            day.documents.sql_delete(ledger, {"voucher_type": doctype, "voucher_no": voucher["name"]})
    day.documents.delete(doctype, voucher["name"], user=day.user())
    return changes


def postpone(day: Day, doctype: str) -> list[Change]:
    """A debt may be paid later: the voucher is saved whole, all child rows with it."""
    voucher = day.pick(doctype, "docstatus = 1 AND outstanding_amount > 0")
    if voucher is None:
        return []
    later = f"{day.documents.now().year + 1}-0{day.rng.randint(1, 9)}-15"
    day.documents.save(doctype, voucher["name"], {"due_date": later}, user=day.user())
    return [Change("edit", doctype, voucher["name"])]


def _unamended(doctype: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {table_of(doctype)} AS other WHERE other.amended_from = this.name)"

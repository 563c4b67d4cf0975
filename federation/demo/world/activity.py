"""Working days on a simulated site: a seeded stream of the changes that satellites see, the invisible ones too."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from federation.demo.site.collation import collation_key
from federation.demo.site.store import NAME_KEY, table_of
from federation.demo.site.wire import wire_datetime
from federation.demo.world.ledger import GL_SERIES
from federation.demo.world.vouchers import (
    draft_invoice,
    invoice_postings,
    invoice_totals,
    payment_for,
    payment_postings,
    reversal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from federation.demo.site.documents import SiteDocuments
    from federation.demo.world.sites import SiteSpec

INVOICE, PAYMENT, GL_ENTRY, CUSTOMER = "Sales Invoice", "Payment Entry", "GL Entry", "Customer"
_PAID_IN_FULL = 0.7
_UNAMENDED = f"NOT EXISTS (SELECT 1 FROM {table_of(INVOICE)} AS other WHERE other.amended_from = this.name)"


@dataclass(frozen=True)
class Change:
    """One thing that happened to one document; `name` is its name afterwards, or the one that it had."""

    kind: str
    doctype: str
    name: str


def live(documents: SiteDocuments, site: SiteSpec, *, seed: int, steps: int) -> Iterator[Change]:
    """Do `steps` things a company does, one at a time, and tell each change. The ledger balances after every step.

    Steps follow from the seed and the site's content; one that finds nothing to act on gives way to another.
    """
    day = _WorkingDay(documents, site, random.Random(seed))  # noqa: S311 - a story, not a secret
    for _ in range(steps):
        yield from day.step()


class _WorkingDay:
    """What may happen. Each act is one transaction and tells what it changed: nothing, if it had nothing to act on."""

    def __init__(self, documents: SiteDocuments, site: SiteSpec, rng: random.Random) -> None:
        self._documents = documents
        self._site = site
        self._rng = rng
        self._acts: dict[Callable[[], list[Change]], int] = {
            self._gain_customer: 6,
            self._draft: 10,
            self._submit: 14,
            self._pay: 20,
            self._edit: 10,
            self._edit_customer: 6,
            self._cancel: 8,
            self._amend: 5,
            self._delete_draft: 3,
            self._delete_with_ledger: 4,
            self._rename_customer: 3,
            self._change_silently: 5,
            self._remove_row: 3,
            self._name_ledger: 4,
        }

    def step(self) -> list[Change]:
        """Do one thing."""
        while True:
            (act,) = self._rng.choices(list(self._acts), weights=list(self._acts.values()))
            with self._documents.store.writing():
                changes = act()
            if changes:
                return changes

    # -- acts --------------------------------------------------------------------------------------------------------

    def _gain_customer(self) -> list[Change]:
        series = self._site.series.customers
        stem = self._rng.choice(self._site.customer_stems)
        title = f"{stem} {self._rng.randint(1_000, 999_999)}"
        if self._documents.exists(CUSTOMER, title):
            return []
        values = {
            "naming_series": series,
            "customer_name": title,
            "customer_type": self._rng.choice(("Company", "Individual")),
            "customer_group": self._rng.choice(self._site.customer_groups),
            "territory": self._rng.choice(self._site.territories),
            "language": self._site.language,
        }
        customer = self._documents.insert(CUSTOMER, values if series else {**values, "name": title}, user=self._user())
        return [Change("create", CUSTOMER, customer["name"])]

    def _draft(self) -> list[Change]:
        customer = self._pick(CUSTOMER, "is_frozen = 0")
        if customer is None:
            return []
        now = self._documents.now()
        due = now.date() + timedelta(days=self._rng.choice((14, 30, 45)))
        values = draft_invoice(self._site, customer, now=now, due=due, rng=self._rng)
        invoice = self._documents.insert(INVOICE, values, user=self._user())
        return [Change("create", INVOICE, invoice["name"])]

    def _submit(self) -> list[Change]:
        draft = self._pick(INVOICE, "docstatus = 0")
        if draft is None:
            return []
        user = self._user()
        self._documents.save(INVOICE, draft["name"], {"status": "Unpaid"}, user=user)
        invoice = self._documents.submit(INVOICE, draft["name"], user=user)
        return [Change("submit", INVOICE, invoice["name"]), *self._post(invoice_postings(self._site, invoice), user)]

    def _pay(self) -> list[Change]:
        owing = "docstatus = 1 AND is_return = 0 AND outstanding_amount > 0"
        invoice = self._pick(INVOICE, owing)
        if invoice is None:
            return []
        owed, user = invoice["outstanding_amount"], self._user()
        in_full = self._rng.random() < _PAID_IN_FULL
        amount = owed if in_full else round(owed * self._rng.uniform(0.2, 0.8), 2) or owed
        values = payment_for(self._site, invoice, amount, day=self._documents.now().date(), rng=self._rng)
        draft = self._documents.insert(PAYMENT, values, user=user)
        payment = self._documents.submit(PAYMENT, draft["name"], user=user)
        rest = round(owed - amount, 2)
        status = {"outstanding_amount": rest, "status": "Partly Paid" if rest else "Paid"}
        self._documents.db_set(INVOICE, invoice["name"], status, update_modified=True)
        return [
            Change("create", PAYMENT, payment["name"]),
            Change("pay", INVOICE, invoice["name"]),
            *self._post(payment_postings(self._site, payment), user),
        ]

    def _edit(self) -> list[Change]:
        invoice = self._pick(INVOICE, "docstatus < 2")
        if invoice is None:
            return []
        changes = {"po_no": f"PO-{self._rng.randint(1, 99_999)}", "remarks": "Call before delivery\nRing twice"}
        self._documents.save(INVOICE, invoice["name"], changes, user=self._user())
        return [Change("edit", INVOICE, invoice["name"])]

    def _edit_customer(self) -> list[Change]:
        customer = self._pick(CUSTOMER, "1")
        if customer is None:
            return []
        changes = {"website": f"https://shop{self._rng.randint(1, 9_999)}.example", "is_frozen": 0}
        self._documents.save(CUSTOMER, customer["name"], changes, user=self._user())
        return [Change("edit", CUSTOMER, customer["name"])]

    def _cancel(self) -> list[Change]:
        unpaid = "docstatus = 1 AND is_return = 0 AND outstanding_amount = base_grand_total"
        invoice = self._pick(INVOICE, unpaid)
        if invoice is None:
            return []
        user = self._user()
        self._documents.cancel(INVOICE, invoice["name"], {"outstanding_amount": 0}, user=user)
        posted = self._postings_of(invoice["name"])
        stamp = {"is_cancelled": 1, "modified": wire_datetime(self._documents.now()), "modified_by": user}
        self._documents.sql_update(GL_ENTRY, {"voucher_type": INVOICE, "voucher_no": invoice["name"]}, stamp)
        reversed_ = self._post([reversal(entry) for entry in posted], user)
        originals = (Change("cancel", GL_ENTRY, entry["name"]) for entry in posted)
        return [Change("cancel", INVOICE, invoice["name"]), *originals, *reversed_]

    def _amend(self) -> list[Change]:
        invoice = self._pick(INVOICE, f"docstatus = 2 AND {_UNAMENDED}")
        if invoice is None:
            return []
        owed = {"status": "Draft", "outstanding_amount": invoice["base_grand_total"]}
        amended = self._documents.amend(INVOICE, invoice["name"], owed, user=self._user())
        return [Change("amend", INVOICE, amended["name"])]

    def _delete_draft(self) -> list[Change]:
        invoice = self._pick(INVOICE, "docstatus = 0")
        if invoice is None:
            return []
        self._documents.delete(INVOICE, invoice["name"], user=self._user())
        return [Change("delete", INVOICE, invoice["name"])]

    def _delete_with_ledger(self) -> list[Change]:
        invoice = self._pick(INVOICE, f"docstatus = 2 AND {_UNAMENDED}")
        if invoice is None:
            return []
        posted = self._postings_of(invoice["name"])
        self._documents.delete(INVOICE, invoice["name"], user=self._user())
        self._documents.sql_delete(GL_ENTRY, {"voucher_type": INVOICE, "voucher_no": invoice["name"]})
        gone = (Change("delete by SQL", GL_ENTRY, entry["name"]) for entry in posted)
        return [Change("delete", INVOICE, invoice["name"]), *gone]

    def _rename_customer(self) -> list[Change]:
        customer = self._pick(CUSTOMER, "1")
        if customer is None:
            return []
        new = f"{customer['customer_name']} ({self._rng.randint(1_000, 999_999)})"
        if self._documents.exists(CUSTOMER, new):
            return []
        self._documents.rename(CUSTOMER, customer["name"], new, user=self._user())
        return [Change("rename", CUSTOMER, new)]

    def _change_silently(self) -> list[Change]:
        invoice = self._pick(INVOICE, "status IN ('Unpaid', 'Partly Paid')")
        if invoice is None:
            return []
        self._documents.db_set(INVOICE, invoice["name"], {"status": "Overdue"})
        return [Change("change silently", INVOICE, invoice["name"])]

    def _remove_row(self) -> list[Change]:
        draft = self._pick(INVOICE, "docstatus = 0")
        if draft is None:
            return []
        invoice = self._documents.get(INVOICE, draft["name"])
        items = list(invoice["items"])
        if len(items) == 1:
            return []
        removed = items.pop(self._rng.randrange(len(items)))
        totals = invoice_totals(items, invoice["taxes"], conversion_rate=invoice["conversion_rate"])
        self._documents.save(INVOICE, invoice["name"], totals, user=self._user())
        return [Change("edit", INVOICE, invoice["name"]), Change("remove row", "Sales Invoice Item", removed["name"])]

    def _name_ledger(self) -> list[Change]:
        """The hourly job: temporary names become numbered ones, by SQL, without a trace [f_deletions/35-39]."""
        sql = f"SELECT name FROM {table_of(GL_ENTRY)} WHERE to_rename = 1 ORDER BY creation, rowid"
        temporary = [row[0] for row in self._documents.store.connection().execute(sql)]
        changes = []
        for name in temporary:
            now = self._documents.now()
            prefix = GL_SERIES.replace(".YYYY.", str(now.year))
            final = f"{prefix}{self._documents.store.next_in_series(prefix):05}"
            values = {"name": final, NAME_KEY: collation_key(final), "to_rename": 0, "modified": wire_datetime(now)}
            self._documents.sql_update(GL_ENTRY, {"name": name}, values)
            changes.append(Change("rename by SQL", GL_ENTRY, final))
        return changes

    # -- what acts share ---------------------------------------------------------------------------------------------

    def _post(self, entries: Sequence[Mapping[str, Any]], user: str) -> list[Change]:
        names = [f"{self._rng.getrandbits(40):010x}" for _ in entries]
        for name, entry in zip(names, entries, strict=True):
            self._documents.insert(GL_ENTRY, {**entry, "name": name}, user=user)
        return [Change("create", GL_ENTRY, name) for name in names]

    def _postings_of(self, invoice: str) -> list[dict[str, Any]]:
        return self._rows(GL_ENTRY, "voucher_type = ? AND voucher_no = ? ORDER BY rowid", (INVOICE, invoice))

    def _pick(self, doctype: str, condition: str) -> dict[str, Any] | None:
        """One of the rows for which the SQL `condition` holds, or None."""
        counting = f"SELECT count(*) FROM {table_of(doctype)} AS this WHERE {condition}"
        (count,) = self._documents.store.connection().execute(counting).fetchone()
        if not count:
            return None
        (row,) = self._rows(doctype, f"{condition} ORDER BY rowid LIMIT 1 OFFSET ?", (self._rng.randrange(count),))
        return row

    def _rows(self, doctype: str, condition: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        sql = f"SELECT * FROM {table_of(doctype)} AS this WHERE {condition}"
        cursor = self._documents.store.connection().execute(sql, tuple(parameters))
        columns = [entry[0] for entry in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor]

    def _user(self) -> str:
        return self._rng.choice(self._site.users)

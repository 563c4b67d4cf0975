"""Working days on a site: all kinds of change happen, by the seed, and the books balance after every step."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from federation.demo.site.documents import SiteDocuments
from federation.demo.site.store import SiteStore
from federation.demo.world.activity import Change, live
from federation.demo.world.generate import populate
from federation.demo.world.sites import SiteSpec, demo_sites
from federation.demo.world.truth import site_documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNBALANCED = """
    SELECT voucher_no FROM "tabGL Entry" GROUP BY voucher_type, voucher_no
    HAVING sum(CAST(round(debit * 100) AS INTEGER)) <> sum(CAST(round(credit * 100) AS INTEGER))
"""
INCONSISTENT_STOCK = """
    SELECT name FROM (
        SELECT name, qty_after_transaction AS after, stock_value, valuation_rate,
               sum(actual_qty) OVER (PARTITION BY item_code, warehouse ORDER BY rowid) AS running
        FROM "tabStock Ledger Entry" WHERE NOT is_cancelled
    ) WHERE after <> running OR after < 0 OR abs(stock_value - after * valuation_rate) > 0.005
"""
STOCK_UNLIKE_THE_BOOKS = """
    SELECT goods, books FROM (
        SELECT sum(CAST(round(stock_value_difference * 100) AS INTEGER)) AS goods FROM "tabStock Ledger Entry"
        WHERE NOT is_cancelled
    ), (
        SELECT sum(CAST(round((debit - credit) * 100) AS INTEGER)) AS books FROM "tabGL Entry"
        JOIN tabAccount AS account ON account.name = account WHERE account.account_type = 'Stock' AND NOT is_cancelled
    ) WHERE goods <> books
"""
OWED_UNLIKE_THE_LEDGER = """
    SELECT name FROM "tab{doctype}" AS voucher LEFT JOIN (
        SELECT against_voucher, sum(CAST(round((debit - credit) * 100) AS INTEGER)) AS cents
        FROM "tabGL Entry" WHERE against_voucher_type = '{doctype}' GROUP BY 1
    ) AS ledger ON against_voucher = name
    WHERE docstatus > 0 AND CAST(round(outstanding_amount * 100) AS INTEGER) <> abs(coalesce(cents, 0))
"""
STEPS = 300
EVERYWHERE = {
    ("edit", "Address"), ("edit", "Contact"), ("delete row", "Dynamic Link"), ("delete by SQL", "Address"),
    ("delete by SQL", "Contact"), ("create", "Payment Entry"), ("create", "GL Entry"), ("cancel", "GL Entry"),
    ("delete by SQL", "GL Entry"), ("rename by SQL", "GL Entry"), ("repair silently", "GL Entry"),
    ("edit", "Accounts Settings"), ("add field", "Custom Field"), ("remove field", "Custom Field"),
}  # fmt: skip


def on(doctype: str, *kinds: str) -> set[tuple[str, str]]:
    return {(kind, doctype) for kind in kinds}


SOLD = on("Sales Invoice", "create", "edit", "submit", "pay", "pay silently", "cancel", "amend", "delete")
SOLD |= on("Sales Invoice", "change silently", "set in bulk", "commit late") | on("Sales Invoice Item", "remove row")
SOLD |= on("Customer", "create", "edit", "rename", "merge", "commit late") | on("Item", "rename")
TAUGHT = on("Fees", "create", "edit", "submit", "pay", "pay silently", "cancel", "amend", "delete", "set in bulk")
TAUGHT |= on("Student", "create", "edit", "rename", "merge", "commit late") | on("Program Enrollment", "create", "edit")
TAUGHT |= on("Program Enrollment Course", "remove row") | on("Education Settings", "edit")
BOUGHT = on("Purchase Invoice", "create", "edit", "submit", "pay", "pay silently", "cancel", "amend", "delete")
BOUGHT |= on("Purchase Invoice", "change silently") | on("Stock Entry", "create") | on("Stock Settings", "edit")
BOUGHT |= on("Stock Ledger Entry", "create", "cancel", "rename by SQL", "delete by SQL", "repair silently")
BOUGHT |= on("Supplier", "create", "rename", "merge") | on("Item", "rename")
BOUGHT |= on("Employee Checkin", "create", "set in bulk", "commit late", "delete by SQL")
HAPPENS = {"north": SOLD, "south": SOLD, "campus": TAUGHT, "depot": BOUGHT}


class Clock:
    """A site's clock that goes on by 1.5 seconds each time it is read."""

    def __init__(self) -> None:
        self.instant = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        self.instant += dt.timedelta(milliseconds=1500)
        return self.instant


def open_site(path: Path, name: str) -> tuple[SiteDocuments, SiteSpec]:
    spec = demo_sites()[name]
    store = SiteStore(path / "site.db", version=spec.version)
    populate(store, spec, seed=3, gl_rows=1_000)
    return SiteDocuments(store, clock=Clock(), rng=random.Random(5)), spec  # noqa: S311


@pytest.fixture(params=["north", "south"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SiteDocuments, SiteSpec]]:
    documents, spec = open_site(tmp_path, request.param)
    yield documents, spec
    documents.store.close()


@pytest.fixture(params=sorted(HAPPENS))
def organisation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SiteDocuments, SiteSpec]]:
    documents, spec = open_site(tmp_path, request.param)
    yield documents, spec
    documents.store.close()


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[tuple[SiteDocuments, SiteSpec]]:
    documents, spec = open_site(tmp_path, "depot")
    yield documents, spec
    documents.store.close()


def test_the_ledgers_agree_after_every_step(organisation: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = organisation
    checks = [UNBALANCED]
    checks += [INCONSISTENT_STOCK, STOCK_UNLIKE_THE_BOOKS] if spec.suppliers else []
    for step in range(100):
        list(live(documents, spec, seed=step, steps=1))
        for check in checks:
            assert documents.store.connection().execute(check).fetchall() == []


def test_all_kinds_of_change_happen(organisation: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = organisation
    tally: Counter[tuple[str, str]] = Counter()
    for seed in range(4):
        tally.update((change.kind, change.doctype) for change in live(documents, spec, seed=seed, steps=STEPS))
    assert EVERYWHERE | HAPPENS[spec.name] <= set(tally)


def test_debts_stay_what_the_ledger_says(organisation: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = organisation
    list(live(documents, spec, seed=2, steps=STEPS))
    for doctype in {"Sales Invoice", "Purchase Invoice", "Fees"} & set(documents.store.doctypes()):
        sql = OWED_UNLIKE_THE_LEDGER.format(doctype=doctype)
        assert documents.store.connection().execute(sql).fetchall() == []


@pytest.mark.parametrize("name", ["north", "campus", "depot"])
def test_the_same_seed_makes_the_same_day(name: str, tmp_path: Path) -> None:
    days = []
    for place in ("a", "b"):
        documents, spec = open_site(tmp_path / place, name)
        changes = list(live(documents, spec, seed=1, steps=80))
        days.append((changes, *(site_documents(documents.store, doctype) for doctype in ("GL Entry", "Dynamic Link"))))
        documents.store.close()
    assert days[0] == days[1]


def first(documents: SiteDocuments, spec: SiteSpec, kind: str, doctype: str) -> tuple[Change, dict[str, dict]]:
    """The first change of a kind, and the documents as they were before its step."""
    watched = ("Sales Invoice", "Customer", "GL Entry", "Sales Invoice Item", "Employee Checkin", "Stock Ledger Entry")
    doctypes = [name for name in watched if name in documents.store.doctypes()]
    for seed in range(1_000):
        before = {name: site_documents(documents.store, name) for name in doctypes}
        for change in list(live(documents, spec, seed=seed, steps=1)):
            if (change.kind, change.doctype) == (kind, doctype):
                return change, {name: {row["name"]: row for row in table.to_pylist()} for name, table in before.items()}
    raise AssertionError(f"{kind} {doctype} never happened")


def test_a_silent_change_moves_no_modified(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    change, before = first(documents, spec, "change silently", "Sales Invoice")
    old, new = before["Sales Invoice"][change.name], documents.get("Sales Invoice", change.name)
    assert old["modified"] == new["modified"]
    assert old["status"] != new["status"]


def test_a_renamed_customer_takes_invoices_and_postings_along_silently(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    change, before = first(documents, spec, "rename", "Customer")
    (old_name,) = before["Customer"].keys() - {
        row["name"] for row in site_documents(documents.store, "Customer").to_pylist()
    }
    for doctype, link in (("Sales Invoice", "customer"), ("GL Entry", "party")):
        now = {row["name"]: row for row in site_documents(documents.store, doctype).to_pylist()}
        linked = [name for name, row in before[doctype].items() if row[link] == old_name]
        assert all(now[name][link] == change.name for name in linked)
        assert all(now[name]["modified"] == before[doctype][name]["modified"] for name in linked)


def test_deleting_a_cancelled_invoice_leaves_a_tombstone_of_it_and_none_of_its_postings(
    site: tuple[SiteDocuments, SiteSpec],
) -> None:
    documents, spec = site
    change, before = first(documents, spec, "delete by SQL", "GL Entry")
    invoice = before["GL Entry"][change.name]["voucher_no"]
    assert not documents.exists("GL Entry", change.name)
    assert not documents.exists("Sales Invoice", invoice)
    tombstones = site_documents(documents.store, "Deleted Document").to_pylist()
    assert [row["deleted_name"] for row in tombstones].count(invoice) == 1
    assert "GL Entry" not in {row["deleted_doctype"] for row in tombstones}


def test_cancelling_flags_the_postings_and_adds_reversed_ones(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    change, before = first(documents, spec, "cancel", "Sales Invoice")
    ledger = site_documents(documents.store, "GL Entry").to_pylist()
    entries = [row for row in ledger if row["voucher_no"] == change.name]
    originals = [row for row in entries if row["name"] in before["GL Entry"]]
    assert len(entries) == 2 * len(originals) > 0
    assert all(row["is_cancelled"] == 1 for row in entries)
    assert all(row["modified"] > before["GL Entry"][row["name"]]["modified"] for row in originals)


def test_a_removed_row_is_gone_without_a_trace(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    change, before = first(documents, spec, "remove row", "Sales Invoice Item")
    invoice = documents.get("Sales Invoice", before["Sales Invoice Item"][change.name]["parent"])
    assert change.name not in {row["name"] for row in invoice["items"]}
    assert round(sum(row["amount"] for row in invoice["items"]), 2) == invoice["total"]
    traces = site_documents(documents.store, "Deleted Document").to_pylist()
    assert change.name not in {row["deleted_name"] for row in traces}


def test_the_truth_about_a_doctype_is_every_row_and_column(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, _ = site
    for doctype in ("GL Entry", "Sales Invoice Item"):
        table = site_documents(documents.store, doctype)
        assert table.num_rows == documents.store.count(doctype)
        assert table.column_names == list(documents.store.meta(doctype).columns)
        assert table.column("name").null_count == 0
    assert site_documents(documents.store, "Deleted Document").num_rows == 0


def test_a_late_commit_is_stamped_behind_what_was_there_already(depot: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = depot
    list(live(documents, spec, seed=1, steps=20))
    change, before = first(documents, spec, "commit late", "Employee Checkin")
    late = documents.get("Employee Checkin", change.name)
    assert change.name not in before["Employee Checkin"]
    assert late["creation"] == late["modified"] < late["time"]


def test_a_bulk_change_gives_all_its_rows_one_modified(depot: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = depot
    change, _ = first(documents, spec, "set in bulk", "Employee Checkin")
    stamp = documents.get("Employee Checkin", change.name)["modified"]
    stamps = site_documents(documents.store, "Employee Checkin").column("modified").to_pylist()
    assert stamps.count(stamp) > 50


def test_a_cancelled_purchase_corrects_later_stock_without_a_sign(depot: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = depot
    change, before = first(documents, spec, "repair silently", "Stock Ledger Entry")
    old, new = before["Stock Ledger Entry"][change.name], documents.get("Stock Ledger Entry", change.name)
    assert old["qty_after_transaction"] > new["qty_after_transaction"]
    assert old["modified"] == new["modified"]


def test_the_hourly_job_renames_movements_and_leaves_nothing_else_of_them(
    depot: tuple[SiteDocuments, SiteSpec],
) -> None:
    documents, spec = depot
    change, before = first(documents, spec, "rename by SQL", "Stock Ledger Entry")
    named = documents.get("Stock Ledger Entry", change.name)
    (old,) = [
        row for row in before["Stock Ledger Entry"].values()
        if (row["voucher_detail_no"], row["actual_qty"]) == (named["voucher_detail_no"], named["actual_qty"])
    ]  # fmt: skip
    assert (old["to_rename"], named["to_rename"]) == (1, 0)
    assert old["creation"] == named["creation"]
    assert not documents.exists("Stock Ledger Entry", old["name"])


def test_a_merged_customer_leaves_a_tombstone_and_its_links(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    change, _ = first(documents, spec, "merge", "Customer")
    assert not documents.exists("Customer", change.name)
    tombstones = site_documents(documents.store, "Deleted Document").to_pylist()
    assert change.name in {row["deleted_name"] for row in tombstones if row["deleted_doctype"] == "Customer"}
    for doctype, link in (("Sales Invoice", "customer"), ("GL Entry", "party"), ("Dynamic Link", "link_name")):
        assert change.name not in site_documents(documents.store, doctype).column(link).to_pylist()


def test_a_removed_field_leaves_its_column_and_no_trace_in_what_the_site_tells(
    site: tuple[SiteDocuments, SiteSpec],
) -> None:
    documents, spec = site
    change, _ = first(documents, spec, "add field", "Custom Field")
    doctype, _, field = str(change.name).partition("-")
    assert field in documents.store.meta(doctype).columns
    documents.delete("Custom Field", change.name)
    assert field not in site_documents(documents.store, doctype).column_names

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
STEPS = 250


class Clock:
    """A site's clock that goes on by 1.5 seconds each time it is read."""

    def __init__(self) -> None:
        self.instant = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        self.instant += dt.timedelta(milliseconds=1500)
        return self.instant


def open_site(path: Path, name: str) -> tuple[SiteDocuments, SiteSpec]:
    store, spec = SiteStore(path / "site.db"), demo_sites()[name]
    populate(store, spec, seed=3, gl_rows=1_000)
    return SiteDocuments(store, clock=Clock(), rng=random.Random(5)), spec  # noqa: S311


@pytest.fixture(params=["north", "south"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SiteDocuments, SiteSpec]]:
    documents, spec = open_site(tmp_path, request.param)
    yield documents, spec
    documents.store.close()


def test_the_ledger_balances_after_every_step(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    for step in range(60):
        list(live(documents, spec, seed=step, steps=1))
        assert documents.store.connection().execute(UNBALANCED).fetchall() == []


def test_all_kinds_of_change_happen(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    tally = Counter((change.kind, change.doctype) for change in live(documents, spec, seed=11, steps=STEPS))
    assert set(tally) == {
        ("create", "Customer"), ("edit", "Customer"), ("rename", "Customer"),
        ("create", "Sales Invoice"), ("edit", "Sales Invoice"), ("submit", "Sales Invoice"), ("pay", "Sales Invoice"),
        ("cancel", "Sales Invoice"), ("amend", "Sales Invoice"), ("delete", "Sales Invoice"),
        ("change silently", "Sales Invoice"), ("remove row", "Sales Invoice Item"), ("create", "Payment Entry"),
        ("create", "GL Entry"), ("cancel", "GL Entry"), ("delete by SQL", "GL Entry"), ("rename by SQL", "GL Entry"),
    }  # fmt: skip


def test_the_same_seed_makes_the_same_day(tmp_path: Path) -> None:
    days = []
    for place in ("a", "b"):
        documents, spec = open_site(tmp_path / place, "north")
        changes = list(live(documents, spec, seed=1, steps=80))
        days.append(
            (changes, site_documents(documents.store, "GL Entry"), site_documents(documents.store, "Sales Invoice"))
        )
        documents.store.close()
    assert days[0] == days[1]


def test_what_invoices_owe_stays_what_the_ledger_says(site: tuple[SiteDocuments, SiteSpec]) -> None:
    documents, spec = site
    list(live(documents, spec, seed=2, steps=STEPS))
    owed = """
        SELECT name, CAST(round(outstanding_amount * 100) AS INTEGER), (
            SELECT coalesce(sum(CAST(round((debit - credit) * 100) AS INTEGER)), 0) FROM "tabGL Entry"
            WHERE against_voucher = invoice.name AND against_voucher_type = 'Sales Invoice'
        ) FROM "tabSales Invoice" AS invoice WHERE docstatus > 0
    """
    assert [row for row in documents.store.connection().execute(owed) if row[1] != row[2]] == []


def first(documents: SiteDocuments, spec: SiteSpec, kind: str, doctype: str) -> tuple[Change, dict[str, dict]]:
    """The first change of a kind, and the documents as they were before its step."""
    doctypes = ("Sales Invoice", "Customer", "GL Entry", "Sales Invoice Item")
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
    assert {row["deleted_doctype"] for row in tombstones} == {"Sales Invoice"}


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

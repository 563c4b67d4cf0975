"""A company's generated history: its books balance, its documents agree with each other, and a seed tells it again."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from federation.demo.site.collation import collation_key
from federation.demo.site.permissions import authenticate
from federation.demo.site.store import SiteStore
from federation.demo.world.columns import LocalTime
from federation.demo.world.generate import HISTORY_ENDS, add_extraction_user, populate
from federation.demo.world.sites import demo_sites
from federation.demo.world.truth import site_documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL, SEVERAL_STRETCHES = 2_000, 60_000
STAMPED = ("Customer", "Sales Invoice", "Sales Invoice Item", "Payment Entry", "Journal Entry", "GL Entry")
UNBALANCED = """
    SELECT voucher_type, voucher_no FROM "tabGL Entry" GROUP BY voucher_type, voucher_no
    HAVING sum(CAST(round(debit * 100) AS INTEGER)) <> sum(CAST(round(credit * 100) AS INTEGER))
"""
OUTSTANDING_UNLIKE_THE_LEDGER = """
    SELECT invoice.name FROM "tabSales Invoice" AS invoice LEFT JOIN (
        SELECT against_voucher, sum(CAST(round((debit - credit) * 100) AS INTEGER)) AS cents FROM "tabGL Entry"
        WHERE against_voucher_type = 'Sales Invoice' GROUP BY against_voucher
    ) AS ledger ON ledger.against_voucher = invoice.name
    WHERE invoice.docstatus > 0 AND CAST(round(invoice.outstanding_amount * 100) AS INTEGER) <> coalesce(cents, 0)
"""


def make_site(path: Path, name: str, *, seed: int = 7, gl_rows: int = SMALL) -> SiteStore:
    store = SiteStore(path / f"{name}-{seed}.db")
    populate(store, demo_sites()[name], seed=seed, gl_rows=gl_rows)
    return store


@pytest.fixture(scope="module", params=["north", "south"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteStore]:
    store = make_site(tmp_path_factory.mktemp("history"), request.param)
    yield store
    store.close()


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteStore]:
    store = make_site(tmp_path_factory.mktemp("larger"), "south", gl_rows=SEVERAL_STRETCHES)
    yield store
    store.close()


def rows(store: SiteStore, sql: str) -> list[tuple]:
    return store.connection().execute(sql).fetchall()


def test_every_voucher_balances_to_the_cent(site: SiteStore) -> None:
    assert rows(site, UNBALANCED) == []


def test_an_invoice_owes_what_the_ledger_says(site: SiteStore) -> None:
    assert rows(site, OUTSTANDING_UNLIKE_THE_LEDGER) == []


def test_every_submitted_document_and_no_draft_stands_in_the_ledger(site: SiteStore) -> None:
    for doctype in ("Sales Invoice", "Payment Entry", "Journal Entry"):
        posted = {name for (name,) in rows(site, f"SELECT name FROM 'tab{doctype}' WHERE docstatus > 0")}
        assert posted == {
            name
            for (name,) in rows(site, f"SELECT DISTINCT voucher_no FROM 'tabGL Entry' WHERE voucher_type = '{doctype}'")
        }


def test_cancelled_postings_are_there_twice_and_cancel_out(site: SiteStore) -> None:
    cancelled = {name for (name,) in rows(site, "SELECT name FROM 'tabSales Invoice' WHERE docstatus = 2")}
    flagged = """
        SELECT voucher_no, account, count(*), count(DISTINCT debit - credit), round(sum(debit - credit), 2)
        FROM "tabGL Entry" WHERE is_cancelled GROUP BY voucher_no, account
    """
    accounts = rows(site, flagged)
    assert {voucher for voucher, *_ in accounts} == cancelled
    assert {(count, amounts, balance) for *_, count, amounts, balance in accounts} == {(2, 2, 0.0)}


def test_rows_add_up_to_their_invoice(site: SiteStore) -> None:
    assert rows(
        site,
        """
        SELECT name FROM "tabSales Invoice" AS invoice WHERE
            round(total - (SELECT sum(amount) FROM "tabSales Invoice Item" WHERE parent = invoice.name), 2) <> 0
            OR round(base_total, 2) <> (
                SELECT round(sum(base_amount), 2) FROM "tabSales Invoice Item" WHERE parent = invoice.name)
            OR round(grand_total - total - total_taxes_and_charges, 2) <> 0
            OR round(total_taxes_and_charges - coalesce(
                (SELECT sum(tax_amount) FROM "tabSales Taxes and Charges" WHERE parent = invoice.name), 0), 2) <> 0
        """,
    ) == []  # fmt: skip


def test_child_rows_are_numbered_from_one_and_belong_to_a_document(site: SiteStore) -> None:
    for child, parent in (
        ("Sales Invoice Item", "Sales Invoice"),
        ("Sales Taxes and Charges", "Sales Invoice"),
        ("Payment Entry Reference", "Payment Entry"),
        ("Journal Entry Account", "Journal Entry"),
    ):
        assert (
            rows(site, f"SELECT parent FROM 'tab{child}' GROUP BY parent HAVING max(idx) <> count(*) OR min(idx) <> 1")
            == []
        )
        assert rows(site, f"SELECT 1 FROM 'tab{child}' WHERE parent NOT IN (SELECT name FROM 'tab{parent}')") == []


def test_postings_stand_on_leaves_of_a_consistent_account_tree(site: SiteStore) -> None:
    assert (
        rows(site, "SELECT 1 FROM 'tabGL Entry' WHERE account NOT IN (SELECT name FROM tabAccount WHERE NOT is_group)")
        == []
    )
    outside = """
        SELECT child.name FROM tabAccount AS child JOIN tabAccount AS parent ON child.parent_account = parent.name
        WHERE NOT (parent.lft < child.lft AND child.rgt < parent.rgt AND parent.is_group)
        OR parent.root_type <> child.root_type
    """
    assert rows(site, outside) == []
    bounds = [bound for pair in rows(site, "SELECT lft, rgt FROM tabAccount") for bound in pair]
    assert sorted(bounds) == list(range(1, len(bounds) + 1))


def test_invoices_are_in_every_stage_of_life(larger: SiteStore) -> None:
    assert {status for (status,) in rows(larger, "SELECT DISTINCT status FROM 'tabSales Invoice'")} == {
        "Draft", "Unpaid", "Partly Paid", "Paid", "Overdue", "Cancelled", "Return", "Credit Note Issued",
    }  # fmt: skip
    assert rows(larger, "SELECT count(*) FROM 'tabSales Invoice' WHERE amended_from IS NOT NULL") > [(0,)]
    assert rows(larger, "SELECT count(DISTINCT currency) FROM 'tabSales Invoice'") == [(2,)]


def test_overdue_is_what_is_owed_after_the_due_date(larger: SiteStore) -> None:
    owing = rows(
        larger, "SELECT due_date, status FROM 'tabSales Invoice' WHERE docstatus = 1 AND outstanding_amount > 0"
    )
    assert owing
    assert all((due < HISTORY_ENDS.date().isoformat()) == (status == "Overdue") for due, status in owing)


def test_hundreds_of_rows_share_one_modified(site: SiteStore) -> None:
    for doctype in ("Customer", "Sales Invoice", "GL Entry"):
        ((largest,),) = rows(site, f"SELECT max(n) FROM (SELECT count(*) AS n FROM 'tab{doctype}' GROUP BY modified)")
        assert largest > 100


def test_nothing_changes_after_the_history_ends(larger: SiteStore) -> None:
    last = HISTORY_ENDS.isoformat(sep=" ")
    for doctype in STAMPED:
        assert rows(larger, f"SELECT name FROM 'tab{doctype}' WHERE modified > '{last}'") == []


def test_nothing_seems_to_change_before_it_is_created_but_in_the_doubled_hour_of_autumn(larger: SiteStore) -> None:
    for doctype in STAMPED:
        early = rows(larger, f"SELECT creation FROM 'tab{doctype}' WHERE modified < creation")
        assert all(creation.startswith(("2025-10-26 02:", "2026-10-25 02:")) for (creation,) in early)


def test_payment_moves_the_invoice_but_not_its_rows(site: SiteStore) -> None:
    moved = """
        SELECT count(*) FROM "tabSales Invoice" AS invoice
        JOIN "tabSales Invoice Item" AS item ON item.parent = invoice.name
        WHERE invoice.status = 'Paid' AND item.modified < invoice.modified
    """
    assert rows(site, moved) > [(0,)]


def test_the_newest_postings_still_have_temporary_names(larger: SiteStore) -> None:
    temporary = [name for (name,) in rows(larger, "SELECT name FROM 'tabGL Entry' WHERE to_rename")]
    assert all(len(name) == 10 and int(name, 16) >= 0 for name in temporary)
    assert all(
        name.startswith("ACC-GLE-") for (name,) in rows(larger, "SELECT name FROM 'tabGL Entry' WHERE NOT to_rename")
    )


def test_the_same_seed_tells_the_same_story_and_another_seed_another(tmp_path: Path) -> None:
    stores = [make_site(tmp_path / str(place), "north", seed=seed) for place, seed in enumerate((1, 1, 2))]
    for doctype in ("Customer", "Sales Invoice", "Sales Invoice Item", "Payment Entry Reference", "GL Entry"):
        first, again, other = (site_documents(store, doctype) for store in stores)
        assert first.equals(again)
        assert not first.equals(other)
    for store in stores:
        store.close()


def test_a_history_of_several_stretches_is_as_consistent_and_about_as_long_as_asked(larger: SiteStore) -> None:
    assert larger.count("GL Entry") == pytest.approx(SEVERAL_STRETCHES, rel=0.1)
    assert rows(larger, UNBALANCED) == []
    assert rows(larger, OUTSTANDING_UNLIKE_THE_LEDGER) == []


def test_names_given_by_the_site_go_on_where_the_history_ends(site: SiteStore) -> None:
    for prefix, current in rows(site, 'SELECT prefix, current FROM "~series"'):
        assert prefix.endswith("-")
        assert current > 0
    ((last,),) = rows(
        site, "SELECT max(CAST(substr(name, -5) AS INTEGER)) FROM 'tabGL Entry' WHERE name LIKE 'ACC-GLE-2026-%'"
    )
    assert site.series("ACC-GLE-2026-") == last


def test_customer_names_differ_for_the_site_too() -> None:
    for spec in (demo_sites()["north"], demo_sites()["south"]):
        names = list(itertools.islice(spec.customer_names(), 3_000))
        assert len({collation_key(name) for name in names}) == len(names)


def test_customers_of_the_north_carry_names_that_break_careless_code(tmp_path: Path) -> None:
    store = make_site(tmp_path, "north")
    names = "\n".join(name for (name,) in rows(store, "SELECT name FROM tabCustomer"))
    assert all(text in names for text in ("'", '"', "\\", "%", "#", "?", "/", "<b>", "\t", "🚀", "東", "म", "ن"))
    store.close()


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin"])
def test_stamps_are_the_sites_wall_clock_through_both_changes_of_summer_time(zone: str) -> None:
    instants = np.arange("2026-03-28T20:00", "2026-03-29T04:00", 7, dtype="datetime64[m]")
    instants = np.concatenate([instants, instants + np.timedelta64(210, "D")]).astype("datetime64[us]")
    expected = [
        instant.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(sep=" ")
        for instant in instants.tolist()
    ]
    assert LocalTime(zone).wire(instants) == expected


def test_a_stamp_on_a_full_second_has_no_fraction_and_time_is_not_padded() -> None:
    clock = LocalTime("UTC")
    instants = np.array(["2026-01-31T08:07:05.250000", "2026-01-31T18:07:05"], dtype="datetime64[us]")
    assert clock.wire(instants) == ["2026-01-31 08:07:05.250000", "2026-01-31 18:07:05"]
    assert clock.times(instants) == ["8:07:5.25", "18:07:05"]


def test_the_extraction_user_reads_every_doctype_of_the_site(site: SiteStore) -> None:
    name = add_extraction_user(site, demo_sites()["north"], api_key="key", api_secret="secret")
    user = authenticate(site, "token key:secret")
    assert user.name == name
    assert all(user.may_read(meta) for meta in map(site.meta, site.doctypes()) if not meta.is_table)

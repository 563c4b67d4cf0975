"""What the university and the warehouse company lived through: fees and goods agree with the books to the cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from federation.demo.site.permissions import authenticate
from federation.demo.site.store import SiteStore
from federation.demo.world.generate import HISTORY_ENDS, add_extraction_user, populate
from federation.demo.world.sites import demo_sites
from federation.demo.world.truth import site_documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEVERAL_STRETCHES = 30_000
UNBALANCED = """
    SELECT voucher_type, voucher_no FROM "tabGL Entry" GROUP BY voucher_type, voucher_no
    HAVING sum(CAST(round(debit * 100) AS INTEGER)) <> sum(CAST(round(credit * 100) AS INTEGER))
"""
OUTSTANDING_UNLIKE_THE_LEDGER = """
    SELECT voucher.name FROM "tab{doctype}" AS voucher LEFT JOIN (
        SELECT against_voucher, sum(CAST(round((debit - credit) * 100) AS INTEGER)) AS cents FROM "tabGL Entry"
        WHERE against_voucher_type = '{doctype}' GROUP BY against_voucher
    ) AS ledger ON ledger.against_voucher = voucher.name
    WHERE voucher.docstatus > 0
    AND CAST(round(voucher.outstanding_amount * 100) AS INTEGER) <> abs(coalesce(cents, 0))
"""
INCONSISTENT_STOCK = """
    SELECT name FROM (
        SELECT name, qty_after_transaction AS after, stock_value, valuation_rate,
               sum(actual_qty) OVER (PARTITION BY item_code, warehouse ORDER BY rowid) AS running
        FROM "tabStock Ledger Entry" WHERE NOT is_cancelled
    ) WHERE after <> running OR after < 0 OR abs(stock_value - after * valuation_rate) > 0.005
"""
STOCK_BY_POSTINGS = """
    SELECT sum(CAST(round((debit - credit) * 100) AS INTEGER)) FROM "tabGL Entry" JOIN tabAccount AS account
    ON account.name = account WHERE account.account_type = 'Stock' AND NOT is_cancelled
"""


def make_site(path: Path, name: str, *, seed: int = 7, gl_rows: int) -> SiteStore:
    spec = demo_sites()[name]
    store = SiteStore(path / f"{name}-{seed}.db", version=spec.version)
    populate(store, spec, seed=seed, gl_rows=gl_rows)
    return store


@pytest.fixture(scope="module", params=["campus", "depot"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteStore]:
    store = make_site(tmp_path_factory.mktemp("organisation"), request.param, gl_rows=SEVERAL_STRETCHES)
    yield store
    store.close()


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteStore]:
    store = make_site(tmp_path_factory.mktemp("campus"), "campus", gl_rows=2_000)
    yield store
    store.close()


@pytest.fixture(scope="module")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteStore]:
    store = make_site(tmp_path_factory.mktemp("depot"), "depot", gl_rows=SEVERAL_STRETCHES)
    yield store
    store.close()


def rows(store: SiteStore, sql: str) -> list[tuple]:
    return store.connection().execute(sql).fetchall()


def test_every_voucher_balances_to_the_cent(site: SiteStore) -> None:
    assert rows(site, UNBALANCED) == []


def test_the_history_is_about_as_long_as_asked(site: SiteStore) -> None:
    assert site.count("GL Entry") == pytest.approx(SEVERAL_STRETCHES, rel=0.1)


def test_a_voucher_owes_what_the_ledger_says(site: SiteStore) -> None:
    for doctype in {"Fees", "Purchase Invoice"} & set(site.doctypes()):
        assert site.count(doctype) > 1_000
        assert rows(site, OUTSTANDING_UNLIKE_THE_LEDGER.format(doctype=doctype)) == []


def test_nothing_changes_after_the_history_ends(site: SiteStore) -> None:
    last = HISTORY_ENDS.isoformat(sep=" ")
    for doctype in site.doctypes():
        meta = site.meta(doctype)
        if not meta.is_single and meta.wire["module"] != "Core":
            assert rows(site, f"SELECT name FROM 'tab{doctype}' WHERE modified > '{last}'") == [], doctype


def test_every_child_row_belongs_to_a_document_and_rows_are_numbered_from_one(site: SiteStore) -> None:
    for meta in map(site.meta, site.doctypes()):
        for field, child in site.tables(meta).items() if meta.wire["module"] != "Core" else ():
            where = f"parenttype = '{meta.name}' AND parentfield = '{field}'"
            orphans = f"SELECT 1 FROM 'tab{child}' WHERE {where} AND parent NOT IN (SELECT name FROM 'tab{meta.name}')"
            assert rows(site, orphans) == [], child
            misnumbered = "GROUP BY parent HAVING min(idx) <> 1 OR max(idx) <> count(*)"
            assert rows(site, f"SELECT parent FROM 'tab{child}' WHERE {where} {misnumbered}") == [], child


def test_a_fee_is_the_sum_of_its_components_and_of_one_enrolment(campus: SiteStore) -> None:
    components = """
        SELECT name FROM tabFees AS fees WHERE round(grand_total, 2) <> (
            SELECT round(sum(amount), 2) FROM "tabFee Component" WHERE parent = fees.name)
    """
    assert rows(campus, components) == []
    enrolled = """
        SELECT fees.name FROM tabFees AS fees LEFT JOIN "tabProgram Enrollment" AS enrolment
        ON enrolment.name = program_enrollment
        WHERE fees.student IS NOT enrolment.student OR fees.program IS NOT enrolment.program
    """
    assert rows(campus, enrolled) == []


def test_stock_after_each_movement_is_the_sum_of_all_before_and_never_below_nothing(depot: SiteStore) -> None:
    assert depot.count("Stock Ledger Entry") > SEVERAL_STRETCHES / 2
    assert rows(depot, INCONSISTENT_STOCK) == []


def test_the_stock_ledger_is_worth_what_the_general_ledger_says(depot: SiteStore) -> None:
    value = 'SELECT sum(CAST(round(stock_value_difference * 100) AS INTEGER)) FROM "tabStock Ledger Entry"'
    assert rows(depot, f"{value} WHERE NOT is_cancelled") == rows(depot, STOCK_BY_POSTINGS)


def test_the_newest_movements_still_have_temporary_names(depot: SiteStore) -> None:
    names = rows(depot, "SELECT name, to_rename FROM 'tabStock Ledger Entry'")
    assert all(len(name) == 10 if temporary else name.startswith("MAT-SLE-") for name, temporary in names)
    temporary = rows(depot, "SELECT count(*) FROM 'tabStock Ledger Entry' WHERE to_rename")
    assert temporary < [(len(names) // 10,)]


def test_checkins_are_counted_by_the_database_and_counting_goes_on(depot: SiteStore) -> None:
    names = [name for (name,) in rows(depot, "SELECT name FROM 'tabEmployee Checkin' ORDER BY rowid")]
    assert names == list(range(1, len(names) + 1))
    assert depot.series("Employee Checkin.autoincrement") == len(names)


def test_addresses_and_contacts_share_one_child_table_and_some_addresses_several_parties(depot: SiteStore) -> None:
    types = rows(depot, "SELECT DISTINCT parenttype FROM 'tabDynamic Link' ORDER BY 1")
    assert types == [("Address",), ("Contact",)]
    assert rows(depot, "SELECT max(idx) FROM 'tabDynamic Link'") == [(2,)]
    parties = "SELECT 1 FROM 'tabDynamic Link' WHERE link_name NOT IN (SELECT name FROM tabSupplier)"
    assert rows(depot, parties) == []


def test_a_custom_field_may_be_a_table_of_its_own(depot: SiteStore) -> None:
    assert depot.meta("Item").tables == {"safety_labels": "Item Safety Label"}
    assert rows(depot, "SELECT DISTINCT parentfield, parenttype FROM 'tabItem Safety Label'") == [
        ("safety_labels", "Item")
    ]


def test_a_single_is_told_whole_with_numbers_as_numbers(depot: SiteStore) -> None:
    (settings,) = site_documents(depot, "Accounts Settings").to_pylist()
    assert settings["name"] == "Accounts Settings"
    assert (settings["stale_days"], settings["over_billing_allowance"]) == (1, 0.0)


def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    for name, doctypes in (("campus", ("Student", "Fees")), ("depot", ("Stock Ledger Entry", "Employee Checkin"))):
        one, other = (make_site(tmp_path / place, name, gl_rows=300) for place in ("a", "b"))
        for doctype in (*doctypes, "GL Entry", "Dynamic Link"):
            assert site_documents(one, doctype).equals(site_documents(other, doctype))
        one.close()
        other.close()


def test_the_extraction_user_reads_every_doctype(site: SiteStore) -> None:
    add_extraction_user(site, demo_sites()["campus"], api_key="key", api_secret="secret")
    user = authenticate(site, "token key:secret")
    assert [
        meta.name for meta in map(site.meta, site.doctypes()) if not meta.is_table and not user.may_read(meta)
    ] == []

"""Temporary names: at no moment does a ledger miss an entry or count one twice [f_deletions/35-39]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from extract_world import Shop, doctype, open_shop

LEDGER = "GL Entry"
META = doctype(
    LEDGER, "voucher_no: Data", "account: Data", "debit: Currency", "credit: Currency", "to_rename: Check",
    autoname="ACC-GLE-.#####",
)  # fmt: skip


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, META, doctypes=[LEDGER]) as shop:
        yield shop


def post(shop: Shop, voucher: str, amount: float) -> list[str]:
    """Two entries that balance, under temporary names."""
    names = []
    for number, (debit, credit) in enumerate(((amount, 0), (0, amount))):
        name = f"{abs(hash((voucher, number))) % 16**10:010x}"
        values = {"name": name, "voucher_no": voucher, "debit": debit, "credit": credit, "to_rename": 1}
        stamp = str(shop.documents.now())
        shop.site.store.insert_document_row(LEDGER, name, values, stamp=stamp)
        names.append(name)
    return names


def balance(shop: Shop) -> tuple[float, float]:
    rows = shop.folded(LEDGER)[LEDGER].to_pylist()
    return float(sum(row["debit"] for row in rows)), float(sum(row["credit"] for row in rows))


def test_a_ledger_balances_after_every_step(books: Shop) -> None:
    total = 0.0
    for number in range(6):
        post(books, f"V{number}", 10.0 + number)
        total += 10.0 + number
        if number % 2:
            books.documents.name_ledger_rows(LEDGER)
        books.sync()
        assert balance(books) == (total, total), number
    books.assert_same(LEDGER)


def test_names_that_move_no_modified_are_followed_as_before_version_15(books: Shop) -> None:
    post(books, "V1", 10)
    books.sync()
    before = {row["creation"]: row["modified"] for row in books.folded(LEDGER)[LEDGER].to_pylist()}
    for old in list(books.names(LEDGER)):
        books.documents.sql_update(LEDGER, {"name": old}, {"name": f"ACC-{old}", "to_rename": 0})
    books.sync()
    after = {row["creation"]: row["modified"] for row in books.folded(LEDGER)[LEDGER].to_pylist()}
    assert before == after
    assert balance(books) == (10, 10)
    books.assert_same(LEDGER)


@pytest.mark.parametrize("at", range(1, 8))
@pytest.mark.parametrize("depth", ["changes", "reconcile", "full"])
def test_the_naming_job_between_any_two_requests_unbalances_nothing(books: Shop, at: int, depth: str) -> None:
    post(books, "V1", 10)
    post(books, "V2", 20)
    books.sync()
    post(books, "V3", 30)
    books.watch.requests.clear()
    for _ in range(at):
        books.watch.before("GL", lambda: None)
    books.watch.before("GL", lambda: books.documents.name_ledger_rows(LEDGER))
    books.sync(depth=depth)
    assert balance(books) == (60, 60)
    books.watch.forget()
    books.sync()
    assert balance(books) == (60, 60)
    books.documents.name_ledger_rows(LEDGER)
    books.sync()
    assert balance(books) == (60, 60)
    books.assert_same(LEDGER)


def test_entries_deleted_by_sql_while_they_are_temporary_go(books: Shop) -> None:
    gone = post(books, "V1", 10)
    post(books, "V2", 20)
    books.sync()
    for name in gone:
        books.documents.sql_delete(LEDGER, {"name": name})
    books.sync()
    assert balance(books) == (20, 20)


def test_where_the_job_never_runs_one_count_is_all_it_costs(books: Shop) -> None:
    post(books, "V1", 10)
    books.age(LEDGER)
    books.sync()
    books.watch.requests.clear()
    books.sync()
    assert books.asked_for("GL Entry") == 2


def test_a_ledger_whose_names_are_all_final_costs_one_request(books: Shop) -> None:
    post(books, "V1", 10)
    books.documents.name_ledger_rows(LEDGER)
    books.age(LEDGER)
    books.sync()
    books.watch.requests.clear()
    books.sync()
    assert books.asked_for("GL Entry") == 1

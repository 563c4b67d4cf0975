"""Paging is exact: under ties, and while the site goes on writing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from extract_world import ORDER, Shop, open_shop
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

STAMPS = ("2026-01-01 10:00:00", "2026-01-01 10:00:00.000001", "2026-01-02 00:00:00.500000")
TABLES = (ORDER, "Order Line", "Order Tax", "Deleted Document", "Comment")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop"), doctypes=[ORDER]) as shop:
        yield shop


def emptied(site: Shop, *, page_rows: int, batch_rows: int) -> Shop:
    """The shop without documents, and an empty lake."""
    shutil.rmtree(site.folder / "lake", ignore_errors=True)
    with site.site.store.writing() as connection:
        for table in TABLES:
            connection.execute(f'DELETE FROM "tab{table}"')
    return site.with_settings(doctypes=[ORDER], satellite={"page_rows": page_rows}, batch_rows=batch_rows)


def test_a_tie_larger_than_a_page_loses_no_document(site: Shop) -> None:
    shop = emptied(site, page_rows=3, batch_rows=5)
    for _ in range(11):
        shop.order()
    shop.documents.sql_update(ORDER, {"docstatus": 0}, {"modified": STAMPS[0]})
    assert shop.sync()[ORDER].documents == 11
    shop.assert_same(ORDER)
    shop.order()
    assert shop.sync()[ORDER].documents == 1


class Traffic:
    """What users do to orders, by number, whichever there are."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._count = 0

    def act(self, kind: str, number: int) -> Callable[[], object]:
        return lambda: getattr(self, kind)(number)

    def nothing(self, _: int) -> None:
        """Users are at lunch."""

    def create(self, number: int) -> None:
        self._shop.order(lines=number % 4)

    def edit(self, number: int) -> None:
        if name := self._one(number):
            self._shop.documents.save(ORDER, name, {"remarks": f"edit {number}", "lines": [{"item": f"{number}"}]})

    def clear(self, number: int) -> None:
        if name := self._one(number):
            self._shop.documents.save(ORDER, name, {"lines": [], "taxes": []})

    def delete(self, number: int) -> None:
        if name := self._one(number):
            self._shop.documents.delete(ORDER, name)

    def replace(self, number: int) -> None:
        """The last name of the series is deleted and given out again."""
        if names := self._names():
            self._shop.documents.delete(ORDER, names[-1])
            self._shop.order(lines=number % 3, remarks="another one")

    def rename(self, number: int) -> None:
        if name := self._one(number):
            self._count += 1
            self._shop.documents.rename(ORDER, name, f"renamed {self._count}")

    def vanish(self, number: int) -> None:
        if name := self._one(number):
            self._shop.documents.sql_delete(ORDER, {"name": name})
            for table in ("Order Line", "Order Tax"):
                self._shop.documents.sql_delete(table, {"parent": name})

    def whisper(self, number: int) -> None:
        if name := self._one(number):
            self._shop.documents.db_set(ORDER, name, {"remarks": f"silently {number}"})

    def _names(self) -> list[str]:
        rows = self._shop.site.store.connection().execute('SELECT name FROM "tabOrder" ORDER BY name')
        return [name for (name,) in rows]

    def _one(self, number: int) -> str | None:
        names = self._names()
        return names[number % len(names)] if names else None


VISIBLE = ("nothing", "create", "edit", "clear", "delete", "replace")
INVISIBLE = ("rename", "vanish", "whisper")


def traffic(*kinds: str) -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 8)), max_size=12)


def with_history(shop: Shop, stamps: list[int]) -> Traffic:
    """Some orders, many of them changed at the very same instant."""
    for number, stamp in enumerate(stamps):
        name = shop.order(lines=number % 3)
        shop.documents.db_set(ORDER, name, {"modified": STAMPS[stamp]})
    return Traffic(shop)


def disturb(shop: Shop, users: Traffic, acts: list[tuple[str, int]]) -> None:
    """Something happens before each of the next requests for orders or their rows."""
    for kind, number in acts:
        shop.watch.before("resource/Order", users.act(kind, number))


HISTORY = st.lists(st.integers(0, 2), max_size=8)


@settings(max_examples=15, deadline=None, phases=(Phase.generate,))
@given(history=HISTORY, page_rows=st.integers(1, 3), batch_rows=st.integers(1, 9), during=traffic(*VISIBLE))
def test_writes_between_any_two_requests_are_in_the_lake_after_the_next_run(
    site: Shop, history: list[int], page_rows: int, batch_rows: int, during: list[tuple[str, int]]
) -> None:
    shop = emptied(site, page_rows=page_rows, batch_rows=batch_rows)
    disturb(shop, with_history(shop, history), during)
    shop.sync()
    shop.watch.forget()
    shop.sync()
    shop.assert_same(ORDER)
    assert shop.sync()[ORDER].status == "unchanged"


@settings(max_examples=15, deadline=None, phases=(Phase.generate,))
@given(
    history=HISTORY,
    page_rows=st.integers(1, 3),
    before=traffic(*VISIBLE, *INVISIBLE),
    during=traffic(*VISIBLE, *INVISIBLE),
    killed_at=st.integers(0, 20),
)
def test_writes_that_move_no_modified_are_in_the_lake_after_a_full_walk(
    site: Shop,
    *,
    history: list[int],
    page_rows: int,
    before: list[tuple[str, int]],
    during: list[tuple[str, int]],
    killed_at: int,
) -> None:
    shop = emptied(site, page_rows=page_rows, batch_rows=3)
    users = with_history(shop, history)
    shop.sync()
    for kind, number in before:
        users.act(kind, number)()
    disturb(shop, users, during[:killed_at])
    shop.watch.before("resource/Order", shop.freeze)
    disturb(shop, users, during[killed_at:])
    shop.sync(depth="full")
    shop.thaw()
    shop.sync(depth="full")
    shop.watch.forget()
    shop.sync(depth="full")
    shop.assert_same(ORDER)

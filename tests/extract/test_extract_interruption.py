"""A run that ends in the middle, however, leaves a state that the next one goes on from."""

from __future__ import annotations

import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, Shop

from federation.demo.site.faults import Fault
from federation.extract.errors import SatelliteBusy
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions, extract
from federation.lake.manifest import Manifest, WalkKind


@pytest.fixture
def small(shop: Shop) -> Shop:
    """Nine customers c0…c8, read two at a time, a commit each; page by page they end with c1, c3, c5, c7, c8."""
    for number in range(9):
        shop.customer(f"c{number}")
    return shop.with_settings(satellite={"page_rows": 2}, batch_rows=2, doctypes=[CUSTOMER])


def walks(manifests: list[Manifest], kind: WalkKind) -> set[str]:
    return {package.walk for each in manifests for package in each.packages if package.walk.startswith(kind)}


def test_a_first_load_that_was_killed_goes_on_where_it_was_under_the_same_id(small: Shop) -> None:
    small.killed('["name",">","c5"]')
    committed = small.manifests()
    assert walks(committed, "changes")
    assert not any(manifest.completed for manifest in committed)
    assert small.names(CUSTOMER) == set()  # nothing counts before the walk is complete
    under_way = committed[-1].doctypes[CUSTOMER].open
    assert under_way is not None
    reached = under_way.position.name
    assert "c0" < str(reached) <= "c5"
    small.watch.requests.clear()
    small.sync()
    assert small.asked_for(f'filters=[["name",">","{reached}"]]&order_by=name') == 1
    assert not any(small.asked_for(f'filters=[["name",">","c{n}"]]') for n in range(int(str(reached)[1:])))
    assert walks(small.manifests(), "changes") == walks(committed, "changes")
    small.assert_same(CUSTOMER)
    assert small.stored_files() == small.named_files()


def test_what_a_killed_run_left_unnamed_is_removed_by_the_next(small: Shop) -> None:
    small = small.with_settings(satellite={"page_rows": 2}, batch_rows=5, doctypes=[CUSTOMER])
    small.killed('["name",">","c3"]')
    assert small.stored_files() > small.named_files()
    small.sync()
    assert small.stored_files() == small.named_files()
    small.assert_same(CUSTOMER)


def test_a_document_deleted_after_a_killed_first_load_had_read_it_is_not_kept(small: Shop) -> None:
    small.killed('["name",">","c5"]')
    small.documents.delete(CUSTOMER, "c0")
    small.sync()
    small.assert_same(CUSTOMER)


def test_a_document_that_moved_before_a_kill_is_read_again(shop: Shop) -> None:
    orders = [shop.order() for _ in range(6)]
    small = shop.with_settings(satellite={"page_rows": 2}, batch_rows=2, doctypes=[ORDER])
    moved = {"modified": "2020-01-01"}
    shop.watch.before("resource/Order Line", lambda: shop.documents.sql_update(ORDER, {"name": orders[0]}, moved))
    small.killed(f'["name",">","{orders[3]}"]')
    state = small.manifests()[-1].doctypes[ORDER].open
    assert state is not None
    assert state.position.pending == (orders[0],)
    small.sync()
    small.assert_same(ORDER)


def test_a_killed_pass_neither_holds_hourly_runs_back_nor_takes_them_back(small: Shop) -> None:
    small.age(CUSTOMER)
    small.sync()
    position = small.manifests()[-1].doctypes[CUSTOMER].position
    small.killed('["name",">","c5"]', depth="full")
    state = small.manifests()[-1].doctypes[CUSTOMER]
    assert state.passes["full"].after == "c3"
    assert state.open is None
    assert state.position == position
    small.customer("new")
    small.watch.requests.clear()
    assert small.sync()[CUSTOMER].documents == 1
    assert "new" in small.names(CUSTOMER)


def test_a_pass_goes_on_the_next_night_and_proves_what_is_gone(small: Shop) -> None:
    small = small.with_settings(
        satellite={"page_rows": 2}, doctypes=[CUSTOMER], reconcile={"reread_rows": 4, "compare_rows": 100}
    )
    small.age(CUSTOMER)
    small.sync()
    small.documents.sql_delete(CUSTOMER, {"name": "c0"})
    small.documents.sql_delete(CUSTOMER, {"name": "c8"})
    small.documents.db_set(CUSTOMER, "c7", {"email": "silently"})
    first = small.sync(depth="reconcile")[CUSTOMER]
    assert first.tombstones == 2, "the comparison of names covers all in one night"
    assert small.manifests()[-1].doctypes[CUSTOMER].passes["full"].after == "c4"
    assert small.value(CUSTOMER, "c7", "email") is None
    small.sync(depth="reconcile")
    assert small.value(CUSTOMER, "c7", "email") == "silently"
    small.assert_same(CUSTOMER)


def test_a_run_that_its_caller_gives_up_closes_and_the_next_goes_on(shop: Shop) -> None:
    for number in range(6):
        shop.customer(f"c{number}")
        shop.order()
    small = shop.with_settings(satellite={"page_rows": 2, "connections": 1}, batch_rows=2)
    run = extract(small.settings, small.satellite, RunOptions(), Unwatched())
    first = next(run)
    run.close()
    assert small.manifests()[-1].stage == "closing"
    assert small.stored_files() == small.named_files()
    assert set(small.sync()) == {CUSTOMER, ORDER, PUNCH}
    small.assert_same()
    assert first.status == "changed"


def test_ctrl_c_ends_the_walks_and_the_next_run_goes_on(shop: Shop) -> None:
    for number in range(6):
        shop.customer(f"c{number}")
        shop.order()
    small = shop.with_settings(satellite={"page_rows": 2, "connections": 1}, batch_rows=2)

    class Interrupting(Unwatched):
        rows = 0

        def read(self, doctype: str, rows: int) -> None:
            self.rows += rows
            if self.rows > 6:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(extract(small.settings, small.satellite, RunOptions(), Interrupting()))
    assert small.manifests()[-1].stage == "closing"
    assert small.stored_files() == small.named_files()
    small.sync()
    small.assert_same()


def test_a_second_run_of_the_satellite_declines_at_once_and_a_later_one_runs(shop: Shop) -> None:
    shop.customer("a")
    run = extract(shop.settings, shop.satellite, RunOptions(), Unwatched())
    next(run)
    with pytest.raises(SatelliteBusy, match="another sync"):
        shop.sync()
    assert len([each for each in shop.manifests() if each.stage == "opening"]) == 1
    run.close()
    shop.sync()
    shop.assert_same()


def test_what_was_committed_before_the_site_died_stands(shop: Shop, impatient: None) -> None:
    for number in range(9):
        shop.customer(f"c{number}")
    small = shop.with_settings(satellite={"page_rows": 2}, batch_rows=2, doctypes=[CUSTOMER])
    shop.watch.add(Fault('["name",">","c3"]', kind="html", times=None))
    with pytest.raises(Exception, match="isn't Frappe's JSON"):
        small.sync()
    assert small.manifests()[-1].stage == "closing"
    committed = sum(package.documents for each in small.manifests() for package in each.packages)
    assert committed >= 2
    shop.watch.clear()
    outcome = small.sync()[CUSTOMER]
    assert outcome.documents == 9 - committed
    small.assert_same(CUSTOMER)

"""What no honest site says: another site's data, counts that lie, rows that come twice or belong to nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, SHOP, Shop, open_shop

from federation.demo.site import lies
from federation.demo.site.faults import Fault
from federation.extract.errors import AnotherSite


@pytest.fixture
def known(shop: Shop) -> Shop:
    for number in range(6):
        shop.customer(f"c{number}", email="here")
        shop.order()
    shop.age()
    shop.sync()
    return shop


def test_another_sites_answers_are_refused_before_anything_is_read(known: Shop, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with open_shop(tmp_path / "other", *SHOP) as other:
        for number in range(6):
            other.customer(f"c{number}", email="there")
        known.watch.add(Fault(kind="impostor", instead=other.documents, times=None))
        with pytest.raises(AnotherSite, match="--allow-mass-delete"):
            known.sync()
        known.watch.clear()
        known.sync()
        assert known.value(CUSTOMER, "c1", "email") == "here"


def test_a_site_restored_from_yesterdays_backup_is_the_same_site(known: Shop) -> None:
    known.customer("since the backup")
    known.sync()
    known.documents.sql_delete(CUSTOMER, {"name": "since the backup"})
    known.sync(depth="full")
    known.assert_same()


def test_counts_that_say_there_is_nothing_delete_nothing_that_is_listed(known: Shop) -> None:
    known.watch.add(Fault("get_count", kind="lie", lie=lies.a_count_says(0), times=None))
    known.documents.sql_delete(CUSTOMER, {"name": "c0"})
    known.sync(depth="full")
    assert known.names(CUSTOMER) == {f"c{number}" for number in range(1, 6)}


def test_counts_that_say_everything_is_there_delete_nothing(known: Shop) -> None:
    known.watch.add(Fault("get_count", kind="lie", lie=lies.a_count_says(1_000), times=None))
    known.documents.sql_delete(CUSTOMER, {"name": "c0"})
    outcome = known.sync(depth="full")[CUSTOMER]
    assert (outcome.tombstones, outcome.hidden) == (0, ("c0",))


def test_rows_that_come_twice_in_a_page_are_one_document(shop: Shop) -> None:
    for number in range(4):
        shop.customer(f"c{number}")
    shop.age()
    shop.watch.add(Fault("/api/resource/Customer?", kind="lie", lie=lies.every_row_twice, times=1))
    shop.sync()
    shop.sync()
    assert sorted(row["name"] for row in shop.folded(CUSTOMER)[CUSTOMER].to_pylist()) == ["c0", "c1", "c2", "c3"]


def test_child_rows_without_a_parent_are_left_out_and_counted(shop: Shop) -> None:
    shop.order(lines=2)
    shop.watch.add(Fault("Order Line", kind="lie", lie=lies.a_column_says("parent", "nobody"), times=None))
    outcome = shop.sync()[ORDER]
    assert outcome.strays >= 2
    assert not shop.folded(ORDER).get("Order Line")


@pytest.mark.parametrize(
    "value", ["x" * 10_000_000, f"a{lies.NUL}b", lies.LONE_SURROGATE], ids=["10 MB", "NUL", "half a pair"]
)
def test_absurd_texts_are_kept_or_set_aside_and_stop_nothing(shop: Shop, value: str) -> None:
    shop.customer("Ada")
    shop.documents.insert(PUNCH, {"device": "door"})
    shop.watch.add(Fault("/api/resource/Customer?", kind="lie", lie=lies.a_column_says("email", value), times=None))
    outcomes = shop.sync()
    assert outcomes[PUNCH].documents == 1
    assert outcomes[CUSTOMER].documents + outcomes[CUSTOMER].quarantined == 1
    if outcomes[CUSTOMER].documents:
        assert shop.value(CUSTOMER, "Ada", "email") == value


def test_a_clock_that_jumps_ahead_and_back_while_a_walk_is_under_way_loses_nothing(known: Shop) -> None:
    def jump() -> None:
        known.clock.ahead = timedelta(days=2)
        known.customer("written in two days")
        known.clock.go_back()

    known.watch.before("/api/resource/Customer?", jump)
    known.sync()
    known.customer("written now")
    known.sync()
    known.sync(depth="reconcile")
    known.assert_same()


def test_deleting_everything_stops_the_doctype_and_says_what_was_seen(shop: Shop) -> None:
    for number in range(120):
        shop.customer(f"c{number:03}")
    for _ in range(4):
        shop.order()
    shop.age()
    shop.sync()
    for number in range(120):
        shop.documents.delete(CUSTOMER, f"c{number:03}")
    outcomes = shop.sync()
    assert outcomes[CUSTOMER].status == "failed"
    assert "120 of 120" in outcomes[CUSTOMER].error
    assert len(shop.names(CUSTOMER)) == 120
    shop.order()
    shop.customer("served meanwhile")
    outcomes = shop.sync()
    assert (outcomes[ORDER].documents, outcomes[CUSTOMER].status) == (1, "failed")
    assert len(shop.names(CUSTOMER)) == 121, "other changes don't wait for a decision"
    assert shop.sync(allow_mass_delete=True)[CUSTOMER].tombstones == 120
    shop.assert_same()

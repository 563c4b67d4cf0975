"""Expectations that halt: what doesn't meet them is on the lake, and nobody is shown it before somebody says so."""

from __future__ import annotations

import pytest
from expecting import TOTAL, expecting
from extract_world import CUSTOMER, ORDER, Shop

from federation.lake.log import CommitLog
from federation.lake.manifest import Hold
from federation.releasing import release

HALT = TOTAL.replace("reject", "halt")


def holds(shop: Shop) -> list[Hold | None]:
    return [package.hold for manifest in shop.manifests() for package in manifest.packages]


def test_a_batch_that_fails_is_committed_as_held_with_the_rule_and_the_count(shop: Shop) -> None:
    judged = expecting(shop, ORDER, HALT)
    shop.order(total=5)
    shop.order(total=-5)
    shop.customer("a")
    outcomes = judged.sync()
    assert (outcomes[ORDER].documents, outcomes[ORDER].quarantined) == (2, 0)
    [order] = [package for m in shop.manifests() for package in m.packages if package.doctype == ORDER]
    assert order.hold
    assert [(each.fieldname, each.reason, each.failing) for each in order.hold.breaches] == [
        ("total", "A total is never negative.", 1)
    ]
    assert shop.names(ORDER) == set()
    assert shop.names(CUSTOMER) == {"a"}


def test_what_came_before_stays_what_comes_later_waits_and_a_release_lets_both_in(shop: Shop) -> None:
    judged = expecting(shop, ORDER, HALT)
    first = shop.order(total=5)
    judged.sync()
    second = shop.order(total=-5)
    judged.sync()
    shop.documents.save(ORDER, second, {"total": 6})
    third = shop.order(total=7)
    outcome = judged.sync()[ORDER]
    assert outcome.documents >= 2
    assert shop.names(ORDER) == {first}
    assert release(judged.settings, judged.satellite, ORDER).packages == 1
    assert shop.names(ORDER) == {first, second, third}
    shop.assert_same(ORDER)
    assert release(judged.settings, judged.satellite, ORDER).packages == 0


def test_what_is_held_is_known_and_not_packaged_again(shop: Shop) -> None:
    judged = expecting(shop, ORDER, HALT)
    shop.order(total=-5)
    judged.sync()
    assert judged.sync()[ORDER].status == "unchanged"
    assert judged.sync(depth="full")[ORDER].status == "unchanged"
    assert len([hold for hold in holds(shop) if hold]) == 1


def test_a_walk_is_held_as_a_whole(shop: Shop) -> None:
    judged = expecting(shop, ORDER, HALT, batch_rows=1, satellite={"page_rows": 1})
    shop.order(total=5)
    shop.order(total=-5)
    shop.order(total=6)
    judged.sync()
    assert [bool(hold) for hold in holds(shop)] == [False, True, False]
    assert shop.names(ORDER) == set()
    release(judged.settings, judged.satellite, ORDER)
    shop.assert_same(ORDER)


def test_a_release_counts_for_what_was_there_and_not_for_what_comes(shop: Shop) -> None:
    judged = expecting(shop, ORDER, HALT)
    first = shop.order(total=-5)
    judged.sync()
    release(judged.settings, judged.satellite, ORDER)
    shop.order(total=-6)
    judged.sync()
    assert shop.names(ORDER) == {first}
    history = CommitLog(shop.lake).since(0)
    assert len(history.holding(ORDER)) == 1


def test_a_rule_over_rows_may_halt(shop: Shop) -> None:
    unique = "- {expect: expect_column_values_to_be_unique, field: email, severity: halt}"
    judged = expecting(shop, CUSTOMER, unique)
    shop.customer("a", email="x")
    shop.customer("b", email="x")
    judged.sync()
    assert shop.names(CUSTOMER) == set()


def test_enough_rows_that_meet_it_are_enough(shop: Shop) -> None:
    mostly = HALT.replace("severity", "mostly: 0.5, severity")
    for total in (1, 2, -1):
        shop.order(total=total)
    expecting(shop, ORDER, mostly).sync()
    shop.assert_same(ORDER)


def test_what_a_patch_brings_halts_too(shop: Shop) -> None:
    shop.customer("Acme")
    shop.age(CUSTOMER)
    shop.sync()
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "tier", "fieldtype": "Int"})
    shop.documents.sql_update(CUSTOMER, {"name": "Acme"}, {"tier": -1})
    judged = expecting(shop, CUSTOMER, HALT.replace("total", "tier"))
    judged.sync()
    judged.sync()
    assert [hold is not None for hold in holds(shop)][-1]


@pytest.mark.parametrize("depth", ["changes", "full"])
def test_killed_before_its_commit_nothing_is_held_and_the_next_run_holds_it(shop: Shop, depth: str) -> None:
    judged = expecting(shop, ORDER, HALT)
    shop.order(total=-5)
    shop.age(ORDER)
    judged.killed("resource/Order Line")
    assert not holds(shop)
    judged.sync(depth=depth)
    assert shop.names(ORDER) == set()

"""A rejected version that somebody gave up is out of quarantine for good, until its document changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from expecting import TOTAL, expecting
from extract_world import ORDER, Shop

from federation.giving_up import GivenUp, give_up
from federation.lake.current import compact
from federation.lake.log import CommitLog


def drop(shop: Shop, *names: str) -> GivenUp:
    now = datetime.now(UTC) + timedelta(days=1)
    return give_up(shop.settings, shop.satellite, ORDER, dict.fromkeys(names, now))


def compacted(shop: Shop) -> None:
    compact(shop.lake, CommitLog(shop.lake), shop.contract(ORDER))


@pytest.fixture
def rejected(shop: Shop) -> tuple[Shop, str, str]:
    """A shop with an order that was accepted once and a new one, both rejected."""
    judged = expecting(shop, ORDER, TOTAL)
    known = shop.order(total=5)
    judged.sync()
    shop.documents.save(ORDER, known, {"total": -5})
    new = shop.order(total=-1)
    assert judged.sync()[ORDER].quarantined == 2
    return judged, known, new


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_it_stays_out_however_often_it_is_read_and_compacted(
    rejected: tuple[Shop, str, str], early: bool, late: bool
) -> None:
    shop, known, new = rejected
    if early:
        compacted(shop)
    assert drop(shop, known, new, "nobody") == GivenUp((known, new, "nobody"), ())
    if late:
        compacted(shop)
    for depth in ("changes", "full", "reconcile", "full"):
        assert shop.sync(depth=depth)[ORDER].quarantined == 0
        assert shop.set_aside(ORDER) == set()
        if late:
            compacted(shop)
    assert (shop.names(ORDER), float(shop.value(ORDER, known, "total"))) == ({known}, 5)


@pytest.mark.parametrize("late", [True, False])
def test_it_comes_back_when_its_document_changes_and_is_rejected_again(
    rejected: tuple[Shop, str, str], late: bool
) -> None:
    shop, known, new = rejected
    drop(shop, known, new)
    if late:
        compacted(shop)
    shop.documents.save(ORDER, known, {"total": -6})
    assert shop.sync()[ORDER].quarantined == 1
    assert shop.set_aside(ORDER) == {known}
    shop.documents.save(ORDER, known, {"total": 6})
    shop.documents.save(ORDER, new, {"total": 6})
    assert shop.sync()[ORDER].quarantined == 0
    assert not shop.set_aside(ORDER)
    shop.assert_same(ORDER)


def test_a_version_that_came_after_the_one_that_is_meant_stays(rejected: tuple[Shop, str, str]) -> None:
    shop, known, _ = rejected
    meant = datetime.now(UTC)
    shop.documents.save(ORDER, known, {"total": -6})
    shop.sync()
    assert give_up(shop.settings, shop.satellite, ORDER, {known: meant}) == GivenUp((), (known,))
    assert known in shop.set_aside(ORDER)


def test_the_second_time_nothing_is_committed(rejected: tuple[Shop, str, str]) -> None:
    shop, known, new = rejected
    drop(shop, known, new)
    before = len(shop.manifests())
    assert drop(shop, known, new) == GivenUp((known, new), ())
    assert len(shop.manifests()) == before


def test_an_order_that_is_whole_again_as_it_was_accepted_is_known(rejected: tuple[Shop, str, str]) -> None:
    shop, known, new = rejected
    drop(shop, known)
    compacted(shop)
    shop.documents.save(ORDER, known, {"total": 5})
    shop.sync()
    shop.sync(depth="full")
    assert shop.set_aside(ORDER) == {new}
    assert float(shop.value(ORDER, known, "total")) == 5


@pytest.mark.parametrize("late", [True, False])
def test_other_rules_that_reject_it_too_do_not_bring_it_back(rejected: tuple[Shop, str, str], late: bool) -> None:
    shop, known, new = rejected
    drop(shop, known)
    if late:
        compacted(shop)
    judged = expecting(shop, ORDER, TOTAL.replace("A total is never negative.", "Nobody owes us less than nothing."))
    judged.sync(depth="full")
    assert judged.set_aside(ORDER) == {new}
    expecting(shop, ORDER, TOTAL.replace("min_value: 0", "min_value: -10"))
    judged.sync(depth="full")
    assert not judged.set_aside(ORDER)
    judged.assert_same(ORDER)

"""Rules that change: what was judged by others is judged again, at the price of the documents concerned."""

from __future__ import annotations

import pytest
from expecting import BETWEEN, TOTAL, expecting
from extract_world import CUSTOMER, ORDER, Shop, doctype, open_shop

from federation.extract.replay import ask_replay

LOOSE = TOTAL.replace("reject", "warn")
LINES = f"- {{expect: {BETWEEN}, field: qty, table: Order Line, max_value: 1, severity: reject}}"


def test_what_a_rule_of_yesterday_set_aside_comes_in_when_the_rule_goes(shop: Shop) -> None:
    order = shop.order(total=-5)
    shop.age(ORDER)
    assert expecting(shop, ORDER, TOTAL).sync()[ORDER].quarantined == 1
    loose = expecting(shop, ORDER, LOOSE)
    assert loose.sync()[ORDER].documents == 1
    assert (shop.names(ORDER), shop.set_aside(ORDER)) == ({order}, set())
    shop.assert_same(ORDER)


@pytest.mark.parametrize("rule", [TOTAL.replace("min_value: 0", "max_value: 100"), LINES])
def test_documents_accepted_before_are_held_against_a_new_rule(shop: Shop, rule: str) -> None:
    good = [shop.order(lines=1) for _ in range(20)]
    bad = shop.order(total=500, lines=9)
    shop.age(ORDER)
    shop.sync()
    judged = expecting(shop, ORDER, rule)
    shop.watch.requests.clear()
    outcome = judged.sync()[ORDER]
    assert (outcome.documents, outcome.quarantined, outcome.read) == (0, 1, 1)
    assert shop.set_aside(ORDER) == {bad}
    assert shop.names(ORDER) == {*good, bad}, "the version accepted before stays"
    assert judged.sync()[ORDER].status == "unchanged"


def test_a_document_that_is_well_by_now_is_taken_as_it_is_now(shop: Shop) -> None:
    order = shop.order(total=-5)
    shop.age(ORDER)
    shop.sync()
    shop.documents.sql_update(ORDER, {"name": order}, {"total": 5})
    outcome = expecting(shop, ORDER, TOTAL).sync()[ORDER]
    assert (outcome.documents, outcome.quarantined) == (1, 0)
    shop.assert_same(ORDER)


def test_a_document_that_is_gone_by_now_is_gone(shop: Shop) -> None:
    shop.order()
    order = shop.order(total=-5)
    shop.age(ORDER)
    expecting(shop, ORDER, TOTAL).sync()
    for table, owner in ((ORDER, "name"), ("Order Line", "parent"), ("Order Tax", "parent")):
        shop.documents.sql_delete(table, {owner: order})
    expecting(shop, ORDER, LOOSE).sync(allow_mass_delete=True)
    assert not shop.set_aside(ORDER)
    shop.assert_same(ORDER)


def test_rules_that_stay_cost_no_request(shop: Shop) -> None:
    shop.order(total=-5)
    shop.age(ORDER)
    judged = expecting(shop, ORDER, TOTAL)
    judged.sync()
    shop.watch.requests.clear()
    expecting(shop, ORDER, TOTAL.replace("A total is never negative.", "In other words.")).sync()
    assert shop.asked_for("/api/resource/Order") == 1


def test_killed_in_between_nothing_is_forgotten(shop: Shop) -> None:
    for number in range(4):
        shop.order(total=-number - 1)
    shop.age(ORDER)
    shop.sync()
    judged = expecting(shop, ORDER, TOTAL)
    judged.killed('"name","in"')
    back = expecting(shop, ORDER, LOOSE)
    back.sync()
    assert not shop.set_aside(ORDER)
    judged = expecting(shop, ORDER, TOTAL)
    judged.sync()
    assert len(shop.set_aside(ORDER)) == 4


def test_a_first_load_that_goes_on_under_another_rule_judges_what_it_had_by_it(shop: Shop) -> None:
    small = {"batch_rows": 2, "satellite": {"page_rows": 2}, "doctypes": [CUSTOMER]}
    for number in range(8):
        shop.customer(f"c{number}", limit=-1 if number == 0 else 1)
    shop.age(CUSTOMER)
    limit = TOTAL.replace("total", "limit")
    expecting(shop, CUSTOMER, limit.replace("reject", "warn"), **small).killed('"name",">","c5"')
    assert any(manifest.packages for manifest in shop.manifests())
    expecting(shop, CUSTOMER, limit, **small).sync()
    assert shop.set_aside(CUSTOMER) == {"c0"}


def test_a_single_is_judged_by_a_new_rule_too(tmp_path) -> None:
    single = doctype("Shop Settings", "limit: Int", issingle=1)
    with open_shop(tmp_path, single, doctypes=["Shop Settings"]) as shop:
        shop.site.store.set_single("Shop Settings", {"limit": -5})
        assert shop.sync()["Shop Settings"].documents == 1
        judged = expecting(shop, "Shop_Settings", TOTAL.replace("total", "limit"), doctypes=["Shop Settings"])
        assert judged.sync()["Shop Settings"].quarantined == 1
        shop.site.store.set_single("Shop Settings", {"limit": 5})
        assert judged.sync()["Shop Settings"].documents == 1
        assert not shop.set_aside("Shop Settings")


@pytest.mark.parametrize("named", [True, False])
def test_documents_set_aside_are_read_again_when_somebody_asks(shop: Shop, named: bool) -> None:
    judged = expecting(shop, ORDER, TOTAL)
    mended, bad = shop.order(total=-5), shop.order(total=-6)
    shop.age(ORDER)
    judged.sync()
    shop.documents.sql_update(ORDER, {"name": mended}, {"total": 5})
    assert judged.sync()[ORDER].status == "unchanged"
    asked = ask_replay(judged.settings, judged.satellite, ORDER, [mended, "nobody"] if named else None)
    assert asked == [mended] if named else [mended, bad]
    assert judged.sync()[ORDER].documents == 1
    assert (shop.names(ORDER), shop.set_aside(ORDER)) == ({mended}, {bad})


def test_nothing_is_committed_where_nothing_is_set_aside(shop: Shop) -> None:
    shop.order()
    judged = expecting(shop, ORDER, TOTAL)
    judged.sync()
    before = len(shop.manifests())
    assert ask_replay(judged.settings, judged.satellite, ORDER) == []
    assert len(shop.manifests()) == before

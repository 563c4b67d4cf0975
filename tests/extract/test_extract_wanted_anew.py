"""Documents that somebody wants anew are read by name, whatever `modified` says, and judged like any others."""

from __future__ import annotations

from pathlib import Path

from expecting import BETWEEN, TOTAL, expecting
from extract_world import CUSTOMER, ORDER, Shop, doctype, open_shop

ODD = ("O'Brien", 'a "b" [c], d', "Söhne / 1 %_", "\N{GRINNING FACE}", "x" * 140)
LIMIT = TOTAL.replace("total", "limit")


def silently(shop: Shop, name: str, limit: float) -> None:
    """Change a customer so that no list tells of it."""
    shop.documents.sql_update(CUSTOMER, {"name": name}, {"limit": limit})


def test_names_of_any_kind_are_found(shop: Shop) -> None:
    judged = expecting(shop, CUSTOMER, LIMIT)
    for name in (*ODD, "left alone"):
        shop.customer(name, limit=-1)
    shop.age(CUSTOMER)
    assert judged.sync()[CUSTOMER].quarantined == 6
    for name in (*ODD, "left alone"):
        silently(shop, name, 1)
    outcome = judged.sync(doctypes=(CUSTOMER,), replay={CUSTOMER: (*ODD, "nobody")})[CUSTOMER]
    assert (outcome.documents, outcome.quarantined) == (5, 0)
    assert (judged.names(CUSTOMER), judged.set_aside(CUSTOMER)) == ({*ODD}, {"left alone"})


def test_more_names_than_a_request_carries_come_too(shop: Shop) -> None:
    judged = expecting(shop, CUSTOMER, LIMIT, batch_rows=400)
    names = tuple(f"a customer with a long name, so that few go into a request {number}" for number in range(1_500))
    for name in names:
        shop.customer(name, limit=-1)
    shop.age(CUSTOMER)
    assert judged.sync()[CUSTOMER].quarantined == 1_500
    for name in names[::2]:
        silently(shop, name, 1)
    shop.documents.sql_delete(CUSTOMER, {"name": names[1]})
    outcome = judged.sync(replay={CUSTOMER: names})[CUSTOMER]
    assert (outcome.documents, outcome.tombstones, outcome.quarantined) == (750, 1, 0)
    assert judged.set_aside(CUSTOMER) == {*names[3::2]}
    assert not judged.manifests()[-1].doctypes[CUSTOMER].position.pending, "no state grows with them"


def test_a_run_that_is_killed_leaves_nothing_half_and_the_second_one_ends_it(shop: Shop) -> None:
    judged = expecting(shop, ORDER, TOTAL)
    names = tuple(shop.order(total=-1) for _ in range(3))
    shop.age(ORDER)
    judged.sync()
    for name in names:
        shop.documents.sql_update(ORDER, {"name": name}, {"total": 1})
    judged.killed("Order Line", replay={ORDER: names})
    assert judged.set_aside(ORDER) == {*names}
    judged.sync(replay={ORDER: names})
    assert not judged.set_aside(ORDER)
    judged.assert_same(ORDER)
    before = len([package for manifest in judged.manifests() for package in manifest.packages])
    judged.sync(replay={ORDER: names})
    assert len([package for manifest in judged.manifests() for package in manifest.packages]) == before


def test_a_single_is_read_anew_like_by_every_run(tmp_path: Path) -> None:
    house = doctype("House", "height: Float", issingle=1)
    with open_shop(tmp_path, house, doctypes=["House"]) as shop:
        rule = f"- {{expect: {BETWEEN}, field: height, min_value: 0, severity: reject}}"
        judged = expecting(shop, "House", rule, doctypes=["House"])
        shop.site.store.set_single("House", {"height": -1})
        assert judged.sync()["House"].quarantined == 1
        assert judged.sync(replay={"House": ("House",)})["House"].quarantined == 0
        assert judged.set_aside("House") == {"House"}
        shop.site.store.set_single("House", {"height": 3})
        assert judged.sync(replay={"House": ("House",)})["House"].documents == 1
        assert not judged.set_aside("House")

"""What an expectation holds back isn't merged, nothing overtakes it, and a release lets it in, also in a rebuild."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from mothership_sites import INVOICE, ORDER, Document, Site, ask, at, content, merge, naive
from places import Place
from rebuild_world import settings_at

from federation.merging import merge_satellite, publish
from federation.mothership.held import Held
from federation.mothership.plan import plan, settled
from federation.mothership.system_tables import HELD
from federation.verifying import verify_mothership

RULE = "expect_column_values_to_not_be_null"


def invoice(tick: int, name: str = "SINV-1") -> Document:
    return Document(name, tick, {"customer": f"c{tick}"})


def customers(place: Place) -> dict[object, object]:
    return {row["name"]: row["customer"] for row in ask(place, "SELECT name, customer FROM sales_invoice")}


def held(place: Place) -> list[Held]:
    from federation.mothership.held import held_in

    with place.writer() as mothership:
        return held_in(mothership)


def test_what_is_held_and_all_that_follows_wait_and_other_doctypes_go_on(place: Place, site: Site) -> None:
    site.commit(documents=[invoice(1)], through=1)
    merge(place, site)
    site.commit(documents=[invoice(2)], held=3, through=2)
    site.commit(documents=[invoice(3), invoice(3, "SINV-2")], gone={"SINV-9": 3}, through=3)
    site.commit(ORDER, [Document("SO-1", 4)], through=4)
    merge(place, site)
    assert customers(place) == {"SINV-1": "c1"}
    assert ask(place, "SELECT name FROM sales_order") == [{"name": "SO-1"}]
    fresh = ask(place, "SELECT doctype, as_of, waiting FROM federation_freshness ORDER BY doctype")
    assert fresh == [
        {"doctype": INVOICE, "as_of": naive(1), "waiting": 3},
        {"doctype": ORDER, "as_of": naive(4), "waiting": 0},
    ]
    assert held(place) == [
        Held("north", INVOICE, RULE, "customer", "Everybody has a name.", 3, documents=3, since=at(2))
    ]


def test_a_release_lets_all_of_it_in_in_order(place: Place, site: Site) -> None:
    site.commit(documents=[invoice(1)], held=1, through=1)
    site.commit(documents=[invoice(2)], through=2)
    merge(place, site)
    assert ask(place, "SELECT as_of, waiting FROM federation_freshness") == [{"as_of": None, "waiting": 2}]
    site.release()
    merge(place, site)
    assert customers(place) == {"SINV-1": "c2"}
    assert ask(place, "SELECT as_of, waiting FROM federation_freshness") == [{"as_of": naive(2), "waiting": 0}]
    assert held(place) == []


def test_a_release_doesnt_let_in_what_is_held_later(place: Place, site: Site) -> None:
    site.commit(documents=[invoice(1)], held=1, through=1)
    site.release()
    site.commit(documents=[invoice(2)], held=1, through=2)
    merge(place, site)
    assert customers(place) == {"SINV-1": "c1"}
    assert [each.since for each in held(place)] == [at(2)]


def test_made_anew_from_the_lake_it_is_the_same_held_or_released(place: Place, site: Site) -> None:
    site.commit(documents=[invoice(1)], through=1)
    site.commit(documents=[invoice(2)], held=1, through=2)
    for act in (lambda: None, site.release):
        act()
        merge(place, site)
        found, why = content(place), ask(place, f"SELECT * FROM {HELD.name}")
        with place.emptied():
            merge(place, site)
            assert (content(place), ask(place, f"SELECT * FROM {HELD.name}")) == (found, why)


def test_an_untouched_mothership_is_as_the_lake_says_although_something_is_held(tmp_path: Path, place: Place) -> None:
    settings = settings_at(tmp_path, place)
    north = Site(Path(settings.lakes()[0].url), "north")
    north.commit(documents=[invoice(1)], through=1)
    north.commit(documents=[invoice(2)], held=1, through=2)
    north.commit(ORDER, [Document("SO-1", 3)], held=1, through=3)
    for act in (lambda: None, north.release, lambda: north.release(ORDER)):
        act()
        merge_satellite(settings, "north")
        publish(settings, force=True)
        assert not verify_mothership(settings).findings


@pytest.mark.parametrize("mark", ["walk", ""])
def test_batches_of_a_walk_that_is_held_wait_together(place: Place, site: Site, mark: str) -> None:
    site.commit(documents=[invoice(1)], walk=mark, complete=not mark, through=1)
    site.commit(documents=[invoice(2, "SINV-2")], walk=mark, held=1, through=2)
    merge(place, site)
    assert ask(place, "SELECT count(*) AS n FROM federation_ledger") == [{"n": 0 if mark else 1}]


ACTS = st.lists(st.sampled_from(["commit", "hold", "other", "release", "merge"]), max_size=12)


@given(acts=ACTS)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_packages_are_planned_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    site = Site(tmp_path_factory.mktemp("lake"))
    merged: list[str] = []
    cursor = 0

    def take() -> None:
        nonlocal cursor
        history = site.log.since(cursor)
        for planned in plan(history, merged):
            merged.extend(one.package.id for one in planned.packages)
        reached = settled(history, merged)
        assert reached >= cursor
        cursor = reached

    committed: list[str] = []
    for tick, act in enumerate(acts, 1):
        if act == "merge":
            take()
        elif act == "release":
            site.release()
        else:
            doctype = ORDER if act == "other" else INVOICE
            package = site.commit(doctype, [Document(f"D-{tick}", tick)], held=int(act == "hold"), through=tick)
            assert package
            if doctype == INVOICE:
                committed.append(package.id)
    take()
    invoices = [one for one in merged if one in committed]
    assert invoices == committed[: len(invoices)], "none overtakes another"
    site.release()
    take()
    assert [one for one in merged if one in committed] == committed
    assert len(merged) == len(set(merged))

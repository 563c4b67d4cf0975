"""Order: whatever way the same observations come, the tables end as the site is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mothership_sites import INVOICE, ITEM, TAX, Document, Site, content, merge, naive
from places import Place

Children = dict[str, tuple[str, ...]]

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
"""Each example finds its place emptied."""


@dataclass(frozen=True)
class Seen:
    """What one read of a document found at a tick: its state, that it is absent, or that it doesn't fit."""

    name: str
    tick: int
    children: tuple[tuple[str, tuple[str, ...]], ...] | None
    fits: bool = True


@dataclass
class Life:
    """What a site went through, and what was seen of it."""

    seen: list[Seen]
    truth: dict[str, Seen]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A site lives: documents change, vanish, come back and are renamed; each is read after its last change."""
    alive: dict[str, Children] = {}
    seen: list[Seen] = []
    latest: dict[str, Seen] = {}
    names = st.sampled_from(["A", "B", "C"])
    rows = iter(f"row-{number}" for number in range(10_000))
    tick = 0

    def look(name: str) -> None:
        nonlocal tick
        tick += 1
        state = alive.get(name)
        found = None if state is None else tuple(sorted(state.items()))
        fits = found is None or draw(st.integers(0, 4)) > 0
        latest[name] = Seen(name, tick, found, fits)
        seen.append(latest[name])

    def fresh(table: str) -> tuple[str, ...]:
        return tuple(next(rows) for _ in range(draw(st.integers(0, 2), label=table)))

    unseen: set[str] = set()
    for _ in range(draw(st.integers(1, 12))):
        name = draw(names)
        action = draw(st.sampled_from(["save", "save", "delete", "rename", "look"]))
        if action == "save":
            kept = alive.get(name, {})
            alive[name] = {table: kept.get(table, ())[:1] + fresh(table) for table in (ITEM, TAX)}
            unseen.add(name)
        elif action == "delete":
            unseen.add(name)
            alive.pop(name, None)
        elif action == "rename" and name in alive:
            target = draw(names)
            if target not in alive:
                alive[target] = alive.pop(name)
                unseen |= {name, target}
        if action == "look" or draw(st.booleans()):
            look(name)
            unseen.discard(name)
    for name in draw(st.permutations(sorted(unseen))):
        look(name)
    return Life(seen, latest)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Life, list[list[Seen]], list[bool]]:
    """The same observations in any order, some of them more than once, in any packages; merged now or later."""
    life = draw(lives())
    again = draw(st.lists(st.sampled_from(life.seen), max_size=5)) if life.seen else []
    order = draw(st.permutations([*life.seen, *again]))
    packages: list[list[Seen]] = []
    while order:
        size = draw(st.integers(1, len(order)))
        packages.append(list(order[:size]))
        order = order[size:]
    return life, packages, draw(st.lists(st.booleans(), min_size=len(packages), max_size=len(packages)))


def document(seen: Seen) -> Document:
    children = {table: [{"name": row} for row in rows] for table, rows in seen.children or ()}
    return Document(seen.name, seen.tick, {"customer": f"seen at {seen.tick}"}, children)


def deliver(site: Site, package: Sequence[Seen]) -> None:
    there = [seen for seen in package if seen.children is not None and seen.fits]
    gone = {seen.name: max(s.tick for s in package if s.name == seen.name and s.children is None)
            for seen in package if seen.children is None}  # fmt: skip
    aside: dict[str, int] = {}
    for seen in package:
        if not seen.fits:
            aside[seen.name] = max(seen.tick, aside.get(seen.name, 0))
    site.commit(INVOICE, [document(seen) for seen in there], gone=gone, aside=aside)


def accepted(life: Life) -> Iterator[Seen]:
    """The last state or absence of each document that fits."""
    for name in sorted(life.truth):
        fitting = [seen for seen in life.seen if seen.name == name and seen.fits]
        if fitting:
            yield max(fitting, key=lambda seen: seen.tick)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(delivered=deliveries())
def test_any_order_split_duplication_and_replay_ends_in_the_same_tables(
    place: Place, delivered: tuple[Life, list[list[Seen]], list[bool]]
) -> None:
    life, packages, merged_at_once = delivered
    with tempfile.TemporaryDirectory() as folder, place.emptied(tables_stay=True):
        site = Site(Path(folder, "lake"))
        for package, at_once in zip(packages, merged_at_once, strict=True):
            deliver(site, package)
            if at_once:
                merge(place, site)
        (report,) = merge(place, site)
        assert report.failed == {}
        tables = content(place)
    last = list(accepted(life))
    there = [seen for seen in last if seen.children is not None]
    assert [(row["name"], row["customer"]) for row in tables.get("sales_invoice", [])] == [
        (seen.name, f"seen at {seen.tick}") for seen in there
    ]
    assert [(row["name"], row["observed"]) for row in tables["federation_tombstone"]] == [
        (seen.name, naive(seen.tick)) for seen in last if seen.children is None
    ]
    aside = {seen.name: naive(seen.tick) for seen in life.truth.values() if not seen.fits}
    assert {row["name"]: row["observed"] for row in tables["federation_quarantine"]} == aside
    for table, child in (("sales_item", ITEM), ("sales_tax", TAX)):
        rows = [str(row["name"]) for row in tables.get(table, [])]
        assert len(rows) == len(set(rows))
        if all(seen.fits for seen in life.seen):
            assert sorted(rows) == sorted(row for seen in there for row in dict(seen.children or ())[child])

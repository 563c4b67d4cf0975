"""Erasing documents whose names the policy hashes: named as the site does, gone in clear and under every hash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from erasure_world import KEY, SETTINGS, Erasures, Quiet, open_world

from federation.policy.apply import hash_cells
from federation.rebuilding import rebuild
from federation.verifying import verify_mothership
from tests.extract.extract_world import CUSTOMER

ANNA, BERT, MARRIED = "Anna Example 4711", "Bert Sample 4712", "Anna Married 4713"
FIRST_KEY, SECOND_KEY = "a key to hash with, long enough", "another key to hash with, as long"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Erasures]:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    monkeypatch.setenv("FEDERATION_HASH_KEY", FIRST_KEY)
    with open_world(tmp_path) as world:
        world.shop.customer(ANNA)
        world.shop.customer(BERT)
        world.shop.order(customer=ANNA)
        world.note("note", of=ANNA, guests=[{"guest": ANNA, "seat": 1}, {"guest": BERT, "seat": 2}])
        world.version(ANNA, '{"changed": [["email", "", "old.canary@example.test"]]}')
        world.shop.age()
        yield world


def hide_names(world: Erasures) -> None:
    rule = {"doctype": CUSTOMER, "field": "name", "action": "hash", "key": "env:FEDERATION_HASH_KEY"}
    world.shop = world.shop.with_settings(**SETTINGS, policy=[rule])


def hashed(name: str, key: str = FIRST_KEY) -> str:
    return str(hash_cells([name], key.encode())[0])


def links(world: Erasures) -> set[str]:
    """What the link to Anna is, in an order, a note and a child row."""
    asked = ('SELECT customer FROM "order"', 'SELECT "of" FROM note', "SELECT guest FROM note_guest WHERE seat = 1")
    return {str(name) for sql in asked for (name,) in world.query(sql)}


def test_named_as_the_site_does_it_goes_under_its_hash_and_links_to_it_still_join(world: Erasures) -> None:
    hide_names(world)
    world.sync()
    assert links(world) == {hashed(ANNA)}
    erased = world.erase(ANNA)
    told = links(world)
    assert len(told) == 1
    assert told < {hashed(pseudonym) for pseudonym in erased.receipt.pseudonyms[CUSTOMER]}
    assert world.query("SELECT name FROM customer") == [(hashed(BERT),)]
    for depth in ("changes", "full"):
        outcome = world.sync(depth=depth)
        assert sum(each.documents + each.patched for each in outcome.doctypes) == 0
        assert links(world) == told
        for trace in (ANNA, hashed(ANNA), "old.canary"):
            assert world.found(trace) == []
    assert verify_mothership(world.shop.settings).ok
    assert rebuild(world.shop.settings, Quiet()).ok
    assert links(world) == told


def test_erased_before_names_were_hashed_it_stays_away_when_they_are(world: Erasures) -> None:
    world.sync()
    world.erase(ANNA)
    hide_names(world)
    for depth in ("changes", "full"):
        world.sync(depth=depth)
        assert world.query("SELECT name FROM customer") == [(hashed(BERT),)]
        assert len(links(world)) == 1
        assert world.found(ANNA) == world.found(hashed(ANNA)) == []


def test_another_key_brings_nothing_back(world: Erasures, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_names(world)
    world.sync()
    world.erase(ANNA)
    monkeypatch.setenv("FEDERATION_HASH_KEY", SECOND_KEY)
    for depth in ("changes", "full"):
        world.sync(depth=depth)
        assert world.query("SELECT name FROM customer") == [(hashed(BERT, SECOND_KEY),)]
        assert len(links(world)) == 1
        assert world.found(hashed(ANNA, SECOND_KEY)) == []


def test_a_new_name_that_the_site_gives_it_is_kept_away_too(world: Erasures) -> None:
    hide_names(world)
    world.sync()
    world.erase(ANNA)
    world.shop.documents.rename(CUSTOMER, ANNA, MARRIED)
    for depth in ("changes", "full"):
        world.sync(depth=depth)
        assert world.query("SELECT name FROM customer") == [(hashed(BERT),)]
        for trace in (ANNA, MARRIED, hashed(ANNA), hashed(MARRIED)):
            assert world.found(trace) == []


def test_what_was_read_in_clear_before_names_were_hashed_goes_too(world: Erasures) -> None:
    world.sync()
    hide_names(world)
    world.sync()
    assert world.found(ANNA) != []
    world.erase(ANNA)
    assert world.found(ANNA) == world.found(hashed(ANNA)) == []

"""Names that are hashed: nothing written holds them, and every join over them holds, whatever the site does."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from extract_world import CUSTOMER, ORDER, READER, SHOP, Shop, doctype, open_shop
from policy_world import (
    assert_as_the_lake_says,
    everything_told,
    everything_written,
    mothership_of,
    rebuilt,
    rows,
    synced,
    values,
)

from federation.demo.site.faults import Fault
from federation.demo.site.permissions import SiteUser, add_user
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.merging import publish
from federation.policy.apply import hash_cells
from federation.sync import sync_satellite

CANARY = "CANARY"
NOTE, GROUP, MEMBER = "Note", "Group", "Member"
METAS = (
    doctype(
        CUSTOMER,
        "customer_name: Data",
        "phone: Data",
        "parent_customer: Link | Customer",
        "amended_from: Link | Customer",
        "visits: Table | Visit",
        autoname="Prompt",
    ),
    doctype("Visit", "place: Data", "with_whom: Link | Customer", istable=1),
    doctype(
        ORDER,
        "customer: Link | Customer",
        "remarks: Data",
        "lines: Table | Order Line",
        "members: Table MultiSelect | Member",
        autoname="ORD-.####",
    ),
    doctype("Order Line", "item: Data", "for_whom: Link | Customer", istable=1),
    doctype(MEMBER, "customer: Link | Customer", istable=1),
    doctype(NOTE, "about_type: Link | DocType", "about: Dynamic Link | about_type", "text: Data", autoname="N-.####"),
    next(meta for meta in SHOP if meta["name"] == "Punch"),
)
DOCTYPES = [CUSTOMER, ORDER, NOTE]


def rule(folder: Path, name: str = "hash", **more: Any) -> dict[str, Any]:
    return {"doctype": CUSTOMER, "field": "name", "action": "hash", "key": f"file:{folder}/{name}", **more}


@pytest.fixture(params=[13, 15])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, *METAS, version=request.param) as shop:
        yield shop


def hiding(shop: Shop, *more: dict[str, Any], key: str = "hash", place: object = None) -> Shop:
    """Names of customers are hashed, and what repeats them is dropped, as `check` advises."""
    policy = [rule(shop.folder, key), {"field": "customer_name", "action": "drop"}, *more]
    return in_clear(shop, *policy, place=place)


def in_clear(shop: Shop, *policy: dict[str, Any], place: object = None) -> Shop:
    mothership = place or mothership_of("duckdb", shop.folder, "")
    return shop.with_settings(policy=list(policy), doctypes=DOCTYPES, mothership=mothership)


def hashed(shop: Shop, *names: str, key: str = "hash") -> list[str]:
    return [str(each) for each in hash_cells(names, (shop.folder / key).read_bytes())]


def fill(shop: Shop) -> None:
    documents = shop.documents
    for number in range(6):
        name = f"{CANARY} {number} é"
        above = {"parent_customer": f"{CANARY} 0 é"} if number else {}
        documents.insert(
            CUSTOMER,
            {"name": name, "customer_name": name, **above, "visits": [{"place": "here", "with_whom": name}]},
        )
        documents.insert(
            ORDER,
            {
                "customer": name,
                "lines": [{"item": "tea", "for_whom": name}],
                "members": [{"customer": name}, {"customer": f"{CANARY} 0 é"}],
            },
        )
        documents.insert(NOTE, {"about_type": CUSTOMER, "about": name, "text": "said"})
    documents.insert(NOTE, {"about_type": ORDER, "about": "ORD-0001", "text": "said"})


def joined(shop: Shop) -> list[tuple[Any, ...]]:
    """Every way from a document to a customer, as the mothership has it: how many lead to one, and how many don't."""
    links = {
        "order": "customer", "order_line": "for_whom", "member": "customer", "visit": "with_whom",
        "customer": "parent_customer",
    }  # fmt: skip
    names = {row["name"] for row in rows(shop, "customer")}
    found = [
        (
            table,
            sum(row[field] in names for row in rows(shop, table)),
            sum(bool(row[field]) for row in rows(shop, table)),
        )
        for table, field in links.items()
    ]
    notes = [row["about"] in names for row in rows(shop, "note") if row["about_type"] == CUSTOMER]
    visits = [row["parent"] in names for row in rows(shop, "visit")]
    return [*found, ("note", sum(notes), len(notes)), ("visit.parent", sum(visits), len(visits))]


def assert_all_lead_somewhere(shop: Shop) -> None:
    for where, there, leading in joined(shop):
        assert there == leading > 0, (where, there, leading)


def assert_untold(shop: Shop, *texts: str, since: int = 0) -> None:
    """Nothing that was written holds a name, the site's own store and what stands before the tests apart."""
    ours = {"lake", "mothership", "var"}
    for folder in ours:
        for where, text in everything_written(shop.folder / folder):
            assert CANARY not in text, where
    assert CANARY not in everything_told(shop)
    for text in texts:
        assert CANARY not in text, text[max(0, text.index(CANARY) - 200) :][:400]


def test_names_stand_nowhere_in_clear_and_joins_hold(
    world: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    fill(world)
    shop = hiding(world)
    synced(shop)
    assert set(values(shop, "customer", "name")) == set(hashed(shop, *(f"{CANARY} {n} é" for n in range(6))))
    assert [row["about"] for row in rows(shop, "note") if row["about_type"] == ORDER] == ["ORD-0001"]
    assert_all_lead_somewhere(shop)
    documents = world.documents
    documents.rename(CUSTOMER, f"{CANARY} 1 é", f"{CANARY} renamed")
    for note in [row for row in rows(shop, "note") if row["about"] in hashed(shop, f"{CANARY} 2 é")]:
        documents.delete(NOTE, note["name"])
    documents.sql_update(CUSTOMER, {"name": f"{CANARY} 3 é"}, {"creation": "not a time"})
    documents.save(CUSTOMER, f"{CANARY} 3 é", {"phone": "1"})
    documents.save(CUSTOMER, f"{CANARY} 4 é", {"phone": "2"})
    synced(shop)
    assert hashed(shop, f"{CANARY} renamed")[0] in values(shop, "customer", "name")
    assert hashed(shop, f"{CANARY} 1 é")[0] not in values(shop, "customer", "name")
    [alias] = duck(shop, "SELECT old_name, new_name FROM federation_alias")
    assert list(alias) == hashed(shop, f"{CANARY} 1 é", f"{CANARY} renamed")
    assert {row["name"] for row in rows(shop, "federation_quarantine")} == set(hashed(shop, f"{CANARY} 3 é"))
    synced(shop, "reconcile")
    synced(shop, "full")
    assert_all_lead_somewhere(shop)
    assert_as_the_lake_says(shop)
    rebuilt(shop)
    assert_all_lead_somewhere(shop)
    printed = capfd.readouterr()
    assert_untold(shop, caplog.text, printed.out, printed.err)


def duck(shop: Shop, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(shop.settings.mothership_file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def break_off(shop: Shop) -> None:
    """A run that reads customers two at a time and fails at the third page of them."""
    small = shop.with_settings(**told_of(shop), satellite={"page_rows": 2}, batch_rows=2)
    small.watch.add(Fault(f'["name",">","{CANARY} 3 ', status=417, times=None))
    outcome = sync_satellite(small.settings, small.satellite, RunOptions(), Unwatched())
    assert [one.doctype for one in outcome.doctypes if one.status == "failed"] == [CUSTOMER]
    publish(small.settings, force=True)
    small.watch.clear()


def told_of(shop: Shop) -> dict[str, Any]:
    """What `hiding` said in the settings."""
    written = json.loads(shop.settings.model_dump_json(exclude_none=True, include={"policy", "doctypes"}))
    return {**written, "mothership": mothership_of("duckdb", shop.folder, "")}


def told_in(shop: Shop) -> list[dict[str, Any]]:
    """What rows tell: a column that nobody has any more may stand empty."""
    stand = [row for table in ("customer", "visit", "order", "order_line", "note") for row in rows(shop, table)]
    return [{column: value for column, value in row.items() if value is not None} for row in stand]


def names_of(shop: Shop, *numbers: int, key: str = "hash") -> set[str]:
    return set(hashed(shop, *(f"{CANARY} {number} é" for number in numbers), key=key))


def test_deleted_documents_go_whether_the_site_tells_of_it_or_not(world: Shop) -> None:
    fill(world)
    shop = hiding(world)
    synced(shop)
    world.documents.delete(CUSTOMER, f"{CANARY} 1 é")
    synced(shop)
    assert set(values(shop, "customer", "name")) == names_of(shop, 0, 2, 3, 4, 5)
    world.documents.sql_delete(CUSTOMER, {"name": f"{CANARY} 2 é"})
    synced(shop, "full")
    assert set(values(shop, "customer", "name")) == names_of(shop, 0, 3, 4, 5)
    assert {row["name"] for row in rows(shop, "federation_tombstone")} == names_of(shop, 1, 2)
    assert_untold(shop)


def test_names_that_were_read_in_clear_are_gone_with_the_next_run(world: Shop) -> None:
    fill(world)
    synced(in_clear(world))
    assert f"{CANARY} 1 é" in values(in_clear(world), "customer", "name")
    shop = hiding(world)
    synced(shop)
    assert CANARY not in everything_told(shop)
    assert set(values(shop, "customer", "name")) == names_of(shop, *range(6))
    assert_all_lead_somewhere(shop)
    assert_as_the_lake_says(shop)
    for where, text in everything_written(shop.folder / "mothership"):
        assert CANARY not in text, where
    [newest] = sorted((shop.folder / "lake" / "shop" / "log" / "rest").iterdir())[-1:]
    assert CANARY not in newest.read_text()
    assert not duck(shop, "SELECT * FROM federation_tombstone")
    synced(shop, "full")
    assert_all_lead_somewhere(shop)
    for where, text in everything_written(shop.folder / "lake" / "shop" / "current"):
        assert CANARY not in text, where
    live = told_in(shop)
    rebuilt(shop)
    assert told_in(shop) == live


def test_another_key_takes_the_place_of_the_old_one_at_once(world: Shop) -> None:
    fill(world)
    (world.folder / "other").write_text("another key to hash with, as long")
    shop, rotated = hiding(world), hiding(world, key="other")
    synced(shop)
    synced(rotated)
    assert set(values(rotated, "customer", "name")) == names_of(rotated, *range(6), key="other")
    assert_all_lead_somewhere(rotated)
    told = everything_told(rotated)
    assert not [name for name in names_of(shop, *range(6)) if name in told]
    assert_as_the_lake_says(rotated)
    world.documents.rename(CUSTOMER, f"{CANARY} 1 é", f"{CANARY} renamed")
    synced(rotated, "full")
    assert_all_lead_somewhere(rotated)
    assert_as_the_lake_says(rotated)
    assert_untold(rotated)


def test_a_key_whose_first_load_is_not_complete_leaves_the_documents_under_the_old_one(world: Shop) -> None:
    fill(world)
    (world.folder / "other").write_text("another key to hash with, as long")
    shop, rotated = hiding(world), hiding(world, key="other")
    synced(shop)
    break_off(rotated)
    assert set(values(rotated, "customer", "name")) == names_of(shop, *range(6))
    synced(rotated)
    assert set(values(rotated, "customer", "name")) == names_of(rotated, *range(6), key="other")
    assert_all_lead_somewhere(rotated)
    assert_as_the_lake_says(rotated)


def test_names_may_be_shown_again(world: Shop) -> None:
    fill(world)
    synced(hiding(world))
    shop = in_clear(world)
    synced(shop)
    assert set(values(shop, "customer", "name")) == {f"{CANARY} {number} é" for number in range(6)}
    assert_all_lead_somewhere(shop)
    assert_as_the_lake_says(shop)


def test_a_first_load_that_was_broken_off_goes_on(world: Shop) -> None:
    fill(world)
    shop = hiding(world)
    break_off(shop)
    small = shop.with_settings(**told_of(shop), satellite={"page_rows": 2}, batch_rows=2)
    small.watch.requests.clear()
    synced(small)
    assert set(values(small, "customer", "name")) == names_of(shop, *range(6))
    whole = [request for request in small.watch.requests if '"phone"' in request and "order_by=name" in request]
    assert [request for request in whole if f'["name",">","{CANARY} 3 ' in request]
    assert not [request for request in whole if f'["name",">","{CANARY} 1 ' in request]
    assert_all_lead_somewhere(small)
    assert_untold(small)


def test_documents_that_are_hidden_from_the_user_are_not_taken_for_deleted(world: Shop) -> None:
    fill(world)
    shop = hiding(world)
    synced(shop)
    shown = SiteUser(READER, reads=("*",), only={CUSTOMER: [f"{CANARY} 0 é", f"{CANARY} 1 é"]})
    add_user(world.site.store, shown, api_key="the-api-key", api_secret="the-api-secret")
    world.documents.sql_delete(CUSTOMER, {"name": f"{CANARY} 2 é"})
    synced(shop, "full")
    assert set(values(shop, "customer", "name")) == names_of(shop, *range(6))


def test_names_in_a_database_are_hashed_rotated_and_rebuilt(tmp_path: Path, mariadb_url: str) -> None:
    with open_shop(tmp_path, *METAS) as world:
        fill(world)
        (tmp_path / "other").write_text("another key to hash with, as long")
        place = mothership_of("mariadb", tmp_path, mariadb_url)
        synced(in_clear(world, place=place))
        shop, rotated = hiding(world, place=place), hiding(world, key="other", place=place)
        for step, key in ((shop, "hash"), (rotated, "other")):
            synced(step)
            assert CANARY not in everything_told(step)
            assert set(values(step, "customer", "name")) == names_of(step, *range(6), key=key)
            assert_all_lead_somewhere(step)
            assert_as_the_lake_says(step)
        live = told_in(rotated)
        rebuilt(rotated)
        assert told_in(rotated) == live

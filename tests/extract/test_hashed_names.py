"""Names that are hashed: nothing written holds them, and every join over them holds, whatever the site does."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from extract_world import CUSTOMER, ORDER, SHOP, Shop, doctype, open_shop
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

from federation.policy.apply import hash_cells

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

"""What stays on a satellite's lake, and what of it goes on to the mothership, also after the rules have changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from extract_world import CUSTOMER, ORDER, Shop
from policy_world import (
    assert_as_the_lake_says,
    content,
    everything_told,
    everything_written,
    mothership_of,
    rebuilt,
    rows,
    synced,
    values,
)

PHONE, EMAIL = "CANARY +44 20 7946 0958", "CANARY@lovelace.test"
HERE = {"field": "phone", "action": "drop", "at": "mothership"}
TABLES = ("customer", "federation_quarantine", "federation_tombstone")


@pytest.fixture(params=["duckdb", "mariadb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    url = request.getfixturevalue("mariadb_url") if request.param == "mariadb" else ""
    return mothership_of(request.param, tmp_path, url)


@pytest.fixture
def merged(shop: Shop, place: object) -> Shop:
    """Two customers, one of them misfit, in a mothership."""
    return shop.with_settings(mothership=place)


def under(shop: Shop, place: object, *policy: dict[str, Any]) -> Shop:
    return shop.with_settings(mothership=place, policy=list(policy))


def fill(shop: Shop) -> None:
    for name in ("Ada", "Eve", "Odd"):
        shop.customer(name, phone=PHONE, email=EMAIL)
    shop.documents.sql_update(CUSTOMER, {"name": "Odd"}, {"creation": "not a time"})
    shop.age(CUSTOMER)


def told(shop: Shop) -> list[dict[str, Any]]:
    """What rows tell: a column that nobody has any more may stand empty."""
    stand = [row for table in TABLES for row in rows(shop, table)]
    return [{column: value for column, value in row.items() if value is not None} for row in stand]


def test_a_field_that_stays_on_the_lake_is_read_and_goes_no_further(shop: Shop, place: object, tmp_path: Path) -> None:
    fill(shop)
    held = under(shop, place, HERE)
    synced(held)
    assert set(held.folded(CUSTOMER)[CUSTOMER].column("phone").to_pylist()) == {PHONE}
    assert [row["email"] for row in rows(held, "customer")] == [EMAIL, EMAIL]
    assert values(held, "customer", "phone") == [None, None]
    [aside] = rows(held, "federation_quarantine")
    assert aside["name"] == "Odd"
    assert EMAIL in aside["document"]
    synced(held, "full")
    assert_as_the_lake_says(held)
    rebuilt(held)
    assert PHONE not in everything_told(held)
    for where, text in everything_written(tmp_path / "mothership"):
        assert PHONE not in text, where


def test_values_go_with_the_merge_that_first_sees_the_rule_and_come_back_from_the_lake(
    shop: Shop, place: object, tmp_path: Path
) -> None:
    fill(shop)
    free, held = under(shop, place), under(shop, place, HERE)
    synced(free)
    before = content(free, *TABLES)
    synced(held)
    assert PHONE not in everything_told(held)
    assert_as_the_lake_says(held)
    shop.watch.requests.clear()
    synced(free)
    assert content(free, *TABLES) == before
    assert_as_the_lake_says(free)


def test_rows_of_a_child_table_stay_on_the_lake(shop: Shop, place: object) -> None:
    shop.order()
    held = under(shop, place, {"doctype": ORDER, "field": "taxes", "action": "drop", "at": "mothership"})
    synced(held)
    assert held.folded(ORDER)["Order Tax"].num_rows == 1
    assert len(rows(held, "order_line")) == 2
    assert rows(held, "order_tax") == []
    assert_as_the_lake_says(held)
    free = under(shop, place)
    synced(free)
    assert len(rows(free, "order_tax")) == 1
    assert_as_the_lake_says(free)


@pytest.mark.parametrize(
    "rule",
    [
        {"field": "phone", "action": "drop"},
        {"field": "phone", "action": "mask", "show": "last 4"},
        {"field": "phone", "action": "hash", "key": "file:{folder}/hash"},
    ],
    ids=lambda rule: rule["action"],
)
def test_a_tightened_rule_leaves_nothing_in_the_mothership(
    shop: Shop, place: object, tmp_path: Path, rule: dict[str, str]
) -> None:
    fill(shop)
    free = under(shop, place)
    synced(free)
    strict = under(shop, place, {key: text.format(folder=tmp_path) for key, text in rule.items()})
    synced(strict)
    assert PHONE not in everything_told(strict)
    assert_as_the_lake_says(strict)
    for where, text in everything_written(tmp_path / "mothership"):
        assert PHONE not in text, where
    live = told(strict)
    rebuilt(strict)
    assert told(strict) == live
    for where, text in everything_written(tmp_path / "mothership"):
        assert PHONE not in text, where


def test_a_rule_for_the_mothership_alone_reaches_rows_while_the_site_is_down(shop: Shop, place: object) -> None:
    from federation.merging import merge_satellite, publish

    fill(shop)
    synced(under(shop, place))
    held = under(shop, place, HERE)
    merge_satellite(held.settings, "shop")
    publish(held.settings, force=True)
    assert PHONE not in everything_told(held)


def test_a_field_that_comes_later_is_no_reason_to_merge_anew(shop: Shop, place: object) -> None:
    fill(shop)
    held = under(shop, place, {"field": "new_*", "action": "drop", "at": "mothership"})
    synced(held)
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "new_mail", "fieldtype": "Data"})
    shop.documents.sql_update(CUSTOMER, {"name": "Ada"}, {"new_mail": EMAIL})
    [customers] = [merge for merge in synced(held).merged.merged if merge.doctype == CUSTOMER]
    assert customers.inserted == 0
    assert "new_mail" not in rows(held, "customer")[0]
    assert_as_the_lake_says(held)

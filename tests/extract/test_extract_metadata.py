"""What a site says of its DocTypes is read when it changes, and followed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from extract_world import CUSTOMER, ORDER, PUNCH, READER, Shop

from federation.demo.site.permissions import SiteUser, add_user


def without_lists(shop: Shop) -> None:
    user = SiteUser(READER, reads=(CUSTOMER, ORDER, PUNCH))
    add_user(shop.site.store, user, api_key="the-api-key", api_secret="the-api-secret")


def test_a_new_custom_field_is_in_the_next_run(shop: Shop) -> None:
    shop.customer("old")
    shop.sync()
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "loyal", "fieldtype": "Check"})
    shop.watch.requests.clear()
    shop.customer("new", loyal=1)
    shop.sync()
    assert shop.asked_for("getdoctype?doctype=Customer") == 1
    assert shop.asked_for("getdoctype") == 1
    assert shop.value(CUSTOMER, "new", "loyal") == 1
    assert shop.value(CUSTOMER, "old", "loyal") == 0
    shop.assert_same(CUSTOMER)


def test_a_new_field_of_a_child_table_is_too(shop: Shop) -> None:
    shop.order()
    shop.sync()
    shop.site.store.add_custom_field("Order Line", {"fieldname": "colour", "fieldtype": "Data"})
    shop.documents.insert(ORDER, {"lines": [{"item": "paint", "colour": "red"}]})
    shop.sync()
    rows = shop.folded(ORDER)["Order Line"].to_pylist()
    assert {row["colour"] for row in rows} == {None, "red"}


def test_a_new_child_table_is_too(shop: Shop) -> None:
    shop.customer("Ada")
    shop.sync()
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "wishes", "fieldtype": "Table", "options": "Order Line"})
    shop.documents.save(CUSTOMER, "Ada", {"wishes": [{"item": "a wish"}]})
    shop.sync()
    shop.assert_same(CUSTOMER)


def test_a_field_that_the_site_removes_isnt_asked_for_any_more_and_keeps_its_column(shop: Shop) -> None:
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "loyal", "fieldtype": "Check"})
    shop.customer("old", loyal=1)
    shop.sync()
    shop.documents.delete("Custom Field", f"{CUSTOMER}-loyal")
    shop.customer("new")
    shop.watch.requests.clear()
    shop.sync()
    assert shop.asked_for('"loyal"') == 0
    assert shop.value(CUSTOMER, "old", "loyal") == 1


def test_where_the_lists_are_forbidden_a_doctype_is_asked_for_its_fields_once_a_day(shop: Shop, monkeypatch) -> None:
    without_lists(shop)
    shop.customer("Ada")
    assert shop.sync()[CUSTOMER].status == "changed"
    assert shop.asked_for("getdoctype") == 3
    shop.watch.requests.clear()
    shop.sync()
    assert shop.asked_for("getdoctype") == 0

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=1, seconds=1)

    monkeypatch.setattr("federation.extract.clock.datetime", Tomorrow)
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "loyal", "fieldtype": "Check"})
    shop.customer("Eve", loyal=1)
    shop.sync()
    assert shop.asked_for("getdoctype") == 3
    assert shop.value(CUSTOMER, "Eve", "loyal") == 1


def test_patterns_and_modules_are_resolved_by_the_sites_own_list(shop: Shop) -> None:
    assert set(shop.with_settings(doctypes=["Cus*mer"]).sync()) == {CUSTOMER}
    assert set(shop.with_settings(doctypes=[], modules=["Shop"]).sync()) == {CUSTOMER, ORDER, PUNCH}


def test_where_the_lists_are_forbidden_patterns_name_what_was_resolved_before(shop: Shop) -> None:
    pattern = shop.with_settings(doctypes=["*"], modules=[])
    pattern.with_settings(doctypes=["Cus*mer"]).sync()
    without_lists(shop)
    assert set(pattern.sync()) == {CUSTOMER}


def test_a_field_that_the_user_may_not_read_costs_a_column_and_keeps_the_others(shop: Shop) -> None:
    shop.site.store.set_property(CUSTOMER, "limit", "permlevel", 1)
    shop.customer("Ada", email="ada@lovelace.test", limit=3)
    outcome = shop.sync()[CUSTOMER]
    assert outcome.refused == ("limit",)
    row = shop.folded(CUSTOMER)[CUSTOMER].to_pylist()[0]
    assert row["email"] == "ada@lovelace.test"
    assert "limit" not in row


def test_a_field_of_a_child_table_that_the_user_may_not_read_is_told_with_its_doctype(shop: Shop) -> None:
    shop.site.store.set_property("Order Line", "qty", "permlevel", 1)
    shop.order()
    assert shop.sync()[ORDER].refused == ("Order Line.qty",)


def test_the_schema_on_the_lake_is_named_by_the_manifest_and_written_when_it_changes(shop: Shop) -> None:
    shop.sync()
    shop.sync()
    assert len(shop.lake.files("schema")) == 1
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "loyal", "fieldtype": "Check"})
    shop.sync()
    files = shop.lake.files("schema")
    shop.sync()
    assert shop.lake.files("schema") == files
    content = json.loads(shop.lake.read(f"schema/{shop.manifests()[-1].schema}.json"))
    assert "loyal" in content["doctypes"][CUSTOMER]["fields"]

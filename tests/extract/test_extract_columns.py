"""Columns that come, go and come back: each costs that column only, and older rows get theirs by a patch."""

from __future__ import annotations

import pytest
from extract_world import CUSTOMER, ORDER, READER, Shop

from federation.demo.site.faults import Fault
from federation.demo.site.permissions import SiteUser, add_user

REFUSED = "Field not permitted in query: email"


def read_levels(shop: Shop, *levels: int) -> None:
    user = SiteUser(READER, reads=("*",), levels=levels)
    add_user(shop.site.store, user, api_key="the-api-key", api_secret="the-api-secret")


def add_field(shop: Shop, table: str, fieldname: str, **field: object) -> None:
    shop.site.store.add_custom_field(table, {"fieldname": fieldname, "fieldtype": "Data", **field})


@pytest.fixture
def old(shop: Shop) -> Shop:
    for name in ("Acme", "Bolt", "Core"):
        shop.customer(name, email=f"{name}@example.com")
        shop.order(customer=name)
    shop.age()
    shop.sync()
    return shop


def test_a_new_field_is_brought_to_documents_that_didnt_change_as_a_patch(old: Shop) -> None:
    add_field(old, CUSTOMER, "tier", default="bronze")
    old.documents.db_set(CUSTOMER, "Acme", {"tier": "gold"})
    outcome = old.sync()[CUSTOMER]
    assert (outcome.documents, outcome.patched) == (0, 3)
    assert old.value(CUSTOMER, "Acme", "tier") == "gold"
    old.assert_same(CUSTOMER)
    assert old.sync()[CUSTOMER].status == "unchanged"


def test_a_patch_asks_for_the_new_column_and_the_keys_alone(old: Shop) -> None:
    add_field(old, CUSTOMER, "tier")
    old.watch.requests.clear()
    old.sync()
    assert old.asked_for('fields=["tier","name","modified"]') == 1


def test_a_new_field_of_a_child_table_is_patched_in_its_rows(old: Shop) -> None:
    add_field(old, "Order Line", "colour")
    old.documents.sql_update("Order Line", {"idx": 1}, {"colour": "red"})
    outcome = old.sync()[ORDER]
    assert (outcome.documents, outcome.patched) == (0, 6)
    old.assert_same(ORDER)


def test_a_document_that_changes_while_its_patch_is_read_is_not_mixed(old: Shop) -> None:
    add_field(old, CUSTOMER, "tier")
    change = {"tier": "gold", "email": "changed"}
    old.watch.before('fields=["tier","name","modified"]', lambda: old.documents.save(CUSTOMER, "Acme", change))
    old.sync()
    assert (old.value(CUSTOMER, "Acme", "tier"), old.value(CUSTOMER, "Acme", "email")) == (None, "Acme@example.com")
    old.sync()
    old.assert_same(CUSTOMER)


def test_a_field_that_appears_during_a_first_load_is_whole_in_the_end(shop: Shop) -> None:
    small = shop.with_settings(satellite={"page_rows": 2}, batch_rows=2, doctypes=[CUSTOMER])
    for number in range(8):
        shop.customer(f"c{number}")
    shop.age(CUSTOMER)
    small.killed('["name",">","c3"]')
    add_field(shop, CUSTOMER, "tier", default="bronze")
    small.sync()
    small.sync(depth="reconcile")
    small.assert_same(CUSTOMER)


def test_a_removed_field_keeps_its_column_and_its_values(old: Shop) -> None:
    add_field(old, CUSTOMER, "tier")
    old.documents.db_set(CUSTOMER, "Acme", {"tier": "gold"})
    old.sync()
    old.documents.delete("Custom Field", f"{CUSTOMER}-tier")
    old.documents.save(CUSTOMER, "Acme", {"email": "later"})
    old.sync()
    assert (old.value(CUSTOMER, "Acme", "tier"), old.value(CUSTOMER, "Acme", "email")) == ("gold", "later")
    [tier] = [column for column in old.contract(CUSTOMER).parent.columns if column.name == "tier"]
    assert tier.satellites == ()


def test_a_field_above_the_users_level_costs_that_column_and_comes_back_by_itself(old: Shop) -> None:
    add_field(old, CUSTOMER, "secret", permlevel=1)
    old.documents.db_set(CUSTOMER, "Acme", {"secret": "s1"})
    read_levels(old, 0)
    old.documents.save(CUSTOMER, "Bolt", {"email": "new", "secret": "s2"})
    outcome = old.sync()[CUSTOMER]
    assert outcome.refused == ("secret",)
    assert old.value(CUSTOMER, "Bolt", "email") == "new"
    assert old.manifests()[-1].doctypes[CUSTOMER].uncovered == ("secret",)
    read_levels(old, 0, 1)
    assert old.sync(depth="reconcile")[CUSTOMER].status == "changed"
    assert (old.value(CUSTOMER, "Acme", "secret"), old.value(CUSTOMER, "Bolt", "secret")) == ("s1", "s2")
    assert old.manifests()[-1].doctypes[CUSTOMER].uncovered == ()
    old.assert_same(CUSTOMER)


def test_a_column_that_the_database_lost_costs_that_column(old: Shop) -> None:
    old.site.store.drop_column(CUSTOMER, "phone")
    old.documents.save(CUSTOMER, "Acme", {"email": "later"})
    outcome = old.sync()[CUSTOMER]
    assert (outcome.documents, outcome.refused) == (1, ("phone",))
    assert old.value(CUSTOMER, "Acme", "email") == "later"


def test_a_cell_of_a_patch_that_doesnt_fit_sets_its_document_aside_and_patches_the_others(old: Shop) -> None:
    add_field(old, CUSTOMER, "since", fieldtype="Date")
    old.documents.db_set(CUSTOMER, "Acme", {"since": "not a date"})
    old.documents.db_set(CUSTOMER, "Bolt", {"since": "2026-02-28"})
    outcome = old.sync()[CUSTOMER]
    assert (outcome.patched, outcome.pending) == (2, 1)
    assert old.sync()[CUSTOMER].quarantined == 1
    assert str(old.value(CUSTOMER, "Bolt", "since")) == "2026-02-28"
    assert old.names(CUSTOMER) == {"Acme", "Bolt", "Core"}, "the accepted state of Acme stays"


def test_a_patch_that_fails_is_tried_again_the_next_night(old: Shop) -> None:
    add_field(old, CUSTOMER, "tier", default="bronze")
    old.watch.add(Fault('fields=["tier","name","modified"]', status=417, times=None))
    assert old.sync()[CUSTOMER].status == "failed"
    old.watch.clear()
    old.sync(depth="reconcile")
    old.assert_same(CUSTOMER)

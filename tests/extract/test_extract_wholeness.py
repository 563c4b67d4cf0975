"""Documents are whole although the site changes while it is read."""

from __future__ import annotations

from extract_world import CUSTOMER, ORDER, Shop


def before_children(shop: Shop, act) -> None:
    shop.watch.before("resource/Order Line", act)


def test_a_document_that_changes_while_its_rows_are_read_is_read_again_in_the_same_run(shop: Shop) -> None:
    busy = shop.order()
    before_children(shop, lambda: shop.documents.save(ORDER, busy, {"lines": [{"item": "new"}]}))
    outcome = shop.sync(doctypes=(ORDER,))[ORDER]
    assert (outcome.documents, outcome.pending) == (1, 0)
    shop.assert_same(ORDER)


def test_a_document_that_changes_each_time_it_is_read_stays_pending_and_is_never_shown_in_part(shop: Shop) -> None:
    calm, busy = shop.order(), shop.order(lines=3)

    def change() -> None:
        shop.documents.save(ORDER, busy, {"remarks": "again"})
        before_children(shop, change)

    before_children(shop, change)
    outcome = shop.sync(doctypes=(ORDER,))[ORDER]
    assert (outcome.documents, outcome.pending) == (1, 1)
    assert shop.names(ORDER) == {calm}
    assert shop.manifests()[-1].doctypes[ORDER].position.pending == (busy,)
    assert {row["parent"] for row in shop.folded(ORDER)["Order Line"].to_pylist()} == {calm}
    shop.watch.forget()
    shop.sync()
    shop.assert_same(ORDER)
    assert shop.manifests()[-1].doctypes[ORDER].position.pending == ()


def test_a_document_that_vanishes_between_its_rows_and_the_second_look_is_not_packaged(shop: Shop) -> None:
    calm, gone = shop.order(), shop.order()
    before_children(shop, lambda: shop.documents.delete(ORDER, gone))
    outcome = shop.sync(doctypes=(ORDER,))[ORDER]
    assert (outcome.documents, outcome.tombstones, outcome.pending) == (1, 1, 0)
    assert shop.names(ORDER) == {calm}


def test_a_document_without_child_tables_costs_no_second_look(shop: Shop) -> None:
    shop.customer("a")
    shop.age(CUSTOMER)
    shop.sync(doctypes=(CUSTOMER,))
    assert shop.asked_for("/api/resource/Customer") == 3, "by name, what has changed since, and what moved meanwhile"


def test_rows_of_a_child_table_that_two_doctypes_share_stay_with_their_own_documents(shop: Shop) -> None:
    name = shop.order()
    shop.customer(name)
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "wishes", "fieldtype": "Table", "options": "Order Line"})
    shop.documents.save(CUSTOMER, name, {"wishes": [{"item": "a wish"}]})
    shop.sync()
    assert [row["item"] for row in shop.folded(CUSTOMER)["Order Line"].to_pylist()] == ["a wish"]
    assert len(shop.folded(ORDER)["Order Line"]) == 2

"""What is gone from a site: signals, proof, full walks, and what only seems to be gone."""

from __future__ import annotations

import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, READER, Shop

from federation.demo.site.faults import Fault
from federation.demo.site.permissions import SiteUser, add_user


def read_as(shop: Shop, **grants: object) -> None:
    """The site gives our user other permissions from now on."""
    user = SiteUser(READER, **{"reads": ("*",), **grants})
    add_user(shop.site.store, user, api_key="the-api-key", api_secret="the-api-secret")


def test_a_deleted_document_becomes_a_tombstone_and_its_child_rows_go_with_it(shop: Shop) -> None:
    kept, gone = shop.order(), shop.order()
    shop.sync()
    shop.documents.delete(ORDER, gone)
    outcome = shop.sync()[ORDER]
    assert (outcome.documents, outcome.tombstones) == (0, 1)
    shop.assert_same()
    assert shop.names(ORDER) == {kept}


def test_a_deletion_is_settled_once(shop: Shop) -> None:
    gone = shop.order()
    shop.sync()
    shop.documents.delete(ORDER, gone)
    shop.sync()
    assert shop.sync()[ORDER].status == "unchanged"


def test_a_name_used_again_after_a_delete_is_the_new_document(shop: Shop) -> None:
    name = shop.customer("Acme", email="old")
    shop.sync()
    shop.documents.delete(CUSTOMER, name)
    shop.customer("Acme", email="new")
    outcome = shop.sync()[CUSTOMER]
    assert outcome.tombstones == 0
    assert shop.value(CUSTOMER, "Acme", "email") == "new"
    shop.assert_same(CUSTOMER)


def test_a_name_used_again_in_another_spelling_doesnt_keep_the_old_one_alive(shop: Shop) -> None:
    shop.customer("Acme")
    shop.sync()
    shop.documents.delete(CUSTOMER, "Acme")
    shop.customer("ÁCME")
    shop.sync()
    assert shop.names(CUSTOMER) == {"ÁCME"}


def test_deletions_of_a_first_load_that_was_killed_are_known_to_the_next_run(shop: Shop) -> None:
    small = shop.with_settings(satellite={"page_rows": 2}, batch_rows=2, doctypes=[CUSTOMER])
    names = [shop.customer(f"c{number}") for number in range(6)]
    shop.watch.add(Fault("/api/resource/Customer", status=403, after=2))
    assert small.sync()[CUSTOMER].status == "failed"
    assert any(manifest.packages for manifest in small.manifests())
    shop.documents.delete(CUSTOMER, names[0])
    assert small.sync()[CUSTOMER].tombstones == 1
    small.assert_same(CUSTOMER)


def test_a_deletion_in_a_doctype_that_fails_is_settled_once_it_can_be_read(shop: Shop) -> None:
    gone, other = shop.customer("gone"), shop.order()
    shop.sync()
    shop.documents.delete(CUSTOMER, gone)
    shop.documents.delete(ORDER, other)
    shop.watch.add(Fault("/api/resource/Customer", status=403))
    first = shop.sync()
    assert (first[CUSTOMER].status, first[ORDER].tombstones) == ("failed", 1)
    second = shop.sync()
    assert (second[CUSTOMER].tombstones, second[ORDER].status) == (1, "unchanged")
    shop.assert_same()


def test_a_deletion_in_a_doctype_that_wasnt_asked_for_is_settled_by_the_next_run_of_all(shop: Shop) -> None:
    gone = shop.customer("gone")
    shop.sync()
    shop.documents.delete(CUSTOMER, gone)
    shop.sync(doctypes=(ORDER,))
    assert shop.sync()[CUSTOMER].tombstones == 1


def test_without_the_list_of_deletions_a_full_walk_finds_them(shop: Shop) -> None:
    gone = shop.customer("gone")
    shop.customer("kept")
    shop.sync()
    read_as(shop, reads=(CUSTOMER, ORDER, PUNCH))
    shop.documents.delete(CUSTOMER, gone)
    assert shop.sync()[CUSTOMER].status == "unchanged"
    assert shop.sync(depth="full")[CUSTOMER].tombstones == 1
    assert shop.names(CUSTOMER) == {"kept"}


def test_a_full_walk_finds_renames_deletes_by_sql_and_silent_changes(shop: Shop) -> None:
    orders = [shop.order() for _ in range(4)]
    for name in ("Acme", "Bolt", "Core"):
        shop.customer(name)
    shop.age()
    shop.sync()
    site = shop.documents
    site.rename(CUSTOMER, "Acme", "Zenith")
    site.rename(ORDER, orders[0], "ORD-renamed")
    site.sql_delete(ORDER, {"name": orders[1]})
    site.sql_delete("Order Line", {"parent": orders[1]})
    site.sql_delete("Order Tax", {"parent": orders[1]})
    site.sql_delete("Order Line", {"parent": orders[2]})
    site.db_set(ORDER, orders[3], {"remarks": "said silently"})
    hourly = shop.sync()
    assert (hourly[CUSTOMER].tombstones, hourly[ORDER].tombstones) == (1, 1), "renames are told of by Comments"
    nightly = shop.sync(depth="full")
    assert (nightly[CUSTOMER].status, nightly[ORDER].documents, nightly[ORDER].tombstones) == ("unchanged", 2, 1)
    shop.assert_same()
    assert {each.status for each in shop.sync().values()} == {"unchanged"}


def test_a_full_walk_reads_on_from_a_compacted_lake(shop: Shop) -> None:
    from federation.lake.current import compact
    from federation.lake.log import CommitLog

    shop.customer("kept")
    shop.customer("gone")
    shop.sync()
    compact(shop.lake, CommitLog(shop.lake), shop.contract(CUSTOMER))
    shop.documents.sql_delete(CUSTOMER, {"name": "gone"})
    assert shop.sync(depth="full")[CUSTOMER].tombstones == 1
    assert shop.names(CUSTOMER) == {"kept"}


def test_documents_that_the_user_may_not_see_any_more_are_hidden_and_no_tombstones(shop: Shop) -> None:
    for name in ("Acme", "Bolt", "Core"):
        shop.customer(name)
    shop.sync()
    read_as(shop, only={CUSTOMER: ["Acme"]})
    shop.documents.delete(CUSTOMER, "Core")
    outcome = shop.sync(depth="full")[CUSTOMER]
    assert (outcome.tombstones, outcome.hidden) == (1, ("Bolt",))
    assert shop.names(CUSTOMER) == {"Acme", "Bolt"}


def test_hiding_everything_deletes_nothing_and_stops_nothing(shop: Shop) -> None:
    names = {shop.customer(f"c{number:03}") for number in range(60)}
    shop.sync()
    read_as(shop, only={CUSTOMER: ["nobody"]})
    outcome = shop.sync(depth="full")[CUSTOMER]
    assert (outcome.tombstones, set(outcome.hidden)) == (0, names)
    assert shop.names(CUSTOMER) == names


@pytest.fixture
def emptied(shop: Shop) -> Shop:
    """70 customers are on the lake, 55 of them vanished from the site; orders tell that it is the same site."""
    for _ in range(5):
        shop.order()
    for number in range(70):
        shop.customer(f"c{number:03}")
    shop.sync()
    for number in range(55):
        shop.documents.sql_delete(CUSTOMER, {"name": f"c{number:03}"})
    return shop


def test_a_mass_deletion_stops_its_doctype_and_nothing_else(emptied: Shop) -> None:
    emptied.order()
    small = emptied.with_settings(satellite={"page_rows": 10}, batch_rows=10)
    for _ in range(3):
        outcomes = small.sync(depth="full")
        assert outcomes[CUSTOMER].status == "failed"
        assert "55 of 70" in outcomes[CUSTOMER].error or "51 of 70" in outcomes[CUSTOMER].error
        assert "--allow-mass-delete" in outcomes[CUSTOMER].error
        assert outcomes[ORDER].status != "failed"
    assert len(emptied.names(CUSTOMER)) == 70


def test_an_hourly_run_goes_on_while_a_mass_deletion_waits_for_a_decision(emptied: Shop) -> None:
    emptied.sync(depth="full")
    emptied.customer("new")
    assert emptied.sync()[CUSTOMER].status == "changed"
    assert len(emptied.names(CUSTOMER)) == 71


def test_a_mass_deletion_happens_when_it_is_allowed(emptied: Shop) -> None:
    emptied.sync(depth="full")
    assert emptied.sync(depth="full", allow_mass_delete=True)[CUSTOMER].tombstones == 55
    emptied.assert_same(CUSTOMER)


def test_documents_that_come_back_before_a_mass_deletion_is_allowed_are_never_gone(emptied: Shop) -> None:
    emptied.sync(depth="full")
    for number in range(55):
        emptied.customer(f"c{number:03}")
    assert emptied.sync(depth="full")[CUSTOMER].status == "changed"
    emptied.assert_same(CUSTOMER)

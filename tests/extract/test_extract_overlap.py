"""Late commits: what is committed behind a walk is found by the next one [h_late_commit/01-04]."""

from __future__ import annotations

from datetime import timedelta

from extract_world import CUSTOMER, ORDER, Shop, doctype, open_shop

from federation.extract.site_time import wire_time


def stamp(shop: Shop, **ago: float) -> str:
    return wire_time(shop.documents.now() - timedelta(**ago))


def commit_late(shop: Shop, name: str, **ago: float) -> None:
    """A document appears that was stamped a while ago."""
    shop.customer(name)
    when = stamp(shop, **ago)
    shop.documents.sql_update(CUSTOMER, {"name": name}, {"modified": when, "creation": when})


def test_a_row_committed_behind_the_last_walk_is_found_by_the_next(shop: Shop) -> None:
    shop.customer("in time")
    shop.sync()
    commit_late(shop, "late", minutes=5)
    outcome = shop.sync()[CUSTOMER]
    assert outcome.documents == 1
    shop.assert_same(CUSTOMER)


def test_an_old_document_saved_in_a_long_transaction_is_found_too(shop: Shop) -> None:
    name = shop.order()
    shop.sync()
    shop.documents.save(ORDER, name, {"remarks": "late", "lines": [{"item": "one"}]})
    when = stamp(shop, minutes=9)
    for table, owner in ((ORDER, "name"), ("Order Line", "parent"), ("Order Tax", "parent")):
        shop.documents.sql_update(table, {owner: name}, {"modified": when})
    shop.sync()
    shop.assert_same(ORDER)


def test_what_the_overlap_reads_again_and_finds_as_it_was_makes_no_package(shop: Shop) -> None:
    for number in range(5):
        shop.customer(f"c{number}")
        shop.order()
    shop.sync()
    shop.customer("new")
    outcomes = shop.sync()
    assert outcomes[CUSTOMER].documents == 1
    assert outcomes[ORDER].status == "unchanged"
    assert outcomes[ORDER].unchanged == 5
    assert outcomes[ORDER].packages == ()


def test_a_child_row_changed_silently_within_the_overlap_is_noticed(shop: Shop) -> None:
    name = shop.order()
    shop.sync()
    shop.documents.sql_update("Order Line", {"parent": name, "idx": 1}, {"qty": 7.5})
    assert shop.sync()[ORDER].documents == 1
    shop.assert_same(ORDER)


def test_the_overlap_is_a_setting(shop: Shop) -> None:
    brief = shop.with_settings(overlap_seconds=60)
    shop.customer("in time")
    brief.sync()
    commit_late(shop, "later than that", minutes=5)
    assert brief.sync()[CUSTOMER].status == "unchanged"


def test_an_idle_doctype_costs_one_request_whatever_the_overlap(shop: Shop) -> None:
    shop.customer("old")
    shop.age(CUSTOMER)
    shop.sync()
    shop.watch.requests.clear()
    shop.sync()
    assert shop.asked_for("/api/resource/Customer") == 1


def test_rows_committed_late_behind_a_walk_that_was_killed_are_found(shop: Shop) -> None:
    small = shop.with_settings(satellite={"page_rows": 2}, batch_rows=2, doctypes=[CUSTOMER])
    shop.customer("first")
    small.sync()
    for number in range(8):
        shop.customer(f"c{number}")
    names = sorted(f"c{number}" for number in range(8))
    small.killed(f'["name",">","{names[4]}"]')
    assert small.manifests()[-1].doctypes[CUSTOMER].open is not None
    commit_late(shop, "behind", minutes=4)
    small.sync()
    shop.assert_same(CUSTOMER)


def test_a_site_clock_that_was_set_back_hides_nothing(shop: Shop) -> None:
    shop.clock.ahead = timedelta(hours=2)
    shop.customer("written ahead of time")
    shop.sync()
    shop.clock.go_back()
    shop.customer("written now")
    outcome = shop.sync()[CUSTOMER]
    assert outcome.documents == 1
    shop.assert_same(CUSTOMER)


def test_a_site_that_moves_to_a_zone_further_west_hides_nothing(shop: Shop) -> None:
    shop.customer("in Kolkata")
    shop.sync()
    shop.customer("in Kolkata, just before")
    shop.site.store.set_single("System Settings", {"time_zone": "America/New_York"})
    shop.customer("in New York")
    shop.sync()
    assert shop.names(CUSTOMER) == {"in Kolkata", "in Kolkata, just before", "in New York"}
    assert shop.manifests()[-1].site.zone == "America/New_York"


def test_notices_of_deletions_that_are_committed_late_are_read(shop: Shop) -> None:
    shop.customer("gone")
    shop.customer("kept")
    shop.sync()
    shop.documents.delete(CUSTOMER, "gone")
    shop.documents.sql_update("Deleted Document", {"deleted_name": "gone"}, {"modified": stamp(shop, minutes=5)})
    assert shop.sync()[CUSTOMER].tombstones == 1
    assert shop.sync()[CUSTOMER].status == "unchanged", "the notice comes again and says nothing new"


def test_a_first_load_by_name_and_the_changes_behind_it_leave_no_gap(tmp_path) -> None:
    """A document that changes behind the load's cursor comes with the changes; no document comes twice."""
    with open_shop(tmp_path, doctype(CUSTOMER, "email: Data", autoname="Prompt"), doctypes=[CUSTOMER]) as shop:
        small = shop.with_settings(satellite={"page_rows": 2}, doctypes=[CUSTOMER])
        for number in range(6):
            shop.customer(f"c{number}")
            shop.documents.sql_update(CUSTOMER, {"name": f"c{number}"}, {"modified": stamp(shop, days=2)})
        after_c3 = '[["name",">","c3"]]'

        def change() -> None:
            shop.documents.save(CUSTOMER, "c1", {"email": "changed behind"})
            shop.customer("a0 born behind")
            shop.customer("z9 born ahead")

        shop.watch.before(after_c3, change)
        outcome = small.sync()[CUSTOMER]
        assert shop.watch.requests, "the site was asked"
        assert outcome.documents == 9
        assert outcome.through is not None
        shop.assert_same(CUSTOMER)

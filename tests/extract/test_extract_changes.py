"""What an hourly run does: the first load, what changed, nothing, and how little it asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from extract_world import CUSTOMER, ORDER, PUNCH, Shop

from federation.lake.manifest import Position


def fill(shop: Shop) -> None:
    for number in range(7):
        shop.customer(f"Müller & «Sons» {number} 🐝", limit=123456789.12 + number, email=None if number else "")
        shop.order(lines=number)
    for _ in range(3):
        shop.documents.insert(PUNCH, {"device": "door"})


def test_a_first_load_brings_every_document_with_its_child_rows(shop: Shop) -> None:
    fill(shop)
    outcomes = shop.sync()
    assert {name: (each.status, each.documents) for name, each in outcomes.items()} == {
        CUSTOMER: ("changed", 7), ORDER: ("changed", 7), PUNCH: ("changed", 3),
    }  # fmt: skip
    shop.assert_same()
    assert shop.stored_files() == shop.named_files()


def test_pages_smaller_than_everything_and_a_commit_every_few_rows_bring_the_same(shop: Shop) -> None:
    fill(shop)
    small = shop.with_settings(satellite={"page_rows": 2}, batch_rows=3)
    outcomes = small.sync()
    assert len(outcomes[ORDER].packages) > 2
    small.assert_same()
    assert len({package.walk for package in outcomes[ORDER].packages}) == 1


def test_a_later_run_brings_what_was_edited_submitted_cancelled_amended_and_created(shop: Shop) -> None:
    fill(shop)
    edited, submitted, cancelled, amended = (shop.order() for _ in range(4))
    shop.sync()
    site = shop.documents
    site.save(ORDER, edited, {"remarks": "later", "lines": [{"item": "only one", "qty": 0.1}]})
    for name in (submitted, cancelled, amended):
        site.submit(ORDER, name)
    for name in (cancelled, amended):
        site.cancel(ORDER, name)
    site.amend(ORDER, amended)
    shop.customer("new")
    outcomes = shop.sync()
    assert (outcomes[ORDER].documents, outcomes[CUSTOMER].documents) == (5, 1)
    assert outcomes[PUNCH].status == "unchanged"
    shop.assert_same()


def test_a_run_without_changes_asks_once_a_doctype_and_for_the_lists_of_the_site(shop: Shop) -> None:
    fill(shop)
    shop.age()
    shop.sync()
    shop.watch.requests.clear()
    outcomes = shop.sync()
    assert {each.status for each in outcomes.values()} == {"unchanged"}
    lists = ("DocType", "Custom Field", "Property Setter", "Deleted Document", "Comment", "ToDo")
    for name in (ORDER, PUNCH, *lists):
        assert shop.asked_for(f"/api/resource/{name}?") == 1
    assert shop.asked_for(f"/api/resource/{CUSTOMER}?") == 2  # the site is recognised by its oldest customers
    assert shop.asked_for("getdoctype") == 0
    assert len(shop.watch.requests) == 3 + 7 + 1 + 3  # about the site; its lists; who it is; DocTypes


def test_a_run_without_changes_writes_no_package_and_says_as_of_when_it_is_complete(shop: Shop) -> None:
    fill(shop)
    shop.sync()
    before = datetime.now(UTC)
    shop.sync()
    last = shop.manifests()[-1]
    assert (last.stage, last.packages) == ("closing", ())
    assert {walk.doctype for walk in last.completed} == {CUSTOMER, ORDER, PUNCH}
    assert all((state.through or before) >= before for state in last.doctypes.values())


def test_a_position_is_the_last_document_in_the_sites_own_words(shop: Shop) -> None:
    shop.customer("a")
    last = shop.customer("b")
    shop.sync()
    modified = shop.documents.get(CUSTOMER, last)["modified"]
    assert shop.manifests()[-1].doctypes[CUSTOMER].position == Position(modified, last)


def test_what_changes_after_the_bound_waits_for_the_next_run(shop: Shop) -> None:
    shop.sync()
    shop.customer("early")
    shop.clock.ahead = timedelta(minutes=5)
    shop.customer("late")
    shop.sync()
    assert shop.names(CUSTOMER) == {"early"}


def test_only_the_doctypes_asked_for_are_read(shop: Shop) -> None:
    fill(shop)
    assert set(shop.sync(doctypes=(PUNCH,))) == {PUNCH}
    assert shop.asked_for("/api/resource/Customer") == 0


def test_names_that_the_site_counts_are_followed_like_others(shop: Shop) -> None:
    names = [shop.documents.insert(PUNCH, {"device": "door"})["name"] for _ in range(12)]
    shop.sync()
    shop.documents.save(PUNCH, names[3], {"device": "gate"})
    shop.documents.delete(PUNCH, names[5])
    shop.documents.sql_delete(PUNCH, {"name": names[7]})
    outcome = shop.sync(depth="full")[PUNCH]
    assert outcome.tombstones == 2
    shop.assert_same(PUNCH)


def test_observed_only_moves_forward_when_the_machines_clock_steps_back(shop: Shop, monkeypatch) -> None:
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(days=1)

    name = shop.customer("a", email="old")
    first = shop.sync()[CUSTOMER].packages[0].observed_to
    monkeypatch.setattr("federation.extract.clock.datetime", Yesterday)
    shop.documents.save(CUSTOMER, name, {"email": "new"})
    second = shop.sync()[CUSTOMER].packages[0].observed_from
    assert second > first
    assert shop.value(CUSTOMER, name, "email") == "new"
    third = shop.sync()
    assert third[CUSTOMER].status == "unchanged"


def test_every_row_is_observed_before_it_was_asked_for(shop: Shop) -> None:
    before = datetime.now(UTC)
    shop.order()
    shop.sync()
    rows = shop.folded(ORDER)
    observed = {row["observed"].replace(tzinfo=UTC) for table in rows.values() for row in table.to_pylist()}
    assert len(observed) == 1
    assert before < observed.pop() < datetime.now(UTC)

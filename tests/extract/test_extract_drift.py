"""What a site changes about its DocTypes is followed, ignored, or held back until it is accepted."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, READER, SHOP, Shop

from federation.accepting import accept_changes
from federation.demo.site.permissions import SiteUser, add_user
from federation.drift.changes import Change
from federation.drift.following import release
from federation.drift.steps import steps as steps_of
from federation.extract.errors import SatelliteBusy
from federation.extract.lock import only_run
from federation.lake.log import CommitLog
from federation.lake.run import LakeRun


def froze(shop: Shop, *changes: str, **selectors: str) -> Shop:
    rules = [{"change": change, "reaction": "freeze", **selectors} for change in changes or ("*",)]
    return shop.with_settings(drift=rules)


def drift(shop: Shop, doctype: str = CUSTOMER, **options: Any) -> tuple[list[str], list[str]]:
    """(kind and field of what was followed, of what is held back) by one run."""
    seen = shop.sync(**options)[doctype].drift
    return tuple([f"{one.kind} {one.fieldname}" for one in told] for told in (seen.followed, seen.held_back))  # type: ignore[return-value]


def accept(shop: Shop, doctype: str = CUSTOMER) -> list[str]:
    return [f"{one.kind} {one.fieldname}" for one in accept_changes(shop.settings, shop.satellite, doctype)]


def add_loyal(shop: Shop) -> None:
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "loyal", "fieldtype": "Check"})


def columns(shop: Shop, table: str = CUSTOMER) -> set[str]:
    contract = shop.contract(CUSTOMER)
    return set(contract.parent.by_name if table == CUSTOMER else contract.children[table].by_name)


def test_the_first_sight_of_a_doctype_is_no_drift_nor_is_a_second_of_the_same(shop: Shop) -> None:
    shop.customer("Ada")
    assert drift(shop) == ([], [])
    assert drift(shop, depth="full") == ([], [])


def test_a_change_is_told_by_the_run_that_saw_it_and_by_no_other(shop: Shop) -> None:
    shop.sync()
    add_loyal(shop)
    shop.site.store.set_property(CUSTOMER, "limit", "label", "Credit")
    assert drift(shop) == (["label limit", "field_added loyal"], [])
    assert drift(shop) == ([], [])


def test_a_change_that_a_failing_run_saw_is_told_by_the_next_that_ends(shop: Shop, impatient: None) -> None:
    shop.customer("Ada")
    shop.sync()
    add_loyal(shop)
    shop.customer("Bo")
    shop.killed('fields=["loyal","name","modified"]')
    assert "loyal" in columns(shop)
    shop.site.store.set_property(CUSTOMER, "limit", "label", "Credit")
    assert drift(shop, doctypes=(ORDER,), doctype=ORDER) == ([], [])
    assert drift(shop) == (["label limit", "field_added loyal"], [])
    assert drift(shop) == ([], [])


def test_a_change_of_a_child_table_is_told_of_the_doctype_that_has_it(shop: Shop) -> None:
    shop.sync()
    shop.site.store.add_custom_field("Order Line", {"fieldname": "colour", "fieldtype": "Data"})
    seen = shop.sync()[ORDER].drift.followed
    assert seen == (Change("Order Line", "colour", "field_added", "", "Data"),)
    shop.sync()


def test_what_the_settings_ignore_is_followed_without_a_word(shop: Shop) -> None:
    ignoring = shop.with_settings(drift=[{"change": "field_added", "reaction": "ignore"}])
    ignoring.customer("Ada")
    ignoring.sync()
    add_loyal(ignoring)
    assert drift(ignoring) == ([], [])
    assert ignoring.value(CUSTOMER, "Ada", "loyal") == 0


def test_a_frozen_field_is_not_asked_for_and_told_until_it_is_accepted(shop: Shop) -> None:
    frozen = froze(shop, "field_added")
    frozen.customer("old")
    frozen.sync()
    add_loyal(frozen)
    frozen.customer("new", loyal=1)
    frozen.watch.requests.clear()
    assert drift(frozen) == ([], ["field_added loyal"])
    assert drift(frozen, depth="full") == ([], ["field_added loyal"])
    assert frozen.asked_for('"loyal"') == 0
    assert "loyal" not in columns(frozen)
    assert frozen.names(CUSTOMER) == {"old", "new"}, "the DocType goes on being read"
    assert accept(frozen) == ["field_added loyal"]
    assert drift(frozen) == ([], [])
    assert (frozen.value(CUSTOMER, "old", "loyal"), frozen.value(CUSTOMER, "new", "loyal")) == (0, 1)
    frozen.assert_same(CUSTOMER)
    assert accept(frozen) == []


def test_what_the_site_changes_after_it_was_accepted_is_held_back_again(shop: Shop) -> None:
    frozen = froze(shop, "field_added")
    frozen.sync()
    add_loyal(frozen)
    frozen.sync()
    accept(frozen)
    frozen.site.store.add_custom_field(CUSTOMER, {"fieldname": "colour", "fieldtype": "Data"})
    assert drift(frozen) == ([], ["field_added colour"])
    assert {"loyal"} <= columns(frozen)
    assert "colour" not in columns(frozen)


def test_settings_that_freeze_it_no_more_let_it_in_and_older_documents_get_it(shop: Shop) -> None:
    frozen = froze(shop, "field_added")
    frozen.customer("Ada", phone="1")
    frozen.sync()
    add_loyal(frozen)
    frozen.sync()
    shop.watch.requests.clear()
    shop.sync(doctypes=(ORDER,))
    assert "loyal" not in columns(shop), "a run that doesn't read it leaves it as it is"
    assert drift(shop) == ([], [])
    assert shop.asked_for("getdoctype") == 0, "what the site says is known"
    assert shop.value(CUSTOMER, "Ada", "loyal") == 0


def test_a_run_that_is_killed_after_the_acceptance_brings_the_field_to_older_documents_next_time(shop: Shop) -> None:
    frozen = froze(shop, "field_added")
    frozen.customer("old")
    frozen.sync()
    add_loyal(frozen)
    frozen.sync()
    accept(frozen)
    frozen.customer("new", loyal=1)
    frozen.killed('fields=["loyal","name","modified"]')
    assert "loyal" in columns(frozen), "it was committed that the field is read"
    frozen.sync(depth="reconcile")
    frozen.assert_same(CUSTOMER)


def test_a_frozen_type_keeps_its_column_and_what_doesnt_fit_is_set_aside(shop: Shop) -> None:
    frozen = froze(shop, "retyped")
    frozen.customer("Ada", limit=7)
    frozen.sync()
    before = frozen.contract(CUSTOMER).parent.by_name["limit"].type
    frozen.site.store.set_property(CUSTOMER, "limit", "fieldtype", "Data")
    frozen.customer("Bo", limit="plenty")
    outcome = frozen.sync()[CUSTOMER]
    assert [one.kind for one in outcome.drift.held_back] == ["retyped"]
    assert outcome.quarantined == 1
    assert frozen.contract(CUSTOMER).parent.by_name["limit"].type == before
    accept(frozen)
    frozen.sync()
    assert frozen.contract(CUSTOMER).parent.by_name["limit"].type != before
    frozen.sync(depth="full")
    assert frozen.value(CUSTOMER, "Bo", "limit") == "plenty"


def test_a_type_that_was_never_accepted_leaves_no_trace_in_the_column(shop: Shop) -> None:
    frozen = froze(shop, "retyped")
    frozen.sync()
    before = frozen.contract(CUSTOMER).parent.by_name["limit"].type
    for fieldtype in ("Data", "Currency"):
        frozen.site.store.set_property(CUSTOMER, "limit", "fieldtype", fieldtype)
        frozen.sync()
        frozen.documents.delete("Property Setter", f"{CUSTOMER}-limit-fieldtype")
    assert drift(frozen) == ([], [])
    assert frozen.contract(CUSTOMER).parent.by_name["limit"].type == before


def test_a_frozen_type_never_loosens_the_policy(shop: Shop) -> None:
    frozen = froze(shop, "retyped")
    frozen.customer("Ada", email="a secret to be")
    frozen.sync()
    frozen.site.store.set_property(CUSTOMER, "email", "fieldtype", "Password")
    frozen.customer("Bo", email="a secret")
    frozen.watch.requests.clear()
    assert drift(frozen) == ([], ["retyped email"])
    assert frozen.asked_for('"email"') == 0


def test_a_frozen_table_brings_no_rows_until_it_is_accepted(shop: Shop) -> None:
    frozen = froze(shop, "table_added")
    frozen.customer("Ada")
    frozen.sync()
    field = {"fieldname": "wishes", "fieldtype": "Table", "options": "Order Line"}
    frozen.site.store.add_custom_field(CUSTOMER, field)
    frozen.documents.save(CUSTOMER, "Ada", {"wishes": [{"item": "a wish"}]})
    assert drift(frozen) == ([], ["table_added wishes"])
    assert "Order Line" not in frozen.folded(CUSTOMER)
    accept(frozen)
    frozen.sync()
    frozen.sync(depth="full")
    frozen.assert_same(CUSTOMER)


def test_what_is_gone_is_followed_also_where_everything_is_frozen(shop: Shop) -> None:
    add_loyal(shop)
    frozen = froze(shop)
    frozen.customer("Ada", loyal=1)
    frozen.sync()
    frozen.documents.delete("Custom Field", f"{CUSTOMER}-loyal")
    frozen.watch.requests.clear()
    assert drift(frozen) == (["field_removed loyal"], [])
    assert frozen.asked_for('"loyal"') == 0
    add_loyal(frozen)
    assert drift(frozen) == ([], ["field_returned loyal"])
    assert frozen.asked_for('"loyal"') == 0
    accept(frozen)
    frozen.customer("Bo", loyal=1)
    frozen.sync()
    assert frozen.value(CUSTOMER, "Bo", "loyal") == 1


@pytest.mark.parametrize(
    ("prop", "value", "kind"),
    [
        ("label", "Credit", "label"),
        ("options", "currency", "options"),
        ("reqd", 1, "mandatory"),
        ("precision", 2, "precision"),
    ],
)
def test_words_and_demands_that_are_frozen_stay_as_they_were(shop: Shop, prop: str, value: object, kind: str) -> None:
    frozen = froze(shop)
    frozen.sync()
    before = frozen.contract(CUSTOMER).parent
    frozen.site.store.set_property(CUSTOMER, "limit", prop, value)
    assert drift(frozen) == ([], [f"{kind} limit"])
    assert frozen.contract(CUSTOMER).parent == before
    accept(frozen)
    assert drift(frozen) == ([], [])


def test_rules_reach_the_doctypes_that_they_name(shop: Shop) -> None:
    frozen = froze(shop, "field_added", doctype="Order Line")
    frozen.sync()
    add_loyal(frozen)
    frozen.site.store.add_custom_field("Order Line", {"fieldname": "colour", "fieldtype": "Data"})
    outcomes = frozen.sync()
    assert [one.fieldname for one in outcomes[CUSTOMER].drift.followed] == ["loyal"]
    assert [one.fieldname for one in outcomes[ORDER].drift.held_back] == ["colour"]
    assert accept(frozen, ORDER) == ["field_added colour"]
    assert frozen.sync()[ORDER].drift.held_back == ()


@pytest.mark.parametrize("frozen", [False, True], ids=["followed", "frozen"])
def test_a_doctype_that_vanishes_and_comes_back_is_compared_with_what_it_was(shop: Shop, frozen: bool) -> None:
    here = froze(shop) if frozen else shop
    here.customer("Ada")
    here.sync()
    meta = next(meta for meta in SHOP if meta["name"] == CUSTOMER)
    here.site.store.drop_doctype(CUSTOMER)
    gone = here.sync()[CUSTOMER]
    assert (gone.status, gone.drift.followed, gone.drift.held_back) == ("failed", (), ())
    kept = [field for field in meta["fields"] if field["fieldname"] != "phone"]
    hat = {"fieldname": "hat", "fieldtype": "Data", "options": None, "label": "Hat"}
    here.site.store.create_doctype({**meta, "modified": "2025-02-02 00:00:00", "fields": [*kept, hat]})
    gone_and_come = ["field_removed phone"], ["field_added hat"]
    assert drift(here) == (gone_and_come if frozen else ([*gone_and_come[1], *gone_and_come[0]], []))


def test_where_the_lists_are_forbidden_the_same_metadata_read_again_is_no_drift(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SiteUser(READER, reads=(CUSTOMER, ORDER, PUNCH))
    add_user(shop.site.store, reader, api_key="the-api-key", api_secret="the-api-secret")
    frozen = froze(shop, "field_added")
    frozen.sync()
    add_loyal(frozen)

    class Later(datetime):
        days = 1

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=cls.days, seconds=1)

    monkeypatch.setattr("federation.extract.clock.datetime", Later)
    assert drift(frozen) == ([], ["field_added loyal"])
    accept(frozen)
    assert drift(frozen) == ([], [])
    for Later.days in (2, 3):
        frozen.watch.requests.clear()
        assert drift(frozen) == ([], [])
        assert frozen.asked_for("getdoctype") == 3
    (first, second), unread = steps(frozen)
    assert unread == ()
    assert {change.kind for change in first} == {"doctype_added"}
    assert [change.fieldname for change in second] == ["loyal"]


def steps(shop: Shop) -> tuple[list[tuple[Change, ...]], tuple[str, ...]]:
    found = steps_of(shop.lake, CommitLog(shop.lake).since(0).described, 0)
    return [step.changes for step in found.taken], found.unread


def test_metadata_that_lies_is_told_and_stops_nothing(shop: Shop) -> None:
    shop.customer("Ada", limit=7)
    shop.sync()
    for prop, value in (
        ("fieldtype", "No Such Type"),
        ("length", "-5"),
        ("precision", "many"),
        ("permlevel", "99999999999999999999"),
        ("label", "x" * 100_000 + "\n\x00\x1b[2J<script>"),
        ("options", "\n".join(f"<b>{number}</b>" for number in range(10_000))),
    ):
        shop.site.store.set_property(CUSTOMER, "limit", prop, value)
    outcome = shop.sync()[CUSTOMER]
    assert outcome.status != "failed"
    assert {change.kind for change in outcome.drift.followed} >= {"retyped", "label", "options"}
    assert shop.value(CUSTOMER, "Ada", "limit") is not None
    assert drift(shop) == ([], [])


def test_an_acceptance_that_is_killed_between_its_commits_leaves_what_was_held_back(shop: Shop) -> None:
    frozen = froze(shop, "field_added")
    frozen.customer("Ada")
    frozen.sync()
    add_loyal(frozen)
    frozen.sync()
    run = LakeRun.open(frozen.lake, "rest", "killed")
    assert run.schema is not None
    run.describe(release(run.schema, CUSTOMER))
    assert drift(frozen) == ([], ["field_added loyal"])
    assert accept(frozen) == ["field_added loyal"]
    frozen.sync()
    frozen.assert_same(CUSTOMER)


def test_a_run_of_the_satellite_under_way_is_not_disturbed(shop: Shop) -> None:
    frozen = froze(shop, "field_added")
    frozen.sync()
    add_loyal(frozen)
    frozen.sync()
    with only_run(frozen.settings, frozen.satellite), pytest.raises(SatelliteBusy):
        accept(frozen)


@pytest.mark.parametrize(
    ("doctype", "fieldname", "fieldtype", "value"),
    [
        (CUSTOMER, "phone", "Int", 7),
        (CUSTOMER, "phone", "Float", 0.5),
        (CUSTOMER, "limit", "Date", "2026-01-02"),
        (ORDER, "due", "Date", "2026-01-02"),
        (ORDER, "due", "Data", "soon"),
        (ORDER, "due", "Time", "10:00:00"),
        (ORDER, "customer", "Dynamic Link", "Nobody"),
    ],
)
def test_whatever_a_frozen_type_becomes_a_value_is_kept_as_it_is_or_set_aside(
    shop: Shop, doctype: str, fieldname: str, fieldtype: str, value: object
) -> None:
    frozen = froze(shop, "retyped")
    frozen.sync()
    before = frozen.contract(doctype).parent.by_name[fieldname].type
    frozen.site.store.set_property(doctype, fieldname, "fieldtype", fieldtype)
    make = frozen.customer if doctype == CUSTOMER else lambda _, **values: frozen.order(**values)
    name = make("Ada", **{fieldname: value})
    outcome = frozen.sync()[doctype]
    assert outcome.status == "changed"
    if not outcome.quarantined:
        stored = frozen.value(doctype, name, fieldname)
        assert str(stored) in (str(value), f"{value} 00:00:00")
    assert frozen.contract(doctype).parent.by_name[fieldname].type == before

"""Expectations of the user's own: what they reject is set aside whole, and what they warn of is loaded."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pytest
from expecting import BETWEEN, TOTAL, expecting, quarantine
from extract_world import CUSTOMER, ORDER, Shop

NEVER_NEGATIVE = f"- {{expect: {BETWEEN}, field: qty, table: Order Line, min_value: 0, severity: reject}}"


def save_later(shop: Shop, order: str, **values: Any) -> None:
    """Save behind the bound of the run under way."""
    shop.clock.ahead = timedelta(minutes=1)
    shop.documents.save(ORDER, order, values)
    shop.clock.go_back()


def packages(shop: Shop) -> int:
    return sum(len(manifest.packages) for manifest in shop.manifests())


def test_a_bad_child_row_sets_its_whole_document_aside_with_rule_field_value_and_reason(shop: Shop) -> None:
    judged = expecting(shop, ORDER, NEVER_NEGATIVE)
    good, bad = shop.order(), shop.order(lines=3)
    shop.documents.sql_update("Order Line", {"parent": bad, "idx": 2}, {"qty": -1.5})
    outcome = judged.sync()[ORDER]
    assert (outcome.documents, outcome.quarantined) == (1, 1)
    assert shop.names(ORDER) == {good}
    for child in ("Order Line", "Order Tax"):
        assert {row["parent"] for row in shop.folded(ORDER)[child].to_pylist()} == {good}
    [row] = quarantine(shop)
    assert (row["name"], row["rule"], row["fieldname"], row["value"]) == (bad, BETWEEN, "qty", "-1.5")
    assert row["reason"].startswith("Order Line: qty: expect_column_values_to_be_between (min_value: 0")
    document = json.loads(row["document"])
    assert [line["qty"] for line in document["Order Line"]] == [0, -1.5, 0.5]
    assert (document["name"], document["total"], document["Order Tax"][0]["rate"]) == (bad, 0.1, 19)
    assert not {"satellite", "observed", "creation_utc"} & document.keys()


def test_what_only_warns_is_loaded_and_reported(shop: Shop) -> None:
    judged = expecting(shop, ORDER, NEVER_NEGATIVE.replace("reject", "warn"))
    bad = shop.order()
    shop.documents.sql_update("Order Line", {"parent": bad, "idx": 1}, {"qty": -1})
    outcome = judged.sync()[ORDER]
    assert (outcome.documents, outcome.quarantined) == (1, 0)
    [result] = [each for each in outcome.reports["Order Line"].results if each.expectation.type == BETWEEN]
    assert (result.failing, result.passed) == (1, False)
    shop.assert_same(ORDER)


def test_the_version_accepted_before_stays_until_the_document_is_mended(shop: Shop) -> None:
    judged = expecting(shop, ORDER, TOTAL)
    order = shop.order(total=5)
    judged.sync()
    shop.documents.save(ORDER, order, {"total": -5})
    assert judged.sync()[ORDER].quarantined == 1
    assert (shop.names(ORDER), float(shop.value(ORDER, order, "total"))) == ({order}, 5)
    shop.documents.save(ORDER, order, {"total": 7})
    assert judged.sync()[ORDER].quarantined == 0
    shop.assert_same(ORDER)
    assert not shop.set_aside(ORDER)


def test_a_document_rejected_again_unchanged_makes_no_package(shop: Shop) -> None:
    judged = expecting(shop, ORDER, TOTAL)
    shop.order(total=-5)
    assert judged.sync()[ORDER].quarantined == 1
    before = packages(shop)
    assert judged.sync()[ORDER].quarantined == 0
    assert judged.sync(depth="full")[ORDER].quarantined == 0
    assert sum(file.kind != "seen" for m in shop.manifests() for p in m.packages for file in p.files) >= before
    assert len(quarantine(shop)) == 1


def test_a_document_rejected_for_another_reason_says_the_new_one(shop: Shop) -> None:
    shop.order(total=-5)
    expecting(shop, ORDER, TOTAL).sync()
    expecting(shop, ORDER, TOTAL.replace("A total is never negative.", "Nobody owes us less than nothing.")).sync()
    assert [row["reason"] for row in quarantine(shop)] == [
        "A total is never negative.",
        "Nobody owes us less than nothing.",
    ]


def test_every_failing_row_of_a_large_batch_is_taken(shop: Shop) -> None:
    judged = expecting(shop, CUSTOMER, TOTAL.replace("total", "limit"))
    for number in range(1_100):
        shop.customer(f"bad {number}", limit=-1)
    shop.customer("good", limit=1)
    outcome = judged.sync(doctypes=(CUSTOMER,))[CUSTOMER]
    assert (outcome.documents, outcome.quarantined) == (1, 1_100)
    assert shop.names(CUSTOMER) == {"good"}


@pytest.mark.parametrize("rows", [1, 7, 1_000])
def test_the_size_of_a_batch_changes_nothing(shop: Shop, rows: int) -> None:
    judged = expecting(shop, ORDER, TOTAL, batch_rows=rows, satellite={"page_rows": 3})
    names = [shop.order(total=-number if number % 2 else number) for number in range(10)]
    outcome = judged.sync()[ORDER]
    assert (outcome.documents, outcome.quarantined) == (5, 5)
    assert shop.names(ORDER) == set(names[::2])
    assert {row["name"] for row in quarantine(shop)} == set(names[1::2])


def test_of_two_versions_in_one_batch_the_good_newer_one_is_kept(shop: Shop) -> None:
    judged = expecting(shop, ORDER, TOTAL)
    order = shop.order(total=1)
    judged.sync()
    shop.documents.save(ORDER, order, {"total": -5})
    shop.watch.before('["creation","<="', lambda: save_later(shop, order, total=5))
    outcome = judged.sync()[ORDER]
    assert outcome.documents
    assert outcome.quarantined
    shop.assert_same(ORDER)
    assert not shop.set_aside(ORDER)


def test_of_two_versions_in_one_batch_the_bad_newer_one_is_set_aside(shop: Shop) -> None:
    judged = expecting(shop, ORDER, TOTAL)
    order = shop.order(total=1)
    judged.sync()
    shop.documents.save(ORDER, order, {"total": 5})
    shop.watch.before('["creation","<="', lambda: save_later(shop, order, total=-5))
    outcome = judged.sync()[ORDER]
    assert outcome.documents
    assert outcome.quarantined
    assert float(shop.value(ORDER, order, "total")) == 5
    assert shop.set_aside(ORDER) == {order}


def test_a_renamed_document_that_is_rejected_keeps_its_version_under_the_old_name(shop: Shop) -> None:
    judged = expecting(shop, CUSTOMER, TOTAL.replace("total", "limit"))
    shop.customer("old", limit=5)
    judged.sync()
    shop.documents.rename(CUSTOMER, "old", "new")
    shop.documents.save(CUSTOMER, "new", {"limit": -5})
    judged.sync()
    assert shop.names(CUSTOMER) == {"old"}
    shop.documents.save(CUSTOMER, "new", {"limit": 6})
    judged.sync()
    shop.assert_same(CUSTOMER)


def test_a_rule_that_cannot_be_judged_fails_its_doctype_and_loads_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine is handed a column that it can't compare; no input of a site or a user is known to do that."""
    judged = expecting(shop, ORDER, TOTAL)
    shop.order()
    validation = sys.modules["federation.quality.validate"]
    frame = validation._frame
    monkeypatch.setattr(validation, "_frame", lambda *given: frame(*given).map(lambda cell: [cell]))
    outcomes = judged.sync()
    assert outcomes[ORDER].status == "failed"
    assert f"{BETWEEN} of Order.total could not be judged" in outcomes[ORDER].error
    assert not any(manifest.packages for manifest in shop.manifests())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("field: totle", "Order has no field `totle` that is read here. Did you mean `total`?"),
        ("field: qty, table: Order Lime", "Order has no child table 'Order Lime' that is read here. Did you mean"),
        ("field: remarks", f"{BETWEEN} judges what has an order, and `remarks` is a Data. Choose another rule"),
    ],
)
def test_a_field_that_the_site_doesnt_have_fails_the_doctype_alone(shop: Shop, line: str, told: str) -> None:
    judged = expecting(shop, ORDER, f"\n- {{expect: {BETWEEN}, {line}, min_value: 0}}")
    shop.order()
    shop.customer("a")
    outcomes = judged.sync()
    assert outcomes[ORDER].status == "failed"
    assert told in outcomes[ORDER].error
    assert "expectations/order.yaml, line 2" in outcomes[ORDER].error
    assert outcomes[CUSTOMER].documents == 1


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ({"action": "drop"}, "the policy holds `email` of Customer back. Remove the expectation, or keep the field"),
        ({"action": "hash", "key": "file:{}/hash"}, "the policy alters `email` on its way"),
        ({"action": "mask", "show": "domain"}, "the policy alters `email` on its way"),
    ],
)
def test_values_that_the_policy_holds_back_or_alters_are_not_judged(
    shop: Shop, action: dict[str, str], told: str
) -> None:
    rule = {"field": "email"} | {key: value.format(shop.folder) for key, value in action.items()}
    email = "- {expect: expect_column_values_to_match_regex, field: email, regex: '@'}"
    assert told in expecting(shop, CUSTOMER, email, policy=[rule]).sync()[CUSTOMER].error


def test_that_a_hashed_value_is_there_can_be_judged(shop: Shop) -> None:
    rule = {"field": "email", "action": "hash", "key": f"file:{shop.folder}/hash"}
    there = "- {expect: expect_column_values_to_not_be_null, field: email, severity: reject}"
    shop.customer("with", email="a@shop.test")
    shop.customer("without", email=None)
    assert expecting(shop, CUSTOMER, there, policy=[rule]).sync()[CUSTOMER].quarantined == 1
    assert shop.set_aside(CUSTOMER) == {"without"}


def test_expectations_are_for_the_satellites_that_they_name(shop: Shop) -> None:
    other = {"url": "https://other.test", "credentials": {"key": "env:A", "secret": "env:B"}}
    shop.order(total=-5)
    for satellite, quarantined in (("other", 0), ("shop", 1)):
        text = TOTAL.replace("reject", f"reject, satellites: [{satellite}]")
        assert expecting(shop, ORDER, text, others={"other": other}).sync()[ORDER].quarantined == quarantined


def test_pairs_of_fields_are_compared_in_their_row(shop: Shop) -> None:
    rule = "expect_column_pair_values_a_to_be_greater_than_b"
    judged = expecting(shop, ORDER, f"- {{expect: {rule}, field_A: modified, field_B: due, severity: reject}}")
    good, bad = shop.order(due="2020-01-01 00:00:00"), shop.order(due="2099-01-01 00:00:00")
    judged.sync()
    assert shop.names(ORDER) == {good}
    [row] = quarantine(shop)
    assert (row["name"], row["rule"], row["fieldname"]) == (bad, rule, "modified")


def test_what_metadata_says_rejects_where_the_settings_ask_for_it(shop: Shop) -> None:
    shop.site.store.add_custom_field(ORDER, {"fieldname": "mood", "fieldtype": "Select", "options": "good\nbad"})
    odd = shop.order()
    shop.documents.sql_update(ORDER, {"name": odd}, {"mood": "awful"})
    assert shop.with_settings(validation=True).sync()[ORDER].quarantined == 0
    strict = shop.with_settings(validation=True, reject_by_metadata=["options"])
    shop.documents.save(ORDER, odd, {"remarks": "again"})
    assert strict.sync()[ORDER].quarantined == 1


def test_a_state_that_no_document_can_have_is_rejected_whatever_the_settings_say(shop: Shop) -> None:
    odd = shop.order()
    shop.documents.sql_update(ORDER, {"name": odd}, {"docstatus": 7})
    assert shop.with_settings(validation=True).sync()[ORDER].quarantined == 1
    assert quarantine(shop)[0]["fieldname"] == "docstatus"


def test_what_a_patch_brings_is_judged_and_the_failing_document_read_whole_and_set_aside(shop: Shop) -> None:
    shop.customer("Acme")
    shop.customer("Bolt")
    shop.age(CUSTOMER)
    shop.sync()
    shop.site.store.add_custom_field(CUSTOMER, {"fieldname": "tier", "fieldtype": "Int"})
    for name, tier in (("Acme", 1), ("Bolt", -1)):
        shop.documents.sql_update(CUSTOMER, {"name": name}, {"tier": tier})
    judged = expecting(shop, CUSTOMER, TOTAL.replace("total", "tier"))
    outcome = judged.sync()[CUSTOMER]
    assert (outcome.patched, outcome.pending) == (1, 1)
    assert judged.sync()[CUSTOMER].quarantined == 1
    assert shop.value(CUSTOMER, "Acme", "tier") == 1
    assert shop.set_aside(CUSTOMER) == {"Bolt"}


def test_a_new_field_is_held_against_another_in_whole_documents(shop: Shop) -> None:
    order = shop.order(due="2020-01-01 00:00:00")
    shop.age(ORDER)
    shop.sync()
    shop.site.store.add_custom_field(ORDER, {"fieldname": "begun", "fieldtype": "Datetime"})
    shop.documents.sql_update(ORDER, {"docstatus": 0}, {"begun": "2021-01-01 00:00:00"})
    rule = "expect_column_pair_values_a_to_be_greater_than_b"
    judged = expecting(shop, ORDER, f"- {{expect: {rule}, field_A: due, field_B: begun, severity: reject}}")
    outcome = judged.sync()[ORDER]
    assert (outcome.patched, outcome.quarantined, shop.set_aside(ORDER)) == (0, 1, {order})


@pytest.mark.parametrize("depth", ["reconcile", "full"])
def test_a_document_set_aside_is_met_by_passes_and_not_asked_for_by_name(shop: Shop, depth: Any) -> None:
    judged = expecting(shop, ORDER, TOTAL)
    shop.order(total=-5)
    shop.age(ORDER)
    judged.sync()
    shop.watch.requests.clear()
    assert judged.sync(depth=depth)[ORDER].quarantined == 0
    assert not [asked for asked in shop.watch.requests if '["name","in"' in asked and '"total"' in asked]
    assert shop.set_aside(ORDER)


def test_a_document_that_succeeds_a_rejected_one_takes_its_place(shop: Shop) -> None:
    judged = expecting(shop, CUSTOMER, TOTAL.replace("total", "limit"))
    shop.customer("old", limit=-5)
    judged.sync()
    shop.documents.rename(CUSTOMER, "old", "new")
    shop.documents.save(CUSTOMER, "new", {"limit": 5})
    judged.sync()
    shop.assert_same(CUSTOMER)
    assert not shop.set_aside(CUSTOMER)


def test_nothing_is_judged_where_validation_is_off_and_everything_comes_in(shop: Shop) -> None:
    shop.order(total=-5)
    assert expecting(shop, ORDER, TOTAL).sync()[ORDER].quarantined == 1
    assert shop.with_settings(validation=False).sync()[ORDER].documents == 1
    shop.assert_same(ORDER)


def test_wide_documents_are_judged_before_a_batch_is_full(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.extract.harvest._HELD_BYTES", 1)
    judged = expecting(shop, CUSTOMER, TOTAL.replace("total", "limit"), satellite={"page_rows": 2})
    for number in range(9):
        shop.customer(f"c{number}", limit=-1 if number % 4 == 0 else 1)
    outcome = judged.sync(doctypes=(CUSTOMER,))[CUSTOMER]
    assert (outcome.documents, outcome.quarantined) == (6, 3)
    shop.documents.rename(CUSTOMER, "c0", "d0")
    judged.sync()
    assert shop.set_aside(CUSTOMER) == {"d0", "c4", "c8"}


def test_names_themselves_can_be_judged(shop: Shop) -> None:
    for name in ("Acme", "bolt"):
        shop.customer(name)
    capital = "- {expect: expect_column_values_to_match_regex, field: name, regex: '^[A-Z]', severity: reject}"
    expecting(shop, CUSTOMER, capital).sync()
    assert (shop.names(CUSTOMER), shop.set_aside(CUSTOMER)) == ({"Acme"}, {"bolt"})

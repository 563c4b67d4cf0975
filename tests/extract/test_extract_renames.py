"""Renames and merges: told by a Comment or found by comparison, with an alias from the old name to the new."""

from __future__ import annotations

from datetime import datetime

import pytest
from extract_world import CUSTOMER, ORDER, SHOP, Shop, doctype, open_shop

from federation.demo.site.permissions import SiteUser, add_user
from federation.extract.harvest import Harvest


def aliases(shop: Shop) -> dict[str, str]:
    """Old name → new name, as the lake tells."""
    import pyarrow.parquet as pq

    found: dict[str, str] = {}
    for manifest in shop.manifests():
        for package in manifest.packages:
            for file in package.files:
                if file.kind == "aliases":
                    for row in pq.read_table(shop.lake.uri(file.path)).to_pylist():
                        found[row["old_name"]] = row["new_name"]
    return found


@pytest.fixture
def settled(shop: Shop) -> Shop:
    for name in ("Acme", "Bolt", "Core"):
        shop.customer(name)
    for customer in ("Acme", "Acme", "Bolt"):
        shop.order(customer=customer)
    shop.age()
    shop.sync()
    return shop


def test_a_rename_is_found_by_its_comment_in_the_next_hourly_run(settled: Shop) -> None:
    settled.documents.rename(CUSTOMER, "Acme", "Zenith <b>& Sons</b>")
    outcome = settled.sync()[CUSTOMER]
    assert (outcome.documents, outcome.tombstones) == (1, 1)
    assert settled.names(CUSTOMER) == {"Zenith <b>& Sons</b>", "Bolt", "Core"}
    assert aliases(settled) == {"Acme": "Zenith <b>& Sons</b>"}


def test_documents_that_point_at_a_renamed_one_follow_at_once(settled: Shop) -> None:
    settled.documents.rename(CUSTOMER, "Acme", "Zenith")
    assert settled.sync()[ORDER].documents == 2
    settled.assert_same()


def test_a_rename_is_settled_once(settled: Shop) -> None:
    settled.documents.rename(CUSTOMER, "Acme", "Zenith")
    settled.sync()
    assert {outcome.status for outcome in settled.sync().values()} == {"unchanged"}


def test_a_chain_of_renames_between_two_runs_ends_at_the_last_name(settled: Shop) -> None:
    settled.documents.rename(CUSTOMER, "Acme", "Between")
    settled.documents.rename(CUSTOMER, "Between", "Zenith")
    settled.sync()
    settled.assert_same()
    assert aliases(settled)["Acme"] == "Zenith"


def test_a_document_that_is_renamed_and_then_deleted_is_gone(settled: Shop) -> None:
    settled.documents.rename(CUSTOMER, "Acme", "Zenith")
    settled.documents.delete(CUSTOMER, "Zenith")
    settled.sync()
    assert settled.names(CUSTOMER) == {"Bolt", "Core"}


def test_a_merge_leaves_the_document_that_it_went_into(settled: Shop) -> None:
    settled.documents.merge(CUSTOMER, "Acme", "Bolt")
    settled.sync()
    settled.assert_same()
    assert settled.names(CUSTOMER) == {"Bolt", "Core"}
    assert aliases(settled) == {"Acme": "Bolt"}


def test_a_rename_in_case_alone_is_a_rename(settled: Shop) -> None:
    settled.documents.rename(CUSTOMER, "Acme", "ACME")
    settled.sync()
    settled.assert_same()
    assert settled.names(CUSTOMER) == {"ACME", "Bolt", "Core"}


def test_two_documents_that_swap_their_names_swap_them_here(settled: Shop) -> None:
    for old, new in (("Acme", "tmp"), ("Bolt", "Acme"), ("tmp", "Bolt")):
        settled.documents.rename(CUSTOMER, old, new)
    settled.sync()
    settled.assert_same()


@pytest.mark.parametrize("depth", ["reconcile", "full"])
def test_without_comments_a_comparison_finds_the_rename_and_its_alias(settled: Shop, depth: str) -> None:
    user = SiteUser("reader@shop.test", reads=(CUSTOMER, ORDER, "Punch"))
    add_user(settled.site.store, user, api_key="the-api-key", api_secret="the-api-secret")
    settled.documents.rename(CUSTOMER, "Acme", "Zenith")
    assert settled.sync()[CUSTOMER].status == "unchanged"
    outcome = settled.sync(depth=depth)[CUSTOMER]
    assert (outcome.documents, outcome.tombstones) == (1, 1)
    assert aliases(settled) == {"Acme": "Zenith"}
    settled.assert_same()


def test_a_rename_across_the_cursor_of_a_rolling_pass_loses_nobody(settled: Shop) -> None:
    """«Core» lies ahead of the pass's cursor and gets a name behind it, without a Comment."""
    rolling = settled.with_settings(reconcile={"reread_rows": 2, "compare_rows": 2})
    rolling.sync(depth="reconcile")
    assert rolling.manifests()[-1].doctypes[CUSTOMER].passes
    settled.documents.sql_update(CUSTOMER, {"name": "Core"}, {"name": "A first"})
    for _ in range(4):
        rolling.sync(depth="reconcile")
        assert len(settled.names(CUSTOMER)) == 3
    assert settled.names(CUSTOMER) == {"Acme", "Bolt", "A first"}


def test_dynamic_links_to_a_renamed_document_follow_too(tmp_path) -> None:
    note = doctype("Note", "party_type: Link | DocType", "party: Dynamic Link | party_type", autoname="NOTE-.##")
    with open_shop(tmp_path, *SHOP, note, doctypes=[CUSTOMER, "Note"]) as shop:
        shop.customer("Acme")
        shop.documents.insert("Note", {"party_type": CUSTOMER, "party": "Acme"})
        shop.age(CUSTOMER, "Note")
        shop.sync()
        shop.documents.rename(CUSTOMER, "Acme", "Zenith")
        shop.sync()
        shop.assert_same(CUSTOMER, "Note")


@pytest.fixture
def bulk(shop: Shop) -> Shop:
    """Nine customers c0…c8, read two at a time, a commit each; a bulk change comes by them after «c0» was renamed."""
    for number in range(9):
        shop.customer(f"c{number}")
    shop.age()
    small = shop.with_settings(satellite={"page_rows": 2}, batch_rows=2, doctypes=[CUSTOMER])
    small.sync()
    shop.documents.sql_update(CUSTOMER, {"name": "c0"}, {"name": "renamed"})
    for name in ("renamed", *(f"c{number}" for number in range(1, 9))):
        shop.documents.save(CUSTOMER, name, {"email": "changed"})
    return small


def test_a_rename_without_a_trace_is_settled_with_its_batch_so_that_a_kill_doesnt_forget_it(bulk: Shop) -> None:
    bulk.killed('["name",">","c5"]')
    assert bulk.manifests()[-1].doctypes[CUSTOMER].open is not None
    bulk.sync()
    bulk.assert_same(CUSTOMER)
    assert aliases(bulk) == {"c0": "renamed"}


def test_a_bulk_change_holds_no_more_strangers_than_a_batch_brings(bulk: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    take = Harvest.take_strangers

    def counted(harvest: Harvest) -> dict[str, datetime]:
        strangers = take(harvest)
        taken.append(len(strangers))
        return strangers

    monkeypatch.setattr(Harvest, "take_strangers", counted)
    bulk.sync()
    assert (max(taken), sum(taken)) == (2, 9)
    bulk.assert_same(CUSTOMER)


def test_a_mass_deletion_is_told_though_each_batch_brings_only_a_part_of_it(shop: Shop) -> None:
    """Who succeeds whom can't be told among two documents of one instant, so each of them counts as gone."""
    small = shop.with_settings(satellite={"page_rows": 10}, batch_rows=10, doctypes=[CUSTOMER])
    names = {shop.customer(f"c{number:03}") for number in range(70)}
    shop.age()
    for number in range(70):
        born = {"creation": f"2026-01-01 00:00:{number // 2:02}"}
        shop.documents.sql_update(CUSTOMER, {"name": f"c{number:03}"}, born)
    small.sync()
    for number in range(60):
        shop.documents.sql_update(CUSTOMER, {"name": f"c{number:03}"}, {"name": f"n{number:03}"})
        shop.documents.save(CUSTOMER, f"n{number:03}", {"email": "changed"})
    outcome = small.sync()[CUSTOMER]
    assert outcome.status == "failed"
    assert "60 of" in outcome.error
    assert shop.names(CUSTOMER) == names

"""Changes on the simulated site leave the traces, and only the traces, that they leave on Frappe."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from small_site import Clock, shop

from federation.demo.site.errors import DuplicateNameError, InvalidError, MissingDocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from federation.demo.site.documents import SiteDocuments
    from federation.demo.site.rows import Document


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteDocuments]:
    documents = shop(tmp_path / "shop.db")
    yield documents
    documents.store.close()


def order(site: SiteDocuments, *items: str) -> Document:
    return site.insert(
        "Order", {"customer": "Zoë", "lines": [{"item": item, "qty": 1} for item in items or ("tea", "cup")]}
    )


def test_the_site_clock_is_naive_local_time(tmp_path: Path) -> None:
    documents = shop(tmp_path / "shop.db", clock=Clock(datetime(2026, 10, 25, 0, 50, tzinfo=UTC)))
    documents.store.set_single("System Settings", {"time_zone": "Europe/Berlin"})
    before = documents.now()
    documents.clock.now = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert before.isoformat(sep=" ") == "2026-10-25 02:50:01.000001"
    assert documents.now() < before  # the doubled hour: later, and yet before
    documents.store.close()


def test_saving_stamps_every_child_row_with_the_modified_of_its_parent(site: SiteDocuments) -> None:
    first = order(site)
    saved = site.save("Order", first["name"], {"remarks": "soon"})
    assert saved["modified"] > first["modified"]
    assert {line["modified"] for line in saved["lines"]} == {saved["modified"]}
    assert [line["name"] for line in saved["lines"]] == [line["name"] for line in first["lines"]]
    assert saved["creation"] == first["creation"]


def test_a_removed_child_row_leaves_no_deleted_document(site: SiteDocuments) -> None:
    first = order(site)
    saved = site.save("Order", first["name"], {"lines": first["lines"][:1]})
    assert [line["item"] for line in saved["lines"]] == ["tea"]
    assert site.store.count("Order Line") == 1
    assert site.store.count("Deleted Document") == 0


def test_a_cancelled_document_stays_beside_its_amendment(site: SiteDocuments) -> None:
    name = order(site)["name"]
    site.submit("Order", name)
    cancelled = site.cancel("Order", name)
    assert (cancelled["docstatus"], cancelled["status"]) == (2, "Cancelled")
    assert {line["docstatus"] for line in cancelled["lines"]} == {2}
    amended = site.amend("Order", name, {"status": "Draft"})
    assert (amended["name"], amended["amended_from"], amended["docstatus"]) == (f"{name}-1", name, 0)
    assert {line["name"] for line in amended["lines"]}.isdisjoint(line["name"] for line in cancelled["lines"])
    site.submit("Order", amended["name"])
    site.cancel("Order", amended["name"])
    assert site.amend("Order", amended["name"])["name"] == f"{name}-2"


def test_docstatus_only_goes_its_way(site: SiteDocuments) -> None:
    name = order(site)["name"]
    with pytest.raises(InvalidError):
        site.cancel("Order", name)
    site.submit("Order", name)
    with pytest.raises(InvalidError):
        site.submit("Order", name)
    with pytest.raises(InvalidError, match="cannot be deleted"):
        site.delete("Order", name)


def test_a_deleted_document_is_kept_whole_as_json(site: SiteDocuments) -> None:
    gone = order(site)
    site.delete("Order", gone["name"], user="clerk@shop.test")
    assert not site.exists("Order", gone["name"])
    assert site.store.count("Order Line") == 0
    (name,) = site.store.connection().execute('SELECT name FROM "tabDeleted Document"').fetchone()
    tombstone = site.get("Deleted Document", name)
    assert (tombstone["deleted_doctype"], tombstone["deleted_name"]) == ("Order", gone["name"])
    assert (tombstone["owner"], tombstone["creation"] > gone["modified"]) == ("clerk@shop.test", True)
    kept = json.loads(tombstone["data"])
    assert [line["item"] for line in kept["lines"]] == ["tea", "cup"]
    assert kept["modified"] == gone["modified"]


def test_the_name_of_the_last_of_a_series_is_given_again(site: SiteDocuments) -> None:
    first, last = order(site)["name"], order(site)["name"]
    site.delete("Order", last)
    assert order(site)["name"] == last
    site.delete("Order", first)
    assert order(site)["name"] not in {first, last}


def test_a_rename_moves_no_modified_anywhere(site: SiteDocuments) -> None:
    customer = site.insert("Customer", {"customer_name": "Zoë"})
    made = order(site)
    site.rename("Customer", "ZOE", "Zora")
    site.rename("Order", made["name"], "ORD-X")
    renamed, linking = site.get("Customer", "Zora"), site.get("Order", "ORD-X")
    assert renamed["modified"] == customer["modified"]
    assert (linking["customer"], linking["modified"]) == ("Zora", made["modified"])
    assert [line["parent"] for line in linking["lines"]] == ["ORD-X", "ORD-X"]
    assert {line["modified"] for line in linking["lines"]} == {made["modified"]}
    assert site.store.count("Deleted Document") == 0
    comments = (
        site.store.connection().execute('SELECT comment_type, reference_name, content FROM "tabComment"').fetchall()
    )
    assert ("Edit", "Zora", "renamed from <strong>Zoë</strong> to <strong>Zora</strong>") in comments


def test_a_merge_deletes_the_one_and_relinks_to_the_other(site: SiteDocuments) -> None:
    for name in ("Zoë", "Zora"):
        site.insert("Customer", {"customer_name": name})
    made = order(site)
    site.merge("Customer", "Zoë", "Zora")
    assert site.get("Order", made["name"])["customer"] == "Zora"
    assert site.store.connection().execute('SELECT deleted_name FROM "tabDeleted Document"').fetchall() == [("Zoë",)]


def test_silent_writes_move_nothing_but_the_column(site: SiteDocuments) -> None:
    made = order(site)
    site.db_set("Order", made["name"], {"status": "Submitted"})
    changed = site.get("Order", made["name"])
    assert changed == made | {"status": "Submitted"}
    assert site.sql_delete("Order Line", {"parent": made["name"], "item": "tea"}) == 1
    assert site.get("Order", made["name"])["modified"] == made["modified"]
    assert site.store.count("Deleted Document") == 0
    site.db_set("Order", made["name"], {"status": "Draft"}, update_modified=True)
    assert site.get("Order", made["name"])["modified"] > made["modified"]


@pytest.mark.parametrize("name", ["Zoë", "zoe", "ZOÉ", "zoë "])
def test_names_are_unique_whatever_their_case_and_accents(site: SiteDocuments, name: str) -> None:
    site.insert("Customer", {"customer_name": "Zoë"})
    with pytest.raises(DuplicateNameError):
        site.insert("Customer", {"customer_name": name})
    assert site.get("Customer", "ZOE")["name"] == "Zoë"


def test_a_failed_change_leaves_nothing_behind(site: SiteDocuments) -> None:
    made = order(site)

    def delete_and_fail() -> None:
        with site.store.writing():
            site.delete("Order", made["name"])
            site.submit("Order", "no such order")

    with pytest.raises(MissingDocumentError):
        delete_and_fail()
    assert site.get("Order", made["name"]) == made


def test_missing_documents_are_told_by_name(site: SiteDocuments) -> None:
    with pytest.raises(MissingDocumentError, match="Order nope not found"):
        site.get("Order", "nope")


def test_a_name_changed_by_raw_sql_is_found_under_the_new_name(site: SiteDocuments) -> None:
    made = order(site)
    assert site.sql_update("Order", {"name": made["name"]}, {"name": "ORD-É"}) == 1
    assert site.get("Order", "ord-e")["modified"] == made["modified"]
    assert not site.exists("Order", made["name"])


def test_integer_names_are_counted(site: SiteDocuments) -> None:
    assert [site.insert("Punch", {"device": "door"})["name"] for _ in range(3)] == [1, 2, 3]
    assert site.get("Punch", "2")["name"] == 2

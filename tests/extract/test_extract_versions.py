"""Every version of Frappe, and every way in which a site is reached, ends in the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, SHOP, Shop, doctype, open_shop

from federation.demo.site.server import RunningFleetOfSites, RunningSite

LEDGER = doctype("GL Entry", "debit: Currency", "to_rename: Check", autoname="ACC-GLE-.###")
VERSIONS = pytest.mark.parametrize("version", [13, 14, 15])


def fill(shop: Shop) -> None:
    for number in range(7):
        shop.customer(f"c{number}", email=f"{number}@example.com")
        shop.order(lines=number)
        shop.documents.insert(PUNCH, {"device": "door"})


@VERSIONS
def test_a_site_of_any_version_is_followed_through_all_kinds_of_change(tmp_path: Path, version: int) -> None:
    with open_shop(tmp_path, *SHOP, version=version) as shop:
        small = shop.with_settings(satellite={"page_rows": 3}, batch_rows=5)
        fill(shop)
        shop.age()
        small.sync()
        shop.assert_same()
        site = shop.documents
        site.save(ORDER, "ORD-0002", {"remarks": "edited", "lines": [{"item": "one"}]})
        site.delete(ORDER, "ORD-0003")
        site.rename(CUSTOMER, "c1", "renamed")
        site.merge(CUSTOMER, "c2", "c3")
        site.insert(PUNCH, {"device": "gate"})
        small.sync()
        shop.assert_same()
        site.sql_delete(CUSTOMER, {"name": "c4"})
        site.db_set(CUSTOMER, "c5", {"email": "silently"})
        small.sync(depth="reconcile")
        shop.assert_same()
        assert {outcome.status for outcome in small.sync().values()} == {"unchanged"}


@VERSIONS
def test_a_table_of_a_custom_field_arrives_whatever_lists_the_site_refuses(tmp_path: Path, version: int) -> None:
    with open_shop(tmp_path, *SHOP, version=version, doctypes=[CUSTOMER]) as shop:
        shop.site.store.add_custom_field(
            CUSTOMER, {"fieldname": "wishes", "fieldtype": "Table", "options": "Order Line"}
        )
        shop.customer("Ada", wishes=[{"item": "a wish"}, {"item": "another"}])
        outcome = shop.sync()[CUSTOMER]
        assert outcome.one_by_one == (("Order Line",) if version == 13 else ())
        shop.assert_same(CUSTOMER)


@VERSIONS
def test_ledger_names_are_followed_whether_the_job_moves_modified_or_not(tmp_path: Path, version: int) -> None:
    with open_shop(tmp_path, LEDGER, version=version, doctypes=["GL Entry"]) as shop:
        for number in range(4):
            values = {"debit": 10, "to_rename": 1}
            shop.site.store.insert_document_row("GL Entry", f"{number:010x}", values, stamp=str(shop.documents.now()))
        shop.sync()
        shop.documents.name_ledger_rows("GL Entry")
        outcome = shop.sync()["GL Entry"]
        assert (outcome.documents, outcome.tombstones) == (4, 4)
        shop.assert_same("GL Entry")


def test_an_idle_doctype_of_a_site_whose_filters_use_no_index_is_read_from_the_top(tmp_path: Path) -> None:
    with open_shop(tmp_path, *SHOP, version=13, doctypes=[CUSTOMER]) as shop:
        for number in range(30):
            shop.customer(f"c{number}")
        shop.age(CUSTOMER)
        shop.sync()
        shop.watch.requests.clear()
        assert shop.sync()[CUSTOMER].status == "unchanged"
        [asked] = [each for each in shop.watch.requests if "/api/resource/Customer?" in each and "limit" in each
                   and "modified desc" in each]  # fmt: skip
        assert "limit_page_length=20" in asked
        assert '["modified",">=' not in asked


def test_two_sites_behind_one_address_are_told_apart_by_name(tmp_path: Path) -> None:
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
    with open_shop(tmp_path / "north", *SHOP) as north, open_shop(tmp_path / "south", *SHOP) as south:
        north.customer("of north")
        south.customer("of south")
        sites = {"north.example.com": north.documents, "south.example.com": south.documents}
        with RunningFleetOfSites(sites) as fleet:
            for shop, site in zip((north, south), sites, strict=True):
                shop.with_settings(satellite={"url": fleet.url, "site": site}).sync()
        assert (north.names(CUSTOMER), south.names(CUSTOMER)) == ({"of north"}, {"of south"})


@pytest.mark.parametrize("how", [{"mount": "/erp"}, {"gzip": True}])
def test_a_site_under_a_sub_path_or_behind_a_server_that_compresses(tmp_path: Path, how: dict[str, Any]) -> None:
    with open_shop(tmp_path, *SHOP) as shop:
        fill(shop)
        with RunningSite(tmp_path / "site.sqlite", documents=shop.documents, **how) as site:
            shop.with_settings(satellite={"url": site.url}).sync()
            shop.assert_same()

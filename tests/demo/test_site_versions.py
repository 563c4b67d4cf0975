"""What sites of Frappe 13, 14 and 15 do in their own ways, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from small_site import CLERK, READER, doctype, shop

from federation.demo.site.server import RunningSite
from federation.demo.site.store import SiteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAMPS = [f"2026-01-01 00:00:0{second}" for second in range(5)]


@pytest.fixture(params=[13, 14, 15])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningSite]:
    path = tmp_path / "shop.db"
    with RunningSite(path, documents=shop(path, version=request.param)) as running:
        yield running


def version(site: RunningSite) -> int:
    return site.store.manners.version


def get(site: RunningSite, path: str, *, who: dict[str, str] = READER, **params: Any) -> requests.Response:
    asked = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in params.items()}
    return requests.get(f"{site.url}/api/{path}", params=asked, headers=who, timeout=20)


def fill(site: RunningSite) -> None:
    rows = [(f"c{place}", stamp, "a") for place, stamp in enumerate(STAMPS)]
    site.store.insert_rows("Customer", ["name", "modified", "group"], rows)


def names(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["data"]]


def test_a_site_tells_its_version(site: RunningSite) -> None:
    told = get(site, "method/frappe.utils.change_log.get_versions").json()["message"]
    assert told["frappe"]["version"].split(".")[0] == str(version(site))
    assert get(site, "method/version").status_code == (200 if version(site) == 13 else 417)


def test_the_version_of_a_store_is_kept(tmp_path: Path) -> None:
    SiteStore(tmp_path / "old.db", version=13).close()
    again = SiteStore(tmp_path / "old.db")
    assert again.manners.version == 13
    again.close()


def test_a_list_without_an_order_begins_with_the_newest_row_in_version_13_only(site: RunningSite) -> None:
    fill(site)
    found = names(get(site, "resource/Customer"))
    assert found == (["c4", "c3", "c2", "c1", "c0"] if version(site) == 13 else ["c0", "c1", "c2", "c3", "c4"])


def test_the_keyset_walks_in_every_version(site: RunningSite) -> None:
    fill(site)
    answer = get(
        site,
        "resource/Customer",
        filters=[["modified", ">=", STAMPS[1]]],
        or_filters=[["modified", ">", STAMPS[1]], ["name", ">", "c1"]],
        order_by="modified asc, name asc",
        limit_page_length=2,
    )
    assert names(answer) == ["c2", "c3"]


def test_debug_shows_whether_filters_are_coalesced(site: RunningSite) -> None:
    fill(site)
    answer = get(site, "resource/Customer", filters=[["modified", ">=", STAMPS[1]]], debug=1).json()
    shown = "".join(json.loads(answer["_debug_messages" if version(site) == 15 else "exc"]))
    assert ("where coalesce(`tabCustomer`.`modified`, NULL) >= '2026" in shown) == (version(site) == 13)
    assert "`modified`" in shown


def test_version_13_reads_the_whole_table_for_a_filter_that_others_read_from_an_index(site: RunningSite) -> None:
    fill(site)
    shown: list[str] = []
    connection = site.store.connection()
    connection.set_trace_callback(shown.append)
    from federation.demo.site.lists import ListRequest, read_list
    from federation.demo.site.permissions import SiteUser

    request = ListRequest.of(
        "Customer", {"filters": [["modified", ">=", STAMPS[4]]], "order_by": "modified asc"}, limit_is_alias=True
    )
    read_list(site.store, SiteUser("x", reads=("*",)), request)
    connection.set_trace_callback(None)
    (plan,) = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {shown[-1]}")]
    assert plan.startswith("SCAN" if version(site) == 13 else "SEARCH")


def test_a_star_is_the_whole_table_before_version_15(site: RunningSite) -> None:
    fill(site)
    site.store.add_custom_field("Customer", {"fieldname": "tier", "fieldtype": "Int"})
    row = get(site, "resource/Customer", fields=["*"], limit=1).json()["data"][0]
    assert ("_user_tags" in row) == (version(site) < 15)
    assert ("parenttype" in row) == (version(site) == 13)
    assert list(row)[-1] == "tier"
    assert "credit" not in row  # above the reader's permission level


def test_permission_levels_do_not_hold_for_a_single_document_before_version_15(site: RunningSite) -> None:
    fill(site)
    document = get(site, "resource/Customer/c0").json()["data"]
    assert ("credit" in document) == (version(site) < 15)


def test_only_version_15_computes_and_all_count(site: RunningSite) -> None:
    fill(site)
    assert get(site, "resource/Customer", fields=["count(name) as n"]).json()["data"] == [{"n": 5}]
    for field in ("max(modified) as m", "mod(crc32(name),4) as k"):
        answer = get(site, "resource/Customer", fields=[field])
        assert answer.status_code == (200 if version(site) == 15 else 417)


def test_refusals_name_their_kind_only_in_version_15(site: RunningSite) -> None:
    refused = get(site, "resource/Deleted Document", who=CLERK)
    assert refused.status_code == 403
    assert ("exc_type" in refused.json()) == (version(site) == 15)
    assert ("_server_messages" in refused.json()) == (version(site) > 13)
    missing = get(site, "resource/Customer/nobody").json()
    assert missing["exc_type"] == "DoesNotExistError"


def test_a_wrong_secret_is_a_guest_in_version_13(site: RunningSite) -> None:
    wrong = {"Authorization": "token reader:wrong"}
    assert get(site, "resource/Customer", who=wrong).status_code == (403 if version(site) == 13 else 401)
    unknown = get(site, "resource/Customer", who={"Authorization": "token nobody:x"})
    assert unknown.status_code == 401
    assert ("Password not found" in unknown.text) == (version(site) == 13)


def test_only_version_15_has_prefixes(site: RunningSite) -> None:
    for path in ("v1/resource/Customer", "v2/document/Customer", "v2/doctype/Customer/meta"):
        answer = get(site, path)
        assert answer.status_code == (200 if version(site) == 15 else 404)
        assert version(site) == 15 or answer.json() == {}


@pytest.mark.parametrize(
    ("as_dict", "arrays_in"), [("False", {15}), ("0", {15}), ("", {13, 14, 15}), (0, {13, 14, 15}), (1, set())]
)
def test_which_forms_of_as_dict_a_method_takes_as_false(
    site: RunningSite, as_dict: str | int, arrays_in: set[int]
) -> None:
    fill(site)
    body = {"doctype": "Customer", "fields": '["name"]', "limit_page_length": 1, "as_dict": as_dict}
    sent: dict[str, Any] = {"json": body} if isinstance(as_dict, int) else {"data": body}
    answer = requests.post(f"{site.url}/api/method/frappe.client.get_list", headers=READER, timeout=20, **sent)
    (row,) = answer.json()["message"]
    assert isinstance(row, list) == (version(site) in arrays_in)


def test_of_a_list_in_a_json_body_version_13_takes_the_first_item(site: RunningSite) -> None:
    fill(site)
    url = f"{site.url}/api/method/frappe.client.get_list"
    body = {"doctype": "Customer", "fields": ["name", "modified"]}
    answer = requests.post(url, json=body, headers=READER, timeout=20)
    assert answer.status_code == (500 if version(site) == 13 else 200)
    text = requests.post(url, json=body | {"fields": json.dumps(body["fields"])}, headers=READER, timeout=20)
    assert text.status_code == 200
    made = requests.post(
        f"{site.url}/api/resource/Order", json={"lines": [{"item": "a"}, {"item": "b"}]}, headers=CLERK, timeout=20
    )
    assert [line["item"] for line in made.json()["data"]["lines"]] == ["a", "b"]


def test_version_13_refuses_the_rows_of_a_table_that_is_a_custom_field(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Extra", "note: Data", istable=1))
    site.store.add_custom_field("Order", {"fieldname": "extras", "fieldtype": "Table", "options": "Extra"})
    made = site.documents.insert("Order", {"lines": [{"item": "tea"}], "extras": [{"note": "hot"}]})
    assert get(site, "resource/Order Line", parent="Order").status_code == 200
    assert get(site, "resource/Extra", parent="Order").status_code == (403 if version(site) == 13 else 200)
    assert get(site, f"resource/Order/{made['name']}").json()["data"]["extras"][0]["note"] == "hot"


def test_columns_of_child_tables_join_by_table_everywhere_and_by_field_from_version_14(site: RunningSite) -> None:
    site.documents.insert("Order", {"lines": [{"item": "tea"}, {"item": "cup"}]})
    dotted = get(site, "resource/Order", fields=["name", "lines.item"])
    assert dotted.status_code == (404 if version(site) == 13 else 200)
    backticked = get(site, "resource/Order", fields=["name", "`tabOrder Line`.`item`"]).json()["data"]
    assert sorted(row["item"] for row in backticked) == ["cup", "tea"]


def test_a_rating_is_a_number_of_stars_in_version_13(site: RunningSite) -> None:
    site.store.create_doctype(doctype("Review", "stars: Rating"))
    name = site.documents.insert("Review", {"stars": 3})["name"]
    got = get(site, f"resource/Review/{name}").json()["data"]["stars"]
    assert isinstance(got, int) == (version(site) == 13)


def test_the_comment_of_a_rename_emphasises_in_the_way_of_its_version(site: RunningSite) -> None:
    fill(site)
    site.documents.rename("Customer", "c0", "c9")
    row = get(site, "resource/Comment", fields=["content", "comment_type", "reference_name"]).json()["data"][0]
    mark = "b" if version(site) == 13 else "strong"
    assert row["content"] == f"renamed from <{mark}>c0</{mark}> to <{mark}>c9</{mark}>"
    assert (row["comment_type"], row["reference_name"]) == ("Edit", "c9")


def test_ledger_rows_get_their_names_by_a_job_that_moves_modified_in_version_15_only(site: RunningSite) -> None:
    ledger = doctype("GL Entry", "account: Data", "to_rename: Check", autoname="ACC-GLE-.YYYY.-.#####")
    site.store.create_doctype(ledger)
    site.store.insert_rows(
        "GL Entry",
        ["name", "creation", "modified", "to_rename"],
        [("b1c2d3e4f5", STAMPS[1], STAMPS[1], 1), ("a1b2c3d4e5", STAMPS[0], STAMPS[0], 1)],
    )
    named = site.documents.name_ledger_rows("GL Entry")
    assert named == {"a1b2c3d4e5": "ACC-GLE-2026-00001", "b1c2d3e4f5": "ACC-GLE-2026-00002"}
    first = site.documents.get("GL Entry", "ACC-GLE-2026-00001")
    assert (first["to_rename"], first["creation"]) == (0, STAMPS[0])
    assert (first["modified"] > STAMPS[4]) == (version(site) == 15)
    assert get(site, "resource/GL Entry/a1b2c3d4e5").status_code == 404
    assert site.store.count("Deleted Document") == 0
    assert site.documents.name_ledger_rows("GL Entry") == {}


def test_the_report_view_is_newest_first_in_every_version(site: RunningSite) -> None:
    fill(site)
    told = get(site, "method/frappe.desk.reportview.get", doctype="Customer", fields=["name"]).json()["message"]
    assert told["values"][0] == ["c4"]
    assert ("user_info" in told) == (version(site) > 13)

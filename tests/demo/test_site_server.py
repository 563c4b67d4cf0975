"""The simulated site as a server: who may ask, what is a document on the wire, and trouble on demand."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import requests
from small_site import CLERK, READER, shop

from federation.demo.site.documents import SiteDocuments
from federation.demo.site.faults import Fault
from federation.demo.site.server import RunningSite
from federation.demo.site.store import SiteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    path = tmp_path / "shop.db"
    with RunningSite(path, documents=shop(path)) as running:
        yield running


def get(
    site: RunningSite,
    path: str,
    *,
    params: dict[str, str] | None = None,
    headers: dict[str, str] = READER,
    timeout: float = 20,
) -> requests.Response:
    return requests.get(site.url + path, params=params, headers=headers, timeout=timeout)


def test_a_document_can_be_made_read_changed_and_deleted_over_http(site: RunningSite) -> None:
    url = f"{site.url}/api/resource/Order"
    made = requests.post(url, json={"customer": "Zoë", "lines": [{"item": "tea"}]}, headers=CLERK, timeout=20).json()[
        "data"
    ]
    assert made["doctype"] == "Order"
    assert [(line["doctype"], line["idx"], line["parent"]) for line in made["lines"]] == [
        ("Order Line", 1, made["name"])
    ]
    assert "remarks" not in made  # null keys are dropped
    changed = requests.put(f"{url}/{made['name']}", json={"docstatus": 1}, headers=CLERK, timeout=20).json()["data"]
    assert (changed["docstatus"], changed["lines"][0]["docstatus"]) == (1, 1)
    assert get(site, f"/api/resource/Order/{made['name']}").json()["data"] == changed
    assert requests.delete(f"{url}/{made['name']}", headers=CLERK, timeout=20).status_code == 417
    assert requests.put(f"{url}/{made['name']}", json={}, headers=READER, timeout=20).status_code == 403


@pytest.mark.parametrize("name", ["a/b c", "a?b&c=1", "a#b", "a%20b", "a+b", "東京 😀"])
def test_odd_names_round_trip(site: RunningSite, name: str) -> None:
    site.documents.insert("Customer", {"customer_name": name})
    found = get(site, f"/api/resource/Customer/{requests.utils.quote(name, safe='')}")
    assert found.json()["data"]["name"] == name


def test_text_travels_as_escaped_ascii(site: RunningSite) -> None:
    site.documents.insert("Customer", {"customer_name": "東京 😀", "group": "\u0001\u007f\r\n\\"})
    answer = get(site, "/api/resource/Customer", params={"fields": '["name", "group"]'})
    assert answer.content.isascii()
    assert b"\\u6771\\u4eac \\ud83d\\ude00" in answer.content
    assert answer.json()["data"] == [{"name": "東京 😀", "group": "\u0001\u007f\r\n\\"}]


def test_a_custom_field_appears_in_metadata_and_lists_and_moves_no_stamp(site: RunningSite) -> None:
    before = site.documents.insert("Customer", {"customer_name": "Zoë"})
    stamps = get(site, "/api/resource/DocType", params={"fields": '["name","modified"]'}).json()["data"]
    field = {"fieldname": "tier", "fieldtype": "Int", "label": "Tier", "insert_after": "customer_name"}
    site.store.add_custom_field("Customer", field)
    site.store.set_property("Customer", "group", "label", "Circle")
    assert get(site, "/api/resource/DocType", params={"fields": '["name","modified"]'}).json()["data"] == stamps
    (meta,) = get(site, "/api/method/frappe.desk.form.load.getdoctype", params={"doctype": "Customer"}).json()["docs"]
    assert [f["fieldname"] for f in meta["fields"]] == ["customer_name", "tier", "group", "credit"]
    assert [f["label"] for f in meta["fields"]][2] == "Circle"
    answer = get(site, "/api/resource/Customer", params={"fields": '["name","tier","modified"]'})
    assert answer.json()["data"] == [{"name": "Zoë", "tier": 0, "modified": before["modified"]}]
    names = get(site, "/api/resource/Custom Field").json()["data"]
    assert names == [{"name": "Customer-tier"}]
    site.documents.delete("Custom Field", "Customer-tier")
    assert "tier" not in site.store.meta("Customer").columns


def test_metadata_is_open_to_any_user_and_its_lists_to_system_managers(site: RunningSite) -> None:
    path = "/api/method/frappe.desk.form.load.getdoctype"
    metas = get(site, path, params={"doctype": "Order"}, headers=CLERK).json()["docs"]
    assert [meta["name"] for meta in metas] == ["Order", "Order Line"]
    assert get(site, path, params={"doctype": "Order"}, headers={}).status_code == 403
    for doctype in ("DocType", "Custom Field", "Property Setter", "Deleted Document"):
        assert get(site, f"/api/resource/{doctype}", headers=CLERK).status_code == 403
        assert get(site, f"/api/resource/{doctype}").status_code == 200


def test_a_store_opened_again_has_everything(tmp_path: Path) -> None:
    documents = shop(tmp_path / "shop.db")
    documents.insert("Customer", {"customer_name": "Zoë"})
    documents.store.close()
    again = SiteDocuments(SiteStore(tmp_path / "shop.db"))
    assert again.get("Customer", "zoe")["name"] == "Zoë"
    assert again.time_zone == "Asia/Kolkata"
    again.store.close()


def test_the_fault_plan_is_met_in_order_and_counted(site: RunningSite) -> None:
    site.faults.add(Fault("/Customer", status=429, retry_after=7, after=1))
    site.faults.add(Fault("/Customer", status=503))
    statuses = [get(site, "/api/resource/Customer") for _ in range(4)]
    assert [answer.status_code for answer in statuses] == [503, 429, 200, 200]
    assert statuses[1].headers["Retry-After"] == "7"
    assert get(site, "/api/method/ping").status_code == 200
    assert [fault.status for fault, _ in site.faults.hits] == [503, 429]


def test_a_reset_and_a_truncated_body_break_the_connection(site: RunningSite) -> None:
    site.faults.add(Fault(kind="reset"))
    with pytest.raises(requests.ConnectionError):
        get(site, "/api/method/ping")
    site.faults.add(Fault(kind="truncate", size=5))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(site, "/api/method/ping")
    assert get(site, "/api/method/ping").json() == {"message": "pong"}


def test_a_web_page_and_shifted_rows_come_with_status_200(site: RunningSite) -> None:
    site.documents.insert("Customer", {"customer_name": "Zoë", "group": "vip"})
    site.faults.add(Fault(kind="html"))
    assert get(site, "/api/method/ping").headers["Content-Type"].startswith("text/html")
    site.faults.add(Fault(kind="shift"))
    params = {"fields": json.dumps(["name", "owner", "group"]), "as_dict": "False"}
    assert get(site, "/api/resource/Customer", params=params).json()["data"] == [["Zoë", "vip"]]


def test_a_hanging_and_a_slow_site_take_their_time(site: RunningSite) -> None:
    site.documents.insert("Customer", {"customer_name": "Zoë"})
    site.faults.add(Fault(kind="hang", seconds=5))
    with pytest.raises(requests.ReadTimeout):
        get(site, "/api/method/ping", timeout=0.2)
    site.app.slow_rows_per_second = 10
    started = time.monotonic()
    assert get(site, "/api/resource/Customer").status_code == 200
    assert time.monotonic() - started >= 0.1


def test_a_long_request_line_is_refused_before_frappe_sees_it(site: RunningSite) -> None:
    answer = get(site, "/api/resource/Customer", params={"filters": json.dumps([["name", "in", ["x" * 5000]]])})
    assert answer.status_code == 400
    assert "Request Line is too large" in answer.text


def test_another_host_is_no_site_here(tmp_path: Path) -> None:
    with RunningSite(tmp_path / "x.db", hosts=frozenset({"shop.test"})) as site:
        answer = get(site, "/api/method/ping")
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert get(site, "/api/method/ping", headers={"Host": "shop.test"}).status_code == 200
        assert get(site, "/api/method/ping", headers={"X-Frappe-Site-Name": "shop.test"}).status_code == 200

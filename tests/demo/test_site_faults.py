"""Trouble on demand: limits, maintenance, what stands before Frappe, slow and broken bodies, and lies."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from small_site import CLERK, READER, shop

from federation.demo.site.faults import Fault
from federation.demo.site.lies import (
    LONE_SURROGATE,
    NUL,
    a_column_says,
    a_count_says,
    every_row_twice,
    the_document_says,
)
from federation.demo.site.limits import RateLimit
from federation.demo.site.server import RunningFleetOfSites, RunningSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIST = "/api/resource/Customer"
AS_ARRAYS = {"fields": '["name", "group"]', "as_dict": "False"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    path = tmp_path / "shop.db"
    with RunningSite(path, documents=shop(path)) as running:
        running.documents.insert("Customer", {"customer_name": "Zoë", "group": "vip"})
        yield running


def get(site: RunningSite | RunningFleetOfSites, path: str, **more: Any) -> requests.Response:
    headers = READER | more.pop("headers", {})
    return requests.get(site.url + path, headers=headers, timeout=20, **more)


# -- limits ----------------------------------------------------------------------------------------------------------


def test_the_rate_limit_counts_server_time_and_starts_anew_with_each_window(site: RunningSite) -> None:
    now = [1_000_000_020.0]
    site.app.rate_limit = RateLimit(seconds=0.05, window=60, clock=lambda: now[0])
    first = get(site, LIST)
    assert first.headers["X-RateLimit-Limit"] == "50000"
    assert first.headers["X-RateLimit-Remaining"] == "50000"
    assert int(first.headers["X-RateLimit-Used"]) > 0
    assert first.headers["X-RateLimit-Reset"] == str(60 - int(now[0]) % 60)
    site.faults.add(Fault(kind="hang", seconds=0.06))
    assert get(site, LIST).status_code == 200  # it begins within the limit
    refused = get(site, LIST)
    assert (refused.status_code, refused.json()["exc_type"]) == (429, "TooManyRequestsError")
    assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"]
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert "X-RateLimit-Used" not in refused.headers
    now[0] += int(refused.headers["Retry-After"])
    assert get(site, LIST).status_code == 200


def test_maintenance_closes_the_site_to_everything_or_to_changes_only(site: RunningSite) -> None:
    body = {"doctype": "Customer"}
    read = f"{site.url}/api/method/frappe.client.get_list"
    site.app.maintenance = "closed"
    for path in (LIST, "/api/method/ping"):
        assert (get(site, path).status_code, get(site, path).json()["exc_type"]) == (503, "SessionStopped")
    assert requests.post(read, json=body, headers=READER, timeout=20).status_code == 503
    site.app.maintenance = "reads"
    assert get(site, LIST).status_code == 200
    assert requests.post(read, json=body, headers=READER, timeout=20).status_code == 200
    write = requests.post(site.url + LIST, json={"customer_name": "Bob"}, headers=CLERK, timeout=20)
    assert (write.status_code, write.json()["exc_type"]) == (503, "InReadOnlyMode")
    site.app.maintenance = "off"
    assert get(site, "/api/method/ping").status_code == 200


def test_latency_grows_with_the_requests_in_flight(site: RunningSite) -> None:
    site.app.seconds_in_flight = 0.05
    seconds: list[float] = []

    def ask() -> None:
        began = time.monotonic()
        assert get(site, "/api/method/ping").status_code == 200
        seconds.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seconds) >= 4 * 0.05  # the last to come waits for four
    assert min(seconds) >= 0.05


def test_the_clock_may_jump_while_the_site_runs(site: RunningSite) -> None:
    site.documents.clock = lambda: datetime(2026, 1, 1, tzinfo=UTC)
    back = site.documents.insert("Customer", {"customer_name": "Early"})
    assert back["modified"] == "2026-01-01 05:30:00"
    site.documents.clock = lambda: datetime(2031, 1, 1, tzinfo=UTC)
    ahead = site.documents.save("Customer", "Early", {"group": "x"})
    assert (ahead["creation"], ahead["modified"]) == ("2026-01-01 05:30:00", "2031-01-01 05:30:00")


# -- what stands before Frappe ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_answers_in_html(site: RunningSite, status: int) -> None:
    site.faults.add(Fault(kind="gateway", status=status))
    answer = get(site, LIST)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
    assert "nginx" in answer.text
    assert "X-RateLimit-Limit" not in answer.headers


def test_a_killed_worker_answers_141_bytes_of_html(site: RunningSite) -> None:
    site.faults.add(Fault(kind="killed", seconds=0.05))
    answer = get(site, LIST)
    assert (answer.status_code, len(answer.content), answer.headers["Content-Type"]) == (500, 141, "text/html")


def test_a_trickling_body_arrives_whole_and_in_drops(site: RunningSite) -> None:
    expected = get(site, LIST).content
    site.faults.add(Fault(kind="trickle", size=5, seconds=0.02))
    with get(site, LIST, stream=True) as answer:
        assert answer.raw.isclosed() is False
        pieces = list(iter(lambda: answer.raw.read1(4096), b""))
    assert b"".join(pieces) == expected
    assert len(pieces) > 1


def test_an_idle_connection_is_closed_by_the_site(site: RunningSite) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /api/method/ping HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        received = b""
        while piece := connection.recv(4096):  # ends when the site hangs up
            received += piece
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert b"pong" in received


def test_gzip_comes_from_nginx_for_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with RunningSite(path, documents=shop(path), gzip=True) as site:
        site.store.insert_rows("Customer", ["name", "modified"], [(f"c{n:04}", "2026-01-01") for n in range(500)])
        params = {"limit_page_length": "0"}
        plain = get(site, LIST, params=params, headers={"Accept-Encoding": "identity"})
        packed = get(site, LIST, params=params, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.json() == plain.json()
        assert int(packed.headers["Content-Length"]) < len(plain.content) / 3
        assert "Content-Encoding" not in get(site, "/api/method/ping").headers  # too small


def test_a_site_may_stand_under_a_path(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with RunningSite(path, documents=shop(path), mount="/erp") as site:
        assert site.url.endswith("/erp")
        site.documents.insert("Customer", {"customer_name": "a/b"})
        assert get(site, "/api/resource/Customer/a%2Fb").json()["data"]["name"] == "a/b"
        beside = requests.get(site.url.removesuffix("/erp") + LIST, headers=READER, timeout=20)
        assert (beside.status_code, beside.headers["Content-Type"]) == (404, "text/html")


def test_several_sites_stand_behind_one_server(tmp_path: Path) -> None:
    sites = {f"{name}.test": shop(tmp_path / f"{name}.db") for name in ("north", "south")}
    for name, documents in sites.items():
        documents.insert("Customer", {"customer_name": name})
    with RunningFleetOfSites(sites) as fleet:
        for name in sites:
            for header in ("Host", "X-Frappe-Site-Name"):
                answer = get(fleet, LIST, headers={header: name})
                assert answer.json() == {"data": [{"name": name}]}
        assert get(fleet, LIST).status_code == 404
        fleet.apps["north.test"].faults.add(Fault(status=500))
        assert get(fleet, LIST, headers={"Host": "south.test"}).status_code == 200
        assert get(fleet, LIST, headers={"Host": "north.test"}).status_code == 500
    for documents in sites.values():
        documents.store.close()


# -- lies ------------------------------------------------------------------------------------------------------------


def test_a_row_may_come_twice(site: RunningSite) -> None:
    site.faults.add(Fault("/Customer", kind="lie", lie=every_row_twice))
    assert get(site, LIST).json()["data"] == [{"name": "Zoë"}, {"name": "Zoë"}]
    assert get(site, LIST).json()["data"] == [{"name": "Zoë"}]


@pytest.mark.parametrize("value", [NUL, LONE_SURROGATE, "x" * 10_000_000, None, 1e308], ids=lambda v: repr(v)[:12])
def test_a_cell_may_hold_anything(site: RunningSite, value: object) -> None:
    site.faults.add(Fault(kind="lie", lie=a_column_says("group", value)))
    answer = get(site, LIST, params=AS_ARRAYS)
    assert answer.status_code == 200
    assert answer.content.isascii()
    assert json.loads(answer.content)["data"] == [["Zoë", value]]


def test_counts_may_lie(site: RunningSite) -> None:
    site.faults.add(Fault("get_count", kind="lie", lie=a_count_says(7), times=None))
    asked = {"doctype": "Customer"}
    assert get(site, "/api/method/frappe.client.get_count", params=asked).json() == {"message": 7}
    site.faults.add(Fault("count(", kind="lie", lie=a_count_says(7), times=None))
    assert get(site, LIST, params={"fields": '["count(name) as n"]'}).json() == {"data": [{"n": 7}]}


def test_child_rows_may_have_no_parent(site: RunningSite) -> None:
    made = site.documents.insert("Order", {"lines": [{"item": "tea"}]})
    site.documents.sql_update("Order Line", {"parent": made["name"]}, {"parent": "nobody"})
    params = {"parent": "Order", "fields": '["parent", "item"]'}
    assert get(site, "/api/resource/Order Line", params=params).json()["data"] == [{"parent": "nobody", "item": "tea"}]


def test_a_document_may_say_it_is_another(site: RunningSite) -> None:
    site.faults.add(Fault(kind="lie", lie=the_document_says(name="Bob")))
    assert get(site, f"{LIST}/Zoë").json()["data"]["name"] == "Bob"


def test_another_sites_data_may_come_from_here(site: RunningSite, tmp_path: Path) -> None:
    other = shop(tmp_path / "other.db")
    other.insert("Customer", {"customer_name": "Stranger"})
    site.faults.add(Fault(kind="impostor", instead=other))
    assert get(site, LIST).json()["data"] == [{"name": "Stranger"}]
    assert get(site, LIST).json()["data"] == [{"name": "Zoë"}]
    other.store.close()

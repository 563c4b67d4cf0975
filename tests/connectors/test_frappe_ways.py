"""Ways to reach a site: a shared host, a sub-path, a proxy, a private CA, nginx's gzip."""

from __future__ import annotations

import base64
import gzip
import logging
import socket

import pytest
from frappe_model import KEY
from frappe_raw_server import respond, serving

from connectors.frappe import FrappeSession, Limits, SatelliteError, WireTable, ping, read_changes

PONG = respond(b'{"message":"pong"}')
HEADS = WireTable("ToDo", ("name", "modified"), ("text", "text"))
PROXY_SECRET = "Geheim-42"


def head(request: bytes) -> list[str]:
    return request.partition(b"\r\n\r\n")[0].decode().split("\r\n")


def test_one_of_several_sites_behind_an_address_is_named_in_both_ways():
    with serving(PONG, respond(b'{"message":[]}')) as server:
        session = server.session(site_name="north.example.com", url=f"http://127.0.0.1:{server.port}/erp")
        ping(session)
        list(
            read_changes(session, WireTable("ToDo", tuple(f"f{n}" for n in range(900)) + HEADS.fields, ("text",) * 902))
        )
    for request in server.requests:
        assert "Host: north.example.com" in head(request)
        assert "X-Frappe-Site-Name: north.example.com" in head(request)
        assert sum(line.lower().startswith("host:") for line in head(request)) == 1
    assert head(server.requests[0])[0] == "GET /erp/api/method/ping HTTP/1.1"
    assert head(server.requests[1])[0] == "POST /erp/api/method/frappe.client.get_list HTTP/1.1"


@pytest.mark.parametrize("name", ["", "a b", "a\r\nX: y", "https://north", "-north", "x" * 300, "é.example.com"])
def test_a_site_name_that_no_header_can_carry_is_refused(name):
    with pytest.raises(ValueError, match="name of a site"):
        FrappeSession("https://bench.example.com", KEY, site_name=name)


def test_a_proxy_is_asked_with_its_credentials_and_the_site_with_its_own():
    with serving(PONG) as server:
        proxy = f"http://ann:{PROXY_SECRET}@127.0.0.1:{server.port}"
        ping(server.session(url="http://north.test", proxy=proxy))
    sent = head(server.requests[0])
    assert sent[0] == "GET http://north.test/api/method/ping HTTP/1.1"
    assert f"Proxy-Authorization: Basic {base64.b64encode(f'ann:{PROXY_SECRET}'.encode()).decode()}" in sent
    assert f"Authorization: token {KEY.api_key}:{KEY.api_secret}" in sent


def test_the_proxy_of_the_settings_wins_over_the_machines(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "north.test")
    with serving(PONG) as server:
        ping(server.session(url="http://north.test", proxy=f"http://127.0.0.1:{server.port}"))
    assert len(server.requests) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_told_from_a_site_that_is_down(scheme, caplog):
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    proxy = f"http://ann:{PROXY_SECRET}@127.0.0.1:{port}"
    session = FrappeSession(f"{scheme}://north.test", KEY, Limits(retry_attempts=1), proxy=proxy)
    with pytest.raises(SatelliteError, match="proxy on the way") as caught:
        ping(session)
    for text in (str(caught.value), repr(caught.value), str(caught.value.__cause__), repr(session), caplog.text):
        assert PROXY_SECRET not in text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_us_is_the_satellites_trouble(scheme):
    refusal = respond(b"<h1>no</h1>", "407 Proxy Authentication Required")
    with serving(*[refusal] * 2) as server:
        session = server.session(
            url=f"{scheme}://north.test", proxy=f"http://127.0.0.1:{server.port}", limits={"retry_attempts": 1}
        )
        with pytest.raises(SatelliteError, match="Check the proxy's address and credentials"):
            ping(session)


@pytest.mark.parametrize("proxy", ["", "proxy:3128", "socks5://h:1", f"http://ann:{PROXY_SECRET}@:80", "http://h:x"])
def test_an_address_that_is_no_proxy_is_refused_without_repeating_secrets(proxy):
    with pytest.raises(ValueError, match="address of a proxy") as caught:
        FrappeSession("https://north.test", KEY, proxy=proxy)
    assert PROXY_SECRET not in str(caught.value)


def test_a_page_packed_by_nginx_is_counted_as_what_it_unpacks_to():
    rows = b'{"data":[' + b",".join([b'["a","2026-01-01 00:00:00"]'] * 3) + b"]}"
    packed = respond(gzip.compress(rows), Content_Encoding="gzip", Vary="Accept-Encoding", Server="nginx")
    with serving(packed) as server:
        (page,) = read_changes(server.session(), HEADS)
    assert "Accept-Encoding: gzip" in head(server.requests[0])
    assert (page.rows, page.bytes) == (3, len(rows))

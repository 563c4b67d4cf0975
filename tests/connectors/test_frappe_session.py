"""The session against servers that misbehave: every fault has its reaction, and none costs memory, time or a secret."""

from __future__ import annotations

import gzip
import json
import logging
import resource
import socket
from datetime import UTC, datetime, timedelta

import pytest
from frappe_model import KEY
from frappe_raw_server import hang_up, reset, respond, serving, stay_silent, then_hang_up, trickle
from frappe_tls_server import certificate_of, tls_site

from connectors.frappe import (
    Credentials,
    DocTypeError,
    FrappeSession,
    Limits,
    SatelliteError,
    TransientError,
    WireTable,
    ping,
    probe,
    read_changes,
    read_named,
)
from connectors.frappe.request import GET_LIST, Request

PONG = respond(b'{"message":"pong"}')
ROW = respond(b'{"data":[["a","2026-01-01 00:00:00"]]}')
HEADS = WireTable("ToDo", ("name", "modified"), ("text", "text"))
PING = Request("GET", "/api/method/ping", {})


def test_a_call_carries_the_token_and_nothing_of_the_machine():
    with serving(PONG) as server, server.session() as session:
        ping(session)
    head = server.requests[0].decode()
    assert head.startswith("GET /api/method/ping HTTP/1.1\r\n")
    assert f"Authorization: token {KEY.api_key}:{KEY.api_secret}" in head
    assert "Cookie" not in head


def test_a_netrc_of_the_machine_does_not_replace_the_token(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(PONG) as server, server.session() as session:
        ping(session)
    assert b"Authorization: token " in server.requests[0]


def test_cookies_are_never_kept():
    with (
        serving(respond(b'{"message":1}', Set_Cookie="sid=Guest; Path=/"), PONG) as server,
        server.session() as session,
    ):
        ping(session)
        ping(session)
    assert b"Cookie" not in server.requests[1]


def test_a_site_may_lie_under_a_path():
    with serving(PONG) as server, server.session(url=f"http://127.0.0.1:{server.port}/erp/") as session:
        ping(session)
    assert server.requests[0].startswith(b"GET /erp/api/method/ping ")


def test_one_connection_serves_many_calls():
    with serving(*[PONG] * 5) as server, server.session() as session:
        for _ in range(5):
            ping(session)
    assert server.connections == 1


def test_a_keep_alive_connection_that_the_site_closed_is_replaced_at_once():
    with serving(then_hang_up(PONG), PONG) as server, server.session() as session:
        ping(session)
        ping(session)
    assert len(server.requests) == 2
    assert all(pause == 0 for pause in server.pauses)


@pytest.mark.parametrize("play", [hang_up, reset])
def test_a_connection_closed_before_the_answer_is_retried_at_once(play):
    with serving(play, PONG) as server, server.session() as session:
        ping(session)
    assert server.pauses == [0]


def test_a_truncated_body_is_asked_for_again():
    with serving(then_hang_up(respond(b'{"mess', length=18)), PONG) as server, server.session() as session:
        ping(session)
    assert len(server.requests) == 2
    assert server.pauses[0] <= 0.5


def test_a_truncated_chunked_body_is_asked_for_again():
    cut = then_hang_up(respond(b'5\r\n{"mes\r\n', Content_Length="", Transfer_Encoding="chunked"))
    with serving(cut, PONG) as server, server.session() as session:
        ping(session)
    assert len(server.requests) == 2


def test_a_body_without_length_that_ends_in_the_middle_is_asked_for_again():
    cut = then_hang_up(respond(b'{"data":[["a","2026-01-', Content_Length=""))
    with serving(cut, ROW) as server, server.session() as session:
        (page,) = read_changes(session, HEADS)
    assert page.column("name") == ("a",)


def test_a_silent_site_is_given_up_after_the_read_timeout():
    with serving(stay_silent, stay_silent) as server:
        session = server.session(limits={"read_timeout": 0.1, "retry_attempts": 2})
        with pytest.raises(TransientError, match="didn't answer in time"):
            ping(session)
    assert len(server.requests) == 2


def test_a_trickling_answer_is_given_up_at_the_deadline():
    with serving(trickle) as server:
        session = server.session(limits={"answer_seconds": 0.2})
        with pytest.raises(TransientError, match="trickled in too slowly"):
            ping(session)
        session.close()
    assert len(server.requests) == 1


def test_an_unreachable_site_is_tried_again_and_then_the_satellites_trouble():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pauses: list[float] = []
    session = FrappeSession(
        f"http://127.0.0.1:{port}", KEY, Limits(retry_attempts=3), wait=lambda _, seconds: pauses.append(seconds)
    )
    with pytest.raises(SatelliteError, match="can't be reached"):
        ping(session)
    assert len(pauses) == 2


def test_a_host_that_does_not_exist_is_the_satellites_trouble():
    session = FrappeSession("http://no-such-site.invalid", KEY, Limits(retry_attempts=1))
    with pytest.raises(SatelliteError, match="can't be reached"):
        ping(session)


def test_a_web_page_instead_of_json_is_not_frappe():
    page = respond(b"<!doctype html><title>Sign in</title>", Content_Type="text/html")
    with serving(page) as server, pytest.raises(SatelliteError, match="isn't Frappe's JSON"):
        ping(server.session())
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed_and_says_where_it_leads(status):
    elsewhere = respond(b"", status, Location="https://login.example.com/?next=/api")
    with serving(elsewhere) as server, pytest.raises(SatelliteError, match=r"login\.example\.com"):
        ping(server.session())
    assert len(server.requests) == 1


def test_retry_after_is_honoured_in_seconds_and_as_a_date():
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    busy = respond(b"{}", "429 Too Many Requests", Retry_After="3")
    later = respond(b"<h1>busy</h1>", "503 Service Unavailable", Retry_After="Sun, 01 Mar 2026 12:00:07 GMT")
    with serving(busy, later, PONG) as server:
        ping(server.session(clock=lambda: now))
    assert server.pauses == [3.0, 7.0]


@pytest.mark.parametrize("header", ["999999999999999999999", "Fri, 01 Jan 9999 00:00:00 GMT"])
def test_a_site_that_asks_to_wait_for_ever_is_not_waited_for(header):
    busy = respond(b"{}", "429 Too Many Requests", Retry_After=header)
    with serving(busy) as server, pytest.raises(TransientError):
        ping(server.session())
    assert server.pauses == []


@pytest.mark.parametrize("header", ["soon", "-5", " "])
def test_a_senseless_retry_after_is_ignored(header):
    with serving(respond(b"{}", "429 Too Many Requests", Retry_After=header), PONG) as server:
        ping(server.session())
    assert server.pauses[0] <= 0.5


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("502 Bad Gateway", TransientError),
        ("504 Gateway Timeout", TransientError),
        ("520 Web server", TransientError),
        ("418 Teapot", SatelliteError),
    ],
)
def test_proxies_speak_in_statuses(status, error):
    with serving(*[respond(b"<h1>nginx</h1>", status)] * 2) as server, pytest.raises(error) as caught:
        list(read_changes(server.session(limits={"retry_attempts": 2}), HEADS))
    assert type(caught.value) is error


def test_a_worker_killed_by_one_list_is_tried_again_and_then_the_doctypes_trouble():
    killed = respond(
        b"<html><h1>Internal Server Error</h1></html>", "500 Internal Server Error", Content_Type="text/html"
    )
    with serving(*[killed] * 3) as server, pytest.raises(DocTypeError, match="worker died"):
        list(read_changes(server.session(limits={"retry_attempts": 3}), HEADS))
    assert len(server.requests) == 3


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_limit_is_cut_off_and_not_asked_for_again(announced):
    large = b'{"message":"' + b"x" * 300_000 + b'"}'
    play = respond(large) if announced else then_hang_up(respond(large, Content_Length=""))
    with serving(play) as server, pytest.raises(SatelliteError, match="larger than the limit"):
        ping(server.session(limits={"max_bytes": 100_000}))
    assert len(server.requests) == 1


def test_a_page_beyond_the_limit_is_the_doctypes_trouble():
    with (
        serving(*[respond(b'{"data":[' + b" " * 200_000 + b"]}")] * 5) as server,
        pytest.raises(DocTypeError, match="Lower the page size"),
    ):
        list(read_changes(server.session(limits={"max_bytes": 100_000}), HEADS))
    assert len(server.requests) == 5, "smaller pages were tried"


def test_a_gzip_bomb_stops_at_the_limit():
    bomb = gzip.compress(b" " * 400_000_000, 9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(respond(bomb, Content_Encoding="gzip")) as server, pytest.raises(SatelliteError, match="larger"):
        ping(server.session(limits={"max_bytes": 10_000_000}))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000, f"{grown} kB more"


def test_a_packed_page_is_unpacked():
    packed = gzip.compress(b'{"data":[["a","2026-01-01 00:00:00"]]}')
    with serving(respond(packed, Content_Encoding="gzip")) as server:
        (page,) = read_changes(server.session(), HEADS)
    assert page.bytes == 38


def test_a_body_that_is_not_the_gzip_it_claims_to_be_is_a_broken_answer():
    with serving(respond(b"{}", Content_Encoding="gzip")) as server, pytest.raises(TransientError, match="broke"):
        ping(server.session(limits={"retry_attempts": 1}))


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"data": "x"}',
        b'{"data":[1]}',
        b"{nonsense}",
        b'{"data":[{"name":"a"},["b"]]}',
    ],
)
def test_garbage_rows_are_the_doctypes_trouble(body):
    with serving(respond(body)) as server, pytest.raises(DocTypeError, match="isn't a list of rows"):
        list(read_changes(server.session(), HEADS))


def test_an_untrusted_certificate_is_not_tried_again(tmp_path):
    certificate, key = certificate_of(tmp_path)
    with tls_site(certificate, key) as port:
        with pytest.raises(SatelliteError, match="certificate isn't trusted"):
            ping(FrappeSession(f"https://127.0.0.1:{port}", KEY))
        ping(FrappeSession(f"https://127.0.0.1:{port}", KEY, verify=str(certificate)))


def test_no_secret_is_ever_shown(caplog):
    caplog.set_level(logging.DEBUG)
    told = json.dumps({"exception": f"bad token {KEY.api_key}:{KEY.api_secret}"}).encode()
    with serving(respond(told, "429 Too Many"), respond(told, "401 Unauthorized")) as server:
        session = server.session()
        with pytest.raises(SatelliteError) as caught:
            ping(session)
    for text in (
        str(caught.value),
        repr(caught.value),
        repr(session),
        repr(KEY),
        str(KEY),
        caplog.text,
        repr(session.limits),
    ):
        assert KEY.api_secret not in text
        assert KEY.api_key not in text


def test_what_a_site_says_is_shown_short_and_printable():
    nasty = json.dumps({"exception": "\x1b[31mred\x1b[0m\nline two\u202e " + "x" * 5000}).encode()
    with serving(respond(nasty, "417 Expectation Failed")) as server, pytest.raises(SatelliteError) as caught:
        ping(server.session())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 450


@pytest.mark.parametrize(
    "url", ["ftp://x", "x.example.com", "https://", "https://u:p@x.example.com", "https://x/?a=1", "https://x/#a", ""]
)
def test_an_address_that_is_none_is_refused_without_repeating_secrets(url):
    with pytest.raises(ValueError, match="address") as caught:
        FrappeSession(url, KEY)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "two words", "line\nbreak", "a:b", "é"])
def test_credentials_that_no_header_can_carry_are_refused_without_repeating_them(secret):
    with pytest.raises(ValueError, match="API secret") as caught:
        Credentials("key", secret)
    assert not secret or secret not in str(caught.value).removeprefix("the API secret is empty or holds spaces")


def test_a_ca_file_must_exist(tmp_path):
    with pytest.raises(ValueError, match="no CA file"):
        FrappeSession("https://x.example.com", KEY, verify=str(tmp_path / "none.pem"))


@pytest.mark.parametrize("name", ["connections", "page_rows", "max_bytes", "retry_attempts"])
def test_limits_are_above_zero(name):
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})


def test_a_post_goes_to_the_list_call_only():
    with pytest.raises(ValueError, match="POST"):
        Request("POST", "/api/resource/ToDo", {})


def test_a_long_list_goes_by_post_as_json_of_strings():
    names = [f"NOTE-{number:04}" for number in range(400)]
    with serving(respond(b'{"message":[["NOTE-0001","2026-01-01 00:00:00"]]}')) as server:
        (page,) = read_named(server.session(), HEADS, names)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST {GET_LIST} HTTP/1.1".encode())
    sent = json.loads(body)
    assert sent["as_dict"] == 0
    assert json.loads(sent["fields"]) == ["name", "modified"]
    assert json.loads(sent["filters"]) == [["name", "in", names]]
    assert page.rows == 1


def test_the_clock_skew_is_measured_by_the_date_header():
    ours = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    dated = {"Date": "Sun, 01 Mar 2026 12:05:00 GMT"}
    with serving(
        respond(b'{"message":"a@b.c"}', **dated),
        respond(b'{"message":{"time_zone":"Asia/Kolkata"}}'),
        respond(b'{"message":"odd"}'),
    ) as server:
        facts = probe(server.session(clock=lambda: ours))
    assert timedelta(minutes=5) - timedelta(seconds=5) < facts.clock_skew < timedelta(minutes=5, seconds=1)
    assert facts.versions == {}

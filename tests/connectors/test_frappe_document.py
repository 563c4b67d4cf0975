"""One document by its name: Singles, and documents whose child tables a site won't list."""

from __future__ import annotations

import json
from urllib.parse import unquote, urlsplit

import pytest
from frappe_raw_server import respond, serving
from frappe_recordings import Playback, recording
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import DocTypeError, SatelliteError, WireTable, read_document

SINGLE = WireTable("Lab Single", ("name", "idx", "a", "b", "rate"), ("text", "integer", "integer", "text", "number"))
WIRE = WireTable("Lab Wire", ("name", "modified", "f_int", "f_text"), ("text", "text", "integer", "text"))
ROW = WireTable("Lab Wire Row", ("name", "parent", "parentfield", "k", "v"), ("text",) * 4 + ("number",))


def told(document: object) -> object:
    return respond(json.dumps({"data": document}).encode())


def test_a_single_is_read_as_one_row_and_its_numbers_are_numbers():
    site = Playback("v15/e_types/38")
    pages = read_document(site.session(), SINGLE, {}, "Lab Single")
    assert pages["Lab Single"].columns == (("Lab Single",), (0,), (5,), ("x",), (None,))
    assert urlsplit(site.requests[0].url).path == "/api/resource/Lab%20Single/Lab%20Single"


@pytest.mark.parametrize("name", ["v13/c_children/05", "v14/c_children/05"])
def test_a_document_comes_with_its_child_rows(name):
    document = recording(name)["response"]["body"]["data"]
    pages = read_document(Playback(name).session(), WIRE, {"rows": ROW}, "w1")
    assert pages["Lab Wire"].rows == 1
    assert pages["Lab Wire"].column("modified") == (document["modified"],)
    assert pages["Lab Wire Row"].column("k") == tuple(row["k"] for row in document["rows"])
    assert pages["Lab Wire Row"].column("parent") == ("w1", "w1")
    assert not pages["Lab Wire"].refused


def test_what_is_absent_is_null_and_a_table_without_rows_is_empty():
    pages = read_document(Playback("v14/c_children/05").session(), WIRE, {"rows": ROW, "none": ROW}, "w1")
    assert pages["Lab Wire"].column("f_text") == (None,)
    assert pages["Lab Wire Row"].rows == 2
    other = WireTable("Other Row", ("name",), ("text",))
    assert read_document(Playback("v14/c_children/05").session(), WIRE, {"x": other}, "w1")["Other Row"].rows == 0


def test_two_tables_of_one_child_doctype_share_a_page():
    document = {"name": "d", "left": [{"name": "1", "parentfield": "left"}], "right": [{"name": "2"}]}
    with serving(told(document)) as server:
        pages = read_document(server.session(), WIRE, {"left": ROW, "right": ROW}, "d")
    assert pages["Lab Wire Row"].column("name") == ("1", "2")


def test_a_document_that_is_not_there_is_none():
    assert read_document(Playback("v15/a_auth/16").session(), WIRE, {}, "does-not-exist") is None


def test_a_document_of_another_spelling_is_not_the_one_asked_for():
    recorded = "v15/e_types/23"
    assert recording(recorded)["response"]["body"]["data"]["name"] == "wire-2 empties"
    assert read_document(Playback(recorded).session(), WIRE, {}, "WIRE-2 EMPTIES") is None


def test_a_counted_name_is_asked_for_as_text():
    pages = read_document(Playback("v15/e_types/28").session(), WireTable("Lab Auto", ("name",), ("integer",)), {}, "2")
    assert pages["Lab Auto"].columns == ((2,),)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=140))
def test_any_name_reaches_the_site_as_it_is(name):
    site = Playback("v15/a_auth/16")
    if name in (".", ".."):
        with pytest.raises(DocTypeError, match="can't be asked for"):
            read_document(site.session(), WIRE, {}, name)
        return
    read_document(site.session(), WIRE, {}, name)
    assert unquote(urlsplit(site.requests[0].url).path.removeprefix("/api/resource/Lab%20Wire/")) == name


@pytest.mark.parametrize("body", [b'{"data":[]}', b'{"data":{"name":"d","rows":"x"}}', b'{"data":{"rows":[1]}}', b"{}"])
def test_what_is_no_document_is_the_doctypes_trouble(body):
    with serving(respond(body)) as server, pytest.raises(DocTypeError, match="Read the DocType on the site"):
        read_document(server.session(), WIRE, {"rows": ROW}, "d")


def test_an_unknown_site_is_no_absent_document():
    with pytest.raises(SatelliteError):
        read_document(Playback("v15/a_auth/23").session(), WIRE, {}, "d")


@pytest.mark.parametrize("cell", ["", "1,5", "0x1", "٣", "1_000", "nan", "1" * 40])
def test_text_that_is_no_number_stays_text(cell):
    with serving(told({"name": "Lab Single", "a": cell, "rate": cell})) as server:
        pages = read_document(server.session(), SINGLE, {}, "Lab Single")
    assert pages["Lab Single"].columns[2:] == ((cell,), (None,), (cell,))


def test_numbers_of_a_single_keep_their_value():
    with serving(told({"name": "Lab Single", "a": "-9007199254740993", "rate": "1.25"})) as server:
        pages = read_document(server.session(), SINGLE, {}, "Lab Single")
    assert pages["Lab Single"].columns[2:] == ((-9007199254740993,), (None,), (1.25,))

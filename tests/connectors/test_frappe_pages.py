"""Decoding pages: cells keep their values, strict where possible, never wrong."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import WireTable
from connectors.frappe.pages import GarbageError, ShiftedRows, decode_arrays, decode_objects

KINDS = ("text", "integer", "number")
cells = st.tuples(
    st.none() | st.text(),
    st.none() | st.integers(-(2**63), 2**64 - 1),
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def rows_of(decoded):
    return [list(row) for row in zip(*decoded.columns, strict=True)]


@given(st.lists(cells, max_size=8), st.sampled_from(["data", "message"]))
def test_rows_of_the_right_kinds_come_as_they_were_sent(rows, envelope):
    decoded = decode_arrays(json.dumps({envelope: rows, "exc": "[]", "_debug_messages": "x"}).encode(), KINDS)
    assert rows_of(decoded) == [list(row) for row in rows]
    assert decoded.count == len(rows)
    assert len(decoded.columns) == 3


@given(st.lists(st.tuples(anything, anything, anything), min_size=1, max_size=6))
def test_rows_of_wrong_kinds_come_as_they_were_sent(rows):
    decoded = decode_arrays(json.dumps({"data": rows}).encode(), KINDS)
    assert json.dumps(rows_of(decoded)) == json.dumps(rows)


def test_whole_numbers_in_number_columns_stay_exact():
    decoded = decode_arrays(b'{"data":[["a",9007199254740993,9007199254740993],["b",1,1234567890.1234567]]}', KINDS)
    assert decoded.columns[1:] == ((9007199254740993, 1), (9007199254740993, 1234567890.1234567))
    assert isinstance(decoded.columns[2][0], int)


def test_what_strict_json_forbids_is_kept_for_the_conform_step_to_judge():
    decoded = decode_arrays(b'{"data":[["\\ud83d",1,NaN],["ok",123456789012345678901234567890,1e400]]}', KINDS)
    assert decoded.columns[0] == ("\ud83d", "ok")
    assert decoded.columns[1][1] == 123456789012345678901234567890
    assert math.isnan(decoded.columns[2][0])
    assert decoded.columns[2][1] == math.inf


@pytest.mark.parametrize("row", [["a", 1], ["a", 1, 2.0, 3], [], ["a", "b"]])
def test_a_row_of_another_width_is_never_guessed_at(row):
    with pytest.raises(ShiftedRows):
        decode_arrays(json.dumps({"data": [["a", 1, 2.0], row]}).encode(), KINDS)


def test_a_site_that_answers_objects_where_arrays_were_asked_is_asked_as_it_likes():
    with pytest.raises(ShiftedRows):
        decode_arrays(b'{"message":[{"name":"a"}]}', KINDS)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"data":null}', b'{"data":{"a":1}}', b'{"data":["a"]}', b'{"data":[[1,2', b'[["a",1,2]]', b"\xff"]
)
def test_a_body_without_rows_is_garbage(body):
    with pytest.raises(GarbageError):
        decode_arrays(body, KINDS)


def test_a_field_that_some_rows_lack_is_null_there_and_not_refused():
    decoded = decode_objects(b'{"data":[{"a":1,"b":2},{"a":3}]}', ("a", "b", "c"))
    assert decoded.columns == ((1, 3), (2, None), (None, None))
    assert decoded.absent == {"c"}


def test_no_rows_refuse_no_field():
    assert decode_objects(b'{"data":[]}', ("a",)).absent == set()
    assert decode_arrays(b'{"data":[]}', KINDS).columns == ((), (), ())


def test_every_field_of_a_table_has_one_kind():
    with pytest.raises(ValueError, match="ToDo"):
        WireTable("ToDo", ("name", "modified"), ("text",))
    with pytest.raises(ValueError, match="ToDo"):
        WireTable("ToDo", ("name", "name"), ("text", "text"))

"""Specification of names: what DocTypes and fields are called as paths, tables and columns."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.frappe import is_doctype_name, is_fieldname
from federation.contract.names import RESERVED_TABLE_PREFIXES, column_name, scrub, slug, table_name, utc_name

DOCTYPES = st.from_regex(r"[^\W\d_][\w \-]{0,139}", fullmatch=True)
OURS = st.sampled_from(["satellite", "Observed", "creation_utc", "_utc", "due_date_UTC"])
FIELDNAMES = st.one_of(
    st.from_regex(r"\w{1,64}", fullmatch=True),
    st.tuples(OURS, st.integers(0, 3)).map(lambda made: made[0] + "_field" * made[1]),
    st.text("ab_ßΐ𝒳", min_size=55, max_size=64),
)


@settings(deadline=None)
@given(DOCTYPES)
def test_a_doctype_is_one_safe_path_segment(doctype: str):
    assert is_doctype_name(doctype)
    assert re.fullmatch(r"[a-z0-9_]{1,40}-[0-9a-f]{8}", slug(doctype))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Sales Order", "Sales-Order"), ("GL Entry", "gl entry"), ("عميل", "مورد"), ("A" * 140, "A" * 139)],
)
def test_doctypes_that_look_alike_share_no_path(one: str, other: str):
    assert slug(one) != slug(other)


@pytest.mark.parametrize(
    ("doctype", "table"),
    [
        ("Sales Invoice", "sales_invoice"),
        ("GL Entry", "gl_entry"),
        ("Non-Conformance", "non_conformance"),
        ("Dim Account", "doctype_dim_account"),
        ("Federation Ledger", "doctype_federation_ledger"),
        ("Dimension", "dimension"),
        ("عميل", "doctype"),
    ],
)
def test_a_table_is_called_as_its_doctype_in_snake_case(doctype: str, table: str):
    assert table_name(doctype, []) == table


def test_a_table_whose_name_is_taken_gets_a_number():
    assert table_name("Sales-Order", ["sales_order"]) == "sales_order_2"
    assert table_name("Sales-Order", ["sales_order", "sales_order_2"]) == "sales_order_3"


@settings(deadline=None)
@given(st.lists(DOCTYPES, max_size=20))
def test_every_doctype_gets_a_table_of_its_own(doctypes: list[str]):
    tables: list[str] = []
    for doctype in doctypes:
        tables.append(table_name(doctype, tables))
    assert len(set(tables)) == len(doctypes)
    assert all(re.fullmatch(r"[a-z0-9_]{1,60}", table) for table in tables)
    assert not any(table.startswith(RESERVED_TABLE_PREFIXES) for table in tables)


@pytest.mark.parametrize(
    "fieldname", ["customer", "grand_total", "2_add_edit_gl_entries", "_user_tags", "utc", "field"]
)
def test_a_column_is_called_as_its_field(fieldname: str):
    assert column_name(fieldname) == fieldname


@pytest.mark.parametrize(
    ("fieldname", "column"),
    [
        ("satellite", "satellite_field"),
        ("Satellite", "satellite_field"),
        ("observed", "observed_field"),
        ("creation_utc", "creation_utc_field"),
        ("satellite_field", "satellite_field_field"),
        ("creation_utc_field", "creation_utc_field_field"),
    ],
)
def test_a_field_that_is_called_like_a_column_of_ours_makes_way(fieldname: str, column: str):
    assert column_name(fieldname) == column


@settings(deadline=None)
@given(FIELDNAMES, FIELDNAMES)
def test_two_fields_share_a_column_only_if_they_differ_in_case_alone(one: str, other: str):
    assert is_fieldname(one)
    assert (column_name(one) == column_name(other)) == (one.casefold() == other.casefold())
    assert column_name(one) not in {"satellite", "observed"}
    assert not column_name(one).endswith("_utc")


@settings(deadline=None)
@given(DOCTYPES)
def test_scrubbing_a_scrubbed_name_changes_nothing(doctype: str):
    assert scrub(scrub(doctype)) == scrub(doctype)


@pytest.mark.parametrize("fieldname", ["x" * 64, "x" * 61, "naïve", "顧客", "a" * 47 + "_" + "0" * 11])
def test_a_name_that_every_database_takes_is_kept(fieldname: str):
    assert column_name(fieldname) == fieldname


@pytest.mark.parametrize(
    ("fieldname", "begins", "whole"),
    [
        ("ß" * 64, "s" * 47, "s" * 128),
        ("X" * 60 + "_utc", "x" * 47, "x" * 60 + "_utc_field"),
        ("𝒳_value", "__value" + "_" * 40, "𝒳_value"),
    ],
)
def test_a_name_that_a_database_cannot_have_is_shortened(fieldname: str, begins: str, whole: str):
    assert column_name(fieldname) == f"{begins}_{hashlib.sha256(whole.encode()).hexdigest()[:12]}"


def test_a_field_that_is_called_like_a_shortened_one_makes_way():
    shortened = column_name("ß" * 64)
    assert len(column_name(shortened)) <= 64
    assert column_name(shortened) != shortened


@pytest.mark.parametrize(
    ("column", "utc"),
    [
        ("sent", "sent_utc"),
        ("x" * 60, "x" * 60 + "_utc"),
        ("x" * 61, f"{'x' * 47}_{hashlib.sha256(b'x' * 61).hexdigest()[:12]}_utc"),
    ],
)
def test_an_instant_stands_beside_its_datetime_under_a_name_that_fits(column: str, utc: str):
    assert utc_name(column) == utc


@settings(deadline=None)
@given(FIELDNAMES)
def test_every_column_has_a_name_that_every_database_takes(fieldname: str):
    for name in (column_name(fieldname), utc_name(column_name(fieldname))):
        assert 0 < len(name) <= 64
        assert name == name.casefold()
        assert max(name) <= "\uffff"


@settings(deadline=None)
@given(st.lists(FIELDNAMES, max_size=20))
def test_fields_and_instants_share_no_column(fieldnames: list[str]):
    fields = {fieldname.casefold() for fieldname in fieldnames}
    columns = {column_name(fieldname) for fieldname in fields}
    assert len(columns) == len(fields)
    instants = {utc_name(column) for column in columns}
    assert len(instants) == len(columns)
    assert not instants & columns

"""Specification of the union: one contract over all satellites, whatever each of them is like or was like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import reduce
from itertools import permutations

import pyarrow as pa
import pytest
from described import column, contract, hash_none, keep_all, meta, satellite
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import recorded_metas, recordings

from connectors.frappe import DocField, DocTypeMeta
from connectors.frappe.metadata import decode_metas
from federation.contract.fieldtypes import (
    COLUMN_TYPES,
    DATE,
    DATETIME,
    FLAG,
    INTEGER,
    MONEY,
    TEXT,
    TIME,
    WIDE_NUMBER,
    widen,
)
from federation.contract.satellite_schema import SatelliteSchema
from federation.contract.union import contract_of

TYPES = st.sampled_from([TEXT, INTEGER, FLAG, DATE, TIME, DATETIME, MONEY, WIDE_NUMBER])
FIELDTYPES = st.sampled_from(sorted(COLUMN_TYPES))
DESCRIPTIONS = st.dictionaries(st.sampled_from(["a", "A", "b", "satellite", "b_utc", "Observed"]), FIELDTYPES)
HISTORIES = st.lists(DESCRIPTIONS, min_size=1, max_size=3)


@settings(deadline=None)
@given(TYPES, TYPES, TYPES)
def test_widening_takes_types_in_any_order_and_grouping(one: pa.DataType, other: pa.DataType, third: pa.DataType):
    assert widen(one, one) == one
    assert widen(one, other) == widen(other, one)
    assert widen(widen(one, other), third) == widen(one, widen(other, third))


@pytest.mark.parametrize(
    ("types", "wide"),
    [
        ([FLAG, INTEGER], INTEGER),
        ([FLAG, MONEY], MONEY),
        ([INTEGER, MONEY], WIDE_NUMBER),
        ([FLAG, INTEGER, MONEY], WIDE_NUMBER),
        ([DATE, DATETIME], DATETIME),
        ([DATE, TIME], TEXT),
        ([MONEY, TEXT], TEXT),
        ([INTEGER, DATE], TEXT),
    ],
)
def test_widening_is_as_narrow_as_the_values_allow(types: list[pa.DataType], wide: pa.DataType):
    assert reduce(widen, types) == wide


@settings(deadline=None)
@given(st.lists(HISTORIES, min_size=1, max_size=3))
def test_the_order_of_satellites_never_matters(histories: list[list[dict[str, str]]]):
    schemas = [
        satellite(f"site{number}", *(meta("Item", **fields) for fields in history))
        for number, history in enumerate(histories)
    ]
    folded = [contract("Item", *ordered) for ordered in permutations(schemas)]
    assert all(other == folded[0] and other.version == folded[0].version for other in folded)


@settings(deadline=None)
@given(st.lists(HISTORIES, min_size=1, max_size=3))
def test_every_column_has_a_name_of_its_own_and_starts_with_the_key(histories: list[list[dict[str, str]]]):
    schemas = [
        satellite(f"site{number}", *(meta("Item", **fields) for fields in history))
        for number, history in enumerate(histories)
    ]
    names = [each.name for each in contract("Item", *schemas).parent.columns]
    assert names[:3] == ["satellite", "name", "observed"]
    assert len({name.casefold() for name in names}) == len(names)


@settings(deadline=None)
@given(st.lists(HISTORIES, min_size=2, max_size=3))
def test_the_union_holds_every_satellites_own_contract(histories: list[list[dict[str, str]]]):
    schemas = [
        satellite(f"site{number}", *(meta("Item", **fields) for fields in history))
        for number, history in enumerate(histories)
    ]
    union = contract("Item", *schemas).parent.by_name
    for schema in schemas:
        for own in contract("Item", schema).parent.columns:
            if own.utc_of and own.name not in union:
                assert union[own.utc_of].type == TEXT
            else:
                assert widen(own.type, union[own.name].type) == union[own.name].type


def test_no_satellite_no_contract():
    assert contract_of("Item", [satellite("north", meta("Order"))], keeps=keep_all, hashes=hash_none) is None


def test_satellites_may_come_one_by_one():
    schemas = [satellite("north", meta("Item", tables={"rows": "Row"}), meta("Row", is_child=True))]
    folded = contract_of("Item", iter(schemas), keeps=keep_all, hashes=hash_none)
    assert folded == contract("Item", *schemas)


def test_a_removed_field_keeps_its_column():
    removed = satellite("north", meta("Item", rate="Currency"), meta("Item"))
    kept = column("Item", "rate", removed)
    assert (kept.type, kept.satellites) == (MONEY, ())


def test_a_retyped_field_widens():
    assert (
        column("Item", "size", satellite("north", meta("Item", size="Int"), meta("Item", size="Float"))).type
        == WIDE_NUMBER
    )
    assert (
        column("Item", "size", satellite("north", meta("Item", size="Data"), meta("Item", size="Float"))).type == TEXT
    )


def test_fields_that_differ_between_satellites_widen():
    north, south = satellite("north", meta("Item", size="Check")), satellite("south", meta("Item", size="Currency"))
    assert column("Item", "size", north, south).type == MONEY


def test_a_custom_field_of_one_site_is_a_column_that_says_whose_it_is():
    north, south = satellite("north", meta("Item")), satellite("south", meta("Item", egs_unit="Data"))
    assert column("Item", "egs_unit", north, south).satellites == ("south",)
    assert column("Item", "owner", north, south).satellites == ("north", "south")


def test_spellings_that_differ_in_case_are_one_field():
    north, south = satellite("north", meta("Item", HSN_Code="Int")), satellite("south", meta("Item", hsn_code="Data"))
    table = contract("Item", south, north).parent
    found = [each for each in table.columns if each.name.casefold() == "hsn_code"]
    assert [(each.name, each.type, each.satellites) for each in found] == [("hsn_code", TEXT, ("north", "south"))]
    assert table.by_fieldname["hsn_code"] is found[0]


def test_a_field_respelled_by_its_site_stays_one_column():
    respelled = column(
        "Item", "hsn_code", satellite("north", meta("Item", HSN_Code="Data"), meta("Item", hsn_code="Data"))
    )
    assert (respelled.fieldname, respelled.satellites) == ("hsn_code", ("north",))


def test_fields_called_like_columns_of_ours_make_way_in_every_contract_alike():
    north = satellite("north", meta("Item", satellite="Data", observed="Check", modified_utc="Datetime"))
    south = satellite("south", meta("Item", satellite_field="Int"))
    for schemas in ([north], [north, south]):
        by_name = contract("Item", *schemas).parent.by_name
        assert by_name["satellite"].fieldname == by_name["observed"].fieldname == ""
        assert by_name["modified_utc"].utc_of == "modified"
        assert (by_name["satellite_field"].fieldname, by_name["satellite_field"].type) == ("satellite", TEXT)
        assert (by_name["observed_field"].fieldname, by_name["observed_field"].type) == ("observed", FLAG)
        assert by_name["modified_utc_field"].fieldname == "modified_utc"
        assert by_name["modified_utc_field_utc"].utc_of == "modified_utc_field"
    assert by_name["satellite_field_field"].fieldname == "satellite_field"


def test_a_datetime_stands_beside_its_instant_in_utc():
    columns = contract("Item", satellite("north", meta("Item", sent="Datetime", day="Date"))).parent.columns
    names = [each.name for each in columns]
    assert names[names.index("sent") + 1] == "sent_utc"
    assert "day_utc" not in names
    assert {each.name for each in columns if each.utc_of} == {"creation_utc", "modified_utc", "sent_utc"}


def test_a_hashed_field_is_text_for_all_once_one_site_hashes_it():
    north, south = satellite("north", meta("Item", tax_id="Data")), satellite("south", meta("Item", tax_id="Int"))
    hashed = column("Item", "tax_id", north, south, hashes=lambda site, *_: site == "north")
    assert (hashed.type, hashed.satellites) == (TEXT, ("north", "south"))


def test_a_dropped_field_has_no_column():
    north, south = satellite("north", meta("Item", tax_id="Data")), satellite("south", meta("Item", tax_id="Int"))
    dropped = contract("Item", north, south, keeps=lambda site, asked: asked.fieldname != "tax_id")
    assert "tax_id" not in dropped.parent.by_name


def test_a_field_dropped_at_one_site_is_a_column_of_the_others():
    north, south = satellite("north", meta("Item", tax_id="Data")), satellite("south", meta("Item", tax_id="Int"))
    kept = column(
        "Item", "tax_id", north, south, keeps=lambda site, asked: site == "south" or asked.fieldname != "tax_id"
    )
    assert (kept.type, kept.satellites) == (INTEGER, ("south",))


def test_a_virtual_field_has_no_column():
    virtual = satellite("north", meta("Item", age=DocField("age", "Int", is_virtual=True)))
    assert "age" not in contract("Item", virtual).parent.by_name


def test_mandatory_and_non_negative_are_what_all_satellites_agree_on():
    strict = DocField("qty", "Float", mandatory=True, non_negative=True)
    north, south = satellite("north", meta("Item", qty=strict)), satellite("south", meta("Item", qty="Float"))
    assert (column("Item", "qty", north).mandatory, column("Item", "qty", north).non_negative) == (True, True)
    assert (column("Item", "qty", north, south).mandatory, column("Item", "qty", north, south).non_negative) == (
        False,
        False,
    )
    gone = satellite("south", meta("Item", qty="Float"), meta("Item"))
    assert column("Item", "qty", north, gone).mandatory


def test_a_child_table_comes_with_every_document_that_had_it():
    north = satellite(
        "north", meta("Order", tables={"items": "Line"}), meta("Line", is_child=True, qty="Float"), meta("Order")
    )
    folded = contract("Order", north)
    assert [table.doctype for table in folded.tables] == ["Order", "Line"]
    assert [each.name for each in folded.children["Line"].columns][:4] == ["satellite", "name", "observed", "owner"]
    assert {"parent", "parentfield", "parenttype", "qty"} <= folded.children["Line"].by_name.keys()
    assert folded.children["Line"].is_child


def test_a_child_table_that_the_site_did_not_describe_is_left_out():
    """Real sites name child DocTypes that don't exist."""
    assert contract("Order", satellite("north", meta("Order", tables={"items": "Lost"}))).children == {}


def test_a_child_table_is_the_same_under_each_of_its_parents():
    north = satellite(
        "north",
        meta("Order", tables={"taxes": "Tax"}),
        meta("Invoice", tables={"taxes": "Tax"}),
        meta("Tax", is_child=True, rate="Int"),
    )
    south = satellite(
        "south", meta("Invoice", tables={"taxes": "Tax"}), meta("Tax", is_child=True, rate="Float", region="Data")
    )
    assert contract("Order", north, south).children["Tax"] == contract("Invoice", north, south).children["Tax"]
    assert contract("Order", north, south).children["Tax"].by_name["region"].satellites == ("south",)


def test_the_version_changes_with_the_shape_and_with_nothing_else():
    plain = contract("Item", satellite("north", meta("Item", size="Int")))
    labelled = contract("Item", satellite("north", meta("Item", size=DocField("size", "Int", label="Size"))))
    retyped = contract("Item", satellite("north", meta("Item", size="Float")))
    assert plain.version == labelled.version
    assert plain.version != retyped.version


SITES = ("north.test", "south.test")


@pytest.fixture(scope="module")
def real_sites() -> list[SatelliteSchema]:
    schemas = []
    for site in SITES:
        schema = SatelliteSchema(site.partition(".")[0])
        for recorded in recordings_of_metadata(site):
            schema = schema.absorb(recorded, read_at="", fingerprints={})
        schemas.append(schema)
    return schemas


def recordings_of_metadata(site: str) -> Iterator[tuple[DocTypeMeta, ...]]:
    for doctype, described in recorded_metas(site).items():
        yield decode_metas(json.dumps({"docs": [described]}).encode(), doctype)


def test_two_real_sites_have_a_contract_for_everything_that_they_showed(real_sites):
    doctypes = sorted({doctype for schema in real_sites for doctype in schema.doctypes})
    assert len(doctypes) > 25
    for doctype in doctypes:
        folded = contract(doctype, *real_sites)
        for table in folded.tables:
            assert len(table.schema.names) == len({name.casefold() for name in table.schema.names})
            assert {
                "satellite",
                "name",
                "observed",
                "owner",
                "creation",
                "modified",
                "docstatus",
            } <= table.by_name.keys()


def test_every_cell_that_two_real_sites_sent_has_a_column(real_sites):
    seen = 0
    for recording in recordings().values():
        if recording.topic != "samples" or not recording.rows:
            continue
        parent = contract(recording.doctype, *real_sites).parent
        for fieldname in recording.rows[0]:
            if fieldname in {"parent", "parentfield", "parenttype"} and fieldname not in parent.by_fieldname:
                assert recording.params.get("parent")  # a child table, which comes with its document
                continue
            assert recording.site.partition(".")[0] in parent.by_fieldname[fieldname].satellites
            seen += 1
    assert seen > 1_900


def test_what_only_one_real_site_has_says_so(real_sites):
    table = contract("Sales Invoice", *real_sites).parent
    only = {each.fieldname: each.satellites for each in table.columns if each.fieldname and len(each.satellites) == 1}
    assert set(only.values()) == {("south",)}
    children = contract("Sales Invoice", *real_sites).children
    assert children["Sales Invoice Item"].by_name["rate"].type == MONEY
    assert table.by_name["grand_total"].type == MONEY
    assert table.by_name["posting_time"].type == TIME
    assert contract("South Inspection", *real_sites).parent.by_name["name"].satellites == ("south",)

"""Specification of the satellite schema: what a site said of its DocTypes is never forgotten."""

from __future__ import annotations

import msgspec
import pytest
from described import TODAY, meta, satellite
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.frappe import DocField
from federation.contract.fieldtypes import COLUMN_TYPES, LAYOUT_FIELDTYPES
from federation.contract.satellite_schema import CHILD_FIELDS, DOCUMENT_FIELDS, SatelliteSchema

FIELDTYPES = st.sampled_from(sorted(COLUMN_TYPES))


def test_a_field_is_known_as_the_site_described_it():
    described = DocField(
        "rate", "Currency", label="Rate", description="Per unit", options="currency", mandatory=True, non_negative=True,
        permlevel=1,
    )  # fmt: skip
    field = satellite("north", meta("Item", rate=described)).doctypes["Item"].fields["rate"]
    assert (field.fieldtype, field.label, field.description, field.options) == (
        "Currency",
        "Rate",
        "Per unit",
        "currency",
    )
    assert (field.mandatory, field.non_negative, field.permlevel, field.present) == (True, True, 1, True)


def test_every_document_has_the_fields_that_no_docfield_tells_of():
    version = satellite("north", meta("Item", rate="Currency")).doctypes["Item"]
    assert set(version.fields) == {"rate", *(fieldname for fieldname, _, _ in DOCUMENT_FIELDS)}


def test_a_child_row_has_its_parent_too():
    version = satellite("north", meta("Item Row", is_child=True)).doctypes["Item Row"]
    assert set(version.fields) == {fieldname for fieldname, _, _ in DOCUMENT_FIELDS + CHILD_FIELDS}


@pytest.mark.parametrize("spelling", ["name", "Name", "MODIFIED", "docstatus"])
def test_what_identifies_a_document_is_not_redefined_by_a_docfield(spelling: str):
    hostile = satellite("north", meta("Item", **{spelling: "Int"}))
    assert hostile.doctypes["Item"].fields == satellite("north", meta("Item")).doctypes["Item"].fields


@pytest.mark.parametrize("fieldtype", sorted(LAYOUT_FIELDTYPES))
def test_a_field_that_only_lays_out_the_form_has_no_column(fieldtype: str):
    assert "layout" not in satellite("north", meta("Item", layout=fieldtype)).doctypes["Item"].fields


def test_a_fieldtype_that_nobody_knows_yet_is_kept():
    field = satellite("north", meta("Item", vector="Embedding")).doctypes["Item"].fields["vector"]
    assert (field.fieldtype, field.present) == ("Embedding", True)


def test_a_virtual_field_is_known_and_not_read():
    virtual = DocField("age", "Int", is_virtual=True)
    assert satellite("north", meta("Item", age=virtual)).doctypes["Item"].fields["age"].hidden_reason == "virtual"


def test_a_removed_field_is_remembered_as_absent():
    field = satellite("north", meta("Item", rate="Currency"), meta("Item")).doctypes["Item"].fields["rate"]
    assert (field.present, field.fieldtype) == (False, "Currency")


def test_a_field_that_comes_back_remembers_what_it_was():
    field = (
        satellite("north", meta("Item", size="Data"), meta("Item"), meta("Item", size="Int"))
        .doctypes["Item"]
        .fields["size"]
    )
    assert (field.present, field.fieldtypes) == (True, ("Data", "Int"))


@settings(deadline=None)
@given(st.lists(FIELDTYPES, min_size=1, max_size=6))
def test_a_retyped_field_remembers_every_type_and_ends_with_todays(history: list[str]):
    field = satellite("north", *(meta("Item", size=fieldtype) for fieldtype in history)).doctypes["Item"].fields["size"]
    assert set(field.fieldtypes) == set(history)
    assert len(field.fieldtypes) == len(set(history))
    assert field.fieldtype == history[-1]


def test_tables_of_today_and_of_the_past_are_told_apart():
    version = satellite(
        "north",
        meta("Order", tables={"items": "Order Item", "taxes": "Tax"}),
        meta("Order", tables={"items": "Order Line"}),
    ).doctypes["Order"]
    assert (version.tables, version.past_tables) == ({"items": "Order Line"}, ("Order Item", "Tax"))


def test_a_table_that_comes_back_is_of_today_again():
    version = satellite(
        "north",
        meta("Order", tables={"items": "Order Item"}),
        meta("Order"),
        meta("Order", tables={"rows": "Order Item"}),
    ).doctypes["Order"]
    assert (version.tables, version.past_tables) == ({"rows": "Order Item"}, ())


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abcd"), FIELDTYPES), min_size=1, max_size=4))
def test_saying_the_same_again_changes_nothing(history: list[dict[str, str]]):
    metas = [meta("Item", **fields) for fields in history]
    assert satellite("north", *metas, metas[-1]) == satellite("north", *metas)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abcd"), FIELDTYPES), min_size=1, max_size=4))
def test_no_field_is_ever_forgotten(history: list[dict[str, str]]):
    version = satellite("north", *(meta("Item", **fields) for fields in history)).doctypes["Item"]
    for fields in history:
        for fieldname, fieldtype in fields.items():
            assert fieldtype in version.fields[fieldname].fieldtypes
    assert {name for name, field in version.fields.items() if field.present and name in "abcd"} == set(history[-1])


def test_other_doctypes_stay_as_they_were():
    before = satellite("north", meta("Item", rate="Currency"))
    after = before.absorb([meta("Order")], read_at="later", fingerprints={"Order": "f1"})
    assert after.doctypes["Item"] == before.doctypes["Item"]
    assert (after.doctypes["Order"].read_at, after.doctypes["Order"].fingerprint) == ("later", "f1")
    assert before.doctypes["Item"].read_at == TODAY


def test_a_schema_survives_the_lake():
    schema = satellite("north", meta("Item", größe=DocField("größe", "Float", label="Größe 📏")), meta("Item"))
    assert msgspec.json.decode(msgspec.json.encode(schema), type=SatelliteSchema) == schema

"""Which DocTypes are assets."""

from __future__ import annotations

import dagster as dg
from pipeline_settings import WriteSettings

from assets.doctypes import known_doctypes, wanted_from
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.settings.load import load_settings


def _schema(satellite: str, *doctypes: DocTypeSchema) -> SatelliteSchema:
    return SatelliteSchema(satellite, {doctype.doctype: doctype for doctype in doctypes})


def _known(write_settings: WriteSettings, selection: str, *schemas: SatelliteSchema, of_south: str = ""):
    text = f"""
satellites:
  north: {{url: http://north.invalid, credentials: env:NORTH}}
  south: {{url: http://south.invalid, credentials: env:SOUTH{of_south}}}
{selection}
"""
    return known_doctypes(load_settings(write_settings(text)), {schema.satellite: schema for schema in schemas})


def test_exact_names_are_assets_before_any_satellite_was_read(write_settings):
    known = _known(write_settings, "doctypes: [GL Entry, Customer]")
    assert [(doctype.name, doctype.satellites) for doctype in known] == [
        ("Customer", ("north", "south")),
        ("GL Entry", ("north", "south")),
    ]


def test_patterns_and_modules_are_what_the_satellites_have_shown(write_settings):
    known = _known(
        write_settings,
        'doctypes: ["Sales *"]\nmodules: [Stock]',
        _schema("north", DocTypeSchema("Sales Invoice", "Accounts"), DocTypeSchema("Customer", "Selling")),
        _schema("south", DocTypeSchema("Sales Invoice", "Accounts"), DocTypeSchema("Bin", "Stock")),
    )
    assert {doctype.name: doctype.satellites for doctype in known} == {
        "Sales Invoice": ("north", "south"),
        "Bin": ("south",),
    }


def test_child_tables_and_singles_that_a_pattern_reaches_are_no_assets(write_settings):
    shown = _schema(
        "north",
        DocTypeSchema("Sales Invoice", "Accounts"),
        DocTypeSchema("Sales Invoice Item", "Accounts", is_child=True),
        DocTypeSchema("Sales Settings", "Selling", is_single=True),
    )
    assert [doctype.name for doctype in _known(write_settings, 'doctypes: ["Sales *"]', shown)] == ["Sales Invoice"]


def test_a_satellite_with_its_own_selection_is_not_read_for_the_common_one(write_settings):
    known = _known(write_settings, "doctypes: [Customer]", of_south=", doctypes: [Student]")
    assert wanted_from("north", known) == ["Customer"]
    assert wanted_from("south", known) == ["Student"]


def test_keys_are_frappes_own_spelling(write_settings):
    (doctype,) = _known(write_settings, "doctypes: [Sales Invoice]")
    assert doctype.key("conformed") == dg.AssetKey(["conformed", "sales_invoice"])
    assert doctype.key("mothership") == dg.AssetKey(["mothership", "sales_invoice"])


def test_doctypes_that_differ_only_in_punctuation_keep_keys_of_their_own(write_settings):
    known = _known(write_settings, 'doctypes: ["Sales Invoice", "Sales-Invoice", "销售发票", "客户"]')
    keys = [doctype.key("conformed") for doctype in known]
    assert len(set(keys)) == len(keys)

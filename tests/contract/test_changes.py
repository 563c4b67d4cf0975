"""Specification of changes: what a satellite says otherwise than before, no more and no less."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from described import TODAY, meta, satellite
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import DocField, DocTypeMeta
from federation.contract.satellite_schema import SatelliteSchema
from federation.drift.changes import Change, changes

LATER = "2026-11-24T12:00:00+00:00"


def changed(before: DocTypeMeta, after: DocTypeMeta) -> list[tuple[str, str, str, str]]:
    """(fieldname, kind, was, became) between two descriptions of one DocType."""
    known = satellite("north", before)
    told = changes(known, known.absorb([after], read_at=LATER, fingerprints={after.name: "other"}))
    assert all(change.doctype == after.name for change in told)
    return [(change.fieldname, change.kind, change.was, change.became) for change in told]


def test_the_first_sight_of_a_doctype_is_one_change():
    known = satellite("north", meta("Item", rate="Currency"), meta("Batch", qty="Int"))
    assert changes(None, known) == (Change("Batch", "", "doctype_added"), Change("Item", "", "doctype_added"))


def test_metadata_that_was_read_again_and_says_the_same_is_no_change():
    assert changed(meta("Item", rate="Currency"), meta("Item", rate="Currency")) == []


def test_fields_that_come_go_and_return_are_told_with_their_fieldtype():
    before, without, again = meta("Item", rate="Currency"), meta("Item", qty="Int"), meta("Item", rate="Float")
    assert changed(before, without) == [("qty", "field_added", "", "Int"), ("rate", "field_removed", "Currency", "")]
    gone = satellite("north", before, without)
    back = changes(gone, gone.absorb([again], read_at=LATER, fingerprints={}))
    assert back == (
        Change("Item", "qty", "field_removed", "Int", ""),
        Change("Item", "rate", "field_returned", "", "Float"),
        Change("Item", "rate", "retyped", "Currency", "Float"),
    )


def test_a_field_that_becomes_virtual_is_gone_for_those_who_read_its_values():
    virtual = DocField("age", "Int", is_virtual=True)
    assert changed(meta("Item", age="Int"), meta("Item", age=virtual)) == [("age", "field_removed", "Int", "")]
    assert changed(meta("Item", age=virtual), meta("Item", age="Int")) == [("age", "field_returned", "", "Int")]
    assert changed(meta("Item"), meta("Item", age=virtual)) == []


@pytest.mark.parametrize(
    ("kind", "was", "became", "before", "after"),
    [
        ("retyped", "Data", "Select", DocField("x", "Data"), DocField("x", "Select")),
        ("options", "a\nb", "a\nc", DocField("x", "Select", options="a\nb"), DocField("x", "Select", options="a\nc")),
        ("label", "Size", "", DocField("x", "Data", label="Size"), DocField("x", "Data")),
        ("length", "0", "300", DocField("x", "Data"), DocField("x", "Data", length=300)),
        ("precision", "", "2", DocField("x", "Float"), DocField("x", "Float", precision="2")),
        ("mandatory", "no", "yes", DocField("x", "Data"), DocField("x", "Data", mandatory=True)),
        ("permlevel", "2", "0", DocField("x", "Data", permlevel=2), DocField("x", "Data")),
    ],
)
def test_what_changes_about_a_field_is_told_under_its_name(
    kind: str, was: str, became: str, before: DocField, after: DocField
):
    assert changed(meta("Item", x=before), meta("Item", x=after)) == [("x", kind, was, became)]


def test_tables_are_told_by_their_child_doctype():
    without, rows, others = (meta("Item", tables=tables) for tables in ({}, {"rows": "Row"}, {"rows": "Other"}))
    assert changed(without, rows) == [("rows", "table_added", "", "Row")]
    assert changed(rows, without) == [("rows", "table_removed", "Row", "")]
    assert changed(rows, others) == [("rows", "table_added", "", "Other"), ("rows", "table_removed", "Row", "")]


def test_what_an_older_version_did_not_keep_is_no_drift_when_it_is_told_for_the_first_time():
    schema = satellite("north", meta("Item", x=DocField("x", "Float", length=9, precision="3")))
    on_lake = msgspec.json.decode(msgspec.json.encode(schema).replace(b',"length":9,"precision":"3"', b""))
    old = msgspec.convert(on_lake, SatelliteSchema)
    assert old.doctypes["Item"].fields["x"].length is None
    assert changes(old, schema) == ()


FIELDS = st.builds(
    DocField,
    st.sampled_from("abcd"),
    st.sampled_from(["Data", "Select", "Int"]),
    label=st.sampled_from(["", "One"]),
    options=st.sampled_from(["", "x\ny"]),
    mandatory=st.booleans(),
    permlevel=st.integers(0, 1),
    is_virtual=st.booleans(),
    length=st.sampled_from([0, 9]),
    precision=st.sampled_from(["", "2"]),
)


@st.composite
def metas(draw: st.DrawFn) -> DocTypeMeta:
    fields = draw(st.lists(FIELDS, max_size=4, unique_by=lambda field: field.fieldname))
    tables = draw(st.dictionaries(st.sampled_from(["rows", "more"]), st.sampled_from(["Row", "Other"])))
    name = draw(st.sampled_from(["Item", "Batch"]))
    return meta(name, tables=tables, **{field.fieldname: field for field in fields})


def seen(schema: SatelliteSchema) -> dict[tuple[str, str, str], str]:
    """What a schema tells of fields that are there, of those that have gone, and of tables."""
    facts: dict[tuple[str, str, str], str] = {}
    for doctype, version in schema.doctypes.items():
        facts |= {(doctype, name, "table"): child for name, child in version.tables.items()}
        facts |= {(doctype, field.fieldname, "there"): "" for field in version.fields.values() if field.is_there}
    return facts


def applied(facts: dict[tuple[str, str, str], str], told: tuple[Change, ...]) -> dict[tuple[str, str, str], str]:
    """Do to what was seen what the changes say; a removed table before one that takes its place."""
    after = dict(facts)
    for change in sorted(told, key=lambda change: not change.kind.endswith("removed")):
        where = change.doctype, change.fieldname
        match change.kind:
            case "field_added" | "field_returned":
                assert (*where, "there") not in after
                after[*where, "there"] = ""
            case "field_removed":
                del after[*where, "there"]
            case "table_removed":
                assert after.pop((*where, "table")) == change.was
            case "table_added":
                after[*where, "table"] = change.became
    return after


@given(st.lists(metas(), min_size=1, max_size=4), st.lists(metas(), max_size=3))
def test_laws_of_changes(first: list[DocTypeMeta], then: list[DocTypeMeta]):
    before = satellite("north", *first)
    after = before.absorb(then, read_at=LATER, fingerprints={})
    assert changes(before, before) == ()
    told = changes(before, after)
    assert len({(change.doctype, change.fieldname, change.kind) for change in told}) == len(told)
    old = {change for change in told if change.kind != "doctype_added"}
    new = {change.doctype for change in told} - {change.doctype for change in old}
    assert new == after.doctypes.keys() - before.doctypes.keys()
    known = {key: value for key, value in seen(after).items() if key[0] in before.doctypes}
    assert applied(seen(before), told) == known, "what is said is what happened"
    there = {(doctype, name) for doctype, name, fact in seen(before).keys() & seen(after).keys() if fact == "there"}
    turned = {change for change in changes(after, before) if (change.doctype, change.fieldname) in there}
    assert turned == {
        replace(change, was=change.became, became=change.was)
        for change in told
        if (change.doctype, change.fieldname) in there
    }, "said backwards, it is undone"


@given(st.lists(metas(), min_size=1, max_size=3), st.lists(metas(), max_size=3), st.lists(metas(), max_size=3))
def test_one_step_after_the_other_leads_where_both_at_once_do(
    first: list[DocTypeMeta], then: list[DocTypeMeta], last: list[DocTypeMeta]
):
    a = satellite("north", *first)
    b = a.absorb(then, read_at=TODAY, fingerprints={})
    c = b.absorb(last, read_at=LATER, fingerprints={})
    first_step, second_step, at_once = (
        tuple(change for change in told if change.doctype in a.doctypes)
        for told in (changes(a, b), changes(b, c), changes(a, c))
    )
    assert applied(applied(seen(a), first_step), second_step) == applied(seen(a), at_once)

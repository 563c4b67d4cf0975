"""Specification of following: what is frozen stays as it was accepted, all else is as the site says."""

from __future__ import annotations

from collections.abc import Collection

from described import TODAY, contract, satellite
from hypothesis import given
from hypothesis import strategies as st
from test_changes import metas

from connectors.frappe import DocTypeMeta
from federation.contract.satellite_schema import SatelliteSchema
from federation.drift.changes import changes
from federation.drift.following import Freezes, follow, held_back, release
from federation.drift.kinds import FOLLOWED, KINDS, Kind

FREEZABLE = sorted(set(KINDS) - FOLLOWED)
DOCTYPES = ("Item", "Batch")
NAMED = st.lists(metas(), min_size=1, max_size=4)


def freezing(kinds: Collection[Kind]) -> Freezes:
    return lambda _, kind: kind in kinds


def told(known: SatelliteSchema, then: Collection[DocTypeMeta], kinds: Collection[Kind]) -> SatelliteSchema:
    """A run each in which the site says something, under the same settings."""
    for meta in then:
        described = known.absorb([meta], read_at=TODAY, fingerprints={})
        known = follow(known, described, DOCTYPES, freezing(kinds))
    return known


def all_held_back(schema: SatelliteSchema) -> set[str]:
    return {change.kind for doctype in schema.doctypes for change in held_back(schema, doctype)}


@given(NAMED, NAMED)
def test_where_nothing_is_frozen_the_contract_is_what_the_site_says(
    first: list[DocTypeMeta], then: list[DocTypeMeta]
) -> None:
    known = satellite("north", *first)
    assert told(known, then, ()) == satellite("north", *first, *then)


@given(NAMED, NAMED, st.sets(st.sampled_from(FREEZABLE)))
def test_only_what_is_frozen_is_held_back_and_the_history_is_that_of_the_site(
    first: list[DocTypeMeta], then: list[DocTypeMeta], kinds: set[Kind]
) -> None:
    known = satellite("north", *first)
    followed = told(known, then, kinds)
    for doctype in followed.doctypes:
        by_field: dict[tuple[str, str], set[str]] = {}
        for change in held_back(followed, doctype):
            by_field.setdefault((change.doctype, change.fieldname), set()).add(change.kind)
        for held in by_field.values():
            # A field that is kept out takes all along that changed about it; a fieldtype what stands in these.
            carried = {"options", "length", "precision"} if "retyped" in held else set()
            assert "field_returned" in held & kinds or held <= kinds | carried
    assert followed.as_told == satellite("north", *first, *then).doctypes
    assert changes(known, followed) == changes(known, satellite("north", *first, *then))


@given(NAMED, NAMED)
def test_where_everything_is_frozen_columns_keep_their_types_and_none_is_added(
    first: list[DocTypeMeta], then: list[DocTypeMeta]
) -> None:
    known = satellite("north", *first)
    followed = told(known, then, FREEZABLE)
    for doctype in known.doctypes:
        before, after = (contract(doctype, schema).parent.by_name for schema in (known, followed))
        # One that becomes virtual loses its column, and one that was virtual at first is new to the contract.
        assert {name: column.type for name, column in after.items()}.items() <= {
            name: column.type for name, column in before.items()
        }.items()


@given(NAMED, NAMED, st.sets(st.sampled_from(FREEZABLE)))
def test_what_is_released_is_followed_by_the_next_run_though_it_stays_frozen(
    first: list[DocTypeMeta], then: list[DocTypeMeta], kinds: set[Kind]
) -> None:
    known = told(satellite("north", *first), then, kinds)
    for doctype in DOCTYPES:
        known = release(known, doctype)
    assert all_held_back(known) == set(), "nobody is asked twice"
    followed = follow(known, known, DOCTYPES, freezing(kinds))
    assert all_held_back(followed) == set()
    assert followed.released == ()
    assert changes(known, followed) == ()


@given(NAMED, NAMED, st.sets(st.sampled_from(FREEZABLE)))
def test_a_policy_sees_every_fieldtype_that_was_ever_told(
    first: list[DocTypeMeta], then: list[DocTypeMeta], kinds: set[Kind]
) -> None:
    known = told(satellite("north", *first), then, kinds)
    everything = satellite("north", *first, *then)
    for doctype, version in known.doctypes.items():
        for name, field in version.fields.items():
            asked = field.asked(doctype)
            assert {asked.fieldtype, *asked.past_fieldtypes} >= set(
                everything.doctypes[doctype].fields[name].fieldtypes
            )
            assert asked.permlevel == everything.doctypes[doctype].fields[name].permlevel

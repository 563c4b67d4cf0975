"""Names there and back: whatever is called otherwise, nothing gets lost or mistaken on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import SiteNames
from connectors.frappe.lists import ListQuery

NAMES = st.sampled_from(["Customer", "Client", "Kunde", "Party"])
FIELDS = st.sampled_from(["customer_name", "title", "status", "art", "state"])


@st.composite
def site_names(draw: st.DrawFn) -> SiteNames:
    """Names of which no two become one: what settings and metadata let pass."""
    ours = draw(st.lists(NAMES, unique=True))
    theirs = draw(st.permutations(ours))
    fields = draw(st.lists(FIELDS, unique=True))
    there = draw(st.permutations(fields))
    return SiteNames(dict(zip(ours, theirs, strict=True)), {"Customer": dict(zip(fields, there, strict=True))})


@given(site_names(), NAMES, FIELDS)
def test_a_name_there_and_back_is_the_same(names: SiteNames, doctype: str, field: str) -> None:
    assert names.our_doctype(names.doctype(doctype)) == doctype
    assert names.our_field(doctype, names.field(doctype, field)) == field


@given(site_names(), st.lists(FIELDS, unique=True, min_size=1))
def test_a_query_asks_for_as_many_different_fields_in_the_same_order(names: SiteNames, fields: list[str]) -> None:
    query = ListQuery(
        "Customer", tuple(fields), ((fields[0], "=", 1), ("parenttype", "=", "Client")), order=tuple(fields)
    )
    theirs = query.on_site(names)
    assert [names.our_field("Customer", field) for field in theirs.fields] == fields
    assert theirs.order == theirs.fields
    assert theirs.filters == ((theirs.fields[0], "=", 1), ("parenttype", "=", names.doctype("Client")))
    assert query.on_site(SiteNames()) == query

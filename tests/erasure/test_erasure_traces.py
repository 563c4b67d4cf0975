"""What an Arrow table is without erased documents: laws that hold for whatever rows there are."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from federation.erasure.links import LinkColumn
from federation.erasure.suppression import LinkField, Suppression
from federation.erasure.traces import Holding, Targets

ERASED = {"Customer": {"Anna": "erased-a", "Bea": "erased-b"}, "Item": {"Anna": "erased-i"}}
NAMES = st.sampled_from(["Anna", "Bea", "Carl", "anna", "Anna ", "", None])
OF = st.sampled_from(["Customer", "Item", "Order", None])


def links() -> tuple[LinkColumn, ...]:
    one = LinkColumn(LinkField("customer", "Customer"), "Customer", "customer", "", ERASED["Customer"])
    party = LinkField("party", "", "kind")
    return (one, *(LinkColumn(party, of, "party", "kind", names) for of, names in ERASED.items()))


TARGETS = Targets(ERASED, {"Order": links(), "Order Line": links()}, {"Order": ("Order Line",), "Customer": ()})


def table(rows: list[tuple[object, ...]], *columns: str) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(columns)})


@given(st.lists(st.tuples(NAMES, NAMES, OF, NAMES)))
def test_links_change_where_they_lead_to_an_erased_document_and_nowhere_else(rows: list[tuple[object, ...]]) -> None:
    before = table(rows, "name", "customer", "kind", "party")
    cleaned = TARGETS.without(Holding("rows", "Order", "Order"), before)
    expected = [
        (
            name,
            ERASED["Customer"].get(str(customer), customer),
            kind,
            ERASED.get(str(kind), {}).get(str(party), party),
        )
        for name, customer, kind, party in rows
    ]
    assert cleaned.rows == table(expected, "name", "customer", "kind", "party")
    assert cleaned.removed == 0
    changed = sum(old != new for a, b in zip(rows, expected, strict=True) for old, new in zip(a, b, strict=True))
    assert cleaned.replaced == changed


@given(st.lists(st.tuples(NAMES, NAMES)), st.sampled_from(["rows", "tombstones", "seen", "heads", "quarantine"]))
def test_rows_of_erased_documents_go_and_all_others_stay_in_order(rows: list[tuple[object, ...]], kind: str) -> None:
    before = table(rows, "name", "other")
    cleaned = TARGETS.without(Holding(kind, "Customer", "Customer"), before)
    assert cleaned.rows == table([row for row in rows if row[0] not in ERASED["Customer"]], "name", "other")
    again = TARGETS.without(Holding(kind, "Customer", "Customer"), cleaned.rows)
    assert not again.is_changed


@given(st.lists(st.tuples(NAMES, NAMES)))
def test_an_alias_goes_with_either_of_its_names(rows: list[tuple[object, ...]]) -> None:
    cleaned = TARGETS.without(Holding("aliases", "Customer", "Customer"), table(rows, "old_name", "new_name"))
    kept = [row for row in rows if not {*row} & {*ERASED["Customer"]}]
    assert cleaned.rows == table(kept, "old_name", "new_name")


@given(NAMES, OF, NAMES, st.lists(NAMES, max_size=3))
def test_a_document_of_another_in_quarantine_keeps_all_but_its_links(
    customer: str | None, kind: str | None, party: str | None, lines: list[str | None]
) -> None:
    document = {"name": "Anna", "customer": customer, "kind": kind, "party": party, "remarks": "Anna"}
    whole = document | {"Order Line": [{"customer": each, "item": "Anna"} for each in lines]}
    row = ("Anna", "customer", customer, json.dumps(whole))
    before = table([row], "name", "fieldname", "value", "document")
    after = TARGETS.without(Holding("quarantine", "Order", "Order"), before).rows.to_pylist()[0]
    told = ERASED["Customer"]
    assert json.loads(after["document"]) == document | {
        "customer": told.get(str(customer), customer),
        "party": ERASED.get(str(kind), {}).get(str(party), party),
        "Order Line": [{"customer": told.get(str(each), each), "item": "Anna"} for each in lines],
    }
    assert after["value"] == told.get(str(customer), customer)
    assert after["name"] == "Anna"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_pseudonym_is_of_one_name_at_one_satellite_under_one_key(first: str, second: str) -> None:
    at = Suppression("north", b"k" * 16, {})
    assert (at.pseudonym("Customer", first) == at.pseudonym("Customer", second)) == (first == second)
    for other in (Suppression("south", b"k" * 16, {}), Suppression("north", b"l" * 16, {})):
        assert other.pseudonym("Customer", first) != at.pseudonym("Customer", first)
    assert at.pseudonym("Item", first) != at.pseudonym("Customer", first)

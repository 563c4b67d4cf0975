"""Names that are hashed take everything along that leads to them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from federation.conform.reading import ReadField
from federation.contract.asked_field import AskedField
from federation.contract.columns import Column
from federation.contract.fieldtypes import TEXT, ColumnType
from federation.policy.apply import hash_cells
from federation.policy.rules import Drop, Hash, HashLinked, Keep, SatellitePolicy, policy_for
from federation.settings.model import Settings

KEY, OTHER = b"a key to hash with, long enough", b"another key to hash with, as long"
names = st.lists(st.text(max_size=8), max_size=20)
kinds = st.sampled_from(["Customer", "Supplier", "Item", " customer ", ""])


def policy(*rules: dict[str, str], satellite: str = "north") -> SatellitePolicy:
    written = {
        "doctypes": ["Customer"],
        "satellites": {
            name: {"url": f"https://{name}.example.com", "credentials": "env:X"} for name in ("north", "south")
        },
        "policy": list(rules),
    }
    settings = Settings.model_validate(written, context={"folder": Path("/")})
    return policy_for(settings, settings.satellites[satellite])


def hashing(doctype: str, **more: str) -> dict[str, str]:
    return {"doctype": doctype, "field": "name", "action": "hash", "key": "env:KEY", **more}


def link(doctype: str, fieldname: str, options: str, fieldtype: str = "Link") -> AskedField:
    return AskedField(doctype, fieldname, fieldtype, options=options)


def test_links_and_names_follow_and_only_a_drop_goes_before() -> None:
    hiding = policy(
        hashing("Customer"),
        {"field": "debtor", "action": "drop"},
        {"field": "customer", "action": "keep"},
        {"field": "payer", "action": "mask", "show": "last 4"},
    )
    found = {
        asked.fieldname: type(hiding.action(asked))
        for asked in (
            link("Order", "customer", "Customer"),
            link("Order", "payer", "Customer"),
            link("Order", "debtor", "Customer"),
            link("Order", "item", "Item"),
            link("Order", "party", "party_type", "Dynamic Link"),
            AskedField("Customer", "old_parent", "Data"),
            AskedField("Deleted Document", "deleted_name", "Data"),
            AskedField("Version", "data", "Code"),
        )
    }
    assert found == {
        "customer": Hash, "payer": Hash, "debtor": Drop, "item": Keep, "party": HashLinked, "old_parent": Hash,
        "deleted_name": HashLinked, "data": Drop,
    }  # fmt: skip
    assert hiding.action(AskedField("Customer", "name", "Data")) == hiding.name_keys["Customer"]
    assert hiding.action(AskedField("Order", "name", "Data")) == Keep()


def test_hashed_users_are_hashed_where_they_own_and_change_documents() -> None:
    hiding = policy(hashing("User"))
    for fieldname in ("owner", "modified_by"):
        assert isinstance(hiding.action(AskedField("Order", fieldname, "Link")), Hash)
        assert policy(hashing("Customer")).action(AskedField("Order", fieldname, "Link")) == Keep()


def test_a_satellite_may_be_excepted() -> None:
    rules = (hashing("Customer"), {"satellite": "south", "doctype": "Customer", "field": "name", "action": "keep"})
    assert set(policy(*rules).name_keys) == {"Customer"}
    assert not policy(*rules, satellite="south").name_keys


@given(names, st.data())
def test_a_dynamic_link_joins_after_hashing_as_it_did_before(cells: list[str], data: st.DataObject) -> None:
    types = data.draw(st.lists(kinds, min_size=len(cells), max_size=len(cells)))
    field = ReadField(
        "party",
        ColumnType("text", TEXT),
        Column("party", TEXT),
        type_field="party_type",
        name_keys={"Customer": KEY, "Supplier": OTHER},
    )
    altered = field.alter(cells, types)
    for cell, kind, now in zip(cells, types, altered, strict=True):
        if not kind:
            assert now is None
        elif kind == "Item":
            assert now == cell
        else:
            assert [now] == hash_cells([cell], OTHER if kind == "Supplier" else KEY)


@given(names, names)
def test_equal_names_stay_equal_and_others_stay_apart(documents: list[str], links: list[str]) -> None:
    hashed_documents, hashed_links = hash_cells(documents, KEY), hash_cells(links, KEY)
    before = [(link in documents, links.count(link)) for link in links]
    assert [(link in hashed_documents, hashed_links.count(link)) for link in hashed_links] == before

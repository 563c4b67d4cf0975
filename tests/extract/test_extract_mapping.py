"""Mapping: a satellite that calls DocTypes, fields and values otherwise, told in the fleet's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from extract_world import Shop, doctype, open_shop

from federation.demo.site.permissions import SiteUser, add_user
from federation.lake.schemas import read_schema

KUNDE, KONTAKT, AUFTRAG = "Kunde", "Kundenkontakt", "Auftrag"
CUSTOMER, CONTACT, ORDER = "Customer", "Customer Contact", "Order"
SITE = (
    doctype(
        KUNDE,
        "kunde_name: Data",
        "art: Select | Firma\nPerson",
        "stufe: Int",
        "kontakte: Table | Kundenkontakt",
        autoname="Prompt",
    ),
    doctype(KONTAKT, "mail: Data", "zuletzt: Datetime", istable=1),
    doctype(
        AUFTRAG,
        "kunde: Link | Kunde",
        "partei_typ: Link | DocType",
        "partei: Dynamic Link | partei_typ",
        autoname="AUF-.####",
    ),
)
MAPPED_CUSTOMER: dict[str, Any] = {
    "doctype": KUNDE,
    "becomes": CUSTOMER,
    "fields": {"kunde_name": "customer_name", "art": "type", "kontakte": "contacts"},
    "values": {"type": {"Firma": "Company"}, "stufe": {"1": 10}},
    "constants": {"territory": "Germany", "is_foreign": True},
}
MAPPED_CONTACT: dict[str, Any] = {"doctype": KONTAKT, "becomes": CONTACT, "fields": {"mail": "email"}}
MAPPED_ORDER: dict[str, Any] = {
    "doctype": AUFTRAG,
    "becomes": ORDER,
    "fields": {"kunde": "customer", "partei_typ": "party_type", "partei": "party"},
}


def mapped(*mapping: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Settings of the shop with what it calls otherwise."""
    return {"doctypes": [CUSTOMER, ORDER], "satellite": {"mapping": list(mapping)}, **settings}


ALL = mapped(MAPPED_CUSTOMER, MAPPED_CONTACT, MAPPED_ORDER)


def kunde(shop: Shop, name: str, art: str = "Firma", **values: Any) -> None:
    contacts = [{"mail": f"{name}@example.com"}]
    shop.documents.insert(KUNDE, {"name": name, "kunde_name": name, "art": art, "kontakte": contacts, **values})


def age(shop: Shop) -> None:
    shop.age(KUNDE, AUFTRAG)


@pytest.fixture(params=[13, 15])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, *SITE, version=request.param, **ALL) as shop:
        kunde(shop, "Acme", stufe=1)
        kunde(shop, "Bolt", "Person", stufe=2)
        shop.documents.insert(AUFTRAG, {"kunde": "Acme", "partei_typ": KUNDE, "partei": "Acme"})
        age(shop)
        assert {name: outcome.error for name, outcome in shop.sync().items()} == {CUSTOMER: "", ORDER: ""}
        yield shop


def rows(shop: Shop, doctype: str, table: str = "") -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in shop.folded(doctype)[table or doctype].to_pylist()}


def test_documents_arrive_in_the_fleets_names_and_values(shop: Shop) -> None:
    found = rows(shop, CUSTOMER)
    told = {name: (row["customer_name"], row["type"], row["stufe"]) for name, row in found.items()}
    assert told == {"Acme": ("Acme", "Company", 10), "Bolt": ("Bolt", "Person", 2)}
    assert {(row["territory"], row["is_foreign"]) for row in found.values()} == {("Germany", 1)}
    assert not {"kunde_name", "art"} & {*found["Acme"]}


def test_child_rows_arrive_under_the_fleets_child_doctype(shop: Shop) -> None:
    found = rows(shop, CUSTOMER, CONTACT).values()
    assert {(row["parent"], row["parenttype"], row["parentfield"], row["email"]) for row in found} == {
        (name, CUSTOMER, "contacts", f"{name}@example.com") for name in ("Acme", "Bolt")
    }


def test_links_lead_to_the_fleets_doctype(shop: Shop) -> None:
    fields = read_schema(shop.lake, shop.manifests()[-1].schema).doctypes[ORDER].fields
    assert (fields["customer"].options, fields["party"].options) == (CUSTOMER, "party_type")
    [order] = rows(shop, ORDER).values()
    assert (order["customer"], order["party_type"], order["party"]) == ("Acme", CUSTOMER, "Acme")


def test_options_are_told_in_the_fleets_values(shop: Shop) -> None:
    fields = read_schema(shop.lake, shop.manifests()[-1].schema).doctypes[CUSTOMER].fields
    assert fields["type"].options == "Company\nPerson"


def test_changes_deletions_and_renames_are_followed(shop: Shop) -> None:
    shop.documents.save(KUNDE, "Bolt", {"art": "Firma"})
    shop.documents.rename(KUNDE, "Acme", "Zenith")
    kunde(shop, "Core")
    shop.documents.delete(KUNDE, "Core")
    outcomes = shop.sync()
    assert (outcomes[CUSTOMER].tombstones, outcomes[ORDER].documents) == (1, 1)
    assert {name: row["type"] for name, row in rows(shop, CUSTOMER).items()} == {"Zenith": "Company", "Bolt": "Company"}
    [order] = rows(shop, ORDER).values()
    assert (order["customer"], order["party"]) == ("Zenith", "Zenith")


def test_a_deletion_is_found_by_the_sites_own_notice(shop: Shop) -> None:
    shop.documents.delete(KUNDE, "Bolt")
    assert shop.sync()[CUSTOMER].tombstones == 1
    assert rows(shop, CUSTOMER).keys() == {"Acme"}


def test_nothing_is_read_again_while_the_mapping_stands(shop: Shop) -> None:
    shop.sync()
    shop.watch.requests.clear()
    assert {outcome.status for outcome in shop.sync(depth="full").values()} == {"unchanged"}
    assert not shop.asked_for("getdoctype")


def test_a_mapping_that_changes_reaches_rows_that_were_read_before(shop: Shop) -> None:
    other = {
        **MAPPED_CUSTOMER,
        "values": {"type": {"Firma": "Business", "Person": "Individual"}},
        "constants": {"territory": "Europe"},
    }
    again = shop.with_settings(**mapped(other, MAPPED_CONTACT, MAPPED_ORDER))
    assert again.sync()[CUSTOMER].patched
    told = {name: (row["type"], row["stufe"], row["territory"]) for name, row in rows(again, CUSTOMER).items()}
    assert told == {"Acme": ("Business", 1, "Europe"), "Bolt": ("Individual", 2, "Europe")}


def test_a_field_that_gets_another_name_brings_its_values_along(shop: Shop) -> None:
    other = {**MAPPED_CONTACT, "fields": {"mail": "e_mail", "zuletzt": "last_seen"}}
    again = shop.with_settings(**mapped(MAPPED_CUSTOMER, other, MAPPED_ORDER))
    again.sync()
    found = rows(again, CUSTOMER, CONTACT).values()
    assert {row["e_mail"] for row in found} == {"Acme@example.com", "Bolt@example.com"}


def test_the_policy_speaks_the_fleets_names_and_sees_the_fleets_values(tmp_path: Path) -> None:
    hashed = {"doctype": CUSTOMER, "field": "type", "action": "hash", "key": f"file:{tmp_path}/hash"}
    rules = [hashed, {"doctype": CONTACT, "field": "email", "action": "drop"}]
    with open_shop(tmp_path, *SITE, **mapped(MAPPED_CUSTOMER, MAPPED_CONTACT, policy=rules)) as shop:
        kunde(shop, "Acme", "Firma")
        kunde(shop, "Bolt", "Company")
        shop.sync()
        found = rows(shop, CUSTOMER)
        assert found["Acme"]["type"] == found["Bolt"]["type"] != "Company"
        assert "email" not in rows(shop, CUSTOMER, CONTACT).popitem()[1]
        assert not shop.asked_for("mail")


def test_a_field_that_is_gone_fails_its_doctype_and_no_other(shop: Shop) -> None:
    shop.site.store.create_doctype({**SITE[0], "fields": SITE[0]["fields"][1:], "modified": "2026-02-01 00:00:00"})
    outcomes = shop.sync()
    assert outcomes[ORDER].status == "unchanged"
    assert outcomes[CUSTOMER].error.startswith("satellites.shop.mapping[1].fields.kunde_name: Kunde has no such field")
    assert rows(shop, CUSTOMER)["Acme"]["customer_name"] == "Acme"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fields": {"kunden_name": "customer_name"}}, "fields.kunden_name: Kunde has no such field on the site. Did"),
        ({"fields": {"art": "stufe"}}, "fields.art: Kunde has a field `stufe` of its own. Map that to another name"),
        ({"values": {"typ": {"1": "2"}}, "fields": {}}, "values.typ: Customer has no such field."),
        ({"values": {"stufe": {"hoch": 3}}}, "values.stufe: 'hoch' is no value of a Int."),
        ({"values": {"stufe": {"1": "hoch"}}}, "values.stufe: 'hoch' is no value of a Int."),
        ({"values": {"contacts": {"1": "2"}}}, "values.contacts: a Table holds no values."),
        ({"constants": {"stufe": 3}, "values": {}}, "constants.stufe: the site has this field."),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_its_place(tmp_path: Path, changed: Any, said: str) -> None:
    with open_shop(tmp_path, *SITE, **mapped({**MAPPED_CUSTOMER, **changed}, MAPPED_CONTACT, MAPPED_ORDER)) as shop:
        error = shop.sync()[CUSTOMER].error
        assert error.startswith(f"satellites.shop.mapping[1].{said}"), error


def test_a_site_that_has_both_doctypes_is_asked_for_neither(tmp_path: Path) -> None:
    own = doctype(CUSTOMER, "customer_name: Data", autoname="Prompt")
    with open_shop(tmp_path, *SITE, own, **ALL) as shop:
        outcomes = shop.sync()
        assert outcomes[ORDER].status != "failed"
        assert outcomes[CUSTOMER].error.startswith("the site has a Customer of its own beside Kunde")


def test_a_field_that_the_user_may_not_read_is_named_by_the_fleets_name(tmp_path: Path) -> None:
    fields = [{**each, "permlevel": 1} if each["fieldname"] == "art" else each for each in SITE[0]["fields"]]
    with open_shop(tmp_path, {**SITE[0], "fields": fields}, *SITE[1:], **ALL) as shop:
        kunde(shop, "Acme")
        outcome = shop.sync()[CUSTOMER]
        assert (outcome.error, outcome.refused) == ("", ("type",))
        assert rows(shop, CUSTOMER)["Acme"]["customer_name"] == "Acme"


def test_a_site_that_lists_no_metadata_is_mapped_too(tmp_path: Path) -> None:
    with open_shop(tmp_path, *SITE, **ALL) as shop:
        add_user(
            shop.site.store,
            SiteUser("narrow@shop.test", reads=(KUNDE, AUFTRAG)),
            api_key="narrow-key",
            api_secret="narrow-secret",
        )
        (tmp_path / "key").write_text("narrow-key")
        (tmp_path / "secret").write_text("narrow-secret")
        kunde(shop, "Acme")
        assert shop.sync()[CUSTOMER].error == ""
        other = {**MAPPED_CUSTOMER, "constants": {"territory": "Europe"}}
        again = shop.with_settings(**mapped(other, MAPPED_CONTACT, MAPPED_ORDER))
        again.sync()
        assert rows(again, CUSTOMER)["Acme"]["territory"] == "Europe"

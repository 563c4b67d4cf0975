"""Integrity: rows of different documents are held against each other, on every database of the mothership."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from mothership_sites import Document, Site
from places import Place
from rebuild_world import settings_at

from federation.integrity import document_integrity, judge_integrity
from federation.merging import merge_satellite, publish
from federation.quality.report import ExpectationResult
from federation.settings.load import load_settings
from federation.settings.model import Settings

INVOICE, ITEM, CUSTOMER, ENTRY = "Sales Invoice", "Sales Invoice Item", "Customer", "GL Entry"
FIELDS = {
    INVOICE: {"customer": "Link", "total": "Currency"},
    ITEM: {"amount": "Currency", "item_code": "Link"},
    CUSTOMER: {"customer_group": "Link"},
    ENTRY: {
        "voucher_type": "Link",
        "voucher_no": "Dynamic Link",
        "debit": "Currency",
        "credit": "Currency",
        "is_cancelled": "Check",
    },
}
Money = str | int | None
LINKED = {INVOICE: {"customer": CUSTOMER}, ITEM: {"item_code": CUSTOMER}, CUSTOMER: {"customer_group": "Not Selected"}}


@pytest.fixture
def settings(tmp_path: Path, place: Place) -> Settings:
    return settings_at(tmp_path, place)


def site_of(settings: Settings, satellite: str = "north", fields: Mapping[str, Mapping[str, str]] = FIELDS) -> Site:
    site = Site(str(settings.lake_of(satellite)), satellite, fields, {INVOICE: {"items": ITEM}})
    doctypes = dict(site.schema.doctypes)
    for doctype, links in LINKED.items():
        known = doctypes[doctype]
        options = {name: msgspec.structs.replace(known.fields[name], options=target) for name, target in links.items()}
        doctypes[doctype] = msgspec.structs.replace(known, fields={**known.fields, **options})
    site.schema = msgspec.structs.replace(site.schema, doctypes=doctypes)
    return site


def money(text: Money) -> Decimal | None:
    return None if text is None else Decimal(text)


def invoice(name: str, customer: str | None, total: Money, *amounts: Money, tick: int = 1) -> Document:
    rows = [
        {"name": f"{name}-{at}", "amount": money(amount), "parentfield": "items"} for at, amount in enumerate(amounts)
    ]
    return Document(name, tick, {"customer": customer, "total": money(total)}, {ITEM: rows})


def entry(name: str, voucher: str, debit: Money, credit: Money, *, cancelled: int = 0) -> Document:
    given = {"voucher_type": INVOICE, "voucher_no": voucher, "debit": money(debit), "credit": money(credit)}
    return Document(name, 1, {**given, "is_cancelled": cancelled})


def judged(settings: Settings, *sites: Site) -> dict[tuple[str, str], ExpectationResult]:
    """(field, satellite) → what came of it."""
    for site in sites:
        assert not merge_satellite(settings, site.satellite).failed
    publish(settings, force=True)
    return {
        (result.expectation.fieldname, satellite): result
        for by_satellite in judge_integrity(settings).values()
        for satellite, report in by_satellite.items()
        for result in report.results
    }


def test_a_link_that_leads_nowhere_is_told_with_its_documents(settings: Settings) -> None:
    north, south = site_of(settings), site_of(settings, "south")
    north.commit(CUSTOMER, [Document("Ada", 1)], through=9)
    south.commit(CUSTOMER, [Document("Bob", 1)], through=9)
    north.commit(INVOICE, [invoice("A", "Ada", 0), invoice("B", "Bob", 0), invoice("C", "", 0), invoice("D", None, 0)])
    south.commit(INVOICE, [invoice("A", "Bob", 0)])
    found = judged(settings, north, south)
    assert found["customer", "south"].passed
    assert not found["customer", "north"].passed
    told = found["customer", "north"]
    assert (told.rows, told.failing, told.documents) == (2, 1, ("B",))


def test_a_link_of_a_child_row_is_told_by_its_document(settings: Settings) -> None:
    north = site_of(settings)
    north.commit(CUSTOMER, [Document("Ada", 1)], through=9)
    rows = [
        {"name": "r1", "item_code": "Ada"},
        {"name": "r2", "item_code": "gone"},
        {"name": "r3", "item_code": "gone"},
    ]
    north.commit(INVOICE, [Document("A", 1, {}, {ITEM: rows})])
    told = judged(settings, north)["item_code", "north"]
    assert (told.rows, told.failing, told.documents) == (3, 2, ("A",))


def test_a_link_to_what_may_still_be_read_is_not_judged(settings: Settings) -> None:
    north = site_of(settings)
    north.commit(CUSTOMER, [Document("Ada", 1)], through=5)
    north.commit(INVOICE, [invoice("A", "Ada", 0, tick=5), invoice("B", "newer", 0, tick=6)], through=9)
    told = judged(settings, north)["customer", "north"]
    assert (told.rows, told.failing) == (1, 0)


def test_a_link_to_a_doctype_that_nobody_brings_is_no_rule(settings: Settings) -> None:
    north = site_of(settings)
    north.commit(CUSTOMER, [Document("Ada", 1, {"customer_group": "anything"})])
    assert ("customer_group", "north") not in judged(settings, north)


def test_a_voucher_whose_debit_is_not_its_credit_is_told(settings: Settings) -> None:
    north = site_of(settings)
    north.commit(
        ENTRY,
        [
            *(entry("1", "even", "10.10", 0), entry("2", "even", 0, "10.10")),
            *(entry("3", "within rounding", "1.004", 0), entry("4", "within rounding", 0, 1)),
            *(entry("5", "off", 10, 0), entry("6", "off", 0, "9.99")),
            *(entry("7", "cancelled", 10, 0, cancelled=1), entry("8", "void", None, None)),
        ],
    )
    told = judged(settings, north)["debit", "north"]
    assert (told.rows, told.failing, told.documents) == (4, 1, ("off",))


def test_a_ledger_of_sites_that_never_cancel_by_a_flag_is_judged_as_well(settings: Settings) -> None:
    ledger = {name: kind for name, kind in FIELDS[ENTRY].items() if name != "is_cancelled"}
    north = site_of(settings, fields={**FIELDS, ENTRY: ledger})
    north.commit(ENTRY, [Document("1", 1, {"voucher_no": "V", "voucher_type": INVOICE, "debit": 5, "credit": 0})])
    assert judged(settings, north)["debit", "north"].documents == ("V",)


def test_a_total_that_is_not_the_sum_of_its_rows_is_told(settings: Settings) -> None:
    north = site_of(settings)
    north.commit(
        INVOICE,
        [
            invoice("right", "", "3.30", "1.10", "2.20"),
            invoice("wrong", "", "3.30", "1.10"),
            invoice("no rows", "", "1"),
            invoice("nothing", "", 0),
            invoice("unknown", "", None, 7),
        ],
    )
    told = judged(settings, north)["total", "north"]
    assert (told.rows, told.failing, told.documents) == (4, 2, ("no rows", "wrong"))


def test_what_the_policy_alters_at_some_site_is_not_judged(settings: Settings, tmp_path: Path, place: Place) -> None:
    file = tmp_path / "federation.yaml"
    file.write_text(f"{file.read_text()}policy: [{{satellite: south, field: customer, action: drop}}]\n")
    settings = load_settings(file)
    north, south = site_of(settings), site_of(settings, "south")
    north.commit(INVOICE, [invoice("A", "gone", 0)])
    south.commit(INVOICE, [invoice("A", None, 0)])
    assert not [field for field, _ in judged(settings, north, south) if field == "customer"]


def test_a_rule_that_the_database_refuses_is_told_and_the_others_are_judged(settings: Settings, place: Place) -> None:
    north = site_of(settings)
    north.commit(CUSTOMER, [Document("Ada", 1)], through=9)
    north.commit(INVOICE, [invoice("A", "gone", 1, 1)])
    merge_satellite(settings, "north")
    place.alter("ALTER TABLE sales_invoice DROP COLUMN customer")
    place.alter("UPDATE federation_meta SET generation = generation + 1")
    found = judged(settings)
    assert "customer" in found["customer", ""].error
    assert not found["customer", ""].passed
    assert found["total", "north"].passed


PRICED = {
    INVOICE: {"customer": "Link", "currency": "Link", "company": "Link", "total": "Currency"},
    ITEM: {"amount": "Currency"},
    ENTRY: {**FIELDS[ENTRY], "company": "Link"},
    "Company": {"default_currency": "Link"},
    "Currency": {"number_format": "Data"},
}
FORMATS = {"EUR": "#.###,##", "KWD": "#,###.###", "CLP": "#.###", "BTC": "#.########", "ODD": "?", "BARE": None}


def priced(settings: Settings) -> Site:
    """A site whose invoices name their currency, and whose ledger is kept in that of its company."""
    site = Site(str(settings.lake_of("north")), "north", PRICED, {INVOICE: {"items": ITEM}})
    doctypes = dict(site.schema.doctypes)
    for doctype, fieldname, options in (
        (INVOICE, "total", "currency"),
        (ENTRY, "debit", "Company:company:default_currency"),
    ):
        known = doctypes[doctype]
        field = msgspec.structs.replace(known.fields[fieldname], options=options)
        doctypes[doctype] = msgspec.structs.replace(known, fields={**known.fields, fieldname: field})
    site.schema = msgspec.structs.replace(site.schema, doctypes=doctypes)
    site.commit("Currency", [Document(name, 1, {"number_format": form}) for name, form in FORMATS.items()])
    site.commit("Company", [Document(f"{name} Ltd", 1, {"default_currency": name}) for name in FORMATS])
    return site


def off_by(currency: str | None, by: str) -> Document:
    rows = [{"name": f"{currency} {by}", "amount": Decimal(10), "parentfield": "items"}]
    values = {"currency": currency, "total": Decimal(10) + Decimal(by)}
    return Document(f"{currency} off by {by}", 1, values, {ITEM: rows})


def test_a_total_is_its_sum_at_the_precision_of_its_currency(settings: Settings) -> None:
    north = priced(settings)
    same = [("EUR", "0.004"), ("KWD", "0.0004"), ("CLP", "0.4"), ("BTC", "0.000000004"), ("ODD", "0.004")]
    differing = [("EUR", "0.005"), ("KWD", "0.0005"), ("CLP", "0.5"), ("BTC", "0.000000005"), ("BARE", "0.005")]
    north.commit(INVOICE, [off_by(*each) for each in [*same, *differing, ("gone", "0.004"), (None, "-0.01")]])
    told = judged(settings, north)["total", "north"]
    assert (told.rows, told.failing) == (12, 6)
    assert set(told.documents) < {f"{currency} off by {by}" for currency, by in [*differing, (None, "-0.01")]}
    assert told.expectation.reason.endswith("at its currency's precision.")
    assert (
        dict(zip(told.documents, (example.value for example in told.examples), strict=True))["CLP off by 0.5"]
        == "10.5, not 10"
    )


def test_a_ledger_balances_at_the_precision_of_its_companys_currency(settings: Settings) -> None:
    north = priced(settings)

    def entries(company: str, by: str) -> list[Document]:
        voucher = f"{company} off by {by}"
        return [
            Document(f"{voucher} {side}", 1, {**entry("", voucher, debit, credit).values, "company": company})
            for side, debit, credit in (("debit", str(Decimal(10) + Decimal(by)), 0), ("credit", 0, "10"))
        ]

    cases = [("KWD Ltd", "0.0004"), ("KWD Ltd", "0.0005"), ("CLP Ltd", "0.49"), ("CLP Ltd", "0.5"), ("None", "0.004")]
    north.commit(ENTRY, [each for case in cases for each in entries(*case)])
    told = judged(settings, north)["debit", "north"]
    assert (told.rows, told.failing) == (5, 2)
    assert [(one.document, one.value) for one in told.examples] == [
        ("CLP Ltd off by 0.5", "10.5, not 10"),
        ("KWD Ltd off by 0.0005", "10.0005, not 10"),
    ]


def test_where_the_policy_alters_a_currency_amounts_are_held_to_the_hundredth(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "federation.yaml"
    file.write_text(f"{file.read_text()}policy: [{{doctype: Currency, field: number_format, action: drop}}]\n")
    settings = load_settings(file)
    north = priced(settings)
    north.commit(INVOICE, [off_by("CLP", "0.4"), off_by("KWD", "0.0005")])
    assert judged(settings, north)["total", "north"].documents == ("CLP off by 0.4",)


def test_what_great_expectations_says_of_it_lands_beside_the_satellites_other_data_docs(settings: Settings) -> None:
    north, south = site_of(settings), site_of(settings, "south")
    for site in (north, south):
        site.commit(CUSTOMER, [Document("Ada", 1)], through=9)
        site.commit(INVOICE, [invoice("A", "Ada" if site is south else "gone <b>", 0)])
        assert not merge_satellite(settings, site.satellite).failed
    publish(settings, force=True)
    pages = document_integrity(settings, judge_integrity(settings))[INVOICE]
    unmet, met = (Path(pages[satellite]) for satellite in ("north", "south"))
    assert unmet.parent.parent == Path(settings.lake_of("north").url) / "north" / "docs"
    assert "What customer names is there, in Customer." in unmet.read_text()
    assert "gone &#60;b&#62;" in unmet.read_text()
    assert "All 2 expectations are met." in met.read_text()
    assert "gone" not in met.read_text()
    index = (unmet.parent.parent / "index.html").read_text()
    assert f'<a href="{unmet.parent.name}/{unmet.name}">Sales Invoice</a>' in index


def test_before_the_first_merge_there_is_nothing_to_judge(settings: Settings) -> None:
    assert judge_integrity(settings) == {}
    assert document_integrity(settings, {}) == {}

"""Indexes: what analysts ask vouchers and ledgers by is found quickly, and no table pays for more than it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import COLUMN_TYPES, DATETIME, FLAG, TEXT
from federation.mothership.mariadb.column_types import sql_types
from federation.mothership.mariadb.indexes import Index, key_parts, wanted_indexes
from federation.mothership.mariadb.refusal import TableRefused

DOCUMENT = (
    Column("satellite", TEXT),
    Column("name", TEXT, "name", "Data"),
    Column("observed", DATETIME),
    Column("owner", TEXT, "owner", "Link"),
    Column("docstatus", FLAG, "docstatus", "Check"),
)
CHILD = (Column("parent", TEXT, "parent", "Data"), Column("parenttype", TEXT, "parenttype", "Link"))


def table(fields: Mapping[str, str], mandatory: Sequence[str] = (), *, is_child: bool = False) -> TableContract:
    """A DocType of fields: fieldname → fieldtype, and behind a colon the options."""
    columns = []
    for name, kind in fields.items():
        fieldtype, _, options = kind.partition(":")
        arrow = COLUMN_TYPES[fieldtype].arrow
        columns.append(Column(name, arrow, name, fieldtype, options=options, mandatory=name in mandatory))
    return TableContract("Thing", (*DOCUMENT, *(CHILD if is_child else ()), *columns), is_child=is_child)


def columns_of(indexes: Sequence[Index]) -> list[tuple[str, ...]]:
    return [index.columns for index in indexes]


LEDGER = table(
    {
        "posting_date": "Date", "transaction_date": "Date", "fiscal_year": "Link:Fiscal Year",
        "account": "Link:Account", "account_currency": "Link:Currency",
        "party_type": "Link:DocType", "party": "Dynamic Link:party_type",
        "debit": "Currency", "voucher_type": "Link:DocType", "voucher_no": "Dynamic Link:voucher_type",
        "against_voucher_type": "Link:DocType", "against_voucher": "Dynamic Link:against_voucher_type",
        "cost_center": "Link:Cost Center", "project": "Link:Project", "company": "Link:Company",
    }
)  # fmt: skip
INVOICE = table(
    {
        "company": "Link:Company", "posting_date": "Date", "due_date": "Date", "customer": "Link:Customer",
        "currency": "Link:Currency", "selling_price_list": "Link:Price List", "debit_to": "Link:Account",
        "write_off_account": "Link:Account", "project": "Link:Project", "remarks": "Small Text",
    },
    ["company", "posting_date", "currency", "selling_price_list", "debit_to"],
)  # fmt: skip
LINE = table(
    {
        "item_code": "Link:Item", "uom": "Link:UOM", "expense_account": "Link:Account",
        "income_account": "Link:Account", "cost_center": "Link:Cost Center", "delivery_note": "Link:Delivery Note",
    },
    ["uom", "income_account", "cost_center"],
    is_child=True,
)  # fmt: skip


def test_a_ledger_is_found_by_company_day_account_party_and_voucher() -> None:
    assert columns_of(wanted_indexes(LEDGER, None)) == [
        ("company", "posting_date"),
        ("docstatus", "posting_date"),
        ("party", "party_type"),
        ("voucher_no", "voucher_type"),
        ("account",),
    ]


def test_a_voucher_is_found_by_company_day_and_whom_it_is_about() -> None:
    assert columns_of(wanted_indexes(INVOICE, None)) == [
        ("company", "posting_date"),
        ("docstatus", "posting_date"),
        ("customer",),
        ("debit_to",),
    ]


def test_child_rows_are_found_by_their_document_and_what_they_are_about() -> None:
    assert columns_of(wanted_indexes(LINE, None)) == [("satellite", "parent"), ("item_code",), ("income_account",)]


@pytest.mark.parametrize(
    ("fields", "mandatory", "date"),
    [
        ({"transaction_date": "Date", "company": "Link:Company"}, [], "transaction_date"),
        ({"date": "Date", "company": "Link:Company", "transaction_date": "Date"}, [], "transaction_date"),
        ({"born_on": "Date", "seen_on": "Date", "company": "Link:Company"}, ["seen_on"], "seen_on"),
    ],
)
def test_the_day_of_a_voucher_is_erpnexts_or_the_first_that_is_mandatory(
    fields: dict[str, str], mandatory: list[str], date: str
) -> None:
    assert columns_of(wanted_indexes(table(fields, mandatory), None)) == [("company", date), ("docstatus", date)]


def test_a_master_without_a_day_has_no_more_than_its_links() -> None:
    master = table({"company": "Link:Company", "item_group": "Link:Item Group", "born_on": "Date"}, ["item_group"])
    assert wanted_indexes(master, None) == ()


def test_what_the_settings_choose_takes_the_place_of_the_rule_but_not_of_the_merge() -> None:
    assert columns_of(wanted_indexes(LINE, [["item_code", "uom"], ["uom"]])) == [
        ("satellite", "parent"),
        ("item_code", "uom"),
        ("uom",),
    ]
    assert wanted_indexes(INVOICE, []) == ()


def test_an_index_that_another_begins_with_is_not_made() -> None:
    chosen = [["account"], ["account", "posting_date"], ["satellite"], ["satellite", "name"], ["account"]]
    assert columns_of(wanted_indexes(LEDGER, chosen)) == [("account", "posting_date")]


def test_an_unknown_column_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(TableRefused, match=r"Thing has no column 'acount' .* Did you mean 'account'\? Correct `ind"):
        wanted_indexes(LEDGER, [["acount"]])


def test_long_texts_are_indexed_by_their_beginning() -> None:
    index = Index("federation_x", ("customer", "remarks"))
    types = {**_types(INVOICE), "customer": "varchar(140)", "remarks": "longtext"}
    assert key_parts("Sales Invoice", index, types) == ('"customer"', '"remarks"(140)')


def test_an_index_that_would_be_cut_is_refused() -> None:
    links = [name for name, kind in _types(LEDGER).items() if kind == "varchar(140)"]
    (index,) = wanted_indexes(LEDGER, [links[:6]])
    with pytest.raises(TableRefused, match=r"would take 3,378 bytes a row and InnoDB takes 3,072. Choose fewer"):
        key_parts("GL Entry", index, _types(LEDGER))


def _types(contract: TableContract) -> dict[str, str]:
    return sql_types(contract, {column.name: column.type for column in contract.columns}, {}, {})


names = st.sampled_from([*"abcdefgh", "company", "party", "voucher_no", "posting_date", "date", "x" * 62, "x" * 63])
kinds = st.sampled_from(
    ["Date", "Int", "Data", "Link:Account", "Link:Item", "Link:Cost Center", "Dynamic Link:a", "Small Text"]
)
contracts = st.builds(table, st.dictionaries(names, kinds), st.lists(names), is_child=st.booleans())


@given(contracts, st.one_of(st.none(), st.lists(st.lists(st.sampled_from(["name", "docstatus", "owner"])))))
def test_every_index_has_a_name_and_beginning_of_its_own(
    contract: TableContract, chosen: list[list[str]] | None
) -> None:
    indexes = wanted_indexes(contract, chosen)
    assert len({index.name for index in indexes}) == len(indexes)
    for index in indexes:
        assert len(index.name) <= 64
        assert index.name.startswith("federation_")
        assert index.columns
        assert set(index.columns) <= set(contract.by_name)
        others = [("satellite", "name"), *(other.columns for other in indexes if other is not index)]
        assert not any(other[: len(index.columns)] == index.columns for other in others)
    if chosen is None:
        assert len(indexes) <= 6
        for index in indexes:
            assert key_parts("Thing", index, _types(contract))

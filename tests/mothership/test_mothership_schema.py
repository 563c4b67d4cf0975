"""Schema: tables follow the contract over all satellites, never narrow, and survive hostile names."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mothership_sites import FIELDS, INVOICE, ITEM, TABLES, Document, KeepAll, Site, ask, content, merge

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import widen
from federation.contract.names import column_name
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.duckdb.sql import widened
from federation.mothership.errors import MothershipUnavailable
from federation.mothership.evolution import evolve
from federation.mothership.package_files import COLUMN_TYPES
from federation.mothership.sql import Fragment, identifier, literal
from federation.mothership.system_tables import SYSTEM_TABLES

THING = "Thing"
MIDNIGHT = datetime.combine(date(2026, 3, 1), time())
HALF_PAST_EIGHT = MIDNIGHT + timedelta(hours=8, minutes=30)


def thing(lake: Path, satellite: str, fieldtype: str, value: object, tick: int = 1) -> Site:
    site = Site(lake, satellite, {THING: {"value": fieldtype}}, {})
    site.commit(THING, [Document("T-1", tick, {"value": value})])
    return site


def values(file: Path) -> list[object]:
    return [row["value"] for row in ask(file, "SELECT value FROM thing ORDER BY satellite")]


def test_a_field_that_a_site_gets_later_is_a_new_column(file: Path, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"customer": "Acme"})])
    merge(file, site)
    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
    site.commit(documents=[Document("SINV-2", 2, {"campus": "West"})])
    merge(file, site)
    assert ask(file, "SELECT name, customer, campus FROM sales_invoice ORDER BY name") == [
        {"name": "SINV-1", "customer": "Acme", "campus": None},
        {"name": "SINV-2", "customer": None, "campus": "West"},
    ]


def test_a_new_field_shows_before_any_document_has_it(file: Path, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    merge(file, site)
    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
    site.commit()
    merge(file, site)
    assert ask(file, "SELECT campus FROM sales_invoice") == [{"campus": None}]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([("Check", 1), ("Int", 7), ("Currency", Decimal("1.5"))], [Decimal(1), Decimal(7), Decimal("1.5")]),
        ([("Check", 1), ("Currency", Decimal("12.50")), ("Data", "n/a")], ["1", "12.5", "n/a"]),
        ([("Int", 100), ("Currency", Decimal(100)), ("Data", "")], ["100", "100", ""]),
        ([("Date", date(2026, 3, 1)), ("Datetime", HALF_PAST_EIGHT), ("Date", None)],
         [MIDNIGHT, HALF_PAST_EIGHT, None]),
        ([("Date", date(2026, 3, 1)), ("Datetime", HALF_PAST_EIGHT + timedelta(microseconds=5)), ("Data", "soon")],
         ["2026-03-01", "2026-03-01 08:30:00.000005", "soon"]),
    ],
)  # fmt: skip
def test_a_column_widens_to_one_form_in_whatever_order_the_sites_come(
    file: Path, tmp_path: Path, sites: list[tuple[str, object]], expected: list[object], order: tuple[int, ...]
) -> None:
    for position in order:
        fieldtype, value = sites[position]
        merge(file, thing(tmp_path / "lake", f"site{position}", fieldtype, value))
    assert values(file) == expected


def test_a_column_never_narrows(file: Path, tmp_path: Path) -> None:
    first = thing(tmp_path / "lake", "north", "Data", "many")
    merge(file, first)
    first.describe({THING: {"value": "Int"}}, {})
    first.commit(THING, [Document("T-2", 2, {"value": 3})])
    merge(file, first)
    assert values(file) == ["many", "3"]


def test_two_spellings_of_a_field_are_one_column(file: Path, tmp_path: Path) -> None:
    north = Site(tmp_path / "lake", "north", {THING: {"Colour": "Data"}}, {})
    south = Site(tmp_path / "lake", "south", {THING: {"COLOUR": "Data"}}, {})
    north.commit(THING, [Document("T-1", 1, {"Colour": "red"})])
    south.commit(THING, [Document("T-1", 1, {"COLOUR": "blue"})])
    merge(file, north)
    merge(file, south)
    assert [row["colour"] for row in ask(file, "SELECT colour AS colour FROM thing ORDER BY satellite")] == [
        "red",
        "blue",
    ]


HOSTILE = {
    'a"b; DROP TABLE federation_meta; --': "Data",
    "select": "Int",
    "satellite": "Data",
    "observed": "Data",
    "x_utc": "Data",
    "{table}": "Data",
    "$satellite": "Data",
    "naïve ☃": "Data",
}


@pytest.mark.parametrize(
    "doctype",
    [
        "Documents",
        "Graves",
        "Kept",
        "Child Rows",
        "Losers",
        "Aside",
        "federation_meta",
        "Dim Date",
        'Robert"); --',
        "Select",
    ],
)
def test_hostile_names_of_doctypes_and_fields_are_only_names(file: Path, tmp_path: Path, doctype: str) -> None:
    fields = {doctype: HOSTILE, "Row": {"select": "Int", "package": "Data", "row": "Data"}}
    site = Site(tmp_path / "lake", "north", fields, {doctype: {"rows": "Row"}})
    given = {name: 1 if kind == "Int" else f"of {name}" for name, kind in HOSTILE.items()}
    children = {"Row": [{"name": "r", "select": 2, "package": "p", "row": "q"}]}
    nasty = 'O\'Brien "x"; {table} $1 \\ %s'
    site.commit(doctype, [Document(nasty, 1, given, children)], aside={"it's": 1})
    merge(file, site)
    site.commit(doctype, [Document(nasty, 2, given, children)], gone={"a'b": 1}, without=["select"])
    merge(file, site)
    tables = ask(file, "FROM federation_table")
    (table,) = [str(row["table_name"]) for row in tables if row["doctype"] == doctype]
    (row,) = content(file)[table]
    assert (row["name"], row["satellite"]) == (nasty, "north")
    assert {name: row[column_name(name)] for name in given} == given
    assert ask(file, "SELECT version FROM federation_meta") == [{"version": 1}]
    assert ask(file, 'SELECT "select", package, row FROM row') == [{"select": 2, "package": "p", "row": "q"}]


def test_a_field_that_duckdb_cannot_tell_from_its_own_words_is_refused_by_name(file: Path, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake", fields={THING: {"file_index": "Int"}}, tables={})
    site.commit(THING, [Document("T-1", 1, {"file_index": 3})])
    (report,) = merge(file, site)
    assert "`file_index`" in str(report.failed[THING])


def test_doctypes_whose_names_look_alike_have_tables_of_their_own(file: Path, tmp_path: Path) -> None:
    fields = {"Sales Invoice": {}, "Sales-Invoice": {}, "Fact Sales": {}}
    site = Site(tmp_path / "lake", "north", fields, {})
    for doctype in fields:
        site.commit(doctype, [Document(doctype, 1)])
    merge(file, site)
    tables = {str(row["doctype"]): str(row["table_name"]) for row in ask(file, "FROM federation_table")}
    assert tables == {
        "Sales Invoice": "sales_invoice",
        "Sales-Invoice": "sales_invoice_2",
        "Fact Sales": "doctype_fact_sales",
    }
    for doctype, table in tables.items():
        assert ask(file, f"SELECT name FROM {table}") == [{"name": doctype}]


class Withhold(KeepAll):
    """Withholds `total` and hashes `customer`."""

    def keeps(self, satellite: str, doctype: str, fieldname: str, fieldtype: str, /) -> bool:
        return fieldname != "total"

    def hashes(self, satellite: str, doctype: str, fieldname: str, fieldtype: str, /) -> bool:
        return fieldname == "customer"


def test_what_todays_policy_withholds_stays_in_an_earlier_package(file: Path, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"customer": "x", "total": Decimal(1)})])
    merge(file, site, policy=Withhold())
    assert "total" not in ask(file, "FROM sales_invoice")[0]
    assert ask(
        file,
        "SELECT column_name, policy FROM federation_dictionary WHERE policy <> '' AND table_name = 'sales_invoice'",
    ) == [{"column_name": "customer", "policy": "hashed at north"}]


def test_a_value_that_is_withheld_from_now_on_goes_with_the_next_state(file: Path, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"total": Decimal(1)}), Document("SINV-2", 1, {"total": Decimal(1)})])
    merge(file, site)
    site.commit(documents=[Document("SINV-1", 2)], without=["total"])
    merge(file, site, policy=Withhold())
    assert ask(file, "SELECT name, total FROM sales_invoice ORDER BY name") == [
        {"name": "SINV-1", "total": None},
        {"name": "SINV-2", "total": Decimal(1)},
    ]


def test_the_dictionary_and_comments_say_what_columns_mean(file: Path, site: Site, tmp_path: Path) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    south = Site(tmp_path / "lake", "south", {INVOICE: {"campus": "Data"}}, {})
    south.commit(documents=[Document("SINV-1", 1)])
    merge(file, site, south)
    said = {
        row["column_name"]: (row["type"], row["label"], row["fieldtype"], row["satellites"])
        for row in ask(file, "FROM federation_dictionary WHERE table_name = 'sales_invoice'")
    }
    assert said["campus"] == ("string", "Campus", "Data", "south")
    assert said["total"] == ("decimal128(21, 9)", "Total", "Currency", "north")
    assert said["modified_utc"] == ("timestamp[us]", "Last Updated On (UTC)", "Datetime", "north, south")
    asked = "SELECT comment FROM duckdb_columns() WHERE table_name = 'sales_invoice' AND column_name = 'total'"
    assert ask(file, asked) == [{"comment": "Total"}]
    assert ask(file, "SELECT comment FROM duckdb_tables() WHERE table_name = 'sales_invoice'") == [{"comment": INVOICE}]


def test_every_system_table_stands_with_its_columns_and_comments(file: Path) -> None:
    with DuckdbMothership(file, who="test"):
        pass
    for table in SYSTEM_TABLES:
        rows = ask(
            file,
            f"SELECT column_name, comment FROM duckdb_columns() WHERE table_name = '{table.name}'",
        )
        assert rows == [{"column_name": column.name, "comment": column.description} for column in table.columns]


def test_a_column_changed_by_hand_is_named(file: Path, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    merge(file, site)
    with duckdb.connect(file.with_name(f"{file.name}.writer")) as connection:
        connection.execute("ALTER TABLE sales_invoice ALTER COLUMN idx TYPE SMALLINT")
    site.commit(documents=[Document("SINV-2", 1)])
    with pytest.raises(MothershipUnavailable, match=r"sales_invoice\.idx: its type was changed to SMALLINT"):
        merge(file, site)


def test_a_child_table_that_a_site_gets_later_is_merged_from_then_on(file: Path, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake", fields={INVOICE: FIELDS[INVOICE]}, tables={})
    site.commit(documents=[Document("SINV-1", 1)])
    merge(file, site)
    site.describe(FIELDS, TABLES)
    site.commit(documents=[Document("SINV-1", 2, {}, {ITEM: [{"name": "a", "qty": 1}]})])
    merge(file, site)
    assert ask(file, "SELECT name, qty FROM sales_item") == [{"name": "a", "qty": 1}]


types = st.sampled_from(COLUMN_TYPES)


@given(
    st.dictionaries(st.sampled_from("abcd"), types),
    st.lists(st.dictionaries(st.sampled_from("abcd"), types), max_size=4),
)
def test_an_evolved_table_holds_everything_and_evolving_again_changes_nothing(
    contracted: dict[str, pa.DataType], carried: list[dict[str, pa.DataType]]
) -> None:
    contract = TableContract("X", tuple(Column(name, kind) for name, kind in contracted.items()))
    stored: dict[str, pa.DataType] = {}
    for brought in carried:
        change = evolve(contract, stored, [pa.schema(brought)])
        stored = {**stored, **change.added, **change.widened}
        for name, kind in brought.items():
            if name in contracted:
                assert widen(stored[name], kind) == stored[name]
        again = evolve(contract, stored, [pa.schema(brought)])
        assert not again.added
        assert not again.widened


@settings(deadline=None)
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1))
def test_names_and_texts_come_back_as_they_went_in(text: str) -> None:
    with duckdb.connect() as connection:
        (row,) = connection.execute(f"SELECT {literal(text)} AS {identifier(text)}").to_arrow_table().to_pylist()
    assert row == {text: text}


@settings(deadline=None)
@given(st.decimals(-(10**11), 10**11, places=9), st.integers(-(10**11), 10**11))
def test_numbers_are_written_as_text_in_one_form(number: Decimal, whole: int) -> None:
    money, wide = pa.decimal128(21, 9), pa.decimal128(38, 9)
    direct = widened(Fragment(f"{whole}::BIGINT"), pa.int64(), pa.string())
    by_way = widened(Fragment(f"{whole}::BIGINT::DECIMAL(38,9)"), wide, pa.string())
    narrow = widened(Fragment(f"{number:f}::DECIMAL(21,9)"), money, pa.string())
    with duckdb.connect() as connection:
        texts = connection.execute(f"SELECT {direct}, {by_way}, {narrow}").fetchall()[0]
    assert texts[0] == texts[1] == str(whole)
    assert Decimal(texts[2]) == number

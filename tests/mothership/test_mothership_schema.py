"""Schema: tables follow the contract over all satellites, never narrow, and survive hostile names."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mothership_sites import FIELDS, INVOICE, ITEM, TABLES, Document, KeepAll, Site, ask, content, merge
from places import Place

from federation.contract.asked_field import AskedField
from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import widen
from federation.contract.names import column_name
from federation.mothership.evolution import evolve
from federation.mothership.package_files import COLUMN_TYPES
from federation.mothership.system_tables import SYSTEM_TABLES, VERSION

THING = "Thing"
MIDNIGHT = datetime.combine(date(2026, 3, 1), time())
HALF_PAST_EIGHT = MIDNIGHT + timedelta(hours=8, minutes=30)


def thing(lake: Path, satellite: str, fieldtype: str, value: object, tick: int = 1) -> Site:
    site = Site(lake, satellite, {THING: {"value": fieldtype}}, {})
    site.commit(THING, [Document("T-1", tick, {"value": value})])
    return site


def values(place: Place) -> list[object]:
    return [row["value"] for row in ask(place, "SELECT value FROM thing ORDER BY satellite")]


def test_a_field_that_a_site_gets_later_is_a_new_column(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"customer": "Acme"})])
    merge(place, site)
    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
    site.commit(documents=[Document("SINV-2", 2, {"campus": "West"})])
    merge(place, site)
    assert ask(place, "SELECT name, customer, campus FROM sales_invoice ORDER BY name") == [
        {"name": "SINV-1", "customer": "Acme", "campus": None},
        {"name": "SINV-2", "customer": None, "campus": "West"},
    ]


def test_a_new_field_shows_before_any_document_has_it(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    merge(place, site)
    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
    site.commit()
    merge(place, site)
    assert ask(place, "SELECT campus FROM sales_invoice") == [{"campus": None}]


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
    place: Place, tmp_path: Path, sites: list[tuple[str, object]], expected: list[object], order: tuple[int, ...]
) -> None:
    for position in order:
        fieldtype, value = sites[position]
        merge(place, thing(tmp_path / "lake", f"site{position}", fieldtype, value))
    assert values(place) == expected


def test_a_column_never_narrows(place: Place, tmp_path: Path) -> None:
    first = thing(tmp_path / "lake", "north", "Data", "many")
    merge(place, first)
    first.describe({THING: {"value": "Int"}}, {})
    first.commit(THING, [Document("T-2", 2, {"value": 3})])
    merge(place, first)
    assert values(place) == ["many", "3"]


def test_two_spellings_of_a_field_are_one_column(place: Place, tmp_path: Path) -> None:
    north = Site(tmp_path / "lake", "north", {THING: {"Colour": "Data"}}, {})
    south = Site(tmp_path / "lake", "south", {THING: {"COLOUR": "Data"}}, {})
    north.commit(THING, [Document("T-1", 1, {"Colour": "red"})])
    south.commit(THING, [Document("T-1", 1, {"COLOUR": "blue"})])
    merge(place, north)
    merge(place, south)
    assert [row["colour"] for row in ask(place, "SELECT colour AS colour FROM thing ORDER BY satellite")] == [
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
def test_hostile_names_of_doctypes_and_fields_are_only_names(place: Place, tmp_path: Path, doctype: str) -> None:
    fields = {doctype: HOSTILE, "Row": {"select": "Int", "package": "Data", "row": "Data"}}
    site = Site(tmp_path / "lake", "north", fields, {doctype: {"rows": "Row"}})
    given = {name: 1 if kind == "Int" else f"of {name}" for name, kind in HOSTILE.items()}
    children = {"Row": [{"name": "r", "select": 2, "package": "p", "row": "q"}]}
    nasty = 'O\'Brien "x"; {table} $1 \\ %s'
    site.commit(doctype, [Document(nasty, 1, given, children)], aside={"it's": 1})
    merge(place, site)
    site.commit(doctype, [Document(nasty, 2, given, children)], gone={"a'b": 1}, without=["select"])
    merge(place, site)
    tables = ask(place, "SELECT * FROM federation_table")
    (table,) = [str(row["table_name"]) for row in tables if row["doctype"] == doctype]
    (row,) = content(place)[table]
    assert (row["name"], row["satellite"]) == (nasty, "north")
    assert {name: row[column_name(name)] for name in given} == given
    assert ask(place, "SELECT version FROM federation_meta") == [{"version": VERSION}]
    assert ask(place, 'SELECT "select", package, "row" FROM "row"') == [{"select": 2, "package": "p", "row": "q"}]


def test_a_field_that_duckdb_cannot_tell_from_its_own_words_is_refused_by_name(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake", fields={THING: {"file_index": "Int"}}, tables={})
    site.commit(THING, [Document("T-1", 1, {"file_index": 3})])
    (report,) = merge(place, site)
    assert "`file_index`" in str(report.failed[THING])


def test_doctypes_whose_names_look_alike_have_tables_of_their_own(place: Place, tmp_path: Path) -> None:
    fields = {"Sales Invoice": {}, "Sales-Invoice": {}, "Fact Sales": {}}
    site = Site(tmp_path / "lake", "north", fields, {})
    for doctype in fields:
        site.commit(doctype, [Document(doctype, 1)])
    merge(place, site)
    tables = {str(row["doctype"]): str(row["table_name"]) for row in ask(place, "SELECT * FROM federation_table")}
    assert tables == {
        "Sales Invoice": "sales_invoice",
        "Sales-Invoice": "sales_invoice_2",
        "Fact Sales": "doctype_fact_sales",
    }
    for doctype, table in tables.items():
        assert ask(place, f"SELECT name FROM {table}") == [{"name": doctype}]


class Withhold(KeepAll):
    """Withholds `total`, hashes `customer` and masks `owner`."""

    def keeps(self, satellite: str, asked: AskedField, /) -> bool:
        return asked.fieldname != "total"

    def hashes(self, satellite: str, asked: AskedField, /) -> bool:
        return asked.fieldname == "customer"

    def masks(self, satellite: str, asked: AskedField, /) -> bool:
        return asked.fieldname == "owner"

    def treatment(self, satellite: str, asked: AskedField, /) -> str:
        return {"total": "drop", "customer": "hash", "owner": "mask last 4"}.get(asked.fieldname, "")


def test_what_todays_policy_withholds_stays_in_an_earlier_package(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"customer": "x", "total": Decimal(1)})])
    merge(place, site, policy=Withhold())
    assert "total" not in ask(place, "SELECT * FROM sales_invoice")[0]
    assert ask(
        place,
        "SELECT column_name, policy FROM federation_dictionary WHERE policy <> '' AND table_name = 'sales_invoice' "
        "ORDER BY column_name",
    ) == [
        {"column_name": "customer", "policy": "hashed at north"},
        {"column_name": "owner", "policy": "masked at north"},
    ]


def test_values_that_are_withheld_from_now_on_go_with_the_next_merge(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"total": Decimal(1)}), Document("SINV-2", 1, {"total": Decimal(1)})])
    merge(place, site)
    site.commit(documents=[Document("SINV-1", 2)], without=["total"])
    merge(place, site, policy=Withhold())
    assert ask(place, "SELECT name, total FROM sales_invoice ORDER BY name") == [
        {"name": "SINV-1", "total": None},
        {"name": "SINV-2", "total": None},
    ]


class WithholdOfNorth(KeepAll):
    """Withholds `total` of one satellite."""

    def keeps(self, satellite: str, asked: AskedField, /) -> bool:
        return (satellite, asked.fieldname) != ("north", "total")

    def treatment(self, satellite: str, asked: AskedField, /) -> str:
        return "" if self.keeps(satellite, asked) else "drop"


def test_what_one_satellite_withholds_another_still_gives(place: Place, site: Site, tmp_path: Path) -> None:
    south = Site(tmp_path / "lake", "south")
    for each in (site, south):
        each.commit(documents=[Document("SINV-1", 1, {"total": Decimal(1)})])
    merge(place, site, south)
    merge(place, site, south, policy=WithholdOfNorth())
    asked = "SELECT satellite, total FROM sales_invoice ORDER BY satellite"
    assert ask(place, asked) == [
        {"satellite": "north", "total": None},
        {"satellite": "south", "total": Decimal(1)},
    ]
    merge(place, site, south)
    assert [row["total"] for row in ask(place, asked)] == [Decimal(1), Decimal(1)]


def test_the_dictionary_and_comments_say_what_columns_mean(place: Place, site: Site, tmp_path: Path) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    south = Site(tmp_path / "lake", "south", {INVOICE: {"campus": "Data"}}, {})
    south.commit(documents=[Document("SINV-1", 1)])
    merge(place, site, south)
    said = {
        row["column_name"]: (row["type"], row["label"], row["fieldtype"], row["satellites"])
        for row in ask(place, "SELECT * FROM federation_dictionary WHERE table_name = 'sales_invoice'")
    }
    assert said["campus"] == ("string", "Campus", "Data", "south")
    assert said["total"] == ("decimal128(21, 9)", "Total", "Currency", "north")
    assert said["modified_utc"] == ("timestamp[us]", "Last Updated On (UTC)", "Datetime", "north, south")
    comments = place.comments("sales_invoice")
    assert (comments[""], comments["total"]) == (INVOICE, "Total")


def test_every_system_table_stands_with_its_columns_and_comments(place: Place) -> None:
    with place.writer():
        pass
    for table in SYSTEM_TABLES:
        described = {column.name: column.description for column in table.columns}
        assert place.comments(table.name) == {"": table.description, **described}


def test_a_child_table_that_a_site_gets_later_is_merged_from_then_on(place: Place, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake", fields={INVOICE: FIELDS[INVOICE]}, tables={})
    site.commit(documents=[Document("SINV-1", 1)])
    merge(place, site)
    site.describe(FIELDS, TABLES)
    site.commit(documents=[Document("SINV-1", 2, {}, {ITEM: [{"name": "a", "qty": 1}]})])
    merge(place, site)
    assert ask(place, "SELECT name, qty FROM sales_item") == [{"name": "a", "qty": 1}]


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

"""Specification of a conformed page: the contract's columns, the policy kept, and what doesn't fit named."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.frappe import DocField, DocTypeMeta, WirePage
from connectors.frappe.pages import decode_arrays
from federation.conform.page import ConformedPage, conform_page
from federation.conform.reading import TableReading, table_reading
from federation.contract.satellite_schema import SatelliteSchema
from federation.contract.union import contract_of
from federation.policy.fleet import FleetPolicy
from federation.settings.load import load_settings

OBSERVED = datetime(2026, 11, 23, 12, 47, 9, 123456, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
SECRET = "AAAPL1234C"
SITES = """
doctypes: [Customer]
satellites:
  north: {url: 'https://north.example.com', credentials: env:NORTH}
policy:
  - {field: pan, action: hash, key: env:HASH_KEY}
  - {field: salary, action: drop}
"""
FIELDS = {
    "pan": "Data",
    "salary": "Currency",
    "credit": "Currency",
    "since": "Date",
    "seen": "Datetime",
    "visits": "Int",
    "notes": "Long Text",
    "secret": "Password",
    "satellite": "Data",
}
ROW: dict[str, object] = {
    "name": "Çelik & Söhne",
    "owner": "a@north.test",
    "creation": "2026-03-01 09:00:00",
    "modified": "2026-03-01 09:00:00.5",
    "modified_by": "a@north.test",
    "docstatus": 0,
    "idx": 7,
    "pan": SECRET,
    "credit": 12.5,
    "since": "2026-02-28",
    "seen": None,
    "visits": 3,
    "notes": "",
    "satellite": "LEO-1",
}


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetPolicy:
    monkeypatch.setenv("HASH_KEY", KEY)
    file = tmp_path / "federation.yaml"
    file.write_text(SITES)
    return FleetPolicy(load_settings(file))


@pytest.fixture
def reading(fleet: FleetPolicy) -> TableReading:
    return reading_of(FIELDS, fleet)


def reading_of(fields: Mapping[str, str], fleet: FleetPolicy, *earlier: Mapping[str, str]) -> TableReading:
    schema = SatelliteSchema("north")
    for described in (*earlier, fields):
        docfields = tuple(DocField(fieldname, fieldtype) for fieldname, fieldtype in described.items())
        meta = DocTypeMeta("Customer", "Selling", False, False, False, False, docfields)
        schema = schema.absorb([meta], read_at="", fingerprints={})
    contract = contract_of("Customer", [schema], keeps=fleet.keeps, hashes=fleet.hashes)
    policy = fleet.of("north")
    assert contract is not None
    assert policy is not None
    return table_reading("north", "Asia/Kolkata", schema.doctypes["Customer"], contract.parent, policy)


def page_of(
    reading: TableReading, rows: Sequence[Mapping[str, object]], refused: frozenset[str] = frozenset()
) -> WirePage:
    """A page as the connector decodes it."""
    fields = reading.wire.fields
    body = json.dumps({"data": [[row.get(field) for field in fields] for row in rows]}).encode()
    decoded = decode_arrays(body, reading.wire.kinds)
    return WirePage("Customer", fields, decoded.columns, decoded.count, OBSERVED, len(body), refused)


def conformed(reading: TableReading, *rows: Mapping[str, object]) -> ConformedPage:
    page = conform_page(page_of(reading, rows), reading)
    page.table.validate(full=True)
    return page


def at(text: str) -> datetime:
    """A naive instant, as columns hold it."""
    return datetime.fromisoformat(text)


def test_a_page_becomes_the_contracts_table(reading: TableReading):
    page = conformed(reading, ROW)
    assert page.misfits == ()
    assert page.table.schema == reading.schema
    (row,) = page.table.to_pylist()
    assert row == {
        "satellite": "north",
        "name": "Çelik & Söhne",
        "observed": at("2026-11-23 12:47:09.123456"),
        "owner": "a@north.test",
        "creation": at("2026-03-01 09:00:00"),
        "creation_utc": at("2026-03-01 03:30:00"),
        "modified": at("2026-03-01 09:00:00.500000"),
        "modified_utc": at("2026-03-01 03:30:00.500000"),
        "modified_by": "a@north.test",
        "docstatus": 0,
        "idx": 7,
        "pan": hmac.digest(KEY.encode(), SECRET.encode(), "sha256").hex(),
        "credit": Decimal("12.5"),
        "since": date(2026, 2, 28),
        "seen": None,
        "seen_utc": None,
        "visits": 3,
        "notes": "",
        "satellite_field": "LEO-1",
    }


def test_what_the_policy_holds_back_is_not_even_asked_for(reading: TableReading):
    assert not {"salary", "secret"} & set(reading.wire.fields)
    assert not {"salary", "secret"} & set(reading.table.schema.names)


@pytest.mark.parametrize("secret", [SECRET, "ünïcode 東", 4_711_471_147, [SECRET], {"pan": SECRET}, f"\ud800{SECRET}"])
def test_a_hashed_value_appears_nowhere_in_clear(reading: TableReading, secret: object):
    good = conformed(reading, ROW | {"pan": secret})
    bad = conformed(reading, ROW | {"pan": secret, "since": "never"})
    assert good.misfits == ()
    assert [misfit.fieldname for misfit in bad.misfits] == ["since"]
    for page in (good, bad):
        told = "".join((str(page.table.to_pylist()), repr(page), repr(page.wire), repr(page.misfits), repr(reading)))
        assert SECRET not in told
        assert str(secret) not in told
        assert KEY not in told
        assert len(str(page.table.column("pan")[0])) == 64


def test_hashed_nothing_stays_nothing(reading: TableReading):
    page = conformed(reading, ROW | {"pan": None}, ROW | {"pan": ""})
    assert page.table.column("pan").to_pylist() == [None, ""]


def test_the_same_value_has_the_same_hash_on_every_page(reading: TableReading):
    first, second = conformed(reading, ROW), conformed(reading, ROW | {"name": "other"}, ROW)
    assert {*first.table.column("pan").to_pylist(), *second.table.column("pan").to_pylist()} == {
        first.table.column("pan")[0].as_py()
    }


def test_a_field_that_was_a_number_once_is_hashed_as_text(fleet: FleetPolicy):
    reading = reading_of({"pan": "Data"}, fleet, {"pan": "Int"})
    page = conformed(reading, ROW)
    assert (page.misfits, page.table.schema.field("pan").type) == ((), pa.string())


def test_fields_that_the_site_refuses_are_left_out(reading: TableReading):
    page = conform_page(page_of(reading, [ROW], frozenset({"credit", "seen"})), reading)
    assert set(reading.schema.names) - set(page.table.column_names) == {"credit", "seen", "seen_utc"}
    assert "credit" not in page.wire


def test_misfits_are_named_and_their_cells_are_null(reading: TableReading):
    rows = [ROW | {"name": f"row {number}"} for number in range(7)]
    rows[2] |= {"since": "28.02.2026", "visits": 1.5}
    rows[5] |= {"credit": 1e13, "seen": "yesterday"}
    page = conformed(reading, *rows)
    assert {(misfit.row, misfit.fieldname, misfit.value) for misfit in page.misfits} == {
        (2, "since", "28.02.2026"),
        (2, "visits", "1.5"),
        (5, "credit", "10000000000000.0"),
        (5, "seen", "yesterday"),
    }
    assert page.table.num_rows == 7
    assert page.table.slice(2, 1).select(["since", "visits"]).to_pylist() == [{"since": None, "visits": None}]
    assert page.table.column("since").null_count == page.table.column("visits").null_count == 1
    assert page.wire["since"][2] == "28.02.2026"


def test_a_datetime_whose_instant_no_database_holds_keeps_its_local_time(reading: TableReading):
    page = conformed(reading, ROW | {"seen": "0001-01-01 00:00:00"})
    row = page.table.to_pylist()[0]
    assert (page.misfits, row["seen"], row["seen_utc"]) == ((), at("0001-01-01 00:00:00"), None)


def test_a_misfit_says_why_in_frappes_words(reading: TableReading):
    (misfit,) = conformed(reading, ROW | {"since": "x" * 1_000_000}).misfits
    assert misfit.reason == "is not a Date (date32[day])"
    assert misfit.value == "x" * 200


def test_a_retyped_field_arrives_in_the_wider_column(fleet: FleetPolicy):
    reading = reading_of({"size": "Float", "day": "Datetime"}, fleet, {"size": "Int", "day": "Date"})
    row = conformed(reading, ROW | {"size": 2.5, "day": "2026-01-01 08:00:00"}).table.to_pylist()[0]
    assert (row["size"], row["day_utc"]) == (Decimal("2.5"), at("2026-01-01 02:30:00"))
    back = reading_of({"day": "Date"}, fleet, {"day": "Datetime"})
    assert conformed(back, ROW | {"day": "2026-01-01"}).table.column("day")[0].as_py() == at("2026-01-01")


def test_names_that_are_counted_become_text(reading: TableReading):
    page = conformed(reading, ROW | {"name": 1}, ROW | {"name": 12})
    assert (page.misfits, page.table.column("name").to_pylist()) == ((), ["1", "12"])


def test_an_empty_page_has_the_same_columns(reading: TableReading):
    page = conformed(reading)
    assert (page.table.num_rows, page.table.schema) == (0, reading.schema)

"""Specification of cells: what a site sent arrives digit for digit, or is named as a misfit; never something else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.frappe import WireKind
from connectors.frappe.pages import decode_arrays
from federation.conform.cells import Cells, conform_cells
from federation.contract.fieldtypes import (
    COLUMN_TYPES,
    DATE,
    DATETIME,
    FLAG,
    INTEGER,
    MONEY,
    TEXT,
    TIME,
    WIDE_NUMBER,
    widen,
)
from federation.mothership.duckdb.sql import widened
from federation.mothership.sql import Fragment

WIRE: dict[pa.DataType, WireKind] = {kept.arrow: kept.wire for kept in COLUMN_TYPES.values()} | {INTEGER: "integer"}
LONE_SURROGATES = ["\ud800", "a\udfff", "\udc00\ud800"]

AMOUNTS = st.integers(-(10**21) + 10**8, 10**21 - 10**8).map(lambda units: Decimal(units).scaleb(-9))
"""What DECIMAL(21,9) holds, but for the last tenth below a trillion: a JSON float there is a trillion."""
SMALL_AMOUNTS = st.integers(1 - 10**12, 10**12 - 1).flatmap(
    lambda units: st.integers(0, 9).map(lambda places: Decimal(units).scaleb(-places))
)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
DATES = st.dates()
DATETIMES = st.datetimes()
TIMES = st.times()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def arrived(cells: Sequence[object], kept: pa.DataType, wanted: pa.DataType | None = None) -> Cells:
    """Cells as a site sends them: through JSON and the connector's decoder."""
    body = json.dumps({"data": [[cell] for cell in cells]}).encode()
    (column,) = decode_arrays(body, (WIRE[kept],)).columns
    return conform_cells(column, WIRE[kept], kept, wanted or kept)


def values(cells: Cells) -> list[object]:
    cells.values.validate(full=True)
    return cells.values.to_pylist()


def wire_datetime(instant: datetime) -> str:
    return str(instant)


def wire_time(instant: time) -> str:
    """Frappe writes "8:30:0.5": without leading zeros, the fraction cut."""
    fraction = f".{instant.microsecond:06}".rstrip("0") if instant.microsecond else ""
    return f"{instant.hour}:{instant.minute}:{instant.second}{fraction}"


@settings(deadline=None)
@given(st.lists(st.none() | AMOUNTS | SMALL_AMOUNTS))
def test_money_arrives_digit_for_digit(amounts: list[Decimal | None]):
    sent = [None if amount is None else float(amount) for amount in amounts]
    found = arrived(sent, MONEY)
    assert found.misfits == ()
    assert values(found) == [None if number is None else Decimal(repr(number)) for number in sent]


@pytest.mark.parametrize(
    "number",
    [
        "123456789.12",
        "0.1",
        "0.000000001",
        "-0.0",
        "1e-9",
        "1234567890.1234567",
        "999999999999.9999",
        "8999999999.9999",
    ],
)
def test_the_decimal_trap_does_not_spring(number: str):
    found = arrived([float(number)], MONEY)
    assert values(found) == [Decimal(repr(float(number)))]
    assert found.values.type == pa.decimal128(21, 9)


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-(10**12) + 1, 10**12 - 1)))
def test_whole_amounts_may_come_without_a_point(amounts: list[int | None]):
    assert values(arrived(amounts, MONEY)) == amounts


@pytest.mark.parametrize(
    "number", [1e12, -1e12, 1e300, 10**15, 10**30, 10**400, float("nan"), float("inf"), -float("inf")]
)
def test_what_money_cannot_hold_is_a_misfit(number: float):
    found = arrived([1.5, number, None, 2.25], MONEY)
    assert found.misfits == (1,)
    assert values(found) == [Decimal("1.5"), None, None, Decimal("2.25")]


@settings(deadline=None)
@given(st.lists(st.none() | INTEGERS))
def test_integers_arrive_exactly(numbers: list[int | None]):
    found = arrived(numbers, INTEGER)
    assert (found.misfits, values(found)) == ((), numbers)


@pytest.mark.parametrize("cell", [1.5, 2**63, -(2**63) - 1, 10**400, "many", "", [1], {}, float("nan"), 1e300])
def test_what_is_no_integer_is_a_misfit_and_never_cut(cell: object):
    for cells in ([cell], [1, cell, None, 3], [2.0, cell]):
        found = arrived(cells, INTEGER)
        assert found.misfits == (cells.index(cell),)
        assert values(found) == [None if each is cell or each is None else int(each) for each in cells]


def test_a_check_is_small():
    found = arrived([0, 1, 2, None, 128, -129], FLAG)
    assert (found.misfits, values(found)) == ((4, 5), [0, 1, 2, None, None, None])


@settings(deadline=None)
@given(st.lists(st.none() | DATES))
def test_dates_arrive(days: list[date | None]):
    found = arrived([day and day.isoformat() for day in days], DATE)
    assert (found.misfits, values(found)) == ((), days)


@settings(deadline=None)
@given(st.lists(st.none() | DATETIMES))
def test_datetimes_arrive_to_the_microsecond(instants: list[datetime | None]):
    found = arrived([instant and wire_datetime(instant) for instant in instants], DATETIME)
    assert (found.misfits, values(found)) == ((), instants)


@settings(deadline=None)
@given(DATETIMES, st.integers(1, 6))
def test_a_datetime_may_have_its_fraction_cut(instant: datetime, digits: int):
    cut = instant.replace(microsecond=instant.microsecond // 10 ** (6 - digits) * 10 ** (6 - digits))
    text = f"{cut:%H:%M:%S}.{cut.microsecond:06}"
    found = arrived([f"{cut.date()} {text[: 9 + digits]}"], DATETIME)
    assert values(found) == [cut]


@settings(deadline=None)
@given(st.lists(st.none() | TIMES))
def test_times_arrive_in_frappes_own_spelling(times: list[time | None]):
    found = arrived([None if each is None else wire_time(each) for each in times], TIME)
    assert (found.misfits, values(found)) == ((), times)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("8:30:0.5", time(8, 30, 0, 500_000)),
        ("08:30:00.500000", time(8, 30, 0, 500_000)),
        ("7:50:32.349198", time(7, 50, 32, 349_198)),
        ("0:00:00", time(0)),
        ("23:59:59.999999", time(23, 59, 59, 999_999)),
        ("8:30", time(8, 30)),
    ],
)
def test_a_time_may_be_padded_or_not(text: str, meant: time):
    assert values(arrived([text], TIME)) == [meant]


@settings(deadline=None)
@given(st.lists(st.none() | TEXTS))
def test_text_arrives_as_it_is(texts: list[str | None]):
    found = arrived(texts, TEXT)
    assert (found.misfits, values(found)) == ((), texts)


def test_null_stays_null_and_empty_stays_empty():
    assert values(arrived(["", None, " ", "\0", "a\0b", "\r\n\t\x01"], TEXT)) == [
        "",
        None,
        " ",
        "\0",
        "a\0b",
        "\r\n\t\x01",
    ]


@pytest.mark.parametrize("kept", WIRE)
def test_a_column_of_nulls_has_its_type(kept: pa.DataType):
    for cells in ([], [None], [None, None]):
        found = arrived(cells, kept)
        assert (found.misfits, values(found), found.values.type) == ((), cells, kept)


def test_half_a_surrogate_pair_is_a_misfit():
    for text in LONE_SURROGATES:
        found = arrived(["fine", text, "😀", None], TEXT)
        assert (found.misfits, values(found)) == ((1,), ["fine", None, "😀", None])
        assert arrived([{"text": text}, "fine"], TEXT).misfits == (0,)


def test_cells_of_ten_megabytes_arrive():
    large = "ü" * 5_000_000
    found = arrived([large, "", large + "x", None], TEXT)
    assert values(found) == [large, "", large + "x", None]
    assert arrived([large], DATE).misfits == (0,)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (12, "12"),
        (True, "true"),
        (False, "false"),
        ({"a": [1, "ü"]}, '{"a": [1, "ü"]}'),
        ([], "[]"),
        (10**30, str(10**30)),
    ],
)
def test_other_json_in_a_text_field_becomes_text(cell: object, text: str):
    found = arrived(["a", cell, None, ""], TEXT)
    assert (found.misfits, values(found)) == ((), ["a", text, None, ""])


def test_a_float_in_a_text_field_is_a_misfit_because_its_digits_are_lost():
    assert arrived(["a", 1.10], TEXT).misfits == (1,)


@pytest.mark.parametrize("kept", [INTEGER, MONEY])
def test_numbers_may_come_as_text_and_as_booleans(kept: pa.DataType):
    found = arrived([1, "2", " 3 ", True, False, None, "-4", "5.0"], kept)
    assert (found.misfits, values(found)) == ((), [1, 2, 3, 1, 0, None, -4, 5])


def test_an_amount_as_text_arrives_digit_for_digit_or_not_at_all():
    found = arrived(["12.50", "0.000000001", "1234567890.123456789", "1,5", "1e3", "nan", ""], MONEY)
    assert found.misfits == (2, 3, 4, 5, 6)
    assert values(found)[:2] == [Decimal("12.5"), Decimal("0.000000001")]


GOOD: dict[pa.DataType, st.SearchStrategy[object]] = {
    TEXT: TEXTS,
    INTEGER: INTEGERS,
    FLAG: st.integers(0, 2),
    MONEY: AMOUNTS.map(float),
    DATE: DATES.map(str),
    DATETIME: DATETIMES.map(wire_datetime),
    TIME: TIMES.map(wire_time),
}
BAD: dict[pa.DataType, list[object]] = {
    TEXT: [1.5, *LONE_SURROGATES],
    INTEGER: ["x", 1.5, [], 2**64],
    FLAG: [1000, "x", 0.5],
    MONEY: ["x", {}, 1e15, float("nan")],
    DATE: ["", "2026-02-30", "0000-00-00", "28.02.2026", "2026-02-03 10:00:00", 20260203, []],
    DATETIME: ["", "2026-02-30 10:00:00", "2026-02-28 24:00:00", "2026-02-28 10:00:00+05:30", "tomorrow", True],
    TIME: ["", "24:00:00", "8:60:00", "8:00:60", "-1:00:00", "1 day, 2:00:00", "8:30:0.1234567", "noon", 830],
}


@pytest.mark.parametrize("kept", GOOD)
@settings(deadline=None)
@given(data=st.data())
def test_misfits_are_exactly_the_cells_that_do_not_fit(kept: pa.DataType, data: st.DataObject):
    good = data.draw(st.lists(st.none() | GOOD[kept], min_size=1, max_size=40))
    where = data.draw(st.sets(st.integers(0, len(good) - 1)))
    cells = [data.draw(st.sampled_from(BAD[kept])) if row in where else cell for row, cell in enumerate(good)]
    found = arrived(cells, kept)
    assert found.misfits == tuple(sorted(where))
    healthy = values(arrived(good, kept))
    assert values(found) == [None if row in where else value for row, value in enumerate(healthy)]


def test_a_page_where_nothing_fits_names_every_cell():
    assert arrived(["x"] * 5_000, TIME).misfits == tuple(range(5_000))


PAIRS = [
    (kept, wide)
    for kept in GOOD
    for wide in sorted({widen(kept, other) for other in [*GOOD, WIDE_NUMBER]} - {kept}, key=str)
]


@pytest.mark.parametrize(("kept", "wide"), PAIRS, ids=lambda kind: str(kind).replace(", ", "_"))
@settings(deadline=None)
@given(data=st.data())
def test_a_wider_column_holds_the_same_values_and_the_merge_would_write_them_alike(
    kept: pa.DataType, wide: pa.DataType, data: st.DataObject
):
    cells = data.draw(st.lists(st.none() | GOOD[kept], min_size=1, max_size=10))
    found, own = arrived(cells, kept, wide), arrived(cells, kept)
    assert (found.misfits, found.values.type) == ((), wide)
    with duckdb.connect() as mothership:
        mothership.register("arrived", pa.table({"cell": own.values}))
        merged = mothership.execute(f"SELECT {widened(Fragment('cell'), kept, wide)} FROM arrived").fetchall()
    assert values(found) == [cell for (cell,) in merged]


AS_TEXT: list[tuple[pa.DataType, object, str]] = [
    (MONEY, 0.0, "0"),
    (MONEY, 1.50, "1.5"),
    (MONEY, 1200.0, "1200"),
    (MONEY, 0.000000001, "0.000000001"),
    (DATETIME, "2026-02-28 10:00:00", "2026-02-28 10:00:00"),
    (DATETIME, "2026-02-28 00:00:00", "2026-02-28"),
    (DATETIME, "2026-02-28 10:00:00.5", "2026-02-28 10:00:00.500000"),
    (TIME, "8:30:0.5", "08:30:00.5"),
    (TIME, "8:30:0", "08:30:00"),
    (FLAG, 1, "1"),
    (DATE, "2026-02-28", "2026-02-28"),
]


@pytest.mark.parametrize(("kept", "cell", "text"), AS_TEXT)
def test_a_field_that_was_text_once_is_written_in_one_form(kept: pa.DataType, cell: object, text: str):
    assert values(arrived([cell, None], kept, TEXT)) == [text, None]

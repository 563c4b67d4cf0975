"""Cells: one wire column becomes one Arrow column, and the cells that don't fit are pointed at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.frappe import WireKind
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER

_WIRE_ARROW: Final[dict[WireKind, pa.DataType]] = {"text": TEXT, "integer": INTEGER, "number": pa.float64()}
_TIME: Final = r"^(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:\.(?P<f>\d{1,6}))?)?$"
_SCALE: Final = 9
_EXACT_STEP: Final = 10_000
_EXACT_LIMIT: Final = 9.0e9
"""Below this a value with nine decimals, scaled, fits 64 bits."""
_MONEY_LIMIT: Final = 10**12


@dataclass(frozen=True, slots=True)
class Cells:
    """A conformed column.

    Attributes:
        values: the column; null where a cell doesn't fit.
        misfits: the row numbers of the cells that don't fit, ascending.
    """

    values: pa.Array
    misfits: tuple[int, ...] = ()


def conform_cells(cells: Sequence[object], wire: WireKind, kept: pa.DataType, wanted: pa.DataType) -> Cells:
    """Return a wire column in the contract's type.

    Args:
        cells: JSON values as decoded, one a row; None stays null and "" stays "".
        wire: the JSON kind that the field's own fieldtype has.
        kept: the Arrow type of the field's own fieldtype.
        wanted: the contract's type, equal to `kept` or wider.
    """
    arrived, misfits = _arrive(cells, wire)
    typed, unfit = _cast(arrived, kept)
    if wanted != kept:
        typed = _widen(typed, wanted)
    return Cells(typed, tuple(sorted({*misfits, *unfit})))


def _arrive(cells: Sequence[object], wire: WireKind) -> tuple[pa.Array, list[int]]:
    arrow = _WIRE_ARROW[wire]
    try:
        return _integers(cells) if wire == "integer" else pa.array(cells, type=arrow), []
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeEncodeError, OverflowError):
        # Cell by cell, because only Python can tell a text among numbers from a number sent as text; the page that
        # needs it is the exception.
        fitted = [_fit(cell, wire) for cell in cells]
        lost = [before is not None and after is None for before, after in zip(cells, fitted, strict=True)]
        return pa.array(fitted, type=arrow), [row for row, is_lost in enumerate(lost) if is_lost]


def _integers(cells: Sequence[object]) -> pa.Array:
    """The type is inferred: Arrow, asked for integers, cuts 1.5 to 1 without a word."""
    found = pa.array(cells)
    if not (pa.types.is_int64(found.type) or pa.types.is_null(found.type)):
        raise pa.ArrowInvalid("not integers alone")
    return found.cast(INTEGER)


def _fit(cell: object, wire: WireKind) -> object:
    """Return the cell in its wire kind where that loses nothing, else None."""
    if wire == "text":
        return _as_text(cell)
    if isinstance(cell, str):
        cell = _number(cell)
    if isinstance(cell, bool):
        cell = int(cell)
    if wire == "number":
        return float(cell) if isinstance(cell, int | float) and abs(cell) < _MONEY_LIMIT else None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return cell if isinstance(cell, int) and -(2**63) <= cell < 2**63 else None


def _as_text(cell: object) -> str | None:
    """A float is no text: its digits on the wire aren't known any more. Half of a surrogate pair is none either."""
    if cell is None or isinstance(cell, float):
        return None
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    return text if text.isascii() or text.encode("utf-8", "ignore").decode() == text else None


def _number(text: str) -> int | float | None:
    if re.fullmatch(r"\s*[+-]?\d{1,19}\s*", text):
        return int(text)
    if re.fullmatch(r"\s*[+-]?\d{0,19}\.\d{1,20}\s*", text):
        number = float(text)
        return number if Decimal(repr(number)) == Decimal(text) else None
    return None


def _cast(arrived: pa.Array, kept: pa.DataType) -> tuple[pa.Array, list[int]]:
    if arrived.type == kept:
        return arrived, []
    if kept == MONEY:
        return _money(arrived)
    return _cast_or_bisect(arrived, _CASTS[kept], kept)


def _cast_or_bisect(
    arrived: pa.Array, cast: Callable[[pa.Array], pa.Array], kept: pa.DataType, start: int = 0
) -> tuple[pa.Array, list[int]]:
    """Cast the whole column; where that fails, halve it until the cells that don't fit stand alone."""
    try:
        return cast(arrived), []
    except pa.ArrowInvalid:
        if len(arrived) == 1:
            return pa.nulls(1, kept), [start]
    middle = len(arrived) // 2
    left, left_misfits = _cast_or_bisect(arrived[:middle], cast, kept, start)
    right, right_misfits = _cast_or_bisect(arrived[middle:], cast, kept, start + middle)
    return pa.concat_arrays([left, right]), [*left_misfits, *right_misfits]


def _flag(numbers: pa.Array) -> pa.Array:
    return numbers.cast(FLAG)


def _date(texts: pa.Array) -> pa.Array:
    return texts.cast(DATE)


def _datetime(texts: pa.Array) -> pa.Array:
    return texts.cast(DATETIME)


def _time(texts: pa.Array) -> pa.Array:
    """Frappe sends a Time without leading zeros and with a cut fraction: "8:30:0.5" is 08:30:00.5 [e_types/41-50]."""
    parts = pc.extract_regex(texts, _TIME)
    if parts.null_count > texts.null_count:
        raise pa.ArrowInvalid("not a time of day")
    hours, minutes, seconds, fraction = (pc.struct_field(parts, name) for name in "hmsf")
    units = [
        pc.if_else(pc.equal(part, ""), "0", part).cast(INTEGER)
        for part in (hours, minutes, seconds, pc.utf8_rpad(fraction, 6, "0"))
    ]
    if any(_above(unit, limit) for unit, limit in zip(units, (23, 59, 59, 999_999), strict=True)):
        raise pa.ArrowInvalid("not a time of day")
    whole = pc.add(pc.multiply(pc.add(pc.multiply(units[0], 60), units[1]), 60), units[2])
    return pc.add(pc.multiply(whole, 1_000_000), units[3]).cast(TIME)


def _above(numbers: pa.Array, limit: int) -> bool:
    return bool(pc.any(pc.greater(numbers, limit)).as_py())


_CASTS: Final[dict[pa.DataType, Callable[[pa.Array], pa.Array]]] = {
    FLAG: _flag,
    DATE: _date,
    DATETIME: _datetime,
    TIME: _time,
}


def _money(floats: pa.Array) -> tuple[pa.Array, list[int]]:
    """Return float64 as DECIMAL(21,9), digit for digit as the site wrote it.

    Arrow's own cast from float to decimal turns 123456789.12 into 123456789.120000005. Values with up to four
    decimals are scaled as integers, which is exact; the rest goes through the shortest text that names the same
    float, which is what the site sent.
    """
    numbers = floats.fill_null(0.0).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint(numbers * _EXACT_STEP)
        exact = (np.abs(numbers) < _EXACT_LIMIT) & (steps / _EXACT_STEP == numbers)
    scaled = np.where(exact, steps, 0).astype(np.int64) * (10**_SCALE // _EXACT_STEP)
    words = np.empty((len(scaled), 2), dtype=np.int64)
    words[:, 0] = scaled
    words[:, 1] = scaled >> 63
    validity = floats.is_valid() if floats.null_count else None
    decimals = pa.Array.from_buffers(
        MONEY, len(scaled), [validity.buffers()[1] if validity is not None else None, pa.py_buffer(words)]
    )
    if exact.all():
        return decimals, []
    rest = np.flatnonzero(~exact)
    precise = [_decimal(number) for number in numbers[rest].tolist()]
    misfits = [int(row) for row, value in zip(rest, precise, strict=True) if value is None]
    return pc.replace_with_mask(decimals, pa.array(~exact), pa.array(precise, type=MONEY)), misfits


def _decimal(number: float) -> Decimal | None:
    # Value by value: only the few with more than four decimals, or beyond nine billion, come here.
    value = Decimal(repr(number))
    return round(value, _SCALE) if value.is_finite() and abs(value) < _MONEY_LIMIT else None


def _widen(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    if wanted == TEXT:
        return _text_of(values)
    if wanted in (MONEY, WIDE_NUMBER) and pa.types.is_integer(values.type):
        return values.cast(INTEGER).cast(pa.decimal128(19, 0)).cast(wanted)
    return values.cast(wanted)


def _text_of(values: pa.Array) -> pa.Array:
    """The form that the mothership gives such values too: as short as it goes, a datetime at midnight as the date."""
    if values.type == MONEY:
        # Value by value, because Arrow writes zero as 0E-9; only a field that was text once comes here.
        return pa.array([None if v is None else f"{v.normalize():f}" for v in values.to_pylist()], type=TEXT)
    text = values.cast(TEXT)
    if values.type == DATETIME:
        return pc.replace_substring_regex(text, r"( 00:00:00)?\.000000$", "")
    return pc.replace_substring_regex(text, r"\.?0+$", "") if values.type == TIME else text

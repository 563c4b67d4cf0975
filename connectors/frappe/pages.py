"""Pages: the bytes of an answer become columns, strictly typed where the site keeps to its types."""

from __future__ import annotations

import gc
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from connectors.frappe.lists import Filter

WireKind = Literal["text", "integer", "number"]
"""The JSON type of a field's cells; each may also be null."""

_CELL: Final[dict[WireKind, object]] = {"text": str | None, "integer": int | None, "number": int | float | None}
_ENVELOPES: Final = ("data", "message")
"""`/api/resource` puts rows under the first, `/api/method` under the second."""

_OBJECTS: Final = re.compile(rb'\s*\{\s*"(?:data|message)"\s*:\s*\[\s*\{')

Columns = tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class WireTable:
    """What is asked of a DocType.

    Attributes:
        doctype: the DocType, parent or child.
        fields: the fieldnames asked for.
        kinds: the kind of each field's cells.
        filters: hold for every row that is ever asked for, whatever else is asked.
    """

    doctype: str
    fields: tuple[str, ...]
    kinds: tuple[WireKind, ...]
    filters: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        if len(self.fields) != len(self.kinds) or len(set(self.fields)) != len(self.fields):
            raise ValueError(f"{self.doctype}: every field needs one kind and may stand only once")


def text_table(doctype: str, *fields: str) -> WireTable:
    """Return a table whose fields all hold text."""
    return WireTable(doctype, fields, tuple("text" for _ in fields))


@dataclass(frozen=True, slots=True)
class WirePage:
    """Rows as they came, by column.

    Attributes:
        doctype: the DocType.
        fields: the fieldnames asked for.
        columns: one tuple a field, in the order of `fields`: str, int, float or None; on a page where some cell
            isn't of its kind, anything that JSON can say.
        rows: the number of rows.
        observed: our clock (UTC) just before the page was asked for.
        bytes: the size of the answer, decoded.
        refused: fields that the site doesn't give to this user; their columns hold None.
    """

    doctype: str
    fields: tuple[str, ...]
    columns: Columns
    rows: int
    observed: datetime
    bytes: int
    refused: frozenset[str] = frozenset()

    def column(self, fieldname: str) -> tuple[object, ...]:
        """Return the cells of one field."""
        return self.columns[self.fields.index(fieldname)]

    @property
    def last_name(self) -> str | int:
        """The last row's `name`: a number where the DocType counts its documents."""
        name: object = self.column("name")[-1]
        return name if isinstance(name, int) else str(name)


@dataclass(frozen=True, slots=True)
class Rows:
    """Decoded rows by column, how many they are, and the fields that no row had."""

    columns: Columns
    count: int
    absent: frozenset[str] = frozenset()


class ShiftedRows(Exception):
    """Rows of another width than asked: the site left refused fields out, so no cell can be told [v15/e_types/46]."""


class GarbageError(Exception):
    """The answer holds no rows."""


def decode_rows(body: bytes, fields: tuple[str, ...], kinds: tuple[WireKind, ...]) -> Rows:
    """Return the rows of an answer, whether they came as arrays or as objects.

    Frappe 13 gives objects to every POST, whatever it is asked for.

    Raises:
        ShiftedRows: a row isn't as wide as `kinds`.
        GarbageError: there is no list of rows.
    """
    if _OBJECTS.match(body) is None:
        return decode_arrays(body, kinds)
    with _collector_at_rest():
        try:
            return _by_attribute(_object_decoder(fields, kinds).decode(body), len(fields))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return decode_objects(body, fields)


def decode_arrays(body: bytes, kinds: tuple[WireKind, ...]) -> Rows:
    """Return the rows of an answer with `as_dict=False`.

    Raises:
        ShiftedRows: a row isn't as wide as `kinds`.
        GarbageError: there is no list of rows.
    """
    with _collector_at_rest():
        return _decode_typed(body, kinds)


def _decode_typed(body: bytes, kinds: tuple[WireKind, ...]) -> Rows:
    try:
        envelope = _decoder(kinds).decode(body)
        rows: Sequence[Sequence[object]] | msgspec.UnsetType = envelope.data
        if rows is msgspec.UNSET:
            rows = envelope.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_untyped(body, len(kinds))
    if rows is msgspec.UNSET:
        raise GarbageError("there is neither `data` nor `message`")
    return _by_column(rows, len(kinds))


def decode_objects(body: bytes, fields: tuple[str, ...]) -> Rows:
    """Return the rows of an answer whose rows are objects; a field in none of them is absent.

    Raises:
        GarbageError: there is no list of objects.
    """
    rows = _rows(body)
    if not all(isinstance(row, dict) for row in rows):
        raise GarbageError("rows aren't objects")
    objects = cast("list[dict[str, object]]", rows)
    # A page that told that fields are refused, or whose cells aren't of their kinds: not the common case.
    columns = tuple(tuple(row.get(fieldname) for row in objects) for fieldname in fields)
    given = frozenset[str]().union(*objects)
    return Rows(columns, len(rows), frozenset(fields) - given if rows else frozenset())


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Rows live until they are columns and hold nothing that could form a cycle; looking through them costs a fifth."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Envelope(msgspec.Struct):
    data: list[tuple[object, ...]] | msgspec.UnsetType = msgspec.UNSET
    message: list[tuple[object, ...]] | msgspec.UnsetType = msgspec.UNSET


@lru_cache(maxsize=256)
def _decoder(kinds: tuple[WireKind, ...]) -> msgspec.json.Decoder[_Envelope]:
    """A decoder for rows that are arrays of exactly these cells: it checks the width and every type in C."""
    row: Any = tuple.__class_getitem__(tuple(_CELL[kind] for kind in kinds))
    rows: Any = list.__class_getitem__(row) | msgspec.UnsetType
    envelope = msgspec.defstruct("Envelope", [(name, rows, msgspec.UNSET) for name in _ENVELOPES])
    return msgspec.json.Decoder(cast("type[_Envelope]", envelope))


@lru_cache(maxsize=256)
def _object_decoder(fields: tuple[str, ...], kinds: tuple[WireKind, ...]) -> msgspec.json.Decoder[_Envelope]:
    """A decoder for rows that are objects with all of these cells. Attributes are numbered: a fieldname may be none."""
    cells = [(f"c{number}", _CELL[kind]) for number, kind in enumerate(kinds)]
    names = {f"c{number}": fieldname for number, fieldname in enumerate(fields)}
    row: Any = msgspec.defstruct("Row", cells, rename=names, gc=False)
    rows: Any = list.__class_getitem__(row) | msgspec.UnsetType
    envelope = msgspec.defstruct("Envelope", [(name, rows, msgspec.UNSET) for name in _ENVELOPES])
    return msgspec.json.Decoder(cast("type[_Envelope]", envelope))


def _by_attribute(envelope: _Envelope, width: int) -> Rows:
    rows = envelope.message if envelope.data is msgspec.UNSET else envelope.data
    if rows is msgspec.UNSET:
        raise GarbageError("there is neither `data` nor `message`")
    return Rows(tuple(tuple(map(attrgetter(f"c{number}"), rows)) for number in range(width)), len(rows))


def _decode_untyped(body: bytes, width: int) -> Rows:
    """Some cell isn't of its kind: keep whatever came. The standard parser also takes NaN and lone surrogates."""
    rows = _rows(body)
    if rows and all(isinstance(row, dict) for row in rows):
        raise ShiftedRows("rows are objects")
    if not all(isinstance(row, list) for row in rows):
        raise GarbageError("rows aren't arrays")
    arrays = cast("list[list[object]]", rows)
    if any(len(row) != width for row in arrays):
        raise ShiftedRows(f"rows aren't {width} cells wide")
    return _by_column(arrays, width)


def _rows(body: bytes) -> list[object]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise GarbageError("it isn't JSON") from error
    rows = next((envelope[name] for name in _ENVELOPES if name in envelope), None)
    if not isinstance(rows, list):
        raise GarbageError("there is no list of rows")
    return rows


def _by_column(rows: Sequence[Sequence[object]], width: int) -> Rows:
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * width
    return Rows(columns, len(rows))

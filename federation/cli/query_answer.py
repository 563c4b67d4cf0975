"""Query answer: rows as a table that fits the screen, as JSON lines in a list, or as CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Final

import msgspec
import pyarrow as pa
from pyarrow.csv import CSVWriter, WriteOptions
from rich.console import Console
from rich.text import Text

from federation.cli.screen import answers, harmless, notices, plain, table
from federation.mothership.errors import QueryFailed

_ROWS_SHOWN: Final = 50
_LONGEST_CELL: Final = 200
_NARROW: Final = 6
"""So many columns are shown side by side however wide they are."""
_ENDLESS: Final = 1_000_000
_JSON: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
"""Decimals are numbers with all their digits: a reader of JSON decides how exact it takes them."""


def show_table(rows: pa.RecordBatchReader) -> None:
    """Print the first rows on stdout, one below the other where they are too wide to stand side by side."""
    names = _distinct(rows.schema.names)
    shown = list(islice(_rows(rows), _ROWS_SHOWN + 1))
    out = answers()
    _show_wide(out, names, rows.schema, shown[:_ROWS_SHOWN])
    if not shown:
        notices().print("[dim]no rows[/]")
    if len(shown) > _ROWS_SHOWN:
        notices().print(f"[dim]the first {_ROWS_SHOWN} rows; ask with LIMIT, or for all with --json or --csv[/]")


def _show_wide(out: Console, names: Sequence[str], schema: pa.Schema, shown: Sequence[Sequence[object]]) -> None:
    numbers = tuple(name for name, type_ in zip(names, schema.types, strict=True) if _is_number(type_))
    grid = table(*names, numbers=numbers)
    for row in shown:
        grid.add_row(*map(_cell, row))
    unbounded = out.options.update(max_width=_ENDLESS)
    if len(names) <= _NARROW or out.measure(grid, options=unbounded).maximum <= out.width:
        out.print(grid)
        return
    for position, row in enumerate(shown, 1):
        out.rule(f"[dim]{position}[/]", style="dim", align="left")
        record = table("", "")
        record.show_header = False
        for name, value in zip(names, row, strict=True):
            record.add_row(plain(name), _cell(value))
        out.print(record)


def write_json(rows: pa.RecordBatchReader) -> None:
    """Write a list of objects to stdout, a line each; batch by batch, so that its length costs no memory."""
    names = _distinct(rows.schema.names)
    separator = "[\n"
    for row in _rows(rows):
        sys.stdout.write(separator + harmless(_JSON.encode(dict(zip(names, row, strict=True))).decode()))
        separator = ",\n"
    sys.stdout.write("\n]\n" if separator == ",\n" else "[]\n")


def write_csv(rows: pa.RecordBatchReader) -> None:
    """Write CSV with a line of names to stdout; a null is empty and unquoted, an empty text is quoted."""
    names = _distinct(rows.schema.names)
    schema = pa.schema([(name, _flat(type_)) for name, type_ in zip(names, rows.schema.types, strict=True)])
    sys.stdout.flush()
    with CSVWriter(sys.stdout.buffer, schema, write_options=WriteOptions(quoting_style="needed")) as writer:
        for batch in _batches(rows):
            columns = [_flattened(column) for column in batch.columns]
            writer.write(pa.record_batch(columns, schema=schema))


def _batches(rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a result that is still being worked out.

    Raises:
        QueryFailed: a row further down can't be worked out.
    """
    while True:
        try:
            batch = rows.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowException) as error:
            raise QueryFailed(str(error)) from error
        yield batch


def _rows(rows: pa.RecordBatchReader) -> Iterator[tuple[object, ...]]:
    """Yield row by row: what a reader sees, and what JSON consists of, are rows."""
    for batch in _batches(rows):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names of a result's columns, the second `name` as `name_2`."""
    distinct: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in distinct:
            number += 1
            candidate = f"{name}_{number}"
        distinct.append(candidate)
    return distinct


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _is_flat(type_: pa.DataType) -> bool:
    return not (pa.types.is_nested(type_) or pa.types.is_interval(type_) or pa.types.is_dictionary(type_))


def _flat(type_: pa.DataType) -> pa.DataType:
    return type_ if _is_flat(type_) else pa.string()


def _flattened(column: pa.Array) -> pa.Array:
    """Return a column that CSV can hold: lists, structs and intervals, which are rare, as JSON."""
    if _is_flat(column.type):
        return column
    values = column.to_pylist()
    return pa.array([None if value is None else _JSON.encode(value).decode() for value in values], pa.string())


def _cell(value: object) -> Text:
    match value:
        case None:
            return Text("null", "dim")
        case bool():
            return Text(str(value).lower())
        case Decimal():
            return Text(_money(value))
        case datetime():
            return Text(value.isoformat(" "))
        case bytes():
            return plain(value[:_LONGEST_CELL].hex())
    text = str(value)
    return plain(text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…")


def _money(value: Decimal) -> str:
    """Return a decimal without the zeros that only its column's scale puts behind it; two decimals stay."""
    whole, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction:0<2}" if value.as_tuple().exponent else whole

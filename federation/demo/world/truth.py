"""The whole truth about a simulated site, read past its API: what a mothership in step with it must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from federation.demo.site.meta import DECIMAL_FIELDTYPES, INTEGER_FIELDTYPES
from federation.demo.site.store import quoted, table_of

if TYPE_CHECKING:
    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.store import SiteStore


def site_documents(store: SiteStore, doctype: str) -> pa.Table:
    """All rows of a DocType or child DocType, in order of their name, as the site stores them; one of a Single.

    Columns: the standard ones (child tables: with parent, parentfield, parenttype), then the fields that have a column.
    Int and Check are int64, Float, Currency, Percent, Rating and Duration float64, names counted by the database int64,
    everything else string, in the wire's form: Datetime is the site's local time.
    """
    meta = store.meta(doctype)
    rows = [_single_row(store, meta)] if meta.is_single else _rows(store, meta)
    schema = pa.schema(
        (column, pa.int64() if column == "name" and meta.has_integer_names else _arrow_type(fieldtype))
        for column, fieldtype in meta.columns.items()
    )
    values = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.table([pa.array(column, field.type) for column, field in zip(values, schema, strict=True)], schema=schema)


def _rows(store: SiteStore, meta: SiteMeta) -> list[tuple[Any, ...]]:
    columns = ", ".join(map(quoted, meta.columns))
    return store.connection().execute(f"SELECT {columns} FROM {table_of(meta.name)} ORDER BY name").fetchall()


def _single_row(store: SiteStore, meta: SiteMeta) -> tuple[Any, ...]:
    """A Single keeps text and only what was ever set; Frappe reads its numbers as numbers, 0 where there is none."""
    stored = store.single(meta.name) | {"name": meta.name}
    return tuple(_single_value(stored.get(column), fieldtype) for column, fieldtype in meta.columns.items())


def _single_value(value: str | float | None, fieldtype: str) -> str | float | None:
    if fieldtype in INTEGER_FIELDTYPES:
        return int(value or 0)
    return float(value or 0) if fieldtype in DECIMAL_FIELDTYPES else value


def _arrow_type(fieldtype: str) -> pa.DataType:
    if fieldtype in INTEGER_FIELDTYPES:
        return pa.int64()
    return pa.float64() if fieldtype in DECIMAL_FIELDTYPES or fieldtype == "Duration" else pa.string()

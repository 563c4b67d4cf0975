"""Widening: a stored value as text, in the one form that every value has whatever types it went through before."""

from __future__ import annotations

import pyarrow as pa

from federation.contract.fieldtypes import DATETIME, MONEY, TEXT, TIME, WIDE_NUMBER
from federation.mothership.sql import Fragment


def widened(value: Fragment, held: pa.DataType, wanted: pa.DataType) -> Fragment:
    """Return a value as it goes into a column of a wider type; text as `duckdb.sql.widened` writes it.

    Between types that aren't text MariaDB converts by itself, without a loss.
    """
    if held == wanted or wanted != TEXT:
        return value
    if held in (MONEY, WIDE_NUMBER, TIME):
        fraction = f"CAST({value} AS TIME(6))" if held == TIME else value
        return Fragment(f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST({fraction} AS CHAR)))")
    if held == DATETIME:
        return Fragment(
            f"CASE WHEN {value} = CAST({value} AS DATE) THEN DATE_FORMAT({value}, '%Y-%m-%d') "
            f"WHEN MICROSECOND({value}) = 0 THEN DATE_FORMAT({value}, '%Y-%m-%d %H:%i:%S') "
            f"ELSE DATE_FORMAT({value}, '%Y-%m-%d %H:%i:%S.%f') END"
        )
    return Fragment(f"CAST({value} AS CHAR)")

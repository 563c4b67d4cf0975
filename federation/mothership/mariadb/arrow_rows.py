"""Arrow rows: a result of the server as a stream of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.cursors import SSCursor

from federation.contract.fieldtypes import DATE, DATETIME, TIME
from federation.mothership.errors import QueryFailed
from federation.mothership.mariadb.driver import Field, MariadbDriver
from federation.mothership.mariadb.failures import SERVER_ERRORS, reason_of

_BATCH_ROWS: Final = 10_000
_BINARY_CHARSET: Final = 63
_MOST_DIGITS: Final = 38

_SIGNED: Final = {
    FIELD_TYPE.TINY: pa.int8(),
    FIELD_TYPE.SHORT: pa.int16(),
    FIELD_TYPE.INT24: pa.int32(),
    FIELD_TYPE.LONG: pa.int32(),
    FIELD_TYPE.LONGLONG: pa.int64(),
}
_UNSIGNED: Final = {
    FIELD_TYPE.TINY: pa.uint8(),
    FIELD_TYPE.SHORT: pa.uint16(),
    FIELD_TYPE.INT24: pa.uint32(),
    FIELD_TYPE.LONG: pa.uint32(),
    FIELD_TYPE.LONGLONG: pa.uint64(),
}
_OTHERS: Final = {
    FIELD_TYPE.YEAR: pa.int16(),
    FIELD_TYPE.FLOAT: pa.float32(),
    FIELD_TYPE.DOUBLE: pa.float64(),
    FIELD_TYPE.DATE: DATE,
    FIELD_TYPE.NEWDATE: DATE,
    FIELD_TYPE.TIME: TIME,
    FIELD_TYPE.DATETIME: DATETIME,
    FIELD_TYPE.TIMESTAMP: DATETIME,
    FIELD_TYPE.NULL: pa.null(),
}


def stream(driver: MariadbDriver, sql: str) -> pa.RecordBatchReader:
    """Run a query and return its result in batches; the connection has nothing else to do until it is read or closed.

    Decimals have the precision and scale that the server gives them, up to 38 digits.

    Raises:
        pymysql.err.Error: the server refused.
        QueryFailed: while the result is read: a value has no place in its Arrow type, or the connection got lost.
    """
    # All values come as the server writes them: whole columns are read faster than cells.
    driver.decoders = {}
    cursor = driver.cursor(SSCursor)
    cursor.execute(sql)
    schema = pa.schema([pa.field(field.name, _arrow_type(field)) for field in driver.fields])
    return pa.RecordBatchReader.from_batches(schema, _batches(cursor, schema))


def _batches(cursor: SSCursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    try:
        while rows := cursor.fetchmany(_BATCH_ROWS):
            columns = zip(*rows, strict=True)
            yield pa.record_batch(
                [_column(field, values) for field, values in zip(schema, columns, strict=True)], schema
            )
    except SERVER_ERRORS as error:
        raise QueryFailed(reason_of(error)) from error


def _column(field: pa.Field, values: Sequence[object]) -> pa.Array:
    if pa.types.is_string(field.type) or pa.types.is_binary(field.type):
        return pa.array(values, field.type)
    if pa.types.is_null(field.type):
        return pa.nulls(len(values))
    texts = pa.array(values, pa.string())
    try:
        if field.type == TIME:
            # Arrow reads times of a day, which MariaDB's need not be, with the day only.
            texts = pc.binary_join_element_wise("1970-01-01", texts, " ").cast(DATETIME)
        return texts.cast(field.type)
    except pa.ArrowInvalid as error:
        raise QueryFailed(
            f"a value of its column `{field.name}` is no {field.type}; CAST the column to CHAR to see it."
        ) from error


def _arrow_type(field: Field) -> pa.DataType:
    unsigned = bool(field.flags & FLAG.UNSIGNED)
    code = field.type_code
    if code in _SIGNED:
        return (_UNSIGNED if unsigned else _SIGNED)[code]
    if code in {FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL}:
        digits = field.length - (field.scale > 0) - (not unsigned)
        return pa.decimal128(min(digits, _MOST_DIGITS), field.scale)
    if code in _OTHERS:
        return _OTHERS[code]
    return pa.binary() if field.charsetnr == _BINARY_CHARSET else pa.string()

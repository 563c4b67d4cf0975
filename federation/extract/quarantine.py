"""Quarantine: documents set aside become rows, one a fault, each with the whole document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from federation.extract.documents import RejectedDocument
from federation.lake.packages import QUARANTINE_SCHEMA


def quarantine_rows(rejected: Sequence[RejectedDocument], observed: datetime) -> pa.Table:
    """Return the rows that a package keeps of documents seen at `observed`, in `QUARANTINE_SCHEMA`."""
    instant = observed.astimezone(UTC).replace(tzinfo=None)
    rows = [
        (document.name, fault.fieldname, _storable(fault.value), fault.reason, instant, document.document, fault.rule)
        for document in rejected
        for fault in document.faults
    ]
    cells = zip(*rows, strict=True)
    columns = [pa.array(column, field.type) for column, field in zip(cells, QUARANTINE_SCHEMA, strict=True)]
    return pa.Table.from_arrays(columns, schema=QUARANTINE_SCHEMA)


def _storable(text: str) -> str:
    """JSON may carry half of a surrogate pair, which UTF-8 can't: it is what doesn't fit, so it is shown."""
    return text.encode(errors="backslashreplace").decode()

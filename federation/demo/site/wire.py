"""How values and answers look on the wire: datetimes without an empty fraction, JSON in ASCII."""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

_encoder = msgspec.json.Encoder()
_ESCAPES = "json_escapes"
_DATETIME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(?:[ T](?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,6}))?)?.*")


def wire_datetime(moment: datetime) -> str:
    """A naive local time as Frappe sends it: the fraction is absent when it is zero."""
    return moment.isoformat(sep=" ")


def datetime_text(value: object) -> str:
    """A filter's datetime in the form that is stored; an offset behind it is ignored, as by MariaDB [b_list/53]."""
    match = _DATETIME.fullmatch(str(value or ""))
    if match is None:
        return str(value or "")
    fraction = (match["fraction"] or "").ljust(6, "0")
    return f"{match['day']} {match['time'] or '00:00:00'}" + (f".{fraction}" if fraction.strip("0") else "")


def encode(answer: object) -> bytes:
    """An answer as compact JSON, everything beyond ASCII escaped by its code, as Frappe sends it."""
    try:
        body = _encoder.encode(answer)
    except UnicodeEncodeError:  # a lone surrogate: Frappe's encoder escapes it like any other character
        return json.dumps(answer, separators=(",", ":")).encode()
    return body if body.isascii() else body.decode().encode("ascii", _ESCAPES)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Called by the codec for each run of characters beyond ASCII: far cheaper than a search of the whole body."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _escaped(error.object[error.start : error.end]), error.end


@lru_cache(maxsize=65_536)
def _escaped(run: str) -> str:
    return json.dumps(run)[1:-1]


codecs.register_error(_ESCAPES, _escape)

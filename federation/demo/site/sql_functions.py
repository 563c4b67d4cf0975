"""MariaDB's functions and comparisons for SQLite: what lists, filters and digests compute in the database."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from federation.demo.site.collation import collation_key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    Value = str | int | float | None

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def register_functions(connection: sqlite3.Connection) -> None:
    """Register them all on a connection."""
    functions: tuple[tuple[str, int, Callable[..., Value]], ...] = (
        ("collation_key", 1, collation_key),
        ("matches", 2, _matches),
        ("as_datetime6", 1, _as_datetime6),
        ("crc32", 1, _crc32),
        ("md5", 1, _md5),
        ("concat_ws", -1, _concat_ws),
        ("conv", 3, _conv),
        ("unix_timestamp", 1, _unix_timestamp),
        ("timestampdiff", 3, _timestampdiff),
    )
    for name, arguments, function in functions:
        connection.create_function(name, arguments, function, deterministic=True)
    for name in ("now", "sysdate"):
        connection.create_function(name, 0, _now)
    connection.create_aggregate("bit_xor", 1, _BitXor)
    connection.create_collation("unicode_ci", _compare)


class _BitXor:
    def __init__(self) -> None:
        self._value = 0

    def step(self, value: int | None) -> None:
        self._value ^= int(value or 0)

    def finalize(self) -> int:
        return self._value


def _compare(left: str, right: str) -> int:
    one, other = str(collation_key(left)), str(collation_key(right))
    return (one > other) - (one < other)


def _matches(value: Value, pattern: str) -> int | None:
    """LIKE without regard to case and accents."""
    return None if value is None else int(_pattern(pattern).fullmatch(_folded(str(value))) is not None)


@lru_cache(maxsize=256)
def _pattern(like: str) -> re.Pattern[str]:
    tokens = re.findall(r"\\.|.", _folded(like), re.DOTALL)
    parts = [{"%": ".*", "_": "."}.get(token, re.escape(token[-1])) for token in tokens]
    return re.compile("".join(parts), re.DOTALL)


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _as_datetime6(value: str | None) -> str | None:
    """MariaDB prints a datetime(6) with all six digits, where the wire drops a zero fraction."""
    return f"{value}.000000" if value is not None and "." not in value else value


def _crc32(value: Value) -> int | None:
    return None if value is None else zlib.crc32(str(value).encode())


def _md5(value: Value) -> str | None:
    return None if value is None else hashlib.md5(str(value).encode(), usedforsecurity=False).hexdigest()


def _concat_ws(separator: str, *values: Value) -> str:
    return separator.join(str(value) for value in values if value is not None)


def _conv(value: str | None, from_base: int, to_base: int) -> str | None:
    if value is None:
        return None
    number = int(value, from_base)
    digits = ""
    while True:
        number, digit = divmod(number, to_base)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits


def _unix_timestamp(value: str | None) -> float | None:
    """The database server's own zone is UTC, whatever the site's is [b_list/65]."""
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()


def _now() -> str:
    """The database server's clock, in its own zone."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")


def _timestampdiff(unit: str, start: str | None, end: str | None) -> int | None:
    if start is None or end is None:
        return None
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return int(seconds / _SECONDS[unit])

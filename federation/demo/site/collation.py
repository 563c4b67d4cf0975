"""The order and equality of text in MariaDB's utf8mb4_unicode_ci, as a sort key that SQLite compares byte by byte.

Letters differ by neither case nor accent, trailing spaces don't count, punctuation comes before digits, digits before
letters, and all characters outside the Basic Multilingual Plane weigh the same, after everything else.
Scripts follow each other in code-point order, which is UCA's order for those in use [e_types/19-23, b_list/55].
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# UCA 4.0.0's order of ASCII's separators, punctuation and symbols; their ranks stay below "0" (0x30).
_BEFORE_DIGITS = "\t\n\v\f\r `^_-,;:!?.'\"()[]{}@*/\\&#%+<=>|~$"
_ASCII: dict[int, str | None] = {ord(character): chr(rank) for rank, character in enumerate(_BEFORE_DIGITS, start=1)}
_ASCII |= dict.fromkeys((*range(9), *range(14, 32), 127))
_OTHER_SYMBOL = chr(0x2F)
_SUPPLEMENTARY = "\ufffd"
_VIRAMA = 9  # the combining class of the last marks that have a weight of their own
_AFTER_BASE = "\U0010ffff"
# Letters that sort behind their base letter and have no decomposition.
_STROKED = {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}


def collation_key(value: str | int | None) -> str | int | None:
    """Sort key of a name or text: equal keys mean equal text for the site. Integers (some names) and null stay."""
    if not isinstance(value, str):
        return value
    text = value.rstrip(" ").casefold()
    if text.isascii():
        return text.translate(_ASCII)
    return "".join(map(_weight, unicodedata.normalize("NFKD", text)))


@lru_cache(maxsize=65_536)
def _weight(character: str) -> str:
    code = ord(character)
    if code < 0x80:  # noqa: PLR2004 - the end of ASCII
        return character.translate(_ASCII)
    if code > 0xFFFF:  # noqa: PLR2004 - the end of the Basic Multilingual Plane
        return _SUPPLEMENTARY
    if base := _STROKED.get(character):
        return base + _AFTER_BASE if len(base) == 1 else base
    category = unicodedata.category(character)
    if unicodedata.combining(character) > _VIRAMA or category in {"Cc", "Cf"}:
        return ""
    return _OTHER_SYMBOL + character if category[0] in "PSZ" else character

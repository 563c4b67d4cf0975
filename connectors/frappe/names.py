"""Names: which DocType names and fieldnames of a site are accepted before they become a URL, a query or a message."""

from __future__ import annotations

import re
from typing import Final

_DOCTYPE: Final = re.compile(r"[^\W\d_][\w \-]{0,139}")
"""Frappe's rule for a DocType: starts with a letter, then letters, digits, `_`, space and hyphen; `name` holds 140."""
_FIELDNAME: Final = re.compile(r"\w{1,64}")
"""Frappe's rule for a column: word characters of any script, at most 64. `2_add_edit_gl_entries` is a real one."""


def is_doctype_name(text: object) -> bool:
    """Return whether Frappe itself would accept `text` as the name of a DocType."""
    return isinstance(text, str) and _DOCTYPE.fullmatch(text) is not None


def is_fieldname(text: object) -> bool:
    """Return whether Frappe itself would accept `text` as a fieldname."""
    return isinstance(text, str) and _FIELDNAME.fullmatch(text) is not None


def shown(text: object, length: int = 60) -> str:
    """Return `text` fit for a message or a log line: one printable line of at most `length` characters."""
    flat = " ".join(str(text)[: length * 4].split())
    printable = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in flat)
    return printable if len(printable) <= length else printable[: length - 1] + "…"

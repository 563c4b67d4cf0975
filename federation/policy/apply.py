"""Applying the policy: values become keyed hashes as rows are decoded, before anything is written, logged or shown.

A hash is HMAC-SHA256 in hexadecimal. The same value under the same key has the same hash at every satellite and in
every field, so hashed columns still join and count. An absent value stays null and an empty text stays empty.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def hash_cells(cells: Sequence[object], key: bytes) -> list[str | None]:
    """Return the hashes of one field's cells as they were decoded from JSON.

    Args:
        cells: text or None; a cell of another JSON type is hashed in its JSON form rather than let through.
        key: the secret key.
    """
    # A loop per row: the cells are Python objects here, and every one must pass.
    texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell, sort_keys=True) for cell in cells]
    hashed = _hashed(texts, key)
    return [hashed[text] for text in texts]


def _hashed(texts: Iterable[str | None], key: bytes) -> dict[str | None, str | None]:
    """Return each distinct text's hash, in the order of first appearance."""
    # JSON may carry half of a surrogate pair, which plain UTF-8 would refuse, quoting the text in its error.
    return {
        text: hmac.digest(key, text.encode(errors="surrogatepass"), "sha256").hex() if text else text
        for text in dict.fromkeys(texts)
    }

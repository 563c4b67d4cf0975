"""Applying the policy: values become hashes or masks as rows are decoded, before anything is written, logged or shown.

A hash is HMAC-SHA256 in hexadecimal. The same value under the same key has the same hash at every satellite and in
every field, so hashed columns still join and count. A mask leaves the part of a value that it shows, and `…` for the
rest. Both take a cell of an unexpected JSON type in its JSON form rather than let it through. An absent value stays
null, an empty text stays empty, and nothing else becomes either.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import TYPE_CHECKING, Final

import pyarrow.compute as pc

from federation.conform.cells import conform_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa

HIDDEN: Final = "…"
"""Stands for what a mask doesn't show."""

_DOMAIN: Final = re.compile(r"([\w-]+(?:\.[\w-]+)+)>?\s*")
_LONGEST_DOMAIN: Final = 253


def hash_cells(cells: Sequence[object], key: bytes) -> list[str | None]:
    """Return the hashes of one field's cells as they were decoded from JSON.

    Args:
        cells: text or None; a cell of another JSON type is hashed in its JSON form.
        key: the secret key.
    """
    # JSON may carry half of a surrogate pair, which plain UTF-8 would refuse, quoting the text in its error.
    return _each(cells, lambda text: hmac.digest(key, text.encode(errors="surrogatepass"), "sha256").hex())


def mask_cells(cells: Sequence[object], show: str, kept: pa.DataType) -> list[str | None]:
    """Return of one field's cells, as they were decoded from JSON, only what may be seen.

    Args:
        cells: text or None; a cell of another JSON type is masked in its JSON form.
        show: `last N`: that many characters, none of a text that has no more than twice as many; `domain`: what follows
            the last @ of an e-mail address; `year`: the first of January of a date's year. What is no address shows
            nothing, and so does what is no date, which therefore doesn't fit its column afterwards either.
        kept: the Arrow type of the field's own fieldtype.
    """
    if show == "year":
        return _years(cells, kept)
    if show == "domain":
        return _each(cells, _domain)
    count = int(show.removeprefix("last "))
    return _each(cells, lambda text: HIDDEN + text[-count:] if len(text) > 2 * count else HIDDEN)


def _each(cells: Iterable[object], alter: Callable[[str], str]) -> list[str | None]:
    """Alter each distinct text once."""
    # A loop per row: the cells are Python objects here, and every one must pass.
    texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell, sort_keys=True) for cell in cells]
    altered = {text: alter(text) if text else text for text in dict.fromkeys(texts)}
    return [altered[text] for text in texts]


def _domain(text: str) -> str:
    _, at, tail = text.rpartition("@")
    found = _DOMAIN.fullmatch(tail) if at and len(tail) <= _LONGEST_DOMAIN else None
    return found[1] if found else HIDDEN


def _years(cells: Sequence[object], kept: pa.DataType) -> list[str | None]:
    dates = conform_cells(cells, "text", kept, kept)
    years: list[str | None] = [
        None if year is None else f"{year:04d}-01-01" for year in pc.year(dates.values).to_pylist()
    ]
    for row in dates.misfits:
        years[row] = HIDDEN
    return years

"""What a new document gets of itself: its name (of a series, a field, a counter, or random) and its defaults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from federation.demo.site.meta import INTEGER_FIELDTYPES
from federation.demo.site.wire import wire_datetime

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from datetime import datetime

    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.store import SiteStore

_HASH_LETTERS = "0123456789abcdefghijklmnopqrstuv"
_SERIES_NUMBER = re.compile(r"(?P<prefix>.*\D|)(?P<digits>\d+)")
_FIELD = re.compile(r"\{(\w+)\}")
DEFAULT_DIGITS = 5


def hash_name(rng: random.Random) -> str:
    """Ten characters of base 32, as Frappe names child rows."""
    return "".join(rng.choices(_HASH_LETTERS, k=10))


def new_name(
    store: SiteStore, meta: SiteMeta, values: Mapping[str, Any], *, now: datetime, rng: random.Random
) -> str | int:
    """The name of a new document; the name in `values` decides where the DocType lets it.

    Raises:
        ValueError: the DocType takes the name from a field that is empty.
    """
    autoname = str(meta.wire.get("autoname") or "")
    if meta.has_integer_names:
        return store.next_in_series(f"{meta.name}.autoincrement")
    if autoname.startswith("field:"):
        value = str(values.get(autoname.removeprefix("field:")) or values.get("name") or "").strip()
        if not value:
            raise ValueError(f"{autoname.removeprefix('field:')} is required")
        return value
    if autoname.startswith("format:"):
        return _FIELD.sub(lambda found: str(values.get(found[1]) or "main"), autoname.removeprefix("format:"))
    if values.get("name"):
        return str(values["name"]).strip()
    series = str(values.get("naming_series") or "") if autoname == "naming_series:" else autoname
    if "#" in series or "." in series:
        return _next_name(store, series, now)
    return hash_name(rng)


def _next_name(store: SiteStore, series: str, now: datetime) -> str:
    """Expand a series such as `ACC-SINV-.YYYY.-` or `CUST-.#####` and count it on."""
    parts = series.split(".")
    dated = {"YYYY": now.strftime("%Y"), "YY": now.strftime("%y"), "MM": now.strftime("%m"), "DD": now.strftime("%d")}
    digits = next((len(part) for part in parts if part and set(part) == {"#"}), DEFAULT_DIGITS)
    prefix = "".join(dated.get(part, part) for part in parts if not part or set(part) != {"#"})
    return f"{prefix}{store.next_in_series(prefix):0{digits}}"


def give_back(store: SiteStore, name: str) -> None:
    """After a deletion: the name of the last document of a series goes to the next one again [f_deletions/33]."""
    match = _SERIES_NUMBER.fullmatch(name)
    if match and store.series(match["prefix"]) == int(match["digits"]):
        store.set_series(match["prefix"], int(match["digits"]) - 1)


def default_values(meta: SiteMeta, now: datetime) -> dict[str, Any]:
    """Values of a new document's fields before anyone fills them in."""
    values: dict[str, Any] = {}
    for fieldname, field in meta.fields.items():
        default, options = str(field.get("default") or ""), str(field.get("options") or "")
        if fieldname not in meta.columns or default.startswith(("__", ":")):
            continue
        if meta.columns[fieldname] in INTEGER_FIELDTYPES and default:
            values[fieldname] = int(default)
        elif default:
            named = {"today": now.date().isoformat(), "now": wire_datetime(now)}
            values[fieldname] = named.get(default.lower(), default)
        elif meta.columns[fieldname] == "Select" and options:
            values[fieldname] = options.partition("\n")[0]
    return values

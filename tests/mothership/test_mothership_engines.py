"""Engines: the same lakes become the same tables on every database, value by value."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mothership_sites import Document, Site, ask, content, merge
from places import DuckdbPlace, MariadbPlace, Place

THING, PART = "Thing", "Thing Part"
Draw = st.DataObject

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["", "NULL", "null", '"NULL"', r"\N", "\\", "'", '"', '""', ",", 'a,b\n"c"', "\r\n", "\t", "\0", "\x1a", "%s",
         "$1", "{x}", " lead", "trail ", "ÄÖÜß", "ae\u0308", "日本語", "👩\u200d💻", "\ufeffbom", "x" * 141, "😀" * 400,
         "y" * 70_000]
    ),
)  # fmt: skip
VALUES: Mapping[str, st.SearchStrategy[object]] = {
    "Data": TEXTS,
    "Long Text": TEXTS,
    "JSON": st.recursive(st.none() | st.booleans() | TEXTS, lambda inner: st.lists(inner, max_size=3)).map(json.dumps),
    "Int": st.integers(-(2**63), 2**63 - 1),
    "Check": st.integers(0, 1),
    "Currency": st.decimals(-(10**12) + 1, 10**12 - 1, places=9),
    "Date": st.dates(date(1, 1, 1), date(9999, 12, 31)),
    "Datetime": st.datetimes(),
    "Time": st.times(),
}
KINDS = st.sampled_from(sorted(VALUES))
NAMES = st.sampled_from(["a", "A", "a ", " a", "ä", "Ä", "ss", "ß", "ae", "NULL", "", "1", "1.0", "x" * 141])


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_the_same_lakes_make_the_same_tables_on_every_database(mariadb_place: MariadbPlace, data: Draw) -> None:
    """Two sites of several versions, whose fields come, go and change their kind; every value of every kind."""
    with tempfile.TemporaryDirectory() as folder, mariadb_place.emptied():
        places = (DuckdbPlace(Path(folder, "mothership.duckdb")), mariadb_place)
        sites = [Site(Path(folder, "lake"), name, {}, {}) for name in ("north", "south")]
        for tick in range(1, data.draw(st.integers(1, 6), label="packages") + 1):
            site = data.draw(st.sampled_from(sites))
            fields = data.draw(st.dictionaries(st.sampled_from(["value", "Colour", "x_utc", "grösse ☃"]), KINDS))
            cells = {name: data.draw(st.none() | VALUES[kind]) for name, kind in fields.items()}
            names = data.draw(st.lists(NAMES, unique=True, max_size=4))
            site.describe({THING: fields, PART: {"value": fields.get("value", "Data")}}, {THING: {"parts": PART}})
            site.commit(
                THING,
                [
                    Document(name, tick, cells, {PART: [{"name": f"{name}-{row}"} for row in range(len(name) % 3)]})
                    for name in names
                ],
                gone=dict.fromkeys(data.draw(st.lists(NAMES, unique=True, max_size=2)), tick),
                aside=dict.fromkeys(data.draw(st.lists(NAMES, unique=True, max_size=2)), tick),
                aliases=[(old, names[0], tick) for old in data.draw(st.lists(NAMES, max_size=2)) if names],
            )
            if data.draw(st.booleans(), label="merge"):
                assert_alike(*places, sites)
        assert_alike(*places, sites)


def assert_alike(one: Place, other: Place, sites: list[Site]) -> None:
    """Merge into both, and find the same reports and the same contents."""
    reports = [[told(report) for report in merge(place, *sites)] for place in (one, other)]
    assert reports[0] == reports[1]
    assert content(one) == content(other)
    dictionary = "SELECT * FROM federation_dictionary ORDER BY table_name, column_name"
    assert ask(one, dictionary) == ask(other, dictionary)


def told(report: object) -> object:
    merged, failed = report.merged, report.failed  # type: ignore[attr-defined]
    results = [{name: getattr(result, name) for name in result.__slots__ if name != "seconds"} for result in merged]
    return results, list(failed), report.cursor  # type: ignore[attr-defined]

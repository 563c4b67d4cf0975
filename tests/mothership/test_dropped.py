"""A version in quarantine that somebody gave up leaves the mothership, on every database, and in every rebuild."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mothership_sites import INVOICE, Document, KeepAll, Site, ask, content, merge
from places import Place

from federation.contract.union import contract_of
from federation.lake.current import compact, read_current


def aside(place: Place) -> set[str]:
    return {str(row["name"]) for row in ask(place, "SELECT name FROM federation_quarantine")}


def assert_rebuilt_alike(place: Place, site: Site) -> None:
    found = content(place)
    with place.emptied():
        merge(place, site)
        assert content(place) == found


def test_it_leaves_and_what_was_accepted_stays(place: Place, site: Site) -> None:
    site.commit(documents=[Document("known", 1, {"total": 5})])
    site.commit(aside={"known": 2, "new": 2, "kept": 2})
    merge(place, site)
    site.commit(dropped={"known": 2, "new": 2})
    merge(place, site)
    assert aside(place) == {"kept"}
    assert ask(place, "SELECT name FROM sales_invoice") == [{"name": "known"}]
    asked = "SELECT quarantined FROM federation_freshness"
    assert ask(place, asked) == [{"quarantined": 1}]
    (again,) = merge(place, site)
    assert (again.merged, again.failed) == ((), {})
    assert_rebuilt_alike(place, site)


def test_a_later_version_comes_and_stays_whichever_is_merged_together(place: Place, site: Site) -> None:
    site.commit(aside={"one": 1, "two": 1, "three": 1})
    site.commit(dropped={"one": 1, "two": 1, "three": 1})
    site.commit(aside={"one": 3, "two": 3})
    site.commit(documents=[Document("two", 4), Document("three", 4)])
    merge(place, site)
    assert aside(place) == {"one"}
    assert_rebuilt_alike(place, site)


def test_names_are_taken_as_they_are_and_other_satellites_left_alone(place: Place, site: Site) -> None:
    odd = {"O'Brien": 1, 'a "b" \\': 1, "S\N{LATIN SMALL LETTER O WITH DIAERESIS}hne / 1": 1, "\N{GRINNING FACE}": 1}
    other = Site(site.lake, "south")
    for each in (site, other):
        each.commit(aside=odd)
    site.commit(dropped=odd)
    merge(place, site, other)
    assert ask(place, "SELECT DISTINCT satellite FROM federation_quarantine") == [{"satellite": "south"}]
    assert aside(place) == odd.keys()


ACTS = st.lists(
    st.tuples(st.sampled_from(["accept", "reject", "bury", "drop", "merge", "compact"]), st.sampled_from("AB")),
    max_size=14,
)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(acts=ACTS)
def test_lake_mothership_and_rebuild_agree_on_what_is_in_quarantine(place: Place, acts: list[tuple[str, str]]) -> None:
    rejected: dict[str, int] = {}
    accepted: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder, "lake"))
        with place.emptied(tables_stay=True):
            rejected, accepted = act_out(place, site, acts)
            live = content(place)["federation_quarantine"]
        assert {row["name"]: row["supersedes"] for row in live} == {name: int(name in accepted) for name in rejected}
        assert compacted(site) == rejected
        with place.emptied(tables_stay=True):
            merge(place, site)
            assert content(place)["federation_quarantine"] == live


def act_out(place: Place, site: Site, acts: Sequence[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """Commit, merge and compact; return the names that are rejected, and those of which a version is accepted."""
    rejected: dict[str, int] = {}
    accepted: set[str] = set()
    for tick, (act, name) in enumerate(acts, 1):
        match act:
            case "merge":
                merge(place, site)
            case "compact":
                compacted(site)
            case "drop":
                if name in rejected:
                    site.commit(dropped={name: rejected.pop(name)})
            case "reject":
                site.commit(aside={name: tick})
                rejected[name] = tick
            case "accept":
                site.commit(documents=[Document(name, tick)])
                rejected.pop(name, None)
                accepted.add(name)
            case _:
                site.commit(gone={name: tick})
                rejected.pop(name, None)
                accepted.discard(name)
    merge(place, site)
    return {*rejected}, accepted


def compacted(site: Site) -> set[str]:
    """Bring the lake's own dataset up to the log; the names in its quarantine."""
    contract = contract_of(INVOICE, [site.schema], keeps=KeepAll().keeps, hashes=KeepAll().hashes)
    assert contract is not None
    compact(site.folder, site.log, contract)
    files = read_current(site.folder, INVOICE).uris(site.folder, "quarantine")
    return {row["name"] for file in files for row in pq.read_table(file).to_pylist()}

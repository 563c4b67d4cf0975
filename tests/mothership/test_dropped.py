"""A version in quarantine that somebody gave up leaves the mothership, on every database, and in every rebuild."""

from __future__ import annotations

from mothership_sites import Document, Site, ask, content, merge
from places import Place


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

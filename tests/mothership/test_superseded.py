"""A document in quarantine says whether the version accepted before still stands in its table."""

from __future__ import annotations

from mothership_sites import Document, Site, ask, content, merge
from places import Place


def marks(place: Place) -> dict[str, int]:
    rows = ask(place, "SELECT DISTINCT name, supersedes FROM federation_quarantine")
    return {str(row["name"]): int(str(row["supersedes"])) for row in rows}


def assert_rebuilt_alike(place: Place, site: Site) -> None:
    found = content(place)
    with place.emptied():
        merge(place, site)
        assert content(place) == found


def test_the_version_that_stands_is_told(place: Place, site: Site) -> None:
    site.commit(documents=[Document("known", 1, {"total": 5})])
    site.commit(aside={"known": 2, "new": 2})
    merge(place, site)
    assert marks(place) == {"known": 1, "new": 0}
    asked = (
        "SELECT i.name FROM sales_invoice AS i JOIN federation_quarantine AS q "
        "ON q.satellite = i.satellite AND q.name = i.name AND q.doctype = 'Sales Invoice'"
    )
    assert ask(place, asked) == [{"name": "known"}]
    assert_rebuilt_alike(place, site)


def test_one_that_is_gone_since_is_not(place: Place, site: Site) -> None:
    site.commit(documents=[Document("known", 1)])
    site.commit(aside={"known": 3})
    merge(place, site)
    site.commit(gone={"known": 2})
    merge(place, site)
    assert marks(place) == {"known": 0}
    assert_rebuilt_alike(place, site)


def test_one_that_was_seen_before_and_comes_later_is(place: Place, site: Site) -> None:
    site.commit(aside={"known": 2})
    merge(place, site)
    assert marks(place) == {"known": 0}
    site.commit(documents=[Document("known", 1)])
    merge(place, site)
    assert marks(place) == {"known": 1}
    assert_rebuilt_alike(place, site)


def test_another_satellites_document_of_the_same_name_does_not_count(place: Place, site: Site) -> None:
    other = Site(site.lake, "south")
    site.commit(documents=[Document("known", 1)])
    other.commit(aside={"known": 2}, documents=[Document("their own", 1)])
    merge(place, site, other)
    assert marks(place) == {"known": 0}


def test_what_an_older_version_set_aside_is_marked(place: Place, site: Site) -> None:
    site.commit(documents=[Document("known", 1)])
    site.commit(aside={"known": 2, "new": 2})
    merge(place, site)
    found = content(place)
    place.alter("ALTER TABLE federation_quarantine DROP COLUMN supersedes")
    place.alter("UPDATE federation_meta SET version = 4")
    assert marks(place) == {"known": 1, "new": 0}
    assert content(place) == found

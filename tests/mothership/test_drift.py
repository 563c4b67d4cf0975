"""What sites change about their DocTypes is told once, the same however often and from wherever it is merged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from mothership_sites import FIELDS, INVOICE, ITEM, ORDER, TAX, Document, KeepAll, Site, ask, content, merge, naive
from places import Place

from federation.contract.asked_field import AskedField
from federation.contract.satellite_schema import FieldSchema
from federation.drift.following import follow, release
from federation.drift.kinds import Kind

DRIFT = "SELECT doctype, fieldname, kind, was, became FROM federation_drift"


class Withholds(KeepAll):
    """The policy of those who hold one field back."""

    def __init__(self, fieldname: str) -> None:
        self.fieldname = fieldname

    def keeps(self, satellite: str, asked: AskedField, /) -> bool:
        return asked.fieldname != self.fieldname


def told(place: Place, where: str = "kind <> 'doctype_added'") -> list[tuple[object, ...]]:
    rows = ask(place, f"{DRIFT} WHERE {where} ORDER BY seq, doctype, fieldname, kind")
    return [tuple(row.values()) for row in rows]


def change_field(site: Site, fieldname: str, **changed: object) -> None:
    """Say a field of the invoice anew; the next commit brings it."""
    version = site.schema.doctypes[INVOICE]
    field = version.fields.get(fieldname, FieldSchema(fieldname, ("Select",)))
    fields = {**version.fields, fieldname: msgspec.structs.replace(field, **changed)}
    doctypes = {**site.schema.doctypes, INVOICE: msgspec.structs.replace(version, fields=fields)}
    site.schema = msgspec.structs.replace(site.schema, doctypes=doctypes)


def commit_changes(site: Site, then: Callable[[], object] = lambda: None) -> None:
    """Commit four schemas, one of which says nothing new, and do something behind each."""
    site.commit(documents=[Document("SINV-1", 1)])
    then()
    change_field(site, "campus", options="East\nWest", label="Campus")
    site.commit(documents=[Document("SINV-1", 2)])
    then()
    version = site.schema.doctypes[ORDER]
    again = msgspec.structs.replace(version, read_at="2026-11-24T12:00:00+00:00")
    site.schema = msgspec.structs.replace(site.schema, doctypes={**site.schema.doctypes, ORDER: again})
    site.commit(documents=[Document("SINV-1", 3)])
    then()
    change_field(site, "campus", options="East\nNorth", label="Place")
    change_field(site, "total", fieldtypes=("Currency", "Float"), length=9)
    site.commit(documents=[Document("SINV-1", 4)])
    then()


CHANGED = [
    (INVOICE, "campus", "field_added", "", "Select"),
    (INVOICE, "campus", "label", "Campus", "Place"),
    (INVOICE, "campus", "options", "East\nWest", "East\nNorth"),
    (INVOICE, "total", "retyped", "Currency", "Float"),
]


def test_each_change_is_told_with_the_commit_that_brought_it(place: Place, site: Site) -> None:
    commit_changes(site)
    merge(place, site)
    assert told(place) == CHANGED
    assert told(place, "kind = 'doctype_added'") == [
        (doctype, "", "doctype_added", "", "") for doctype in sorted(FIELDS)
    ]
    commits = {manifest.seq: manifest for manifest in site.log.read()}
    for row in ask(place, "SELECT DISTINCT satellite, seq, seen_at FROM federation_drift"):
        commit = commits[row["seq"]]
        assert row == {"satellite": "north", "seq": commit.seq, "seen_at": commit.written_at.replace(tzinfo=None)}


def test_merged_at_every_commit_or_all_at_once_the_same_is_told(place: Place, site: Site) -> None:
    """The site's lake grows under a mothership that follows it, and is merged from nothing into another."""
    commit_changes(site, then=lambda: merge(place, site))
    followed = content(place)
    assert merge(place, site)[0].merged == ()
    assert content(place) == followed, "merged again, nothing is told twice"
    with place.emptied():
        merge(place, site)
        assert content(place) == followed


def test_words_are_kept_as_they_are_however_long_and_odd(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    options, label = "\n".join(f"Wahl {number} ß" for number in range(10_000)), "100 % 'of' \\ \"it\" {all} $x \N{OWL}"
    change_field(site, "campus", options="", label="")
    site.commit(documents=[Document("SINV-1", 2)])
    change_field(site, "campus", options=options, label=label)
    site.commit(documents=[Document("SINV-1", 3)])
    merge(place, site)
    assert [row[2:] for row in told(place)[1:]] == [("label", "", label), ("options", "", options)]


def test_while_a_walk_is_open_nothing_is_told_twice(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    merge(place, site)
    for tick, options in enumerate(["a", "a\nb", "a\nb\nc"], start=2):
        change_field(site, "campus", options=options)
        site.commit(documents=[Document(f"SINV-{tick}", tick)], walk="long", complete=False)
        merge(place, site)
    assert [row[2] for row in told(place)] == ["field_added", "options", "options"]


def test_a_mothership_of_an_older_version_is_told_what_happened_before(place: Place, site: Site) -> None:
    commit_changes(site)
    merge(place, site)
    found = content(place)
    place.alter("DROP TABLE federation_drift")
    place.alter("UPDATE federation_meta SET version = 2")
    merge(place, site)
    assert content(place) == found


def test_words_of_a_field_that_the_policy_holds_back_stay_where_they_are(place: Place, site: Site) -> None:
    commit_changes(site)
    merge(place, site, policy=Withholds("campus"))
    silent = [(*row[:3], "", "") if row[2] in ("label", "options") else row for row in CHANGED]
    assert told(place) == silent


@pytest.mark.parametrize(
    ("first", "then"), [(KeepAll(), Withholds("campus")), (Withholds("campus"), KeepAll())], ids=["tighter", "looser"]
)
def test_a_policy_that_changes_its_mind_is_followed(place: Place, site: Site, first: KeepAll, then: KeepAll) -> None:
    commit_changes(site)
    merge(place, site, policy=first)
    merge(place, site, policy=then)
    drift = told(place, "1 = 1")
    with place.emptied():
        merge(place, site, policy=then)
        assert told(place, "1 = 1") == drift


def test_satellites_tell_of_themselves_only(place: Place, site: Site, tmp_path: Path) -> None:
    south = Site(tmp_path / "lake", "south", {name: FIELDS[name] for name in (INVOICE, ITEM, TAX)})
    commit_changes(site)
    south.commit()
    merge(place, south, site, policy=Withholds("campus"))
    merge(place, south, site)
    assert ask(place, "SELECT satellite, count(*) AS n FROM federation_drift GROUP BY satellite ORDER BY 1") == [
        {"satellite": "north", "n": 8},
        {"satellite": "south", "n": 3},
    ]


def test_a_schema_that_is_gone_holds_no_document_back_and_is_named(place: Place, site: Site, tmp_path: Path) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    change_field(site, "campus", options="a")
    site.commit(documents=[Document("SINV-1", 2)])
    lost = site.log.since(0).described[-1].schema
    change_field(site, "campus", options="b")
    site.commit(documents=[Document("SINV-1", 3, {"modified": naive(3)})])
    (tmp_path / "lake" / "north" / "schema" / f"{lost}.json").unlink()
    (report,) = merge(place, site)
    assert [result.rows for result in report.merged] == [1]
    assert lost in "".join(report.remarks)
    assert told(place) == [(INVOICE, "campus", "field_added", "", "Select")]


def no_new_fields(doctype: str, kind: Kind) -> bool:
    return kind == "field_added"


def say(site: Site, **changed: object) -> None:
    """Say the campus of the invoice otherwise, to a federation that freezes new fields."""
    known = site.schema
    site.schema = msgspec.structs.replace(known, doctypes=known.as_told, told={})
    change_field(site, "campus", **changed)
    site.schema = follow(known, site.schema, (INVOICE,), no_new_fields)


def test_what_is_held_back_is_told_at_once_and_a_column_when_it_is_accepted(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1)])
    merge(place, site)
    say(site, label="Campus", options="East")
    site.commit(documents=[Document("SINV-1", 2)])
    merge(place, site)
    say(site, label="Place")
    site.commit(documents=[Document("SINV-1", 3)])
    merge(place, site)
    columns = f"SELECT fieldname FROM federation_dictionary WHERE doctype = '{INVOICE}' AND fieldname = 'campus'"
    assert ask(place, columns) == []
    assert told(place) == [(INVOICE, "campus", "field_added", "", "Select"), (INVOICE, "campus", "label", "", "")]
    site.schema = release(site.schema, INVOICE)
    site.commit()
    merge(place, site)
    assert ask(place, columns) == []
    site.schema = follow(site.schema, site.schema, (INVOICE,), no_new_fields)
    site.commit(documents=[Document("SINV-1", 4)])
    merge(place, site)
    assert ask(place, columns) == [{"fieldname": "campus"}]
    assert told(place)[1] == (INVOICE, "campus", "label", "Campus", "Place"), "its words may be told now"
    assert len(told(place)) == 2
    followed = content(place)
    with place.emptied():
        merge(place, site)
        assert content(place) == followed

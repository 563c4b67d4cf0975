"""Quarantine as its users ask for it: counted, listed, shown beside what stands, on every database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from mothership_sites import INVOICE, ITEM, Document, Site, at, naive
from places import Place
from rebuild_world import settings_at

from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk, DocTypeState
from federation.lake.packages import QUARANTINE_SCHEMA
from federation.lake.run import LakeRun, new_run_id
from federation.merging import merge_satellite, open_reader, publish
from federation.quarantine import CONTRACT, Choice, Count, absent, counts, document_of, documents, faults
from federation.quarantine_difference import Difference, differences
from federation.settings.model import Settings

ODD = ("O'Brien \\", 'a "b" / c', "\N{GRINNING FACE} % _", "x; DROP TABLE y -- ")


@pytest.fixture
def settings(tmp_path: Path, place: Place) -> Settings:
    return settings_at(tmp_path, place)


def site_of(settings: Settings, satellite: str) -> Site:
    return Site(settings.lakes()[0].url, satellite)


def set_aside(site: Site, name: str, tick: int, document: object, *rules: str) -> None:
    """Commit a document that fails rules."""
    run = LakeRun.open(site.folder, "rest", new_run_id(at(0)), now=lambda: at(0))
    writer = run.package(INVOICE, batch=1, walk=run.run_id, tables=())
    fault = {"fieldname": "total", "value": "-1" * 300, "reason": "no", "document": json.dumps(document)}
    rows = [{"name": name, "observed": naive(tick), "rule": rule, **fault} for rule in rules]
    writer.add_quarantined(pa.Table.from_pylist(rows, QUARANTINE_SCHEMA))
    package = writer.finish()
    assert package is not None
    state = {INVOICE: DocTypeState(through=at(0))}
    run.commit([package], [CompletedWalk(run.run_id, INVOICE, "changes", at(0))], state)
    run.close()


def shown(settings: Settings, *sites: Site) -> None:
    for site in sites:
        merge_satellite(settings, site.satellite)
    publish(settings, force=True)


def test_documents_are_counted_by_rule_and_chosen_by_any_part(settings: Settings) -> None:
    north, south = site_of(settings, "north"), site_of(settings, "south")
    north.commit(documents=[Document("known", 1), Document("gone", 1)])
    set_aside(north, "known", 2, {}, "", "expect_a", "expect_a")
    set_aside(north, "new", 2, {}, "expect_a")
    set_aside(north, "gone", 2, {}, "expect_a")
    north.commit(gone={"gone": 3})
    south.commit(documents=[Document("known", 1)], aside=dict.fromkeys(ODD, 2))
    shown(settings, north, south)
    with open_reader(settings) as mothership:
        assert mothership is not None
        assert counts(mothership, Choice()) == (
            Count("north", INVOICE, CONTRACT, 1, 1),
            Count("north", INVOICE, "expect_a", 2, 1),
            Count("south", INVOICE, CONTRACT, 4, 0),
        )
        known, new = documents(mothership, Choice(["north"]))
        assert (known.name, known.supersedes, known.since) == (
            "known",
            True,
            datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC),
        )
        assert (new.name, new.supersedes) == ("new", False)
        assert [held.name for held in documents(mothership, Choice(rules=[CONTRACT], satellites=["north"]))] == [
            "known"
        ]
        assert documents(mothership, Choice(doctypes=["Sales Order"])) == []
        many = [f"nobody {number}" for number in range(2_500)]
        assert {held.name for held in documents(mothership, Choice(names=[*many, *ODD, "known"]))} == {*ODD, "known"}
        for name in ODD:
            (fault,) = faults(mothership, Choice(names=[name]))
            assert (fault.satellite, fault.name, fault.rule, fault.value) == ("south", name, CONTRACT, "x")
        assert [len(fault.value) for fault in faults(mothership, Choice(["north"]), 2)] == [200, 200]
        assert absent(mothership, Choice(["north"], [INVOICE], names=["gone", "known"])) == {"gone"}


def test_what_stands_is_held_against_what_was_rejected_field_by_field(settings: Settings) -> None:
    north = site_of(settings, "north")
    lines = [
        {"name": "same", "item": "Tea", "qty": 2},
        {"name": "other", "item": "Cup", "qty": 1},
        {"name": "left", "item": "Pot", "qty": 1},
    ]
    values = {"customer": "Acme", "total": Decimal("10.500000000"), "modified": naive(1), "creation": naive(0)}
    north.commit(documents=[Document("known", 1, values, {ITEM: lines})])
    rejected = {
        "name": "known",
        "customer": None,
        "total": 10.5,
        "modified": "2026-03-01 12:00:02.000000",
        "creation": "2026-03-01 12:00:00.000000",
        "unknown": "to the table",
        ITEM: [
            {"name": "same", "item": "Tea", "qty": 2},
            {"name": "other", "item": "Cup", "qty": 1.5},
            {"name": "new", "item": "Pan", "qty": 1},
        ],
    }
    set_aside(north, "known", 2, rejected, "expect_a")
    set_aside(north, "new", 2, {"name": "new"}, "expect_a")
    shown(settings, north)
    with open_reader(settings) as mothership:
        assert mothership is not None
        document = document_of(mothership, Choice(names=["known"]))
        assert document is not None
        assert differences(mothership, "north", INVOICE, document) == (
            Difference("", "customer", "Acme", None),
            Difference("", "modified", "2026-03-01 12:00:01", "2026-03-01 12:00:02.000000"),
            Difference(f"{ITEM} other", "qty", "1", "1.5"),
            Difference(f"{ITEM} new", "", None, '{"name": "new", "item": "Pan", "qty": 1}'),
            Difference(f"{ITEM} left", "", "a row that is gone", None),
        )
        assert differences(mothership, "north", INVOICE, '{"name": "new"}') is None
        assert differences(mothership, "south", INVOICE, document) is None
        assert differences(mothership, "north", "Sales Order", document) is None
        assert document_of(mothership, Choice(names=["nobody"])) is None


def test_ten_million_characters_are_kept_whole(settings: Settings) -> None:
    north = site_of(settings, "north")
    long = "\N{GRINNING FACE}'\\\"" * 2_500_000
    north.commit(documents=[Document("known", 1)])
    set_aside(north, "long", 2, {"name": "long", "text": long}, "expect_a")
    shown(settings, north)
    with open_reader(settings) as mothership:
        assert mothership is not None
        assert json.loads(document_of(mothership, Choice(names=["long"])) or "")["text"] == long
        assert len(documents(mothership, Choice())) == 1
    assert CommitLog(north.folder).length()

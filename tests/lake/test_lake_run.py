from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from lake_world import TAX, VOUCHER, Document, Gone, World, assert_whole, at, named_files
from msgspec import structs

from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.lake.errors import CommitLost, DamagedLog
from federation.lake.log import CommitLog
from federation.lake.manifest import Anchor, DocTypeState, Position, SiteState
from federation.lake.run import LakeRun, new_run_id
from federation.lake.storage import LakeFolder

SITE = SiteState(
    begun=at(5),
    until="2026-03-04 12:00:00",
    anchors=(Anchor(VOUCHER, "V-1", "2026-01-01 00:00:00.000001"),),
    zone="Asia/Kolkata",
)
ONE = Document("V-1", 1, {"title": "one"}, {TAX: [{"name": "t1"}]})


def state(modified: str) -> DocTypeState:
    return DocTypeState(position=Position(modified, "V-1"))


def test_run_ids_sort_by_time_and_never_repeat() -> None:
    instant = datetime(2026, 11, 23, 12, 47, 9, tzinfo=UTC)
    first, second = new_run_id(instant), new_run_id(instant)
    assert first.startswith("20261123T124709Z-")
    assert first != second
    assert new_run_id(instant + timedelta(seconds=1)) > max(first, second)


def test_a_first_run_finds_nothing_and_opens_the_log(folder: LakeFolder) -> None:
    run = LakeRun.open(folder, "rest", "a")
    assert (run.state(VOUCHER), run.site, run.observed_floor, run.schema) == (DocTypeState(), SiteState(), None, None)
    assert [(each.seq, each.stage) for each in CommitLog(folder).read()] == [(1, "opening")]


def test_the_newest_commit_alone_tells_all_that_earlier_ones_reached(world: World) -> None:
    world.commit(ONE, state=state("2026-03-01"))
    world.run.commit(states={"Customer": state("2026-03-02")}, site=SITE, observed=at(9))
    world.run.describe(SatelliteSchema("north", {VOUCHER: DocTypeSchema(VOUCHER)}))
    world.run.close()
    run = world.open()
    assert run.doctypes == {VOUCHER, "Customer"}
    assert run.state(VOUCHER) == state("2026-03-01")
    assert run.state("Customer") == state("2026-03-02")
    assert run.site == SITE
    assert run.observed_floor == at(9)
    assert run.schema == SatelliteSchema("north", {VOUCHER: DocTypeSchema(VOUCHER)})
    assert [each.stage for each in world.log.read()] == ["opening", "batch", "batch", "closing", "opening"]


def test_the_floor_of_observed_never_sinks(world: World) -> None:
    world.commit(Document("V-1", 50))
    world.commit(Document("V-2", 20))
    world.run.commit(observed=at(30))
    assert world.run.observed_floor == at(50)


def test_a_schema_that_was_changed_by_hand_is_noticed(world: World) -> None:
    world.run.describe(SatelliteSchema("north"))
    (name,) = world.folder.names("schema")
    world.folder.write(f"schema/{name}", b'{"satellite":"north","doctypes":{}} ')
    with pytest.raises(DamagedLog, match=r"schema/.* was changed"):
        assert world.run.schema


def test_a_run_that_lives_on_elsewhere_is_fenced_off(world: World) -> None:
    zombie = world.run
    world.commit(ONE)
    late = world.package(Document("V-2", 2))
    assert late is not None
    world.open().close()
    with pytest.raises(CommitLost):
        zombie.commit(packages=[late])
    with pytest.raises(CommitLost):
        zombie.close()
    assert [each.run_id for each in world.log.read()].count(zombie.run_id) == 2


def test_files_of_a_killed_run_vanish_and_those_it_committed_stay(world: World) -> None:
    world.commit(ONE)
    world.package(Document("V-2", 2))
    world.open()
    assert set(world.folder.files("runs")) == named_files(world.log.read())
    assert_whole(world.folder, world.log.read())


def test_files_that_a_fenced_run_writes_late_vanish_with_the_run_after(world: World) -> None:
    zombie = world.run
    world.commit(ONE)
    world.open(hour=1)
    zombie.package(VOUCHER, batch=9, walk="w", tables=[VOUCHER]).add_tombstones(["V-9"], at(9))
    late = zombie.package(VOUCHER, batch=10, walk="w", tables=[VOUCHER])
    late.add_tombstones(["V-9"], at(9))
    assert late.finish() is not None
    world.run.close()
    world.open(hour=2).close()
    assert set(world.folder.files("runs")) == named_files(world.log.read())
    assert_whole(world.folder, world.log.read())


def test_a_killed_run_is_looked_after_for_a_day(world: World) -> None:
    killed = world.run.run_id
    for hour in (1, 2, 24, 26):
        world.open(hour).close()
    openings = [each for each in world.log.read() if each.stage == "opening"]
    assert [killed in {run.run_id for run in each.fenced} for each in openings] == [False, True, True, True, False]


def test_another_source_of_the_satellite_is_left_alone(world: World) -> None:
    other = LakeRun.open(world.folder, "kafka", "20260301T120000Z-kafka")
    writer = other.package(VOUCHER, batch=1, walk="w", tables=[VOUCHER])
    writer.add_tombstones(["V-9"], at(9))
    package = writer.finish()
    assert package is not None
    world.open().close()
    other.commit(packages=[package])
    assert_whole(world.folder, CommitLog(world.folder, "kafka").read())


def test_closing_removes_what_the_run_wrote_and_did_not_commit(world: World) -> None:
    world.commit(ONE)
    world.package(Document("V-2", 2))
    world.run.close()
    assert set(world.folder.files("runs")) == named_files(world.log.read())


def test_doctypes_commit_side_by_side_without_a_gap(world: World) -> None:
    def commit(number: int) -> None:
        writer = world.run.package(f"DocType {number}", batch=1, walk="w", tables=[f"DocType {number}"])
        writer.add_tombstones([f"name {number}"], at(number))
        package = writer.finish()
        assert package is not None
        world.run.commit(packages=[package], states={package.doctype: state(str(number))})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(commit, range(40)))
    newest = world.run.close()
    assert newest.seq == 42
    assert newest.doctypes == {f"DocType {number}": state(str(number)) for number in range(40)}
    assert_whole(world.folder, world.log.read())


def test_tombstones_alone_make_a_package(world: World) -> None:
    committed = world.commit(Gone("V-1", 3))
    assert [(file.kind, file.rows) for file in committed.packages[0].files] == [("tombstones", 1)]


def test_walks_of_one_doctype_noted_in_one_run_add_up_and_the_next_manifest_carries_them(world: World) -> None:
    world.run.note({VOUCHER: state("2026-03-01")}, [World.completed("first")])
    assert world.run.state(VOUCHER) == state("2026-03-01")
    later = structs.replace(world.run.state(VOUCHER), compared=at(7))
    world.run.note({VOUCHER: later}, [World.completed("second")])
    assert len(list(world.log.read())) == 1
    committed = world.run.commit(states={"Customer": state("2026-03-02")}, completed=[World.completed("third")])
    assert [walk.id for walk in committed.completed] == ["first", "second", "third"]
    assert committed.doctypes == {VOUCHER: later, "Customer": state("2026-03-02")}
    world.run.note({VOUCHER: state("2026-03-05")})
    closed = world.run.close(site=SITE)
    assert (closed.completed, closed.site) == ((), SITE)
    assert world.open().state(VOUCHER) == state("2026-03-05")

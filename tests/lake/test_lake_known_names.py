"""Known names: who is alive, and who wasn't met since a pass over all names began."""

from __future__ import annotations

import io
import tempfile

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from lake_world import VOUCHER, Document, Gone, Met, Refused, Seen, World, at

from federation.lake.current import read_current
from federation.lake.known_names import count_known, missing_names
from federation.lake.log import CommitLog
from federation.lake.place import LakePlace
from federation.lake.storage import open_lake


def missing(world: World, begun: int, at_once: int = 2) -> list[list[str]]:
    log = CommitLog(world.folder)
    return list(missing_names(world.folder, log, VOUCHER, begun=at(begun), at_once=at_once))


def known(world: World) -> int:
    return count_known(world.folder, CommitLog(world.folder), VOUCHER)


def test_a_new_satellite_knows_nothing_and_misses_nothing(world: World) -> None:
    assert known(world) == 0
    assert missing(world, 9) == []


def test_alive_are_accepted_and_quarantined_documents_until_a_later_tombstone(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1), Document("c", 1), Refused("d", 1), Refused("e", 1))
    world.commit(Gone("a", 2), Gone("d", 2), Gone("c", 0))
    world.commit(Document("a", 3), complete=False)
    assert known(world) == 4


def test_what_was_not_met_since_a_pass_began_is_missing_sorted_and_in_batches(world: World) -> None:
    world.commit(*(Document(name, 1) for name in "edcbahgf"), Refused("i", 1), Refused("j", 1))
    world.commit(Document("a", 2), Refused("b", 2), Gone("c", 2), Refused("i", 3), Met("h", 2), complete=False)
    assert missing(world, 2) == [["d", "e"], ["f", "g"], ["j"]]
    assert missing(world, 2, at_once=100) == [["d", "e", "f", "g", "j"]]
    assert missing(world, 1) == []


def test_a_pass_that_met_nothing_misses_all(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1))
    assert missing(world, 2) == [["a", "b"]]


def test_what_any_walk_met_since_is_not_missing(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1), Document("c", 1))
    world.commit(Met("a", 3), walk="slice")
    world.commit(Document("b", 4), Document("new", 4), walk="changes")
    assert missing(world, 2) == [["c"]]


def test_a_pass_over_several_nights_and_compactions_remembers_what_it_met(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1), Document("c", 1), Document("d", 1))
    world.compact()
    world.commit(Met("a", 2), walk="first night")
    world.compact()
    world.run.close()
    world.compact()
    world.open()
    world.commit(Document("b", 3), Met("d", 3), walk="second night")
    world.compact()
    assert missing(world, 2) == [["c"]]
    assert missing(world, 3) == [["a", "c"]]


def test_what_was_set_aside_and_met_as_it_is_stays_met_after_a_compaction(world: World) -> None:
    world.commit(Refused("a", 1), Refused("b", 1))
    world.compact()
    world.commit(Met("a", 3))
    assert missing(world, 2) == [["b"]]
    world.compact()
    assert missing(world, 2) == [["b"]]
    world.commit(Refused("b", 2))
    world.compact()
    assert missing(world, 3) == [["b"]]
    assert missing(world, 4) == [["a", "b"]]


def test_quarantine_that_an_earlier_version_stored_is_read_on(world: World) -> None:
    world.commit(Refused("a", 1), Refused("b", 1))
    world.compact()
    [stored] = [file.path for file in read_current(world.folder, VOUCHER).files if file.kind == "quarantine"]
    earlier = pq.read_table(io.BytesIO(world.folder.read(stored))).drop_columns(["seen", "rule"])
    sink = io.BytesIO()
    pq.write_table(earlier, sink)
    world.folder.write(stored, sink.getvalue())
    world.commit(Met("a", 3))
    assert missing(world, 2) == [["b"]]
    world.compact()
    assert missing(world, 2) == [["b"]]


def test_a_name_that_nobody_knows_is_not_missing_though_it_was_seen(world: World) -> None:
    world.commit(Document("a", 1), Met("stranger", 1))
    assert missing(world, 2) == [["a"]]
    world.compact()
    assert missing(world, 2) == [["a"]]


SEEN = st.builds(
    lambda kind, name, tick: kind(name, tick),
    st.sampled_from([Document, Document, Gone, Refused, Met]),
    st.sampled_from("abcdef"),
    st.integers(1, 20),
)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(SEEN, min_size=1, max_size=6), max_size=5),
    st.lists(st.booleans(), min_size=5),
    st.integers(1, 21),
)
def test_compaction_changes_nothing_of_what_is_known_or_missing(
    batches: list[list[Seen]], cuts: list[bool], begun: int
) -> None:
    """Documents found as known are so at the newest version, as extraction tells only of those."""
    with tempfile.TemporaryDirectory() as place:
        world = World(open_lake(LakePlace(place), "north"))
        versions: dict[str, tuple[int, int, bool]] = {}
        met: dict[str, int] = {}
        for batch, cut in zip(batches, cuts, strict=False):
            seen = list({(each.name, each.tick): each for each in batch}.values())
            told = [
                each
                for each in seen
                if not isinstance(each, Met)
                or (each.name in versions and not versions[each.name][2] and each.tick > versions[each.name][0])
            ]
            seq = world.commit(*told).seq
            for each in told:
                if isinstance(each, Met):
                    met[each.name] = max(met.get(each.name, 0), each.tick)
                else:
                    version = (each.tick, seq, isinstance(each, Gone))
                    versions[each.name] = max(versions.get(each.name, version), version)
            if cut:
                world.compact()
        alive = {name for name, (_, _, absent) in versions.items() if not absent}
        assert known(world) == len(alive)
        expected = sorted(name for name in alive if max(versions[name][0], met.get(name, 0)) < begun)
        assert [name for names in missing(world, begun) for name in names] == expected

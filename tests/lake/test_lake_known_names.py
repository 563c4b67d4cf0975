from __future__ import annotations

import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st
from lake_world import VOUCHER, Document, Gone, Refused, Seen, World

from federation.lake.known_names import count_known, missing_names
from federation.lake.log import CommitLog
from federation.lake.manifest import DocTypeState, OpenWalk, Position
from federation.lake.storage import open_lake

WALKING = DocTypeState(open_full=OpenWalk("full", Position("x")))


def missing(world: World, walk: str = "full", at_once: int = 2) -> list[list[str]]:
    return list(missing_names(world.folder, CommitLog(world.folder), VOUCHER, walk=walk, at_once=at_once))


def known(world: World) -> int:
    return count_known(world.folder, CommitLog(world.folder), VOUCHER)


def test_a_new_satellite_knows_nothing_and_misses_nothing(world: World) -> None:
    assert known(world) == 0
    assert missing(world) == []


def test_alive_are_accepted_and_quarantined_documents_until_a_later_tombstone(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1), Document("c", 1), Refused("d", 1), Refused("e", 1))
    world.commit(Gone("a", 2), Gone("d", 2), Gone("c", 0))
    world.commit(Document("a", 3), complete=False)
    assert known(world) == 4


def test_what_a_full_walk_did_not_meet_is_missing_sorted_and_in_batches(world: World) -> None:
    world.commit(*(Document(name, 1) for name in "edcbahgf"), Refused("i", 1), Refused("j", 1))
    world.commit(Document("a", 2), Refused("b", 2), Gone("c", 2), Refused("i", 2), walk="full", complete=False)
    assert missing(world) == [["d", "e"], ["f", "g"], ["h", "j"]]
    assert missing(world, at_once=100) == [["d", "e", "f", "g", "h", "j"]]


def test_a_full_walk_that_met_nothing_misses_all(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1))
    assert missing(world) == [["a", "b"]]


def test_what_another_walk_met_since_the_full_one_began_is_not_missing(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1), Document("c", 1))
    world.commit(Document("a", 2), walk="full", complete=False, state=WALKING)
    world.commit(Document("b", 3), Document("new", 3), walk="changes", state=WALKING)
    assert missing(world) == [["c"]]


def test_a_walk_over_several_runs_and_compactions_remembers_what_it_met(world: World) -> None:
    world.commit(Document("a", 1), Document("b", 1), Document("c", 1))
    world.commit(Document("a", 2), walk="full", complete=False, state=WALKING)
    world.run.close()
    world.compact()
    world.open()
    world.commit(Document("b", 3), walk="full", complete=False, state=WALKING)
    world.compact()
    assert missing(world) == [["c"]]


SEEN = st.builds(
    lambda kind, name, tick: kind(name, tick),
    st.sampled_from([Document, Document, Gone, Refused]),
    st.sampled_from("abcdef"),
    st.integers(1, 20),
)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(SEEN, min_size=1, max_size=6), max_size=4),
    st.lists(SEEN, max_size=6),
    st.lists(st.booleans(), min_size=4),
)
def test_compaction_changes_nothing_of_what_is_known_or_missing(
    before: list[list[Seen]], walked: list[Seen], cuts: list[bool]
) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(open_lake(place, "north"))
        alive: dict[str, tuple[int, int, bool]] = {}
        for batch, cut in zip(before, cuts, strict=False):
            seen = list({(each.name, each.tick): each for each in batch}.values())
            seq = world.commit(*seen).seq
            for each in seen:
                version = (each.tick, seq, isinstance(each, Gone))
                alive[each.name] = max(alive.get(each.name, version), version)
            if cut:
                world.compact()
        names = {name for name, (_, _, absent) in alive.items() if not absent}
        assert known(world) == len(names)
        met = list({(each.name, each.tick): each for each in walked}.values())
        world.commit(*met, walk="full", complete=False, state=WALKING)
        assert [name for names in missing(world) for name in names] == sorted(names - {each.name for each in met})

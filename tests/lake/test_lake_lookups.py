"""Look-ups: documents are found by what their newest version says."""

from __future__ import annotations

import pyarrow as pa
from lake_world import ITEM, TAX, VOUCHER, Document, Gone, World, contract, naive

from federation.lake.log import CommitLog
from federation.lake.lookups import creations, known_where, owners_of, spread

ONE = Document("V-1", 1, {"title": "one", "amount": 1}, {ITEM: [{"name": "i1", "item": "nut", "qty": 2}]})
TWO = Document("V-2", 1, {"title": "two"}, {TAX: [{"name": "t1", "item": "vat"}, {"name": "t2", "item": "vat"}]})


def to_rename(document: Document, tick: int, flag: int) -> Document:
    return Document(document.name, tick, {**document.cells, "to_rename": flag})


def test_rows_are_found_by_a_flag_by_name_and_by_age_in_their_newest_version(world: World) -> None:
    instants = {"creation": pa.timestamp("us"), "modified": pa.timestamp("us")}
    world.contract = contract({"to_rename": pa.int8(), **instants})
    made = [
        Document(name, 1, {"to_rename": flag, "creation": naive(tick), "modified": naive(tick + 1)})
        for name, flag, tick in [("a", 1, 30), ("b", 1, 20), ("c", 0, 10), ("d", 1, 40)]
    ]
    log = CommitLog(world.folder)
    nothing = known_where(world.folder, log, VOUCHER, column="to_rename", value=1, walk="mine")
    assert nothing.num_rows == 0
    world.commit(*made)
    world.compact()
    world.commit(to_rename(made[0], 5, 0), Gone("d", 5))
    world.commit(to_rename(made[2], 6, 1), walk="mine", complete=False)

    def flagged(walk: str) -> list[object]:
        found = known_where(world.folder, CommitLog(world.folder), VOUCHER, column="to_rename", value=1, walk=walk)
        return found.to_pylist()

    b, c = ({"name": name, "creation": naive(t), "modified": naive(t + 1)} for name, t in [("b", 20), ("c", 10)])
    assert flagged("mine") == [b, c]
    assert flagged("other") == [b]
    found = creations(world.folder, CommitLog(world.folder), VOUCHER, ["b", "d", "x"], walk="mine")
    assert found.to_pylist() == [b]
    both = [("b", "2026-03-01 12:00:00.000020"), ("a", "2026-03-01 12:00:00.000030")]
    assert spread(world.folder, CommitLog(world.folder), VOUCHER, 5) == both
    assert spread(world.folder, CommitLog(world.folder), VOUCHER, 1) == both[:1]
    unheard_of = known_where(world.folder, CommitLog(world.folder), VOUCHER, column="no_such", value=1, walk="mine")
    assert unheard_of.num_rows == 0


def test_who_points_to_a_document_is_found_in_its_rows_and_its_child_rows(world: World) -> None:
    world.commit(ONE, TWO, Document("V-3", 1, {"title": "one"}))
    world.compact()
    world.commit(
        Gone("V-3", 2), Document("V-4", 2, {"title": "it's"}, {TAX: [{"name": "t4", "item": "vat", "qty": 1}]})
    )

    def owners(table: str, column: str, value: str, where: tuple[str, str] | None = None) -> list[str]:
        return owners_of(
            world.folder, CommitLog(world.folder), VOUCHER, table, column=column, values=[value], where=where, walk=""
        )

    assert owners(VOUCHER, "title", "one") == ["V-1"]
    assert owners(VOUCHER, "title", "it's") == ["V-4"]
    assert owners(TAX, "item", "vat") == ["V-2", "V-4"]
    assert owners(TAX, "item", "vat", ("qty", "1")) == ["V-4"]
    assert owners(TAX, "gone", "vat") == owners(ITEM, "item", "bolt") == []

"""The `current` dataset equals a fold of the packages, document by document, however compaction cuts the log."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lake_world import (
    ITEM,
    TABLES,
    TAX,
    VOUCHER,
    Document,
    Gone,
    Met,
    Patch,
    Refused,
    Row,
    Seen,
    World,
    at,
    contract,
    naive,
    read_table,
    stored_rows,
)

from federation.lake.current import Current, read_current
from federation.lake.errors import CompactionFailed, DamagedLog
from federation.lake.manifest import DocTypeState, OpenWalk, Position
from federation.lake.place import LakePlace
from federation.lake.storage import LakeFolder, open_lake

OWN, OF_CHILD = ("title", "amount"), ("item", "qty")


@dataclass(frozen=True)
class Delivery:
    """What one package brings."""

    seen: tuple[Seen, ...]
    tables: tuple[str, ...] = TABLES
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)


Version = tuple[int, int, bool]


@dataclass
class Folded:
    """The reference: what is known of documents after some packages, one after the other, in plain Python."""

    heads: dict[str, Version] = field(default_factory=dict)
    rows: dict[str, dict[str, object]] = field(default_factory=dict)
    children: dict[tuple[str, str], list[dict[str, object]]] = field(default_factory=dict)
    refused: dict[str, tuple[Version, Refused]] = field(default_factory=dict)

    def take(self, delivery: Delivery, seq: int) -> None:
        settled: dict[str, tuple[Version, Document | Gone]] = {}
        gone: dict[str, Version] = {}
        for seen in delivery.seen:
            version = (seen.tick, seq, isinstance(seen, Gone))
            if isinstance(seen, Refused):
                if seen.name not in self.refused or version > self.refused[seen.name][0]:
                    self.refused[seen.name] = (version, seen)
                continue
            if isinstance(seen, Gone):
                gone[seen.name] = max(version, gone.get(seen.name, version))
            if seen.name not in settled or version > settled[seen.name][0]:
                settled[seen.name] = (version, seen)
        for name, (version, seen) in settled.items():
            known = self.heads.get(name)
            if known is None or version > known:
                keeps = known is not None and not (name in gone and gone[name] > known)
                self.heads[name] = version
                self._apply(delivery, seen, keeps=keeps)

    def _apply(self, delivery: Delivery, seen: Document | Gone, *, keeps: bool) -> None:
        stored = self.rows.pop(seen.name, {})
        before = stored if keeps else {}
        children = {table: self.children.pop((table, seen.name), []) for table in (ITEM, TAX)}
        if isinstance(seen, Gone):
            return
        carried = delivery.columns.get(VOUCHER, OWN)
        self.rows[seen.name] = {
            "satellite": "north", "name": seen.name, "observed": naive(seen.tick),
            **{column: seen.cells.get(column) if column in carried else before.get(column) for column in OWN},
        }  # fmt: skip
        for table, stored in children.items():
            old = stored if keeps else []
            self.children[table, seen.name] = (
                self._child_rows(delivery, seen, table, old) if table in delivery.tables else old
            )

    @staticmethod
    def _child_rows(delivery: Delivery, seen: Document, table: str, old: Sequence[Row]) -> list[dict[str, object]]:
        by_name = {row["name"]: row for row in old}
        carried = delivery.columns.get(table, OF_CHILD)
        return [
            {
                "satellite": "north", "name": row["name"], "observed": naive(seen.tick), "parent": seen.name,
                **{column: row.get(column) if column in carried else by_name.get(row["name"], {}).get(column)
                   for column in OF_CHILD},
            }
            for row in seen.children.get(table, ())
        ]  # fmt: skip

    def table(self, table: str) -> list[dict[str, object]]:
        if table == VOUCHER:
            rows = list(self.rows.values())
        else:
            rows = [row for (of, _), owned in self.children.items() if of == table for row in owned]
        return sorted(rows, key=lambda row: str(row["name"]))

    def standing(self) -> list[tuple[object, ...]]:
        return sorted(
            (name, naive(seen.tick), version[1])
            for name, (version, seen) in self.refused.items()
            if name not in self.heads or version > self.heads[name]
            for _ in range(seen.cells)
        )


def assert_equal(folder: LakeFolder, current: Current, expected: Folded) -> None:
    for table in TABLES:
        never_carried = dict.fromkeys(OWN if table == VOUCHER else OF_CHILD)
        assert [never_carried | row for row in stored_rows(folder, current, table)] == expected.table(table)
    heads = stored_rows(folder, current, VOUCHER, "heads")
    assert {row["name"]: (row["observed"], row["seq"], row["absent"]) for row in heads} == {
        name: (naive(tick), seq, absent) for name, (tick, seq, absent) in expected.heads.items()
    }
    refused = stored_rows(folder, current, VOUCHER, "quarantine")
    assert sorted((row["name"], row["observed"], row["seq"]) for row in refused) == expected.standing()


NAMES = st.sampled_from(["V-1", "v-1", "V'3\""])


def children_of(name: str, tick: int) -> st.SearchStrategy[dict[str, list[Row]]]:
    """Child rows: new names at each version, and one that stays for good."""

    def rows(table: str) -> st.SearchStrategy[list[Row]]:
        fresh = st.integers(0, 2).map(
            lambda count: [{"name": f"{name}/{table}/{tick}/{number}", "qty": tick} for number in range(count)]
        )
        stays: Row = {"name": f"{name}/{table}/stays", "item": f"item at {tick}", "qty": tick}
        return fresh.map(lambda rows: [*rows, stays])

    return st.fixed_dictionaries({ITEM: rows(ITEM), TAX: rows(TAX)})


@st.composite
def seen_at(draw: st.DrawFn, tick: int) -> Seen:
    name = draw(NAMES)
    kind = draw(st.sampled_from(["document", "document", "document", "gone", "refused"]))
    if kind == "gone":
        return Gone(name, tick)
    if kind == "refused":
        return Refused(name, tick, cells=draw(st.integers(1, 2)))
    return Document(name, tick, {"title": f"{name} at {tick}", "amount": tick}, draw(children_of(name, tick)))


def unique(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """One request tells a name once."""
    return tuple({(each.name, each.tick): each for each in seen}.values())


@st.composite
def deliveries_in_any_order(draw: st.DrawFn) -> list[Delivery]:
    """Packages with all columns whose observations are in no order, and partly at the same instant."""
    one = st.integers(1, 9).flatmap(seen_at)
    return [Delivery(unique(draw(st.lists(one, min_size=1, max_size=5)))) for _ in range(draw(st.integers(1, 5)))]


@st.composite
def deliveries_of_some_columns(draw: st.DrawFn) -> list[Delivery]:
    """Packages in the order of their observations, each with the columns and child tables that the site gave."""
    tick = 0
    deliveries = []
    for _ in range(draw(st.integers(1, 5))):
        seen = []
        for _ in range(draw(st.integers(1, 4))):
            tick += 1
            seen.append(draw(seen_at(tick)))
        tables = (VOUCHER, *(table for table in (ITEM, TAX) if draw(st.booleans())))
        columns = {
            table: tuple(column for column in (OWN if table == VOUCHER else OF_CHILD) if draw(st.booleans()))
            for table in tables
            if draw(st.booleans())
        }
        deliveries.append(Delivery(tuple(seen), tables, columns))
    return deliveries


def check_fold(deliveries: Sequence[Delivery], cuts: Sequence[bool]) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(open_lake(LakePlace(place), "north"))
        expected = Folded()
        for delivery, cut in zip(deliveries, cuts, strict=False):
            manifest = world.commit(*delivery.seen, tables=delivery.tables, columns=delivery.columns)
            expected.take(delivery, manifest.seq)
            if cut:
                assert_equal(world.folder, world.compact(), expected)
        assert_equal(world.folder, world.compact(), expected)


CUTS = st.lists(st.booleans(), min_size=5, max_size=5)


@settings(max_examples=30, deadline=None)
@given(deliveries_in_any_order(), CUTS)
def test_packages_in_any_order_fold_to_the_newest_versions_wherever_they_are_cut(
    deliveries: list[Delivery], cuts: list[bool]
) -> None:
    check_fold(deliveries, cuts)


@settings(max_examples=30, deadline=None)
@given(deliveries_of_some_columns(), CUTS)
def test_packages_with_some_of_the_columns_fold_to_the_same_wherever_they_are_cut(
    deliveries: list[Delivery], cuts: list[bool]
) -> None:
    check_fold(deliveries, cuts)


@settings(max_examples=20, deadline=None)
@given(deliveries_in_any_order(), CUTS, st.randoms(use_true_random=False))
def test_walks_that_complete_in_any_order_end_in_the_same_dataset(
    deliveries: list[Delivery], cuts: list[bool], random: Random
) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(open_lake(LakePlace(place), "north"))
        expected = Folded()
        for number, delivery in enumerate(deliveries):
            manifest = world.commit(*delivery.seen, walk=f"w{number}", complete=False)
            expected.take(delivery, manifest.seq)
        order = list(range(len(deliveries)))
        random.shuffle(order)
        for number, cut in zip(order, cuts, strict=False):
            world.run.commit(completed=[world.completed(f"w{number}")])
            if cut:
                world.compact()
        assert_equal(world.folder, world.compact(), expected)


ONE = Document("V-1", 1, {"title": "one", "amount": 1}, {ITEM: [{"name": "i1", "item": "pen", "qty": 1}]})


def titles(world: World, current: Current) -> list[object]:
    return [row["title"] for row in stored_rows(world.folder, current, VOUCHER)]


def test_a_doctype_without_packages_has_an_empty_dataset_that_reaches_the_log(world: World) -> None:
    assert world.compact() == Current(VOUCHER, seq=1)
    assert read_current(world.folder, VOUCHER) == Current(VOUCHER, seq=1)


def test_documents_of_a_walk_under_way_wait_for_its_end(world: World) -> None:
    walking = DocTypeState(open=OpenWalk("w", Position("x"), at(0)))
    world.commit(ONE, walk="w", complete=False, state=walking)
    world.commit(Document("V-2", 2, {"title": "two"}), walk="quick", state=walking)
    assert titles(world, current := world.compact()) == ["two"]
    assert current.seq == 1
    world.run.close()
    assert world.compact().seq == 1
    world.open()
    world.commit(Document("V-3", 3, {"title": "three"}), walk="w")
    world.run.close()
    assert titles(world, current := world.compact()) == ["one", "two", "three"]
    assert current.seq == 7


def test_a_walk_that_was_given_up_counts_for_nothing_and_holds_nothing_back(world: World) -> None:
    world.commit(ONE, walk="given up", complete=False)
    world.run.close()
    world.open()
    world.commit(Document("V-2", 2, {"title": "two"}))
    world.run.close()
    assert titles(world, current := world.compact()) == ["two"]
    assert current.seq == 6


def test_a_name_that_is_used_again_inherits_nothing(world: World) -> None:
    world.commit(ONE)
    world.compact()
    world.commit(Gone("V-1", 2))
    world.commit(Document("V-1", 3, {"title": "again"}), tables=(VOUCHER,), columns={VOUCHER: ["title"]})
    current = world.compact()
    assert [(row["title"], row["amount"]) for row in stored_rows(world.folder, current, VOUCHER)] == [("again", None)]
    assert stored_rows(world.folder, current, ITEM) == []


def test_of_two_packages_that_saw_a_document_at_one_instant_the_later_commit_counts(world: World) -> None:
    for title in ("first", "second"):
        world.commit(Document("V-1", 1, {"title": title}))
    assert titles(world, world.compact()) == ["second"]
    world.commit(Document("V-1", 1, {"title": "third"}))
    assert titles(world, world.compact()) == ["third"]


def test_a_child_row_that_moved_belongs_to_the_document_seen_later(world: World) -> None:
    world.commit(ONE)
    world.compact()
    world.commit(Document("V-2", 2, {"title": "two"}, {ITEM: [{"name": "i1", "item": "pen"}]}))
    assert [row["parent"] for row in stored_rows(world.folder, world.compact(), ITEM)] == ["V-2"]


def test_types_that_widened_since_hold_what_older_packages_brought(world: World) -> None:
    world.commit(ONE)
    world.compact()
    world.commit(Document("V-2", 2, {"title": "two", "amount": 2}))
    world.contract = contract({"title": pa.string(), "amount": pa.string()})
    world.commit(Document("V-3", 3, {"title": "three", "amount": "3 or so"}))
    assert [row["amount"] for row in stored_rows(world.folder, world.compact(), VOUCHER)] == ["1", "2", "3 or so"]


def test_a_column_that_the_contract_gave_up_leaves_the_dataset_at_once(world: World) -> None:
    world.commit(ONE)
    world.compact()
    world.contract = contract({"title": pa.string()})
    (row,) = stored_rows(world.folder, world.compact(), VOUCHER)
    assert row.keys() == {"satellite", "name", "observed", "title"}


def test_columns_named_like_ours_are_data(world: World) -> None:
    names = ["version", "filename", "file_index", "absent", "anew", "seq", "stored", 'a"b', ":v"]
    world.contract = contract(
        dict.fromkeys(names, pa.string()), {**dict.fromkeys(names, pa.string()), "rows": pa.int64()}
    )
    cells = dict.fromkeys(names, "999999999")
    for tick in (1, 2):
        world.commit(Document("V-1", tick, cells, {ITEM: [{"name": "i1", **cells, "rows": tick}]}))
        current = world.compact()
        (row,), (item,) = (stored_rows(world.folder, current, table) for table in (VOUCHER, ITEM))
        assert {name: row[name] for name in names} == {name: item[name] for name in names} == cells
        assert (row["observed"], item["rows"]) == (naive(tick), tick)


def test_a_dataset_of_an_older_version_is_removed_when_the_next_is_published(world: World) -> None:
    for tick in (1, 2, 3):
        world.commit(Document("V-1", tick, {"title": str(tick)}))
        current = world.compact()
    slug = current.files[0].path.split("/")[1]
    assert set(world.folder.files(f"current/{slug}")) == {
        f"current/{slug}/manifest.json",
        *(file.path for file in current.files),
    }


def test_nothing_new_writes_no_data_again(world: World) -> None:
    world.commit(ONE)
    before = world.compact()
    world.run.close()
    after = world.compact()
    assert (after.files, after.seq) == (before.files, before.seq + 1)


def test_a_damaged_package_leaves_the_dataset_as_it_was(world: World) -> None:
    world.commit(ONE)
    before = world.compact()
    manifest = world.commit(Document("V-2", 2, {"title": "two"}))
    world.folder.write(manifest.packages[0].files[0].path, b"PAR1 no more")
    with pytest.raises(CompactionFailed, match="north: the current dataset of Voucher was not made anew"):
        world.compact()
    assert read_current(world.folder, VOUCHER) == before
    assert titles(world, before) == ["one"]
    assert len(world.folder.names(before.files[0].path.rsplit("/", 2)[0])) == 2


def test_a_compaction_that_was_killed_is_repeated_and_cleaned_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.commit(ONE)
    before = world.compact()
    world.commit(Document("V-2", 2, {"title": "two"}))
    with monkeypatch.context() as dying:
        dying.setattr(LakeFolder, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            world.compact()
    assert titles(world, read_current(world.folder, VOUCHER)) == titles(world, before) == ["one"]
    world.run.close()
    world.open()
    world.commit(Gone("V-9", 3))
    current = world.compact()
    assert titles(world, current) == ["one", "two"]
    assert len(world.folder.names(current.files[0].path.rsplit("/", 2)[0])) == 2


def test_a_manifest_of_the_dataset_that_is_garbage_is_named(world: World) -> None:
    world.commit(ONE)
    slug = world.compact().files[0].path.split("/")[1]
    world.folder.write(f"current/{slug}/manifest.json", b"{")
    with pytest.raises(DamagedLog, match=rf"current/{slug}/manifest\.json is not a manifest"):
        world.compact()


def test_large_tables_are_compacted_in_several_batches(local: LakeFolder) -> None:
    world = World(local)
    count = 150_000
    rows = pa.table(
        {
            "satellite": pa.repeat("north", count),
            "name": [f"V-{number:06d}" for number in range(count)],
            "observed": pa.repeat(pa.scalar(naive(1), pa.timestamp("us")), count),
            "title": pa.nulls(count, pa.string()),
            "amount": pa.array(range(count)),
        }
    )
    writer = world.writer(tables=[VOUCHER])
    writer.append({VOUCHER: rows})
    package = writer.finish()
    assert package is not None
    world.run.commit(packages=[package], completed=[world.completed("walk")])
    world.compact()
    world.commit(Document("V-000007", 2, {"amount": -1}))
    current = world.compact()
    path = next(file.path for file in current.files if (file.table, file.kind) == (VOUCHER, "rows"))
    stored = read_table(local, path)
    assert stored.num_rows == count
    assert sum(stored.column("amount").to_pylist()) == sum(range(count)) - 7 - 1


def test_tables_of_many_columns_are_compacted_too(local: LakeFolder) -> None:
    world = World(local)
    columns = {f"column_{number}": pa.string() for number in range(300)}
    world.contract = contract(columns)
    count = 10_000
    cells = pa.array([f"{number} in a cell of some length" for number in range(count)])
    rows = {
        "satellite": pa.repeat("north", count),
        "name": pa.array([f"V-{number:06d}" for number in range(count)]),
    }
    for tick in (1, 2):
        instants = pa.repeat(pa.scalar(naive(tick), pa.timestamp("us")), count)
        writer = world.writer(tables=[VOUCHER])
        writer.append({VOUCHER: pa.table({**rows, "observed": instants, **dict.fromkeys(columns, cells)})})
        package = writer.finish()
        assert package is not None
        world.run.commit(packages=[package], completed=[world.completed("walk")])
        current = world.compact()
        assert {file.kind: file.rows for file in current.files} == {"heads": count, "rows": count}


def paths(current: Current) -> dict[tuple[str, str], str]:
    return {(file.kind, file.table): file.path for file in current.files}


def test_documents_found_as_known_rewrite_nothing_but_the_heads(world: World) -> None:
    world.commit(Document("V-1", 1, {"title": "one"}), Document("V-2", 4, {"title": "two"}))
    before = world.compact()
    world.commit(Met("V-1", 3), Met("V-1", 2), Met("V-2", 3), Met("stranger", 3))
    after = world.compact()
    changed = {key for key, path in paths(after).items() if paths(before)[key] != path}
    assert changed == {("heads", VOUCHER)}
    heads = stored_rows(world.folder, after, VOUCHER, "heads")
    assert [(row["name"], row["observed"], row["seen"]) for row in heads] == [
        ("V-1", naive(1), naive(3)),
        ("V-2", naive(4), None),
    ]
    world.commit(Document("V-1", 9, {"title": "one"}))
    assert [row["seen"] for row in stored_rows(world.folder, world.compact(), VOUCHER, "heads")] == [None, None]
    assert set(world.folder.files("current")) == {file.path for file in world.compact().files} | {
        path for path in world.folder.files("current") if path.endswith("manifest.json")
    }


def test_a_patch_sets_columns_where_the_row_is_as_it_was_read_and_makes_no_row(world: World) -> None:
    instants = {"modified": pa.timestamp("us")}
    own, of_child = {"title": pa.string(), "amount": pa.int64()}, {"item": pa.string(), "qty": pa.int64()}
    world.contract = contract({**own, **instants}, {**of_child, **instants})
    row = {"name": "i1", "modified": naive(1), "item": "nut"}
    world.commit(
        Document("V-1", 1, {"title": "one", "modified": naive(1)}, {ITEM: [row]}),
        Document("V-2", 5, {"title": "two", "modified": naive(5)}),
        columns={VOUCHER: ["title", "modified"], ITEM: ["item", "modified"]},
    )
    world.compact()
    patches = [Patch("V-1", 6, 1, {"amount": 7}), Patch("V-2", 4, 5, {"amount": 7}), Patch("V-3", 6, 1, {"amount": 7})]
    items = [Patch("i1", 6, 1, {"qty": 3}, ITEM, parent="V-1"), Patch("i1", 6, 1, {"qty": 4}, ITEM, parent="V-2")]
    assert world.patch(*patches, *items).packages[0].patched == 5
    current = world.compact()
    assert [(row["name"], row["amount"], row["observed"]) for row in stored_rows(world.folder, current, VOUCHER)] == [
        ("V-1", 7, naive(1)),
        ("V-2", None, naive(5)),
    ]
    assert [(row["name"], row["item"], row["qty"]) for row in stored_rows(world.folder, current, ITEM)] == [
        ("i1", "nut", 3)
    ]
    assert world.compact() == current

"""Known documents: what was read again and is the same in every column is told from what changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence

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
    World,
    at,
    contract,
    naive,
    rows_of,
)

from federation.lake import known as known_module
from federation.lake.known import KnownDocuments
from federation.lake.log import CommitLog
from federation.lake.manifest import DocTypeState, OpenWalk, Position
from federation.lake.place import LakePlace
from federation.lake.storage import open_lake

ONE = Document("V-1", 1, {"title": "one", "amount": 1}, {ITEM: [{"name": "i1", "item": "nut", "qty": 2}]})
TWO = Document("V-2", 1, {"title": "two"}, {TAX: [{"name": "t1", "item": "vat"}, {"name": "t2", "item": "vat"}]})
WALKING = DocTypeState(open=OpenWalk("open", Position(), at(0)))


@pytest.fixture(autouse=True, scope="module", params=["few are asked", "many are asked"])
def asked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Documents are looked up by their names, or in an index of all."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(known_module, "_FEW", 10_000 if request.param == "few are asked" else 0)
        yield


def known_documents(world: World, walk: str = "mine") -> KnownDocuments:
    return KnownDocuments(world.folder, CommitLog(world.folder), VOUCHER, walk=walk)


def page(
    world: World, documents: Sequence[Document], columns: Mapping[str, Sequence[str]] | None = None
) -> dict[str, pa.Table]:
    return {table: rows_of(world.contract, table, documents, (columns or {}).get(table)) for table in TABLES}


def unchanged(world: World, *documents: Document, columns: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    with known_documents(world) as known:
        return sorted(known.unchanged(page(world, documents, columns)).to_pylist())


def later(document: Document, tick: int = 50, **cells: object) -> Document:
    return Document(document.name, tick, {**document.cells, **cells}, document.children)


@pytest.fixture(params=["compacted", "in packages"])
def settle(request: pytest.FixtureRequest, world: World) -> None:
    """Two documents are known, from the one place or the other."""
    world.commit(ONE, TWO)
    if request.param == "compacted":
        world.compact()


def test_where_nothing_is_known_everything_is_new(world: World) -> None:
    assert unchanged(world, ONE, TWO) == []
    with known_documents(world) as known:
        assert known.alive(["V-1"]) == set()
        assert known.differing(pa.table({"name": ["V-1"], "modified": pa.array([naive(1)])})) == ["V-1"]


@pytest.mark.usefixtures("settle")
def test_a_document_is_unchanged_only_with_all_its_cells_and_all_its_child_rows(world: World) -> None:
    assert unchanged(world, later(ONE), later(TWO)) == ["V-1", "V-2"]
    assert unchanged(world, later(ONE, title="other"), later(TWO)) == ["V-2"]
    assert unchanged(world, later(ONE, amount=None), later(TWO, amount=0)) == []
    fewer = Document("V-2", 50, TWO.cells, {TAX: TWO.children[TAX][:1]})
    more = Document("V-1", 50, ONE.cells, {**ONE.children, TAX: [{"name": "t9"}]})
    other = Document("V-1", 50, ONE.cells, {ITEM: [{"name": "i1", "item": "nut", "qty": 3}]})
    elsewhere = Document("V-1", 50, ONE.cells, {TAX: ONE.children[ITEM]})
    for document in (fewer, more, other, elsewhere):
        assert unchanged(world, document) == [], document
    turned = Document("V-2", 50, TWO.cells, {TAX: TWO.children[TAX][::-1]})
    assert unchanged(world, turned) == ["V-2"]


@pytest.mark.usefixtures("settle")
def test_a_document_that_comes_twice_in_a_page_is_not_unchanged(world: World) -> None:
    assert unchanged(world, later(ONE), later(ONE), later(TWO)) == ["V-2"]


@pytest.mark.usefixtures("settle")
def test_an_absence_and_a_refusal_make_a_document_new(world: World) -> None:
    world.commit(Gone("V-1", 5), Refused("V-2", 5))
    assert unchanged(world, later(ONE), later(TWO)) == []
    world.compact()
    assert unchanged(world, later(ONE), later(TWO)) == []
    with known_documents(world) as known:
        assert known.alive(["V-1", "V-2", "V-3"]) == {"V-2"}


@pytest.mark.usefixtures("settle")
def test_what_another_open_walk_brought_makes_a_document_new_and_what_this_one_brought_known(world: World) -> None:
    newer = later(ONE, 9, title="newer")
    world.commit(newer, walk="open", complete=False, state=WALKING)
    assert unchanged(world, later(ONE), later(newer), later(TWO)) == ["V-2"]
    with known_documents(world, walk="open") as known:
        assert sorted(known.unchanged(page(world, [later(newer), later(TWO)])).to_pylist()) == ["V-1", "V-2"]
        assert known.unchanged(page(world, [later(ONE)])).to_pylist() == []


@pytest.mark.usefixtures("settle")
def test_a_column_that_was_never_read_makes_a_document_new_and_one_not_read_now_says_nothing(world: World) -> None:
    world.commit(later(ONE, 9), columns={VOUCHER: ["title"]})
    assert unchanged(world, later(ONE), later(TWO)) == ["V-2"]
    assert unchanged(world, later(ONE), later(TWO), columns={VOUCHER: ["title"], ITEM: ["item"]}) == ["V-1", "V-2"]


@pytest.mark.usefixtures("settle")
def test_a_child_table_that_was_not_read_makes_a_document_new(world: World) -> None:
    world.commit(later(TWO, 9), tables=(VOUCHER, ITEM))
    assert unchanged(world, later(ONE), later(TWO)) == ["V-1"]


@pytest.mark.usefixtures("settle")
def test_a_type_that_was_widened_since_changes_no_document(world: World) -> None:
    world.contract = contract({"title": pa.string(), "amount": pa.decimal128(38, 9)})
    assert unchanged(world, later(ONE), later(TWO)) == ["V-1", "V-2"]
    world.contract = contract({"title": pa.int64(), "amount": pa.int64()})
    assert unchanged(world, Document("V-2", 50, {"title": None}, TWO.children)) == []


@pytest.mark.usefixtures("settle")
def test_what_the_walk_commits_is_known_after_a_refresh(world: World) -> None:
    newer, three = later(ONE, 9, title="newer"), Document("V-3", 9, {"title": "three"})
    with known_documents(world, walk="open") as known:
        assert known.unchanged(page(world, [later(ONE), newer])).to_pylist() == []
        assert known.unchanged(page(world, [newer, three])).to_pylist() == []
        world.commit(newer, three, Gone("V-2", 9), walk="open", complete=False, state=WALKING)
        known.refresh()
        again = [later(newer), later(three), later(TWO)]
        assert sorted(known.unchanged(page(world, again)).to_pylist()) == ["V-1", "V-3"]
        assert known.unchanged(page(world, [later(ONE)])).to_pylist() == []
        assert known.alive(["V-1", "V-2", "V-3"]) == {"V-1", "V-3"}


def test_a_patch_after_the_version_makes_a_document_new_until_it_is_folded_in(world: World) -> None:
    world.contract = contract({"title": pa.string(), "amount": pa.int64(), "modified": pa.timestamp("us")})
    world.commit(Document("V-1", 1, {"title": "one", "modified": naive(1)}), Document("V-2", 1, {"title": "two"}))
    world.patch(Patch("V-1", 3, 1, {"amount": 5}))
    patched = Document("V-1", 50, {"title": "one", "amount": 5, "modified": naive(1)})
    assert unchanged(world, patched, Document("V-2", 50, {"title": "two"})) == ["V-2"]
    assert unchanged(world, patched, columns={VOUCHER: ["title", "modified"]}) == ["V-1"]
    world.compact()
    assert unchanged(world, patched) == ["V-1"]


def test_documents_whose_modified_is_another_one_differ(world: World) -> None:
    world.contract = contract({"title": pa.string(), "modified": pa.timestamp("us")})
    world.commit(*(Document(name, 1, {"modified": naive(1)}) for name in "abc"), Refused("d", 1))
    world.compact()
    world.commit(Gone("c", 2))
    heads = pa.table({"name": list("abcde"), "modified": pa.array([naive(1), naive(2), *[naive(1)] * 3])})
    with known_documents(world) as known:
        assert known.differing(heads) == ["b", "c", "d", "e"]


CELLS = st.fixed_dictionaries({"title": st.sampled_from([None, "", "x", "y"]), "amount": st.sampled_from([None, 0, 1])})
ROWS = st.lists(st.sampled_from(["r1", "r2"]), unique=True).map(sorted)
STATES = st.tuples(CELLS, ROWS, ROWS)


def document(name: str, tick: int, state: tuple[dict[str, object], list[str], list[str]]) -> Document:
    cells, items, taxes = state
    children = {
        table: [{"name": f"{name}-{table}-{row}", "item": row} for row in rows]
        for table, rows in ((ITEM, items), (TAX, taxes))
    }
    return Document(name, tick, cells, children)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_unchanged_is_what_equals_the_newest_known_version(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(open_lake(LakePlace(place), "north"))
        newest: dict[str, Document | Gone | Refused] = {}
        for tick in range(1, data.draw(st.integers(1, 5)) + 1):
            told: list[Document | Gone | Refused | Met] = []
            for name in data.draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=1)):
                kind = data.draw(st.sampled_from(["document", "document", "document", "gone", "refused"]))
                made = {"gone": Gone(name, tick), "refused": Refused(name, tick)}.get(kind)
                newest[name] = made or document(name, tick, data.draw(STATES))
                told.append(newest[name])
            world.commit(*told)
            if data.draw(st.booleans()):
                world.compact()
        asked = []
        for name in "abcd":
            known = newest.get(name)
            if isinstance(known, Document) and data.draw(st.booleans()):
                asked.append(later(known, 90))
            else:
                asked.append(document(name, 90, data.draw(STATES)))
        expected = [
            each.name
            for each in asked
            if isinstance(known := newest.get(each.name), Document)
            and (known.cells, known.children) == (each.cells, each.children)
        ]
        assert unchanged(world, *asked) == expected

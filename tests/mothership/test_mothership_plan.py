"""Plan: which packages are merged, in which order, and how far a log is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from mothership_sites import at

from federation.lake.history import History
from federation.lake.manifest import (
    CompletedWalk,
    DocTypeState,
    FileKind,
    Manifest,
    OpenWalk,
    Package,
    PackageFile,
    Position,
)
from federation.lake.packages import TOMBSTONE_SCHEMA
from federation.mothership.package_files import ReadyFile, ReadyPackage
from federation.mothership.plan import GROUP_ROWS, groups, plan, settled

DOCTYPES = ["A", "B"]


def package(number: int, doctype: str, walk: str, kind: FileKind = "rows") -> Package:
    files = (PackageFile(f"{number}.parquet", doctype, kind, 10, 1, ""),)
    return Package(f"run{number}/{doctype}/1", doctype, walk, 10, 0, 0, files, at(number), at(number))


def manifest(
    seq: int, packages: Sequence[Package], completed: Sequence[CompletedWalk], states: Mapping[str, DocTypeState]
) -> Manifest:
    return Manifest(
        seq=seq,
        satellite="north",
        source="rest",
        run_id=f"run{seq}",
        stage="closing",
        written_at=at(seq),
        opened=seq,
        packages=tuple(packages),
        completed=tuple(completed),
        doctypes=dict(states),
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Manifest]:
    """A log in which each DocType's walks follow one another: begun, gone on with, completed or given up."""
    states = {doctype: DocTypeState() for doctype in DOCTYPES}
    manifests = []
    for seq in range(1, draw(st.integers(1, 12)) + 1):
        doctype = draw(st.sampled_from(DOCTYPES))
        walk = states[doctype].open
        if walk is None or draw(st.integers(0, 5)) == 0:
            walk = OpenWalk(f"{doctype}-walk-{seq}", Position(), at(seq))
        packages = tuple(package(seq, doctype, walk.id) for _ in range(draw(st.integers(0, 1))))
        ends = draw(st.booleans())
        states[doctype] = DocTypeState(
            open=None if ends else walk, through=at(seq) if ends else states[doctype].through
        )
        completed = (CompletedWalk(walk.id, doctype, "changes", at(seq)),) if ends else ()
        manifests.append(manifest(seq, packages, completed, states))
    return manifests


def history(manifests: list[Manifest], after: int = 0) -> History:
    return History(after).followed_by(manifest for manifest in manifests if manifest.seq > after)


def due(manifests: list[Manifest]) -> set[str]:
    complete = {walk.id for manifest in manifests for walk in manifest.completed}
    return {one.id for manifest in manifests for one in manifest.packages if one.walk in complete}


@given(logs(), st.data())
def test_every_package_of_a_complete_walk_is_merged_once_wherever_merges_fall(
    manifests: list[Manifest], data: st.DataObject
) -> None:
    merged: list[str] = []
    cursor = 0
    for end in range(1, len(manifests) + 1):
        if end < len(manifests) and data.draw(st.booleans(), label="merge later"):
            continue
        known = history(manifests[:end], cursor)
        for one in plan(known, merged):
            merged += [committed.package.id for committed in one.packages]
        assert set(merged) == due(manifests[:end])
        reached = settled(known, merged)
        assert reached >= cursor
        cursor = reached
    assert len(merged) == len(set(merged))


@given(logs(), st.integers(0, 5))
def test_a_package_that_failed_to_merge_holds_the_cursor_back(manifests: list[Manifest], number: int) -> None:
    known = history(manifests)
    pending = sorted(due(manifests))
    failed = pending[number : number + 1]
    reached = settled(known, set(pending) - set(failed))
    for manifest in manifests:
        if any(one.id in failed for one in manifest.packages):
            assert reached < manifest.seq
    assert [
        one.package.id
        for each in plan(history(manifests, reached), set(pending) - set(failed))
        for one in each.packages
    ] == failed


@given(logs())
def test_packages_are_merged_in_the_order_of_their_commits_and_a_doctype_is_as_fresh_as_its_last_walk(
    manifests: list[Manifest],
) -> None:
    for one in plan(history(manifests), ()):
        assert [committed.seq for committed in one.packages] == sorted(committed.seq for committed in one.packages)
        ended = [walk.through for manifest in manifests for walk in manifest.completed if walk.doctype == one.doctype]
        assert one.as_of == (max(ended) if ended else None)


def test_what_waits_for_its_walk_is_counted_and_what_was_given_up_is_not() -> None:
    state = DocTypeState(open=OpenWalk("new", Position(), at(0)), position=Position(pending=("x", "y")))
    packages = (package(1, "A", "given up"), package(2, "A", "new"))
    known = history([manifest(1, packages, (), {"A": state})])
    (one,) = plan(known, ())
    assert (one.packages, one.as_of, one.pending) == ((), None, 2)
    assert settled(known, ()) == 0


def test_a_package_that_only_tells_of_documents_found_as_known_is_nothing_to_merge() -> None:
    state = DocTypeState(through=at(1), compared=at(1))
    completed = (CompletedWalk("slice", "A", "full", at(1)),)
    known = history([manifest(1, (package(1, "A", "slice", "seen"),), completed, {"A": state})])
    (one,) = plan(known, ())
    assert (one.packages, one.as_of, one.compared_at) == ((), at(1), at(1))
    assert settled(known, ()) == 1


def test_patches_are_a_group_of_their_own_between_what_came_before_and_after() -> None:
    rows, patch = ReadyFile("", 5, pa.schema({"x": pa.string()})), ReadyFile("", 5, pa.schema({"y": pa.string()}))
    ready = [
        ReadyPackage(number, package(number, "A", "walk"), {"A": rows} if kind == "rows" else {}, None, None,
                     {"A": patch} if kind == "patch" else {})
        for number, kind in enumerate(["rows", "rows", "patch", "patch", "rows"])
    ]  # fmt: skip
    assert [[one.seq for one in group] for group in groups(ready)] == [[0, 1], [2], [3], [4]]


@given(st.lists(st.tuples(st.sampled_from(["", "x", "y"]), st.integers(1, GROUP_ROWS // 2)), max_size=12))
def test_groups_keep_the_order_share_their_columns_and_stay_small(packages: list[tuple[str, int]]) -> None:
    ready = [
        ReadyPackage(
            number,
            package(number, "A", "walk"),
            {"A": ReadyFile("", rows, pa.schema({columns: pa.string()}))} if columns else {},
            tombstones=None if columns else ReadyFile("", rows, TOMBSTONE_SCHEMA),
            quarantine=None,
        )
        for number, (columns, rows) in enumerate(packages)
    ]
    grouped = list(groups(ready))
    assert [one for group in grouped for one in group] == ready
    for group in grouped:
        assert len({one.coverage for one in group} - {()}) <= 1
        assert sum(one.rows for one in group) <= GROUP_ROWS
    for before, after in pairwise(grouped):
        columns = {one.coverage for one in (*before, after[0])} - {()}
        assert len(columns) > 1 or sum(one.rows for one in (*before, after[0])) > GROUP_ROWS

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from federation.lake.errors import CommitLost, DamagedLog
from federation.lake.log import CommitLog
from federation.lake.manifest import Manifest
from federation.lake.storage import LakeFolder

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def manifest(seq: int, run_id: str = "a", satellite: str = "north", source: str = "rest") -> Manifest:
    return Manifest(seq, satellite, source, run_id, "batch", NOW, opened=1)


def filled(folder: LakeFolder, upto: int) -> CommitLog:
    log = CommitLog(folder)
    for seq in range(1, upto + 1):
        log.append(manifest(seq))
    return log


def test_a_new_log_is_empty(folder: LakeFolder) -> None:
    assert CommitLog(folder).newest() is None
    assert list(CommitLog(folder).read()) == []


def test_commits_are_read_in_order_from_any_place(folder: LakeFolder) -> None:
    log = filled(folder, 12)
    assert log.newest() == manifest(12)
    assert [each.seq for each in log.read(after=9)] == [10, 11, 12]
    assert [each.seq for each in log.read(after=12)] == []


def test_a_commit_whose_place_is_taken_is_lost_and_named(folder: LakeFolder) -> None:
    log = filled(folder, 3)
    with pytest.raises(CommitLost, match=r"north: commit 3 of its rest log was taken by another run.*let only one"):
        log.append(manifest(3, run_id="b"))
    assert log.newest() == manifest(3)


def test_a_put_whose_answer_got_lost_may_be_repeated(folder: LakeFolder) -> None:
    log = filled(folder, 3)
    log.append(manifest(3))
    assert [each.seq for each in log.read()] == [1, 2, 3]


def test_sources_have_logs_of_their_own(folder: LakeFolder) -> None:
    filled(folder, 3)
    other = CommitLog(folder, "kafka")
    other.append(manifest(1, source="kafka"))
    assert (other.newest(), CommitLog(folder).newest()) == (manifest(1, source="kafka"), manifest(3))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not a manifest"),
        (b"\xff\xfe garbage", "is not a manifest"),
        (msgspec.json.encode(manifest(2))[:-20], "is not a manifest"),
        (b'{"seq": "two"}', "is not a manifest"),
        (msgspec.json.encode(manifest(7)), "is the manifest of another commit"),
        (msgspec.json.encode(manifest(2, satellite="south")), "is the manifest of another commit"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_named(folder: LakeFolder, content: bytes, why: str) -> None:
    log = filled(folder, 2)
    folder.write("log/rest/0000000002.json", content)
    for reading in (log.newest, lambda: list(log.read())):
        with pytest.raises(DamagedLog, match=rf"north: log/rest/0000000002\.json {why}.*Restore the file"):
            reading()


def test_a_manifest_that_still_holds_positions_of_the_feeds_is_read(folder: LakeFolder) -> None:
    older = msgspec.json.decode(msgspec.json.encode(manifest(1)))
    older["site"] |= {feed: {"modified": "2026-03-01", "name": "d", "pending": []} for feed in ("deleted", "renames")}
    folder.write("log/rest/0000000001.json", msgspec.json.encode(older))
    assert CommitLog(folder).newest() == manifest(1)


def test_a_missing_manifest_is_noticed(folder: LakeFolder) -> None:
    log = filled(folder, 4)
    folder.delete("log/rest/0000000003.json")
    with pytest.raises(DamagedLog, match=r"0000000003\.json is missing"):
        list(log.read(after=1))


def test_strangers_among_the_manifests_are_no_commits(folder: LakeFolder) -> None:
    log = filled(folder, 1)
    folder.write("log/rest/notes.txt", b"hello")
    folder.write("log/rest/00000002.json", b"hello")
    assert log.newest() == manifest(1)

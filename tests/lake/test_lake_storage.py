from __future__ import annotations

import errno
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from federation.lake.errors import AlreadyExists, LakeError, LakeUnavailable, NotOnLake
from federation.lake.place import LakePlace
from federation.lake.storage import LakeFolder, open_lake


def test_a_file_is_created_once_and_keeps_its_first_content(folder: LakeFolder) -> None:
    folder.create("log/rest/1.json", b"first")
    with pytest.raises(AlreadyExists, match=r"north/log/rest/1\.json"):
        folder.create("log/rest/1.json", b"second")
    assert folder.read("log/rest/1.json") == b"first"


def test_of_many_that_create_the_same_file_one_succeeds(local: LakeFolder) -> None:
    def attempt(number: int) -> int | None:
        try:
            local.create("log/rest/1.json", str(number).encode())
        except AlreadyExists:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(attempt, range(64)) if number is not None]
    assert [str(number).encode() for number in winners] == [local.read("log/rest/1.json")]


def test_writing_replaces_the_whole_content(folder: LakeFolder) -> None:
    folder.write("current/manifest.json", b"a long first content")
    folder.write("current/manifest.json", b"short")
    assert folder.read("current/manifest.json") == b"short"


def test_names_are_sorted_and_a_missing_folder_has_none(folder: LakeFolder) -> None:
    assert folder.names("log/rest") == []
    for name in ("b.json", "a.json", "c/d.json"):
        folder.write(f"log/rest/{name}", b"x")
    assert folder.names("log/rest") == ["a.json", "b.json", "c"]
    assert folder.files("log") == ["log/rest/a.json", "log/rest/b.json", "log/rest/c/d.json"]
    assert folder.files("runs") == []


def test_what_is_not_there_is_named(folder: LakeFolder) -> None:
    with pytest.raises(NotOnLake, match=r"north/schema/abc\.json"):
        folder.read("schema/abc.json")


def test_deleting_takes_folders_and_forgives_what_is_gone(folder: LakeFolder) -> None:
    folder.write("runs/a/b/c.parquet", b"x")
    folder.delete("runs/a")
    folder.delete("runs/a")
    assert folder.files("runs") == []


def test_an_output_is_hashed_and_counted_and_discarded_without_a_trace(folder: LakeFolder) -> None:
    kept, dropped = folder.open_output("runs/a/kept.parquet"), folder.open_output("runs/a/dropped.parquet")
    for output in (kept, dropped):
        output.write(b"some ")
        output.write(memoryview(b"bytes"))
    kept.close()
    dropped.discard()
    assert folder.files("runs") == ["runs/a/kept.parquet"]
    assert folder.read("runs/a/kept.parquet") == b"some bytes"
    assert (kept.size, kept.sha256) == (10, hashlib.sha256(b"some bytes").hexdigest())


def test_a_package_file_is_never_written_twice(local: LakeFolder) -> None:
    local.open_output("runs/a/1.parquet").close()
    with pytest.raises(AlreadyExists):
        local.open_output("runs/a/1.parquet")


@pytest.mark.parametrize(
    "path", ["../south/log", "/etc/passwd", "log//rest", "log/..", "", "log/.hidden", "a\nb", "a\\b"]
)
def test_a_path_that_could_leave_the_folder_is_refused(folder: LakeFolder, path: str) -> None:
    with pytest.raises(LakeError, match="can't be part of a path"):
        folder.read(path)


@pytest.mark.parametrize("satellite", ["..", "", "north/south", ".partial"])
def test_a_satellite_whose_name_is_no_folder_is_refused(tmp_path: Path, satellite: str) -> None:
    with pytest.raises(LakeError, match="can't be part of a path"):
        open_lake(LakePlace(str(tmp_path)), satellite)


def test_a_file_system_that_fails_is_explained(tmp_path: Path) -> None:
    (tmp_path / "north").write_bytes(b"a file where the folder should be")
    folder = open_lake(LakePlace(str(tmp_path)), "north")
    for failing in (lambda: folder.write("log/1.json", b"x"), lambda: folder.create("log/1.json", b"x")):
        with pytest.raises(LakeUnavailable, match=r"could not write north/log/1\.json.*Check that"):
            failing()


class StoreWithoutWords(MemoryFileSystem):
    """Tells a lost race as s3fs does: with EINVAL for «precondition failed»."""

    protocol = "wordless"
    store: ClassVar[dict[str, object]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: object) -> None:
        if mode == "create" and self.exists(path):
            raise OSError(errno.EINVAL, "At least one of the pre-conditions you specified did not hold")
        super().pipe_file(path, value, mode=mode, **kwargs)


def test_a_lost_race_is_recognised_where_an_object_store_calls_it_an_invalid_argument() -> None:
    folder = LakeFolder(StoreWithoutWords(skip_instance_cache=True), "/lake", "north")
    folder.create("log/rest/1.json", b"first")
    with pytest.raises(AlreadyExists):
        folder.create("log/rest/1.json", b"second")


def test_partial_files_of_killed_writes_vanish_after_a_day_and_not_before(local: LakeFolder, tmp_path: Path) -> None:
    local.write("schema/a.json", b"x")
    partial = tmp_path / "north" / ".partial"
    for name, age in (("old", 90_000), ("young", 10)):
        (partial / name).write_bytes(b"half")
        os.utime(partial / name, (time.time() - age,) * 2)
    local.remove_partial_files()
    assert [path.name for path in partial.iterdir()] == ["young"]
    assert local.names("schema") == ["a.json"]


def test_no_option_of_the_file_system_shows_in_a_repr() -> None:
    folder = open_lake(LakePlace("memory://lake"), "north", {"token": "s3cret"})
    assert repr(folder) == "LakeFolder('north')"

"""Storage: one satellite's folder on the lake, on a local disk or on any fsspec file system, without renames."""

from __future__ import annotations

import hashlib
import io
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from federation.lake.errors import AlreadyExists, LakeError, LakeUnavailable, NotOnLake
from federation.lake.place import LakePlace

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}", re.ASCII)
_PARTIAL: Final = ".partial"
_PARTIAL_SECONDS: Final = 86_400
"""A partial file that is a day old belongs to a process that was killed within its write."""


class LakeFolder:
    """The folder of one satellite. All paths are relative to it, with forward slashes.

    Attributes:
        satellite: whose folder it is.
        filesystem: the fsspec file system below, for pyarrow and DuckDB.
        is_local: it is a file system of this machine, which DuckDB opens by itself.
    """

    def __init__(self, filesystem: AbstractFileSystem, root: str, satellite: str) -> None:
        self.satellite = satellite
        self.filesystem = filesystem
        self._root = f"{root.rstrip('/')}/{_checked(satellite)}"
        self.is_local = isinstance(filesystem, LocalFileSystem)

    def __repr__(self) -> str:
        return f"LakeFolder({self.satellite!r})"

    def uri(self, path: str) -> str:
        """Return `path` as DuckDB names it: a plain path on a local disk, else a URL of the file system."""
        full = self._full(path)
        return full if self.is_local else str(self.filesystem.unstrip_protocol(full))

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            NotOnLake: there is none.
            LakeUnavailable: the file system failed.
        """
        try:
            with _explained("read", self._place(path), FileNotFoundError):
                return bytes(self.filesystem.cat_file(self._full(path)))
        except FileNotFoundError:
            raise NotOnLake(self._place(path)) from None

    def exists(self, path: str) -> bool:
        """Return whether a file is there."""
        with _explained("look for", self._place(path)):
            return bool(self.filesystem.isfile(self._full(path)))

    def write(self, path: str, content: bytes) -> None:
        """Put a whole file, replacing what was there: readers see the old content or the new, never a part."""
        with _explained("write", self._place(path)):
            if self.is_local:
                with self._partial(content) as partial:
                    target = self._local(path)
                    partial.replace(target)
                    _sync_folder(target.parent)
            else:
                self.filesystem.pipe_file(self._full(path), content)

    def create(self, path: str, content: bytes) -> None:
        """Put a whole file where none is: of several that try, one succeeds, and its file appears whole.

        Raises:
            AlreadyExists: a file is there, possibly this one by an earlier try whose answer was lost.
            LakeUnavailable: the file system failed.
        """
        try:
            with _explained("write", self._place(path), FileExistsError):
                if self.is_local:
                    with self._partial(content) as partial:
                        target = self._local(path)
                        os.link(partial, target)
                        _sync_folder(target.parent)
                else:
                    self.filesystem.pipe_file(self._full(path), content, mode="create")
        except FileExistsError:
            raise AlreadyExists(self._place(path)) from None
        except LakeUnavailable:
            # Object stores tell a lost race in their own words: s3fs raises EINVAL for «precondition failed».
            if self.exists(path):
                raise AlreadyExists(self._place(path)) from None
            raise

    def names(self, folder: str) -> list[str]:
        """Return the names of the files and folders right below `folder`, sorted; none where it is not there."""
        full = self._full(folder)
        try:
            with _explained("list", self._place(folder), FileNotFoundError):
                self.filesystem.invalidate_cache(full)
                listed = self.filesystem.ls(full, detail=False)
        except FileNotFoundError:
            return []
        names = (str(entry).rstrip("/").rpartition("/")[2] for entry in listed)
        return sorted(name for name in names if _SEGMENT.fullmatch(name))

    def files(self, folder: str) -> list[str]:
        """Return the paths of all files below `folder`, at any depth, sorted; none where it is not there."""
        full = self._full(folder)
        try:
            with _explained("list", self._place(folder), FileNotFoundError):
                self.filesystem.invalidate_cache(full)
                found = self.filesystem.find(full)
        except FileNotFoundError:
            return []
        return sorted(str(entry)[len(self._root) + 1 :] for entry in found)

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it; what is not there is gone already."""
        try:
            with _explained("delete", self._place(path), FileNotFoundError):
                self.filesystem.rm(self._full(path), recursive=True)
        except FileNotFoundError:
            return

    def everything(self) -> list[str]:
        """Return the paths of all files of the satellite, those of writes that were killed included."""
        with _explained("list", self._place("")):
            self.filesystem.invalidate_cache(self._root)
            found = self.filesystem.find(self._root)
        return sorted(str(entry)[len(self._root) + 1 :] for entry in found)

    def open_input(self, path: str) -> BinaryIO:
        """Open a file for reading anywhere in it; the errors are those of the file system."""
        opened: BinaryIO = self.filesystem.open(self._full(path), "rb")
        return opened

    def open_output(self, path: str) -> LakeOutput:
        """Open a new file for writing in one pass; it is complete and safe once closed.

        Raises:
            AlreadyExists: on a local disk, where that can be told for nothing.
        """
        try:
            with _explained("write", self._place(path), FileExistsError):
                if self.is_local:
                    return LakeOutput(self, path, self._local(path).open("xb"))
                return LakeOutput(self, path, self.filesystem.open(self._full(path), "wb"))
        except FileExistsError:
            raise AlreadyExists(self._place(path)) from None

    def remove_partial_files(self, older_than: float = _PARTIAL_SECONDS) -> None:
        """Remove what processes left behind that were killed within `write` or `create` so many seconds ago."""
        if not self.is_local:
            return
        with _explained("clean", self._place(_PARTIAL)):
            oldest = time.time() - older_than
            for partial in Path(self._root, _PARTIAL).glob("*"):
                with suppress(FileNotFoundError):
                    if partial.stat().st_mtime <= oldest:
                        partial.unlink()

    def _full(self, path: str) -> str:
        return f"{self._root}/{'/'.join(_checked(segment) for segment in path.split('/'))}"

    def _local(self, path: str) -> Path:
        target = Path(self._full(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    @contextmanager
    def _partial(self, content: bytes) -> Iterator[Path]:
        """A file with all of `content`, safe on disk, on the same file system as its target."""
        partial = Path(self._root, _PARTIAL, uuid.uuid4().hex)
        partial.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield partial
        finally:
            partial.unlink(missing_ok=True)

    def _place(self, path: str) -> str:
        return f"{self.satellite}/{path}"


class LakeOutput(io.RawIOBase):
    """A file being written, counted and hashed on its way.

    Attributes:
        path: relative to the satellite's folder.
        size: bytes written so far.
    """

    def __init__(self, folder: LakeFolder, path: str, file: Any) -> None:  # noqa: ANN401 - fsspec's files share no type
        super().__init__()
        self.path = path
        self.size = 0
        self._folder = folder
        self._place = f"{folder.satellite}/{path}"
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written so far, hexadecimal."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Return True: the file takes bytes, and gives none."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - bytes, or any buffer of pyarrow
        """Append bytes."""
        view = memoryview(data)
        with _explained("write", self._place):
            self._file.write(view)
        self._hash.update(view)
        self.size += view.nbytes
        return view.nbytes

    def close(self) -> None:
        """End the file; on return it is whole, and on a local disk safe from a crash of the machine."""
        if self.closed:
            return
        super().close()
        with _explained("write", self._place), self._file:
            if self._folder.is_local:
                self._file.flush()
                os.fsync(self._file.fileno())

    def discard(self) -> None:
        """Give the file up: nothing of it stays."""
        self.close()
        self._folder.delete(self.path)


def open_lake(place: LakePlace, satellite: str, storage_options: Mapping[str, Any] | None = None) -> LakeFolder:
    """Return the folder of `satellite` on the lake at `place`.

    Raises:
        LakeError: the satellite's name can't be a folder.
    """
    filesystem, root = url_to_fs(place.url, **(storage_options or {}))
    return LakeFolder(filesystem, root, satellite)


@contextmanager
def _explained(action: str, place: str, expected: type[OSError] | None = None) -> Iterator[None]:
    """Turn the file system's errors into ours, but for the one that the caller expects."""
    try:
        yield
    except OSError as error:
        if expected is not None and isinstance(error, expected):
            raise
        raise LakeUnavailable(action, place, error.strerror or type(error).__name__) from error


def _checked(segment: str) -> str:
    if not _SEGMENT.fullmatch(segment):
        raise LakeError(
            f"{segment[:80]!r} can't be part of a path on the lake. Use letters, digits, `_`, `-` and inner dots."
        )
    return segment


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

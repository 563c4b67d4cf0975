"""Rewriting: a satellite's packages, manifests and `current`, made anew without erased documents.

Each manifest is replaced at once and whole, after the files that it names from then on were written under paths of
their own. So a reader finds the one state or the other, whatever moment this ends at; what no manifest names any more
is removed last. Done again, it goes on where it ended. Aliases go when all else is gone: they alone tell under which
other names a document is to be looked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, get_args

from msgspec.structs import replace

from federation.erasure.lake_files import NewFile, Tally, has_traces, written_anew
from federation.erasure.states import manifest_without
from federation.erasure.traces import Holding, Targets
from federation.lake.current import Current, CurrentFile, current_folder, publish_current, read_current
from federation.lake.log import CommitLog
from federation.lake.manifest import FileKind, Manifest, Package, PackageFile
from federation.lake.storage import LakeFolder

_ALIASES: Final = frozenset({"aliases"})
_ALL_BUT_ALIASES: Final = frozenset(get_args(FileKind)) - _ALIASES


@dataclass
class LakeErasure:
    """What is erased from a satellite's lake, or would be.

    Attributes:
        log: the satellite's log, read anew by every method.
        targets: what is erased.
        tally: what was found so far.
        packages: DocType → package id → the package as it is afterwards, of DocTypes in which anything was found.
    """

    log: CommitLog
    targets: Targets
    tally: Tally = field(default_factory=Tally)
    packages: dict[str, Package] = field(default_factory=dict)

    @property
    def folder(self) -> LakeFolder:
        """The satellite's folder."""
        return self.log.folder

    def look(self) -> Tally:
        """Return what the lake holds; nothing is changed."""
        for manifest in self.log.read():
            self._look_at(manifest, _ALL_BUT_ALIASES | _ALIASES)
        for _, current in self._currents():
            for file in current.files:
                holding = Holding(file.kind, current.doctype, file.table)
                self._count(has_traces(self.folder, file.path, holding, self.targets))
        return self.tally

    def erase(self, runs: Collection[str]) -> Tally:
        """Make everything anew that holds any of it.

        Args:
            runs: the folders of runs that can't commit any more: their files that no manifest names are removed.
        """
        self._replace_manifests(_ALL_BUT_ALIASES)
        for doctype, current in self._currents():
            clean_current = self._current(current)
            if clean_current != current:
                publish_current(self.folder, clean_current)
            self._remove(self.folder.files(current_folder(doctype)), {file.path for file in clean_current.files})
        named = self._replace_manifests(_ALIASES)
        for run in runs:
            self._remove(self.folder.files(f"runs/{run}"), named)
        self.folder.remove_partial_files(older_than=0)
        return self.tally

    def _replace_manifests(self, kinds: Collection[str]) -> set[str]:
        """Make packages anew in their files of some kinds; return the files that are named then."""
        named: set[str] = set()
        for manifest in self.log.read():
            clean = self._look_at(manifest, kinds, anew=True)
            if clean != manifest:
                self.log.replace(clean)
            named.update(file.path for package in clean.packages for file in package.files)
            self.packages.update((package.id, package) for package in clean.packages)
        return named

    def _currents(self) -> Iterator[tuple[str, Current]]:
        newest = self.log.newest()
        for doctype in sorted(newest.doctypes if newest else ()):
            yield doctype, read_current(self.folder, doctype)

    def _look_at(self, manifest: Manifest, kinds: Collection[str], *, anew: bool = False) -> Manifest:
        packages = tuple(self._package(package, kinds, anew=anew) for package in manifest.packages)
        clean = manifest_without(manifest, self.targets.names)
        self.tally.manifests += clean != manifest
        return replace(clean, packages=packages)

    def _package(self, package: Package, kinds: Collection[str], *, anew: bool) -> Package:
        files: list[PackageFile] = []
        quarantined = package.quarantined
        for file in package.files:
            holding = Holding(file.kind, package.doctype, file.table)
            new = self._file(file.path, holding, anew=anew) if file.kind in kinds else None
            if new is None:
                files.append(file)
                continue
            files.append(replace(file, path=new.path, rows=new.rows, size=new.size, sha256=new.sha256))
            quarantined = new.names if file.kind == "quarantine" else quarantined
        return _counted(package, files, quarantined) if tuple(files) != package.files else package

    def _current(self, current: Current) -> Current:
        place = f"{current_folder(current.doctype)}/{current.seq:010d}-{uuid.uuid4().hex[:8]}"
        files: list[CurrentFile] = []
        for file in current.files:
            path = f"{place}/{file.path.rpartition('/')[2]}"
            new = self._file(file.path, Holding(file.kind, current.doctype, file.table), anew=True, new_path=path)
            files.append(replace(file, path=new.path, rows=new.rows, size=new.size, sha256=new.sha256) if new else file)
        return replace(current, files=tuple(files))

    def _file(self, path: str, holding: Holding, *, anew: bool, new_path: str = "") -> NewFile | None:
        """Look at a file; where it holds any of it and is to be made anew, return the new one."""
        found = has_traces(self.folder, path, holding, self.targets)
        self._count(found)
        if not anew or not found.files:
            return None
        stem, _, suffix = path.rpartition(".")
        new = new_path or f"{stem.partition('.erased-')[0]}.erased-{uuid.uuid4().hex[:8]}.{suffix}"
        return written_anew(self.folder, path, holding, self.targets, new_path=new)

    def _count(self, found: Tally) -> None:
        self.tally.removed.update(found.removed)
        self.tally.replaced.update(found.replaced)
        self.tally.files += found.files

    def _remove(self, found: Iterable[str], named: Collection[str]) -> None:
        for path in found:
            if path not in named and not path.endswith("/manifest.json"):
                self.folder.delete(path)


def _counted(package: Package, files: Iterable[PackageFile], quarantined: int) -> Package:
    """The package as its files are now; files of which nothing is left are not named, nor child rows of nobody."""
    kept = [file for file in files if file.rows or file.kind == "rows"]
    documents = sum(file.rows for file in kept if file.kind == "rows" and file.table == package.doctype)
    if not documents:
        kept = [file for file in kept if file.kind != "rows"]
    return replace(
        package,
        documents=documents,
        tombstones=sum(file.rows for file in kept if file.kind == "tombstones"),
        quarantined=quarantined,
        patched=sum(file.rows for file in kept if file.kind == "patch"),
        files=tuple(kept),
    )

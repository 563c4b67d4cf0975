"""Proof: everything that we keep is searched for the names of erased documents, column by column and byte by byte."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from federation.contract.names import SATELLITE
from federation.erasure.lake_files import batches, opened
from federation.erasure.states import manifest_without
from federation.erasure.suppression import HISTORIES
from federation.erasure.traces import Holding, Targets
from federation.lake.current import read_current
from federation.lake.log import CommitLog
from federation.mothership.errors import QueryFailed
from federation.mothership.interface import Readable
from federation.mothership.sql import identifier, literal
from federation.mothership.system_tables import ALIAS, QUARANTINE, SYSTEM_TABLES, TOMBSTONE

_CHUNK: Final = 1 << 20
_AT_ONCE: Final = 200
_SYSTEM_KINDS: Final = {TOMBSTONE.name: "tombstones", QUARANTINE.name: "quarantine", ALIAS.name: "aliases"}


class Sighting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """A place where one of the names stands.

    Attributes:
        place: the file, or the table.
        column: its column, "" where it has none.
        rows: how many hold it; files, where the place has no rows.
    """

    place: str
    column: str
    rows: int


class Searched(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was searched.

    Attributes:
        what: lake, mothership, or files.
        parts: how many files or tables.
        rows: rows of all their text columns, or bytes of files without any.
    """

    what: str
    parts: int
    rows: int


@dataclass
class Proof:
    """What a search found.

    Attributes:
        traces: what erasure is answerable for: keys, links, positions. There must be none.
        remains: text of other documents, of files and of logs that holds a name as a word: for somebody to look at.
    """

    searched: list[Searched] = field(default_factory=list)
    traces: Counter[tuple[str, str]] = field(default_factory=Counter)
    remains: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def holds(self) -> bool:
        """Nothing that erasure is answerable for was found."""
        return not self.traces.total()


@dataclass(frozen=True)
class Search:
    """A search for the names of erased documents of one satellite.

    Attributes:
        satellite: whose documents.
        targets: what is erased.
        words: the names that are looked for in texts too; those of Versions and Comments are random, and many.
    """

    satellite: str
    targets: Targets
    words: Collection[str]
    proof: Proof = field(default_factory=Proof)

    def lake(self, log: CommitLog) -> None:
        """Search every file of the satellite, whether a manifest names it or not."""
        folder = log.folder
        told: dict[str, tuple[str, str, str]] = {
            file.path: (file.kind, package.doctype, file.table)
            for manifest in log.read()
            for package in manifest.packages
            for file in package.files
        }
        newest = log.newest()
        for doctype in newest.doctypes if newest else ():
            for stored in read_current(folder, doctype).files:
                told[stored.path] = (stored.kind, doctype, stored.table)
        for manifest in log.read():
            if manifest_without(manifest, self.targets.names) != manifest:
                self.proof.traces["lake: log", ""] += 1
        rows = files = 0
        for path in folder.everything():
            files += 1
            if path.endswith(".parquet"):
                kind, doctype, table = told.get(path, ("", "", ""))
                with opened(folder, path) as parquet:
                    for some in batches(parquet):
                        rows += some.num_rows
                        self._rows(f"lake: {kind or 'unnamed file'} of {table or path}", kind, doctype, table, some)
            elif self.words and self._bytes.search(folder.read(path)):
                self.proof.remains[f"lake: {path.partition('/')[0]}", ""] += 1
        self.proof.searched.append(Searched("lake", files, rows))

    def mothership(self, mothership: Readable) -> None:
        """Search every table of ours, in the satellite's rows."""
        tables = {table: doctype for doctype, table in mothership.tables().items()}
        rows = 0
        searched = (*tables, *(table.name for table in SYSTEM_TABLES))
        for table in searched:
            doctype = tables.get(table, "")
            for some in self._stream(mothership, table):
                rows += some.num_rows
                place = f"mothership: {table}"
                self._text(place, some)
                for kind, of, part in self._parts(table, doctype, some):
                    if self.targets.without(Holding(kind, of, doctype or of), part).is_changed:
                        self.proof.traces[place, ""] += 1
        self.proof.searched.append(Searched("mothership", len(searched), rows))

    def files(self, paths: Iterable[Path]) -> None:
        """Search the bytes of files; one that can't be read is named, and one that is gone by now is not."""
        files = size = 0
        for path in paths:
            try:
                found = self._is_in(path)
                size += path.stat().st_size
            except FileNotFoundError:
                continue
            except OSError as error:
                self.proof.remains[f"file: {path}, which can't be read ({error.strerror})", ""] += 1
                continue
            files += 1
            self.proof.remains[f"file: {path}", ""] += found
        self.proof.searched.append(Searched("files", files, size))

    def _rows(self, place: str, kind: str, doctype: str, table: str, rows: pa.Table) -> None:
        self._text(place, rows)
        if kind and self.targets.without(Holding(kind, doctype, table), rows).is_changed:
            self.proof.traces[place, ""] += 1
        if kind == "rows" and table == doctype in HISTORIES and {*HISTORIES[table]} <= {*rows.column_names}:
            self._pairs(place, rows, *HISTORIES[table])

    def _pairs(self, place: str, rows: pa.Table, of: str, name: str) -> None:
        for doctype, names in self.targets.names.items():
            told = pc.and_(
                pc.equal(rows.column(of), doctype), pc.is_in(rows.column(name), pa.array(names, pa.string()))
            )
            self.proof.traces[place, name] += pc.sum(told).as_py() or 0

    def _text(self, place: str, rows: pa.Table) -> None:
        for column, cells in zip(rows.column_names, rows.columns, strict=True):
            if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
                for pattern in self._patterns:
                    self.proof.remains[place, column] += pc.sum(pc.match_substring_regex(cells, pattern)).as_py() or 0

    def _parts(self, table: str, doctype: str, rows: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
        """Yield rows of a table with the kind and the DocType under which they are looked at."""
        column = "doctype" if table in _SYSTEM_KINDS else "parenttype" if "parenttype" in rows.column_names else ""
        if not column:
            yield "rows", doctype, rows
            return
        yield "rows", "", rows
        for of in self.targets.names:
            yield _SYSTEM_KINDS.get(table, "rows"), of, rows.filter(pc.equal(rows.column(column), of))

    def _stream(self, mothership: Readable, table: str) -> Iterator[pa.Table]:
        try:
            with mothership.query(f"SELECT * FROM {identifier(table)} LIMIT 0") as reader:
                names = reader.schema.names
        except QueryFailed:
            # Its name is given, and nothing of it was merged yet.
            return
        where = f" WHERE satellite = {literal(self.satellite)}" if SATELLITE in names else ""
        with mothership.query(f"SELECT * FROM {identifier(table)}{where}") as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])

    @cached_property
    def _patterns(self) -> tuple[str, ...]:
        """Names as words of a text, in the words of RE2, which takes no pattern of any length."""
        escaped = [_escaped(name) for name in sorted(self.words)]
        return tuple(
            rf"(^|[^\p{{L}}\p{{N}}_])({'|'.join(escaped[start : start + _AT_ONCE])})($|[^\p{{L}}\p{{N}}_])"
            for start in range(0, len(escaped), _AT_ONCE)
        )

    @cached_property
    def _bytes(self) -> re.Pattern[bytes]:
        """Names as words of a file: as they are, and as JSON writes them in ASCII."""
        forms = {form for name in self.words for form in (name.encode(errors="replace"), _in_json(name))}
        return re.compile(rb"(?<![0-9A-Za-z_])(?:" + b"|".join(map(re.escape, sorted(forms))) + rb")(?![0-9A-Za-z_])")

    def _is_in(self, path: Path) -> bool:
        if not self.words:
            return False
        pattern = self._bytes
        overlap = max(map(len, self.words), default=0) * 6 + 2
        before = b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if pattern.search(before + chunk):
                    return True
                before = chunk[-overlap:]
        return False


def sightings(found: Mapping[tuple[str, str], int]) -> tuple[Sighting, ...]:
    """Return what was counted, by place."""
    return tuple(sorted(Sighting(place, column, rows) for (place, column), rows in found.items() if rows))


def _escaped(text: str) -> str:
    return "".join(char if char.isalnum() or not char.isascii() else rf"\x{{{ord(char):x}}}" for char in text)


def _in_json(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()

"""Register: a satellite's suppression list and receipts on its lake, which only grow and tell when they are altered."""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from federation.erasure.errors import SuppressionDamaged, key_absent, key_missing
from federation.erasure.suppression import Suppression, nothing_suppressed
from federation.lake.errors import AlreadyExists
from federation.lake.storage import LakeFolder
from federation.settings.errors import Problem, SettingsError
from federation.settings.model import Settings

_LIST: Final = "erasure/list"
_RECEIPTS: Final = "erasure/receipts"
_ENTRY: Final = re.compile(r"([0-9]{10})\.json")
_RECEIPT: Final = re.compile(r"([0-9]{10})-[0-9a-f]{8}\.json")
_SHORTEST_KEY: Final = 16


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Documents that one command erased.

    Attributes:
        number: contiguous from 1.
        written_at: when (UTC).
        reason: what the user gave for it; holds none of the names.
        pseudonyms: DocType → pseudonyms, sorted.
        before: `seal` of the entry before; "" for the first.
        seal: HMAC-SHA256 of the entry without it, hexadecimal.
    """

    number: int
    satellite: str
    written_at: datetime
    reason: str
    pseudonyms: dict[str, tuple[str, ...]]
    before: str
    seal: str = ""

    def sealed(self, key: bytes) -> Entry:
        """Return the entry with its seal."""
        bare = msgspec.structs.replace(self, seal="")
        return msgspec.structs.replace(bare, seal=hmac.digest(key, msgspec.json.encode(bare), "sha256").hex())


def erasure_key(settings: Settings) -> bytes | None:
    """Return the key of pseudonyms, at least 16 bytes; None where the settings have none.

    Raises:
        SettingsError: it can't be had, or is so short that names could be guessed.
    """
    if settings.erasure is None:
        return None
    key = settings.erasure.key.reveal("erasure.key").encode()
    if len(key) < _SHORTEST_KEY:
        what = f"the key {settings.erasure.key} is shorter than {_SHORTEST_KEY} bytes"
        raise SettingsError([Problem(what, "make a random one: openssl rand -hex 32", "erasure.key")])
    return key


def required_key(settings: Settings) -> bytes:
    """Return the key of pseudonyms.

    Raises:
        SettingsError: there is none, or it can't be had.
    """
    key = erasure_key(settings)
    if key is None:
        raise key_absent()
    return key


def read_suppression(settings: Settings, folder: LakeFolder) -> Suppression:
    """Return which documents of a satellite are erased: two listings, and a read for each command that erased any.

    Raises:
        SettingsError: there are some, and the key can't be had.
        SuppressionDamaged: the list was altered, or written with another key.
        LakeUnavailable: the lake can't be read.
    """
    if not folder.names(_LIST) and not folder.names(_RECEIPTS):
        return nothing_suppressed(folder.satellite)
    key = erasure_key(settings)
    if key is None:
        raise key_missing(folder.satellite)
    return listed(folder, key)


def listed(folder: LakeFolder, key: bytes) -> Suppression:
    """Return which documents the list holds.

    Raises:
        SuppressionDamaged: it can't be trusted.
    """
    return _suppression(folder, key, read_list(folder, key))


def read_list(folder: LakeFolder, key: bytes) -> list[Entry]:
    """Return the entries of the list, in order.

    Raises:
        SuppressionDamaged: one is missing, was altered, or was written with another key.
    """
    entries: list[Entry] = []
    for number in _numbers(folder):
        if number != len(entries) + 1:
            raise SuppressionDamaged(folder.satellite, _path(len(entries) + 1), "is missing")
        path = _path(number)
        try:
            entry = msgspec.json.decode(folder.read(path), type=Entry)
        except msgspec.DecodeError as error:
            raise SuppressionDamaged(folder.satellite, path, f"is no entry of a list ({error})") from error
        before = entries[-1].seal if entries else ""
        place = (entry.number, entry.satellite, entry.before) == (number, folder.satellite, before)
        if not place or not hmac.compare_digest(entry.sealed(key).seal, entry.seal):
            raise SuppressionDamaged(folder.satellite, path, "was altered, or written with another key")
        entries.append(entry)
    if (proven := max(_receipts(folder), default=0)) > len(entries):
        raise SuppressionDamaged(folder.satellite, _path(proven), "is missing, although there is a receipt of it")
    return entries


def suppress(
    folder: LakeFolder, key: bytes, names: Mapping[str, Collection[str]], *, reason: str, now: datetime
) -> Suppression:
    """Put documents on the list, unless they are on it, and return the suppression with them.

    Several that do so at once each get an entry of their own.

    Args:
        folder: the satellite's folder.
        key: of the pseudonyms.
        names: DocType → names.
        reason: why; holds none of the names.
        now: the time (UTC).

    Raises:
        SuppressionDamaged: the list can't be trusted.
    """
    while True:
        entries = read_list(folder, key)
        known = _suppression(folder, key, entries)
        new = {
            doctype: tuple(sorted(known.pseudonym(doctype, name) for name in known.others(doctype, set(some))))
            for doctype, some in sorted(names.items())
        }
        new = {doctype: pseudonyms for doctype, pseudonyms in new.items() if pseudonyms}
        if not new:
            return known
        before = entries[-1].seal if entries else ""
        entry = Entry(len(entries) + 1, folder.satellite, now, reason, new, before).sealed(key)
        try:
            folder.create(_path(entry.number), msgspec.json.encode(entry))
        except AlreadyExists:
            continue
        return _suppression(folder, key, [*entries, entry])


def write_receipt(folder: LakeFolder, content: bytes) -> str:
    """Put a receipt beside the list, and return its path: its name tells how long the list was."""
    path = f"{_RECEIPTS}/{max(_numbers(folder), default=0):010d}-{uuid.uuid4().hex[:8]}.json"
    folder.create(path, content)
    return path


def erasures(folder: LakeFolder) -> int:
    """Return a number that grows whenever an erasure begins or ends: two listings."""
    return len(_numbers(folder)) + len(_receipts(folder))


def _suppression(folder: LakeFolder, key: bytes, entries: Iterable[Entry]) -> Suppression:
    pseudonyms: dict[str, set[str]] = {}
    for entry in entries:
        for doctype, some in entry.pseudonyms.items():
            pseudonyms.setdefault(doctype, set()).update(some)
    return Suppression(folder.satellite, key, {doctype: frozenset(some) for doctype, some in pseudonyms.items()})


def _numbers(folder: LakeFolder) -> list[int]:
    return [int(match[1]) for match in map(_ENTRY.fullmatch, folder.names(_LIST)) if match]


def _receipts(folder: LakeFolder) -> list[int]:
    return [int(match[1]) for match in map(_RECEIPT.fullmatch, folder.names(_RECEIPTS)) if match]


def _path(number: int) -> str:
    return f"{_LIST}/{number:010d}.json"

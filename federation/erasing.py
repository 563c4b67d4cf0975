"""Erasing: documents of one satellite leave everything that we keep, for good, and the proof that they did."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from federation.erasure.errors import ErasureInterrupted, NothingKnown
from federation.erasure.lake_files import Tally
from federation.erasure.mothership import erase_from_tables, follow_lake
from federation.erasure.proof import Search, Searched, Sighting, sightings
from federation.erasure.recognition import documents_back
from federation.erasure.register import listed, required_key, suppress, write_receipt
from federation.erasure.rewriting import LakeErasure
from federation.erasure.states import site_without, state_without
from federation.erasure.suppression import HISTORIES, Suppression
from federation.erasure.survey import Meant, documents_meant, targets_of
from federation.erasure.traces import Targets
from federation.extract.lock import only_run
from federation.lake.errors import CommitLost
from federation.lake.log import CommitLog
from federation.lake.run import LakeRun, new_run_id
from federation.lake.schemas import read_schema
from federation.lakes import lake_folder
from federation.merging import open_mothership
from federation.policy.apply import hash_cells
from federation.policy.fleet import FleetPolicy
from federation.policy.rules import SatellitePolicy
from federation.settings.model import Satellite, Settings


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the lake held of erased documents; every stored version counts.

    Attributes:
        removed: kind of file and table → rows.
        links: table → links that lead to a pseudonym instead.
        files: files that were made anew.
        manifests: manifests that named any of them.
    """

    removed: dict[str, int]
    links: dict[str, int]
    files: int
    manifests: int


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an erasure did; it lies on the satellite's lake, and holds no name.

    Attributes:
        pseudonyms: DocType → what stands for each erased document.
        mothership: table → rows that were removed or whose links were altered.
        proven: nothing that erasure is answerable for was found afterwards.
        traces: what of that was found.
        remains: where else, in text of others, a name stands as a word.
    """

    satellite: str
    doctype: str
    pseudonyms: dict[str, tuple[str, ...]]
    reason: str
    erased_at: datetime
    lake: Counts
    mothership: dict[str, int]
    searched: tuple[Searched, ...]
    proven: bool
    traces: tuple[Sighting, ...]
    remains: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, for who asked for it.

    Attributes:
        path: the receipt, in the satellite's folder.
        names: DocType → names.
        others: former names that belong to another document since, which was left.
    """

    receipt: Receipt
    path: str
    names: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an erasure would do.

    Attributes:
        names: DocType → names.
        others: see `Erased`.
        lake: what the lake holds.
        suppressed: how many of the names are kept away already.
    """

    satellite: str
    doctype: str
    names: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]
    lake: Counts
    suppressed: int


def known_doctypes(settings: Settings, satellite: Satellite) -> tuple[str, ...]:
    """Return the DocTypes of a satellite whose documents may be erased: those that were read, and Singles not.

    Raises:
        LakeError: its log can't be read.
        NothingKnown: it has none.
    """
    log = CommitLog(lake_folder(settings, satellite.name))
    newest = log.newest()
    if newest is None or not newest.schema:
        raise NothingKnown(satellite.name)
    described = read_schema(log.folder, newest.schema).doctypes
    return tuple(
        sorted(
            name
            for name, each in described.items()
            if not (each.is_child or each.is_single) and name in newest.doctypes
        )
    )


def look(settings: Settings, satellite: Satellite, doctype: str, names: Collection[str]) -> Outlook:
    """Return what is kept on the lake of some documents; nothing is changed.

    Args:
        settings: they name the lake.
        satellite: whose documents.
        doctype: their DocType; "" for those that were erased and are back.
        names: their names, under whatever name they went.

    Raises:
        SettingsError: the key can't be had.
        LakeError: the lake can't be read.
    """
    key = required_key(settings)
    folder = lake_folder(settings, satellite.name)
    log = CommitLog(folder)
    suppression = listed(folder, key)
    meant = _meant(log, doctype, names, suppression, _policy(settings, satellite))
    tally = LakeErasure(log, _targets(settings, satellite, log, meant, suppression)).look()
    held = sum(suppression.holds(of, name) for of, some in meant.names.items() for name in some)
    return Outlook(satellite.name, doctype, meant.names, _others(meant), _counts(tally), held)


def erase(settings: Settings, satellite: Satellite, doctype: str, names: Collection[str], *, reason: str) -> Erased:
    """Erase documents of a satellite under all names that they bore, and keep them away from then on.

    They are put on the suppression list first. Killed anywhere, the same call finishes what is left. No run of the
    satellite and no merge takes place meanwhile.

    Args:
        settings: they name the lake, the mothership and the key.
        satellite: whose documents.
        doctype: see `look`.
        names: see `look`.
        reason: why; it is kept, and holds none of the names.

    Raises:
        SettingsError: the key can't be had; nothing was started.
        SatelliteBusy: a run of the satellite is under way.
        ErasureInterrupted: another machine began one meanwhile.
        LakeError, MothershipError: something can't be read or written; the same call goes on from there.
    """
    key = required_key(settings)
    with only_run(settings, satellite), open_mothership(settings, f"erasure at {satellite.name}") as mothership:
        folder = lake_folder(settings, satellite.name)
        now = datetime.now(UTC)
        runs = folder.names("runs")
        run = LakeRun.open(folder, "rest", new_run_id(now))
        log = CommitLog(folder)
        meant = _meant(log, doctype, names, listed(folder, key), _policy(settings, satellite))
        suppression = suppress(folder, key, meant.names, reason=reason, now=now)
        targets = _targets(settings, satellite, log, meant, suppression)
        work = LakeErasure(log, targets)
        rows = mothership.change(
            lambda connection, columns: erase_from_tables(connection, satellite.name, targets, columns)
        )
        work.erase(runs)
        mothership.change(lambda connection, _: follow_lake(connection, satellite.name, work.packages))
        mothership.forget()
        mothership.publish(force=True)
        _close(run, meant)
        words = {name for of, some in meant.names.items() if of == doctype or of not in HISTORIES for name in some}
        search = Search(satellite.name, targets, words)
        search.lake(log)
        search.mothership(mothership)
        search.files(_files(settings))
        receipt = Receipt(
            satellite=satellite.name,
            doctype=doctype,
            pseudonyms={of: tuple(sorted(some.values())) for of, some in targets.names.items()},
            reason=reason,
            erased_at=now,
            lake=_counts(work.tally),
            mothership=dict(sorted(rows.items())),
            searched=tuple(search.proof.searched),
            proven=search.proof.holds,
            traces=sightings(search.proof.traces),
            remains=sightings(search.proof.remains),
        )
        path = write_receipt(folder, msgspec.json.encode(receipt))
    return Erased(receipt, path, meant.names, _others(meant))


def _meant(
    log: CommitLog, doctype: str, names: Collection[str], suppression: Suppression, policy: SatellitePolicy | None
) -> Meant:
    if not doctype:
        return Meant(documents_back(log, suppression))
    hashing = policy.name_keys.get(doctype) if policy else None
    hashes = hash_cells(list(names), hashing.key()) if hashing else []
    return documents_meant(log, doctype, [*names, *map(str, hashes)])


def _policy(settings: Settings, satellite: Satellite) -> SatellitePolicy | None:
    return FleetPolicy(settings).of(satellite.name)


def _others(meant: Meant) -> tuple[str, ...]:
    return tuple(name for some in meant.reused.values() for name in some)


def _targets(
    settings: Settings, satellite: Satellite, log: CommitLog, meant: Meant, suppression: Suppression
) -> Targets:
    return targets_of(log, meant, suppression, _policy(settings, satellite))


def _close(run: LakeRun, meant: Meant) -> None:
    """The closing commit carries on what the opening one took over, without the names."""
    try:
        known = [doctype for doctype in meant.names if doctype in run.doctypes]
        run.note({doctype: state_without(run.state(doctype), meant.names[doctype]) for doctype in known})
        run.close(site=site_without(run.site, meant.names))
    except CommitLost as error:
        raise ErasureInterrupted(run.folder.satellite) from error


def _files(settings: Settings) -> Iterator[Path]:
    """Files of ours that may tell of documents: run-time files, Dagster's storage, the mothership, leftovers.

    The lakes are searched column by column.
    """
    lakes = [Path(place.url) for place in settings.lakes() if place.is_local]
    home = os.environ.get("DAGSTER_HOME")
    folders = [settings.var, *([Path(home)] if home else []), *Path(tempfile.gettempdir()).glob("federation-*")]
    found = {path: None for folder in folders for path in folder.rglob("*")}
    if settings.mothership.engine == "duckdb":
        file = settings.mothership_file
        found.update(dict.fromkeys(file.parent.glob(f"{file.name}*")))
    for path in found:
        if path.is_file() and not any(path.is_relative_to(lake) for lake in lakes):
            yield path


def _counts(tally: Tally) -> Counts:
    return Counts(
        {f"{kind} of {table}": rows for (kind, table), rows in sorted(tally.removed.items()) if rows},
        {table: links for table, links in sorted(tally.replaced.items()) if links},
        tally.files,
        tally.manifests,
    )

"""An erasure that is killed: what stands is whole, and the same command finishes it."""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
from pathlib import Path

import erasure_victim
import pytest
from erasure_world import SETTINGS, Erasures

from federation.lake.current import read_current
from federation.lake.log import CommitLog
from tests.extract.extract_world import written_settings

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["federation.erasing", "federation.mothership.duckdb.mothership"])

ANNA, MARRIED, BERT = "Anna Example 4711", "Anna Married 4712", "Bert Sample 4713"


@pytest.fixture
def filled(world: Erasures) -> Erasures:
    shop = world.shop
    shop.customer(ANNA, email="canary@example.test")
    shop.customer(BERT)
    shop.order(customer=ANNA)
    world.note("note 1", of=ANNA, rating="not a number")
    shop.age()
    world.sync()
    world.compact()
    shop.documents.rename("Customer", ANNA, MARRIED)
    world.version(MARRIED, "canary@example.test")
    world.sync()
    return world


def kept(world: Erasures) -> tuple[Path, ...]:
    return tuple(world.shop.folder / name for name in ("lake", "mothership.duckdb", "mothership.duckdb.writer"))


def copy(world: Erasures, to: str) -> None:
    folder = world.shop.folder.with_name(to)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in kept(world):
        shutil.copytree(path, folder / path.name) if path.is_dir() else shutil.copy(path, folder)


def put_back(world: Erasures, name: str) -> None:
    for path in kept(world):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        saved = world.shop.folder.with_name(name) / path.name
        shutil.copytree(saved, path) if saved.is_dir() else shutil.copy(saved, path)
    (world.shop.folder / "mothership.duckdb.writer.wal").unlink(missing_ok=True)


def assert_whole(world: Erasures) -> None:
    """Every file that anything names is there, as it is said to be."""
    folder = world.shop.lake
    manifests = list(CommitLog(folder).read())
    files = [file for manifest in manifests for package in manifest.packages for file in package.files]
    named = [(file.path, file.sha256) for file in files]
    for doctype in manifests[-1].doctypes:
        named += [(file.path, file.sha256) for file in read_current(folder, doctype).files]
    for path, sha256 in named:
        assert hashlib.sha256(folder.read(path)).hexdigest() == sha256


def test_killed_before_one_of_its_changes_what_stands_is_whole_and_the_same_command_finishes_it(
    filled: Erasures,
) -> None:
    copy(filled, "saved")
    changes: list[int] = []
    originals = erasure_victim.counted(changes.append)
    try:
        filled.erase(MARRIED)
    finally:
        for (owner, name), original in originals.items():
            setattr(owner, name, original)
    assert len(changes) > 20
    for place in changes[::5]:
        put_back(filled, "saved")
        written = written_settings(filled.shop.site.url, filled.shop.folder, **SETTINGS)
        process = processes.Process(
            target=erasure_victim.erase_and_die, args=(filled.shop.folder, written, (MARRIED,), place)
        )
        process.start()
        process.join()
        assert process.exitcode == erasure_victim.KILLED
        assert_whole(filled)
        if place % 3 == 0:
            filled.sync()
            assert_whole(filled)
        filled.erase(MARRIED)
        assert_whole(filled)
        for text in (ANNA, MARRIED, "canary@example.test"):
            assert filled.found(text) == [], place
        assert filled.query("SELECT name FROM customer") == [(BERT,)]
        assert filled.query("SELECT count(*) FROM \"order\" WHERE customer LIKE 'erased-%'") == [(1,)]

"""Backup: a mothership restored by the commands of `deploy/README.md` goes on where it was saved."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from mothership_sites import ITEM, Document, Site, naive
from places import MariadbPlace
from rebuild_world import Content, content, settings_at

from federation.merging import merge_satellite
from federation.settings.model import Settings
from federation.verifying import verify_mothership
from tests.services.mariadb import ROOT, Instance, Server, throwaway

README = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def saved(tmp_path: Path, mariadb_server: Server) -> Iterator[Instance]:
    with throwaway(tmp_path / "saved") as instance:
        instance.server.ask("CREATE DATABASE mothership")
        yield instance


@pytest.fixture
def restored(tmp_path: Path, mariadb_server: Server) -> Iterator[Instance]:
    with throwaway(tmp_path / "restored") as instance:
        yield instance


def dump_options() -> list[str]:
    """The options that `deploy/README.md` gives to `mariadb-dump`, without the one that says who asks."""
    (line,) = re.findall(r"mariadb-dump -uroot (.*?)'", README)
    return shlex.split(line)


def run(instance: Instance, *command: str, given: bytes = b"") -> bytes:
    server = instance.server
    who = (f"--host={server.host}", f"--port={server.port}", f"--user={server.admin_user}")
    known = {**os.environ, "MYSQL_PWD": server.admin_password}
    done = subprocess.run([command[0], *who, *command[1:]], input=given, env=known, capture_output=True, check=False)
    assert not done.returncode, done.stderr.decode()[-2000:]
    return done.stdout


def settings_of(folder: Path, instance: Instance) -> Settings:
    return settings_at(folder, MariadbPlace(instance.url("mothership")))


def merged(settings: Settings) -> Content:
    merge_satellite(settings, "north")
    return content(settings)


def documents(tick: int, count: int) -> list[Document]:
    odd = {"modified": naive(tick), "customer": "Ä😀\\N,\0\r\n'"}
    return [
        Document(f"SINV-{n}", tick, odd, {ITEM: [{"name": f"{n}-{row}", "qty": tick} for row in range(tick)]})
        for n in range(count)
    ]


def before_the_backup(settings: Settings) -> Site:
    site = Site(Path(settings.lakes()[0].url), "north")
    site.commit(documents=documents(1, 20), gone={"SINV-99": 1}, aside={"SINV-98": 1}, aliases=[("SINV-97", "x", 1)])
    site.commit(documents=documents(2, 5))
    merge_satellite(settings, "north")
    return site


def after_the_backup(site: Site, settings: Settings) -> Content:
    site.commit(documents=documents(3, 8), gone={"SINV-9": 3})
    site.describe({**site.fields, "Sales Invoice": {**site.fields["Sales Invoice"], "campus": "Data"}})
    site.commit(documents=documents(4, 3))
    return merged(settings)


def goes_on(folder: Path, restored: Instance, wanted: Content) -> None:
    settings = settings_of(folder, restored)
    assert content(settings) != wanted
    assert merged(settings) == wanted
    report = verify_mothership(settings)
    assert report.ok, report


def test_a_restored_dump_goes_on_where_it_was_saved(tmp_path: Path, saved: Instance, restored: Instance) -> None:
    settings = settings_of(tmp_path, saved)
    site = before_the_backup(settings)
    dump = run(saved, "mariadb-dump", *dump_options())
    wanted = after_the_backup(site, settings)
    run(restored, "mariadb", given=dump)
    goes_on(tmp_path, restored, wanted)


def test_files_copied_by_mariadb_backup_go_on_where_they_were_saved(
    tmp_path: Path, saved: Instance, restored: Instance
) -> None:
    settings = settings_of(tmp_path, saved)
    site = before_the_backup(settings)
    target = f"--target-dir={tmp_path / 'backup'}"
    run(saved, "mariadb-backup", "--backup", target)
    wanted = after_the_backup(site, settings)
    run(saved, "mariadb-backup", "--prepare", target)
    restored.stop()
    data = tmp_path / "restored" / "data"
    owner = data.owner()
    shutil.rmtree(data)
    run(saved, "mariadb-backup", "--copy-back", target, f"--datadir={data}")
    for path in (data, *data.rglob("*")):
        shutil.chown(path, owner)
    restored.start()
    goes_on(tmp_path, restored, wanted)

"""A run that is killed at any instruction leaves a lake from which the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lake_world import VOUCHER, Document, Gone, World, assert_whole, named_files

from federation.lake.log import CommitLog
from federation.lake.manifest import DocTypeState, Manifest, Position
from federation.lake.place import LakePlace
from federation.lake.storage import LakeFolder, LakeOutput, open_lake


class Killed(BaseException):
    """Stands for the end of the process: nothing that handles errors may handle it."""


class Reaper:
    """Kills at the n-th effect on the lake, just before it or just after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at_effect: int, *, after: bool) -> None:
        self._left = at_effect
        self._after = after
        self.dead = False
        effects = {LakeFolder: ("create", "write", "delete", "open_output"), LakeOutput: ("write", "close")}
        for owner, names in effects.items():
            for name in names:
                monkeypatch.setattr(owner, name, self._mortal(getattr(owner, name)))

    def _mortal(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                raise Killed
            self._left -= 1
            if self._left == 0 and not self._after:
                self.dead = True
                raise Killed
            result = effect(*args, **kwargs)
            if self._left == 0:
                self.dead = True
                raise Killed
            return result

        return run


def commit_batches(folder: LakeFolder, upto: int) -> None:
    """Commit what isn't committed of some batches, then close: a run as extraction makes it."""
    world = World(folder)
    position = world.run.state(VOUCHER).position.modified
    for batch in range(int(position or 0) + 1, upto + 1):
        world.commit(
            Document(f"V-{batch}", batch, {"title": str(batch)}), Gone(f"V-{batch - 1}", batch), walk=f"w{batch}",
            state=DocTypeState(position=Position(str(batch))),
        )  # fmt: skip
    world.run.close()


def effects_of_an_undisturbed_run(tmp_path: Path) -> int:
    with pytest.MonkeyPatch.context() as monkeypatch:
        reaper = Reaper(monkeypatch, 10**9, after=False)
        commit_batches(open_lake(LakePlace(str(tmp_path / "undisturbed")), "north"), 2)
        return 10**9 - reaper._left


def assert_undisturbed(folder: LakeFolder, upto: int) -> None:
    """All batches are committed once, every named file is whole, and no other file is left."""
    manifests = list(CommitLog(folder).read())
    assert_whole(folder, manifests)
    assert set(folder.files("runs")) == named_files(manifests)
    walks = [package.walk for manifest in manifests for package in manifest.packages]
    assert walks == [f"w{batch}" for batch in range(1, upto + 1)]
    assert manifests[-1].stage == "closing"
    assert manifests[-1].doctypes[VOUCHER].position.modified == str(upto)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the dead leave their files open
def test_a_kill_at_any_effect_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    effects = effects_of_an_undisturbed_run(tmp_path)
    assert effects > 30
    for at_effect in range(1, effects + 1):
        for after in (False, True):
            folder = open_lake(LakePlace(str(tmp_path / f"{at_effect}-{after}")), "north")
            with pytest.MonkeyPatch.context() as monkeypatch:
                Reaper(monkeypatch, at_effect, after=after)
                with pytest.raises(Killed):
                    commit_batches(folder, 2)
            commit_batches(folder, 2)
            assert_undisturbed(folder, 2)


COMMITTING = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from test_lake_kill import commit_batches
from federation.lake.place import LakePlace
from federation.lake.storage import open_lake

link, left, after = os.link, int(sys.argv[3]), sys.argv[4] == "after"

def deadly(source, target):
    global left
    left -= 1
    if left == 0 and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    link(source, target)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

os.link = deadly
commit_batches(open_lake(LakePlace(sys.argv[1]), "north"), 3)
"""


@pytest.mark.parametrize("after", ["before", "after"])
@pytest.mark.parametrize("put", [1, 2, 4, 5])
def test_a_process_killed_at_the_put_of_a_manifest_did_it_wholly_or_not_at_all(
    tmp_path: Path, put: int, after: str
) -> None:
    here = str(Path(__file__).parent)
    ended = subprocess.run([sys.executable, "-c", COMMITTING, str(tmp_path), here, str(put), after], check=False)
    assert ended.returncode == -signal.SIGKILL
    folder = open_lake(LakePlace(str(tmp_path)), "north")
    assert len(list(CommitLog(folder).read())) == (put if after == "after" else put - 1)
    commit_batches(folder, 3)
    assert_undisturbed(folder, 3)


ENDLESS = """
import sys
sys.path.insert(0, sys.argv[2])
from lake_world import Document, World
from federation.lake.place import LakePlace
from federation.lake.storage import open_lake

world = World(open_lake(LakePlace(sys.argv[1]), "north"))
print("open", flush=True)
tick = 0
while True:
    tick += 1
    world.commit(*(Document(f"V-{tick}-{number}", tick, {"title": "x" * 50}) for number in range(20)))
"""


def test_a_process_killed_at_any_time_leaves_a_readable_lake(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    folder = open_lake(LakePlace(str(tmp_path)), "north")
    manifests: list[Manifest] = []
    for delay in (0.03, 0.11, 0.07):
        with subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path), here], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            time.sleep(delay)
            os.kill(process.pid, signal.SIGKILL)
        found = list(CommitLog(folder).read())
        assert found[: len(manifests)] == manifests
        manifests = found
        assert_whole(folder, manifests)
    World(folder)
    assert set(folder.files("runs")) == named_files(manifests)
    assert_whole(folder, manifests)

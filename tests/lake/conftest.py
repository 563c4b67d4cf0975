"""What the tests of the lake share: one satellite's folder, on a disk and in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from lake_world import World

from federation.lake.place import LakePlace
from federation.lake.storage import LakeFolder, open_lake


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> LakeFolder:
    if request.param == "local":
        return open_lake(LakePlace(str(tmp_path)), "north")
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    return open_lake(LakePlace("memory://lake"), "north")


@pytest.fixture
def local(tmp_path: Path) -> LakeFolder:
    return open_lake(LakePlace(str(tmp_path)), "north")


@pytest.fixture
def world(folder: LakeFolder) -> World:
    return World(folder)

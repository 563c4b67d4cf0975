"""What stands in `deploy/` agrees with the rest of the repository."""

from __future__ import annotations

import yaml

from tests.services.mariadb import ROOT

DEPLOY = ROOT / "deploy"


def test_production_runs_what_development_runs() -> None:
    here = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    there = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    assert {key: there[key] for key in here} == here
    assert set(there) - set(here) == {"storage", "compute_logs"}


def test_every_file_that_goes_into_the_image_or_a_container_is_there() -> None:
    copied = [
        source
        for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY")
        for source in line.split()[1:-1]
    ]
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service["volumes"]
        if volume.startswith("./")
    ]
    assert copied
    assert mounted
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert [name for name in mounted if not (DEPLOY / name).exists()] == []

"""The publication sensor shows analysts what no run has shown them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from federation.merging import PublicationState
from sensors.publication import is_due

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _ago(minutes: float) -> datetime:
    return NOW - minutes * MINUTE


@pytest.mark.parametrize(
    ("written", "published", "due"),
    [
        (None, None, False),
        (_ago(0.1), None, True),
        (_ago(5), _ago(4), False),
        (_ago(4), _ago(5), True),
        (_ago(0.1), _ago(0.5), False),
        (_ago(0.1), _ago(1), True),
    ],
    ids=["nothing merged", "never published", "nothing new", "behind", "too young", "just old enough"],
)
def test_a_publication_is_due_when_it_is_behind_and_not_too_young(written, published, due):
    assert is_due(PublicationState(written, published), MINUTE, NOW) is due


@pytest.fixture
def requests(definitions, instance, federation):
    """Evaluates the sensor and returns the keys of the runs that it asks for."""
    repository = definitions.get_repository_def()

    def requests() -> list[str]:
        resources = {"federation": federation}
        with dg.build_sensor_context(instance, repository_def=repository, resources=resources) as context:
            execution = repository.get_sensor_def("publication").evaluate_tick(context)
        return [request.run_key for request in execution.run_requests]

    return requests


@pytest.fixture
def written(settings):
    """A writer's file that was never published."""
    writer = settings.mothership_file.with_name(f"{settings.mothership_file.name}.writer")
    writer.parent.mkdir(parents=True)
    writer.write_bytes(b"")


def test_before_the_first_merge_nothing_is_asked_for(requests):
    assert requests() == []


def test_what_was_written_is_asked_for_under_one_key(requests, written):
    first, again = requests(), requests()
    assert len(first) == 1
    assert first == again


def test_while_a_publication_is_under_way_no_other_is_asked_for(requests, written, definitions, instance):
    publish = definitions.resolve_job_def("publish")
    instance.create_run_for_job(publish, status=dg.DagsterRunStatus.STARTED)
    assert requests() == []

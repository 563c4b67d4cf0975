"""Failures: what ends a satellite's run. A DocType's trouble never does: that is a failed check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from connectors.frappe import FrappeError
from federation.extract.errors import ExtractError
from federation.lake.errors import LakeError
from federation.mothership.errors import MothershipError
from federation.settings.errors import SettingsError

_OF_THE_WHOLE = (FrappeError, ExtractError, LakeError, MothershipError, SettingsError)


@contextmanager
def failing_as_a_whole(satellite: str) -> Iterator[None]:
    """Turn the domain's errors into the step's failure, in the words of the error.

    Trying the step again at once wouldn't help: the connector has tried already, and the next run goes on from the last
    commit.
    """
    try:
        yield
    except _OF_THE_WHOLE as error:
        raise dg.Failure(str(error), metadata={"satellite": satellite}, allow_retries=False) from error

"""Retries: when a failed try is made again, and after how long."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import tenacity

from connectors.frappe.errors import FrappeError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG: Final = logging.getLogger(__name__)


def retrying(attempts: int, seconds: float, sleep: Callable[[float], object]) -> tenacity.Retrying:
    """Return what makes up to `attempts` tries, the last one begun within `seconds` of the first.

    Only errors that say so are worth another try; the last one is raised as it is.
    """

    def pause(length: float) -> None:
        sleep(length)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, FrappeError) and error.retry),
        stop=tenacity.stop_after_attempt(attempts) | tenacity.stop_before_delay(seconds),
        wait=_pause,
        sleep=pause,
        before_sleep=_log_retry,
        reraise=True,
    )


_backoff: Final = tenacity.wait_random_exponential(multiplier=0.5, max=20)


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds to the next try: as the site asks, none where it never saw the request, else jittered and doubling."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, FrappeError):
        if error.retry_after is not None:
            return error.retry_after
        if error.at_once and state.attempt_number == 1:
            return 0
    return _backoff(state)


def _log_retry(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0
    _LOG.info("try %d failed, the next in %.1f s: %s", state.attempt_number, pause, error)

"""Retries: when a failed try is made again, and after how long."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Final

import tenacity
from tenacity.stop import stop_base

from connectors.frappe.errors import FrappeError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG: Final = logging.getLogger(__name__)
_SAVED: Final = 20.0
_EARNED: Final = 0.1


class RetryBudget:
    """The retries that a session may still make: 20, and one more for every ten answers.

    A site that fails every second request would otherwise cost some tries for each of thousands.
    """

    def __init__(self) -> None:
        self._left = _SAVED
        self._lock = Lock()

    def earn(self) -> None:
        """Take note of an answer."""
        with self._lock:
            self._left = min(_SAVED, self._left + _EARNED)

    def spend(self, error: FrappeError, tries: int) -> bool:
        """Return whether there is a retry left after `tries`, and take it.

        One that the site asked for by `Retry-After`, or the first after an unused connection was closed, is free.
        """
        if error.retry_after is not None or (error.at_once and tries == 1):
            return True
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class _BudgetSpent(stop_base):
    """Asked last: it takes a retry."""

    def __init__(self, budget: RetryBudget) -> None:
        self._budget = budget

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        error = _error(retry_state)
        return error is not None and not self._budget.spend(error, retry_state.attempt_number)


def retrying(
    attempts: int,
    seconds: float,
    sleep: Callable[[float], object],
    *,
    again: Callable[[FrappeError], bool],
    budget: RetryBudget,
) -> tenacity.Retrying:
    """Return what makes up to `attempts` tries, the last one begun within `seconds` of the first.

    Only errors for which `again` says so are worth another try; the last one is raised as it is.
    """

    def pause(length: float) -> None:
        sleep(length)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, FrappeError) and again(error)),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(attempts), tenacity.stop_before_delay(seconds), _BudgetSpent(budget)
        ),
        wait=_pause,
        sleep=pause,
        before_sleep=_log_retry,
        reraise=True,
    )


_backoff: Final = tenacity.wait_random_exponential(multiplier=0.5, max=20)


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds to the next try: as the site asks, none where it never saw the request, else jittered and doubling."""
    error = _error(state)
    if error is not None:
        if error.retry_after is not None:
            return error.retry_after
        if error.at_once and state.attempt_number == 1:
            return 0
    return _backoff(state)


def _log_retry(state: tenacity.RetryCallState) -> None:
    pause = state.next_action.sleep if state.next_action else 0
    _LOG.info("try %d failed, the next in %.1f s: %s", state.attempt_number, pause, _error(state))


def _error(state: tenacity.RetryCallState) -> FrappeError | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, FrappeError) else None

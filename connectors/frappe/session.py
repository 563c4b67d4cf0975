"""Session: sends requests to one site: bounded, patient, and honest about what went wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Final, Self

import requests
import urllib3
from requests.adapters import BaseAdapter

from connectors.frappe.access import Credentials, Limits, Token, checked_address, checked_proxy, checked_site_name
from connectors.frappe.attempt import Attempt
from connectors.frappe.body import AbandonedError, OverdueError, OversizeError, read_body
from connectors.frappe.breaker import Breaker
from connectors.frappe.errors import FrappeError, SatelliteError, TransientError, Trouble, failure
from connectors.frappe.headers import http_date, retry_after
from connectors.frappe.health import PairHealth
from connectors.frappe.page_size import PageSizes
from connectors.frappe.pressure import Pressure
from connectors.frappe.rate_limit import RateLimit
from connectors.frappe.refusals import read_refusal
from connectors.frappe.retries import RetryBudget, retrying
from connectors.frappe.site_names import SiteNames
from connectors.frappe.transport import OpenSockets, PooledTransport
from connectors.frappe.troubles import cause_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.frappe.request import Request

_LOG: Final = logging.getLogger(__name__)
_MOST_WORDS: Final = 64 * 1024
"""Bytes read of an answer that isn't 200: Frappe's tracebacks are a few kB."""
_USER_AGENT: Final = "frappe-federation"


@dataclass(frozen=True, slots=True)
class Answer:
    """A 200 with a JSON object.

    Attributes:
        body: the decoded bytes.
        observed: our clock (UTC) just before the try that succeeded was sent: the site's state is at least as new.
        seconds: from then to the last byte.
        site_clock: the `Date` header, whole seconds, None where there is none.
    """

    body: bytes
    observed: datetime
    seconds: float
    site_clock: datetime | None


class FrappeSession:
    """One site, reached with one API user. Any number of threads may share it.

    Redirects are never followed, cookies never kept, and the credentials are sent nowhere but to `url`.

    Attributes:
        url: the site's address.
        limits: what the site is asked to bear.
        names: what the site calls DocTypes and fields that callers call otherwise.
        page_sizes: how many rows of each DocType it turned out to bear.
        is_discreet: errors don't quote the site, whose words may name documents.
    """

    is_discreet = False

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        limits: Limits | None = None,
        *,
        verify: bool | str = True,
        site_name: str | None = None,
        proxy: str | None = None,
        names: SiteNames | None = None,
        clock: Callable[[], datetime] | None = None,
        wait: Callable[[Event, float], object] = Event.wait,
        transport: Callable[[int], BaseAdapter] | None = None,
    ) -> None:
        """Prepare a session; nothing is sent yet.

        Args:
            url: the site's address, `https://host[:port][/sub/path]`.
            credentials: of a user who may read.
            limits: what the site is asked to bear.
            verify: False trusts any certificate, a path names a file of CA certificates.
            site_name: the site that is meant where several answer at this address, as on a bench of Frappe Cloud; None
                if the address says it.
            proxy: `http://[user:password@]host[:port]` on the way to the site; None leaves it to the environment.
            names: what the site calls DocTypes and fields that callers call otherwise.
            clock: now, in UTC.
            wait: waits between tries, until the event is set or the seconds are over.
            transport: makes the `requests` adapter for a number of connections.

        Raises:
            ValueError: the address, the CA path, the site's name or the proxy can't be used.
        """
        self.url = checked_address(url)
        self.limits = limits or Limits()
        self.names = names or SiteNames()
        if isinstance(verify, str) and not Path(verify).exists():
            raise ValueError(f"there is no CA file at {verify}")
        self._verify = verify
        self._credentials = credentials
        self._clock = clock or partial(datetime.now, UTC)
        self._wait = wait
        self._proxies = {} if proxy is None else dict.fromkeys(("http", "https"), checked_proxy(proxy))
        self._sockets = OpenSockets()
        self._transport = transport or partial(PooledTransport, sockets=self._sockets)
        self._lock = Lock()
        self._stopped = False
        self._waiting: list[Event] = []
        self._health = PairHealth()
        self._pressure = Pressure(self.limits.connections)
        self._breaker = Breaker()
        self._rate_limit = RateLimit(self.limits.retry_seconds)
        self._budget = RetryBudget()
        self.page_sizes = PageSizes()
        self._http = requests.Session()
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT})
        if site_name is not None:
            self._http.headers.update({"Host": checked_site_name(site_name), "X-Frappe-Site-Name": site_name})
        self._http.auth = Token(credentials)
        self._http.adapters.clear()
        self._http.mount(self.url, self._transport(self.limits.connections))

    def __repr__(self) -> str:
        return f"FrappeSession({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> datetime:
        """Return our clock, in UTC."""
        return self._clock()

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def stop(self) -> None:
        """End all waiting and all requests, from any thread; nothing can be sent afterwards.

        A thread that is still making its connection ends with the connect time-out at the latest.
        """
        with self._lock:
            self._stopped = True
            waiting = list(self._waiting)
        for event in waiting:
            event.set()
        self._pressure.wake()
        self._sockets.cut()

    def send(
        self,
        request: Request,
        *,
        abandoned: Event | None = None,
        smaller: Callable[[], Request | None] | None = None,
    ) -> Answer:
        """Return the site's answer to `request`, asked again within the retry budget where that can help.

        Args:
            request: what is asked.
            abandoned: set from another thread, ends the waiting and the retries; the answer is then given up.
            smaller: makes a request for less of the same, after the site failed at as much as it was asked for last;
                None when it can't be less. The answer is then the last one's.

        Raises:
            TransientError, SatelliteError, DocTypeError: by the table of reactions.
            AbandonedError: `abandoned` was set, or the session stopped.
        """
        attempt = Attempt(request, smaller)
        with self._until_stopped(abandoned or Event()) as given_up:
            tries = retrying(
                self.limits.retry_attempts,
                self.limits.retry_seconds,
                partial(self._wait, given_up),
                again=attempt.go_on,
                budget=self._budget,
            )
            return tries(self._try, attempt, given_up)

    @contextmanager
    def _until_stopped(self, abandoned: Event) -> Iterator[Event]:
        with self._lock:
            if self._stopped:
                raise AbandonedError
            self._waiting.append(abandoned)
        try:
            yield abandoned
        finally:
            with self._lock:
                self._waiting.remove(abandoned)

    def _try(self, attempt: Attempt, abandoned: Event) -> Answer:
        request = attempt.request
        if pause := self._rate_limit.pause():
            _LOG.info("%s: its rate limit is half used; the next request waits %.1f s", self.url, pause)
            self._wait(abandoned, pause)
        with self._pressure.slot(abandoned) as slot:
            if rest := self._breaker.seconds_to_rest():
                raise self._failure(Trouble.LEFT_ALONE, request, retry_after=rest)
            try:
                answer = self._exchange(request, abandoned)
            except FrappeError as error:
                self._note_failure(error)
                raise
        self._breaker.answered()
        self._budget.earn()
        size = len(answer.body)
        self._pressure.answered((request.path, request.doctype, size.bit_length()), answer.seconds)
        self._watch(answer, slot.crowd)
        return answer

    def _note_failure(self, error: FrappeError) -> None:
        """A site that refuses is well; one that can't answer isn't, and one that limits us says so politely."""
        if isinstance(error, TransientError) and not error.at_once:
            self._pressure.strained()
        unwell = error.retry and isinstance(error, (TransientError, SatelliteError))
        if unwell and error.status != HTTPStatus.TOO_MANY_REQUESTS:
            self._breaker.failed()
        else:
            self._breaker.answered()

    def _exchange(self, request: Request, abandoned: Event) -> Answer:
        observed = self._clock()
        started = time.monotonic()
        deadline = started + self.limits.answer_seconds
        try:
            with closing(self._open(request)) as response:
                accepted = response.status_code == HTTPStatus.OK
                body = read_body(
                    response.raw,
                    most=self.limits.max_bytes if accepted else _MOST_WORDS,
                    deadline=deadline,
                    abandoned=abandoned,
                )
        except OversizeError as error:
            if accepted:
                raise self._failure(Trouble.OVERSIZE, request, said=f"more than {self.limits.max_bytes} B") from error
            body = b""
        except OverdueError as error:
            raise self._failure(Trouble.OVERDUE, request) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            if abandoned.is_set():
                raise AbandonedError from error
            raise self._failure(cause_of(error), request) from error
        if not accepted:
            raise self._refused(request, response, body)
        if (trouble := _shape_trouble(body)) is not None:
            raise self._failure(trouble, request, said=body[:200].decode("utf-8", "replace"), status=HTTPStatus.OK)
        self._rate_limit.answered(response.headers)
        return Answer(body, observed, time.monotonic() - started, http_date(response.headers.get("Date")))

    def _open(self, request: Request) -> requests.Response:
        return self._http.request(
            request.method,
            self.url + request.target,
            data=request.body,
            headers={"Content-Type": "application/json"} if request.body is not None else None,
            timeout=(self.limits.connect_timeout, self.limits.read_timeout),
            verify=self._verify,
            proxies=self._proxies,
            allow_redirects=False,
            stream=True,
        )

    def _refused(self, request: Request, response: requests.Response, body: bytes) -> FrappeError:
        refusal = read_refusal(response.status_code, body)
        said = refusal.said
        if refusal.cause is Trouble.REDIRECT:
            said = response.headers.get("Location", "")
        return self._failure(
            refusal.cause,
            request,
            said=said,
            status=response.status_code,
            retry_after=retry_after(response.headers, self._clock()),
            refused_field=refusal.refused_field,
        )

    def _failure(
        self,
        cause: int | Trouble,
        request: Request,
        *,
        said: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        refused_field: str | None = None,
    ) -> FrappeError:
        if self.is_discreet:
            said = ""
        for secret in (self._credentials.api_secret, self._credentials.api_key):
            said = said.replace(secret, "…")
        return failure(
            cause,
            site=self.url,
            doctype=request.doctype,
            said=said,
            status=status,
            retry_after=retry_after,
            refused_field=refused_field,
        )

    def _watch(self, answer: Answer, crowd: int) -> None:
        with self._lock:
            if not self._health.should_reopen(len(answer.body), answer.seconds, crowd):
                return
            slow = self._http.get_adapter(self.url)
            self._http.mount(self.url, self._transport(self.limits.connections))
        slow.close()
        _LOG.info("%s: parallel connections slow each other down; they are opened anew", self.url)


def _shape_trouble(body: bytes) -> Trouble | None:
    """A 200 must hold one JSON object; one without its end came over a connection that was cut."""
    if not body[:64].lstrip().startswith(b"{"):
        return Trouble.NOT_FRAPPE
    return None if body[-64:].rstrip().endswith(b"}") else Trouble.TRUNCATED

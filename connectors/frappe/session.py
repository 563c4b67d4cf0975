"""Session: sends requests to one site: bounded, patient, and honest about what went wrong."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from threading import BoundedSemaphore, Event, Lock
from typing import TYPE_CHECKING, Final, Self

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from connectors.frappe.access import Credentials, Limits, Token, checked_address
from connectors.frappe.body import AbandonedError, OverdueError, OversizeError, read_body
from connectors.frappe.errors import FrappeError, Trouble, failure
from connectors.frappe.health import PairHealth
from connectors.frappe.refusals import read_refusal
from connectors.frappe.retries import retrying
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
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        limits: Limits | None = None,
        *,
        verify: bool | str = True,
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
            clock: now, in UTC.
            wait: waits between tries, until the event is set or the seconds are over.
            transport: makes the `requests` adapter for a number of connections.

        Raises:
            ValueError: the address or the CA path can't be used.
        """
        self.url = checked_address(url)
        self.limits = limits or Limits()
        if isinstance(verify, str) and not Path(verify).exists():
            raise ValueError(f"there is no CA file at {verify}")
        self._verify = verify
        self._credentials = credentials
        self._clock = clock or partial(datetime.now, UTC)
        self._wait = wait
        self._transport = transport or _pool
        self._slots = BoundedSemaphore(self.limits.connections)
        self._lock = Lock()
        self._in_flight = 0
        self._health = PairHealth()
        self._http = requests.Session()
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._http.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT})
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

    def send(self, request: Request, *, abandoned: Event | None = None) -> Answer:
        """Return the site's answer to `request`, asked again within the retry budget where that can help.

        Args:
            request: what is asked.
            abandoned: set from another thread, ends the waiting and the retries; the answer is then given up.

        Raises:
            TransientError, SatelliteError, DocTypeError: by the table of reactions.
            AbandonedError: `abandoned` was set.
        """
        given_up = abandoned or Event()
        tries = retrying(self.limits.retry_attempts, self.limits.retry_seconds, partial(self._wait, given_up))
        return tries(self._try, request, given_up)

    def _try(self, request: Request, abandoned: Event) -> Answer:
        with self._slots:
            if abandoned.is_set():
                raise AbandonedError
            with self._lock:
                self._in_flight += 1
                crowd = self._in_flight
            try:
                answer = self._exchange(request, abandoned)
            finally:
                with self._lock:
                    crowd = max(crowd, self._in_flight)
                    self._in_flight -= 1
        self._watch(answer, crowd)
        return answer

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
            raise self._failure(cause_of(error), request) from error
        if not accepted:
            raise self._refused(request, response, body)
        if (trouble := _shape_trouble(body)) is not None:
            raise self._failure(trouble, request, said=body[:200].decode("utf-8", "replace"), status=HTTPStatus.OK)
        return Answer(body, observed, time.monotonic() - started, _date(response.headers.get("Date")))

    def _open(self, request: Request) -> requests.Response:
        return self._http.request(
            request.method,
            self.url + request.target,
            data=request.body,
            headers={"Content-Type": "application/json"} if request.body is not None else None,
            timeout=(self.limits.connect_timeout, self.limits.read_timeout),
            verify=self._verify,
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
            retry_after=_retry_after(response.headers.get("Retry-After"), self._clock()),
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


def _pool(connections: int) -> HTTPAdapter:
    return HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)


def _shape_trouble(body: bytes) -> Trouble | None:
    """A 200 must hold one JSON object; one without its end came over a connection that was cut."""
    if not body[:64].lstrip().startswith(b"{"):
        return Trouble.NOT_FRAPPE
    return None if body[-64:].rstrip().endswith(b"}") else Trouble.TRUNCATED


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait: the header is a number or a date [v15/i_limits/07]."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:9])
    until = _date(header)
    return None if until is None else max(0.0, (until - now).total_seconds())


def _date(header: str | None) -> datetime | None:
    try:
        instant = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

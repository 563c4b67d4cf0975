"""The site's web application: requests in, Frappe's answers out, and trouble where the fault plan says so."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from federation.demo.site import calls
from federation.demo.site.calls import Call
from federation.demo.site.errors import (
    CrashedError,
    FrappeProblem,
    MaintenanceError,
    MissingError,
    TooManyRequestsError,
)
from federation.demo.site.faults import Fault, FaultPlan
from federation.demo.site.front import killed_page, nginx_page
from federation.demo.site.lists import Page
from federation.demo.site.permissions import authenticate
from federation.demo.site.wire import encode

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from federation.demo.site.documents import SiteDocuments
    from federation.demo.site.limits import RateLimit
    from federation.demo.site.permissions import SiteUser

_COOKIES = (
    "sid=Guest; Max-Age=612000; HttpOnly; Path=/; SameSite=Lax",
    "system_user=no; Path=/; SameSite=Lax",
    "full_name=Guest; Path=/; SameSite=Lax",
    "user_id=Guest; Path=/; SameSite=Lax",
    "user_image=; Path=/; SameSite=Lax",
)
_WEB_PAGE = b"<!doctype html>\n<html lang=en>\n<title>Welcome</title>\n<h1>Welcome</h1>\n"


@dataclass
class SiteApp:
    """The ASGI application of one site.

    Attributes:
        documents: the site's documents and store.
        faults: what goes wrong next.
        slow_rows_per_second: lists take at least rows / this many seconds; None is as fast as it goes.
        seconds_in_flight: a request takes at least this long for each request that is being answered, itself among
            them: as a site with one worker does.
        rate_limit: server time that clients may use; None is as much as they like.
        maintenance: `closed` answers 503 to everything; `reads` lets through what changes nothing [i_limits/09-12].
    """

    documents: SiteDocuments
    faults: FaultPlan = field(default_factory=FaultPlan)
    slow_rows_per_second: float | None = None
    seconds_in_flight: float = 0.0
    rate_limit: RateLimit | None = None
    maintenance: Literal["off", "closed", "reads"] = "off"
    _in_flight: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = await request.body()
        target = f"{scope['path']}?{unquote_plus(request.url.query)} {body.decode(errors='replace')}"
        fault = self.faults.take(target)
        if fault is not None and fault.kind == "reset":
            scope["state"]["transport"].abort()
            return
        response = await run_in_threadpool(self._timed, request, body, fault)
        if fault is not None and fault.kind in {"truncate", "trickle"}:
            await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
            await _send_badly(bytes(response.body), fault, scope, send)
            return
        await response(scope, receive, send)

    def _timed(self, request: Request, body: bytes, fault: Fault | None) -> Response:
        """The answer, with the site's load and rate limit; runs in a thread of its own."""
        began = time.perf_counter()
        with self._lock:
            self._in_flight += 1
            load = self._in_flight * self.seconds_in_flight
        try:
            if load:
                time.sleep(load)
            response = self._answer(request, body, fault)
        finally:
            with self._lock:
                self._in_flight -= 1
        if self.rate_limit is not None and response.status_code != 429:  # noqa: PLR2004
            response.headers.update(self.rate_limit.leave(time.perf_counter() - began))
        return response

    def _answer(self, request: Request, body: bytes, fault: Fault | None) -> Response:
        """What Frappe itself answers, or what is answered in its place."""
        if request.method == "OPTIONS":
            return Response(b"", media_type="text/plain")
        if fault is not None and fault.kind in {"hang", "killed"}:
            time.sleep(fault.seconds)
        if fault is not None and fault.kind == "killed":
            return killed_page()
        if fault is not None and fault.kind == "gateway":
            return nginx_page(fault.status)
        if fault is not None and fault.kind == "html":
            return Response(_WEB_PAGE, media_type="text/html; charset=utf-8")
        documents = self.documents if fault is None or fault.instead is None else fault.instead
        manners = documents.store.manners
        told: dict[str, str] = {}
        try:
            if fault is not None and fault.kind == "status":
                _raise_for(fault)
            if self.maintenance == "closed":
                raise MaintenanceError
            if self.rate_limit is not None:
                told = self.rate_limit.enter()
            user = authenticate(documents.store, request.headers.get("Authorization"))
            call = _call(documents, user, request, body, is_read_only=self.maintenance == "reads")
            status, answer = _dispatch(request, call)
        except FrappeProblem as problem:
            is_v2 = manners.has_prefixes and request.scope["path"].startswith("/api/v2/")
            refusal = problem.body_v2() if is_v2 else problem.body(manners)
            return _json(problem.status, refusal, told | problem.headers)
        answer = _with_debug(answer, call)
        if fault is not None and fault.lie is not None:
            answer = {key: fault.lie(value) for key, value in answer.items()}
        return _json(status, {key: self._rows(value, call, fault) for key, value in answer.items()}, told)

    def _rows(self, value: object, call: Call, fault: Fault | None) -> object:
        """A list as rows of the form asked for, at the site's pace."""
        if not isinstance(value, Page):
            return value
        if self.slow_rows_per_second:
            time.sleep(len(value.rows) / self.slow_rows_per_second)
        if calls.wants_dicts(call):
            return value.dicts()
        if fault is not None and fault.kind == "shift":
            return [(row[0], *row[2:]) for row in value.rows]
        return value.rows


async def _send_badly(body: bytes, fault: Fault, scope: Scope, send: Send) -> None:
    """A body that breaks off, or comes in drops."""
    if fault.kind == "truncate":
        await send({"type": "http.response.body", "body": body[: fault.size], "more_body": True})
        scope["state"]["transport"].close()
        return
    for start in range(0, len(body), fault.size):
        await send({"type": "http.response.body", "body": body[start : start + fault.size], "more_body": True})
        await asyncio.sleep(fault.seconds)
    await send({"type": "http.response.body", "body": b""})


def _with_debug(answer: dict[str, Any], call: Call) -> dict[str, Any]:
    """Add the SQL of a list that was asked for with `debug=1`, where the version shows it [b_list/30, j_v2/07]."""
    page = next((value for value in answer.values() if isinstance(value, Page)), None)
    if page is None or not page.debug:
        return answer
    if call.is_v2:
        return answer | {"debug": [{"message": message} for message in page.debug]}
    return answer | {call.store.manners.debug_key: json.dumps(page.debug)}


def _dispatch(request: Request, call: Call) -> tuple[int, dict[str, Any]]:  # noqa: PLR0911 - a route a line
    """Status and answer of a route; lists as Page."""
    path: str = request.scope["path"]
    if call.store.manners.has_prefixes:
        path = path.replace("/api/v1/", "/api/", 1)
    route, _, rest = path.removeprefix("/api/").partition("/")
    if route == "method" and rest:
        if rest == "frappe.desk.form.load.getdoctype":
            return 200, calls.metadata(call)
        answer = {"message": calls.run_method(call, rest)}
        return 200, answer | calls.notices(call, rest)
    if call.is_v2:
        return 200, {"data": _dispatch_v2(rest, call)}
    doctype, _, name = rest.partition("/")
    if route != "resource" or not doctype:
        raise MissingError
    if not name:
        if request.method == "POST":
            return 200, {"data": calls.create_document(call, doctype, call.document())}
        return 200, {"data": calls.list_documents(call, doctype)}
    if request.method == "PUT":
        return 200, {"data": calls.update_document(call, doctype, name, call.document())}
    if request.method == "DELETE":
        return 202, {"data": calls.delete_document(call, doctype, name)}
    return 200, {"data": calls.read_document(call, doctype, name)}


def _dispatch_v2(rest: str, call: Call) -> object:
    kind, _, place = rest.partition("/")
    if kind == "method":
        return calls.run_method(call, place)
    doctype, _, name = place.partition("/")
    if kind == "doctype" and name == "meta":
        return call.store.meta(doctype).wire
    if kind == "doctype" and name == "count":
        return calls.count_documents(call, doctype)
    if kind == "document" and doctype:
        return calls.read_document(call, doctype, name) if name else calls.list_documents_v2(call, doctype)
    raise MissingError


def _call(documents: SiteDocuments, user: SiteUser, request: Request, body: bytes, *, is_read_only: bool) -> Call:
    """The request with its parameters merged from query, form or JSON."""
    path, manners = request.scope["path"], documents.store.manners
    params: dict[str, Any] = dict(request.query_params)
    sent: dict[str, Any] | None = None
    if body and request.headers.get("Content-Type", "").startswith("application/json"):
        sent = _parsed(body)
        params |= {key: _first(item) for key, item in sent.items()} if manners.flattens_json_lists else sent
    elif body:
        params |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    return Call(
        documents,
        user,
        params,
        sent=sent,
        is_method=path.startswith("/api/method/"),
        is_v2=manners.has_prefixes and path.startswith("/api/v2/"),
        is_read_only=is_read_only,
    )


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body))
    except json.JSONDecodeError as error:
        raise CrashedError("json.decoder.JSONDecodeError", str(error)) from None


def _first(item: object) -> object:
    if not isinstance(item, list):
        return item
    if not item:
        raise CrashedError("IndexError", "list index out of range")
    return item[0]


def _raise_for(fault: Fault) -> None:
    if fault.status == 429:  # noqa: PLR2004
        raise TooManyRequestsError(fault.retry_after)
    if fault.status == 503:  # noqa: PLR2004
        raise MaintenanceError
    problem = CrashedError("pymysql.err.OperationalError", "(2006, 'Server has gone away')")
    problem.status = fault.status
    raise problem


def _json(status: int, answer: object, headers: dict[str, str]) -> Response:
    response = Response(encode(answer), status, headers, "application/json")
    for cookie in _COOKIES:
        response.raw_headers.append((b"set-cookie", cookie.encode()))
    return response

"""The site's web application: requests in, Frappe's answers out, and trouble where the fault plan says so."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
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
from federation.demo.site.lists import Page
from federation.demo.site.permissions import authenticate
from federation.demo.site.wire import encode

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from federation.demo.site.documents import SiteDocuments

LONGEST_REQUEST_LINE = 4094  # gunicorn's limit, in bytes
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
        hosts: Host names that it answers to; None is any. Another one gets 404 and HTML, as where no site is.
        faults: what goes wrong next.
        slow_rows_per_second: lists take at least rows / this many seconds; None is as fast as it goes.
    """

    documents: SiteDocuments
    hosts: frozenset[str] | None = None
    faults: FaultPlan = field(default_factory=FaultPlan)
    slow_rows_per_second: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = await request.body()
        refusal = self._refused_before_frappe(request)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        target = f"{request.url.path}?{unquote_plus(request.url.query)} {body.decode(errors='replace')}"
        fault = self.faults.take(target)
        if fault is not None and fault.kind == "reset":
            scope["state"]["transport"].abort()
            return
        response = await run_in_threadpool(self._answer, request, body, fault)
        if fault is not None and fault.kind == "truncate":
            await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
            await send({"type": "http.response.body", "body": bytes(response.body)[: fault.size], "more_body": True})
            scope["state"]["transport"].close()
            return
        await response(scope, receive, send)

    def _refused_before_frappe(self, request: Request) -> Response | None:
        """What gunicorn and the site router answer."""
        raw_path: bytes = request.scope.get("raw_path", b"")
        query: bytes = request.scope["query_string"]
        line = f"{request.method} {raw_path.decode('latin-1')}{'?' if query else ''}{query.decode('latin-1')} HTTP/1.1"
        if len(line) > LONGEST_REQUEST_LINE:
            return _html(400, f"Request Line is too large ({len(line)} &gt; {LONGEST_REQUEST_LINE})", "Bad Request")
        host = request.headers.get("X-Frappe-Site-Name") or request.headers.get("Host", "").partition(":")[0]
        if self.hosts is not None and host not in self.hosts:
            return _html(404, f"{host} does not exist", "Not Found")
        return None

    def _answer(self, request: Request, body: bytes, fault: Fault | None) -> Response:
        """What Frappe itself answers; runs in a thread of its own."""
        if request.method == "OPTIONS":
            return Response(b"", media_type="text/plain")
        if fault is not None and fault.kind == "hang":
            time.sleep(fault.seconds)
        if fault is not None and fault.kind == "html":
            return Response(_WEB_PAGE, media_type="text/html; charset=utf-8")
        is_v2 = request.url.path.startswith("/api/v2/")
        try:
            if fault is not None and fault.kind == "status":
                _raise_for(fault)
            user = authenticate(self.documents.store, request.headers.get("Authorization"))
            call = Call(self.documents, user, _params(request, body))
            status, answer = _dispatch(request, call)
        except FrappeProblem as problem:
            answer = problem.body_v2() if is_v2 else problem.body()
            return _json(problem.status, answer, problem.headers)
        return _json(status, {key: self._rows(value, call, fault) for key, value in answer.items()}, {})

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


def _dispatch(request: Request, call: Call) -> tuple[int, dict[str, Any]]:  # noqa: PLR0911 - a route a line
    """Status and answer of a route; lists as Page."""
    path = request.scope["path"].replace("/api/v1/", "/api/", 1)
    route, _, rest = path.removeprefix("/api/").partition("/")
    if route == "method" and rest:
        if rest == "frappe.desk.form.load.getdoctype":
            return 200, calls.metadata(call)
        answer = {"message": calls.run_method(call, rest)}
        return 200, answer | calls.notices(call, rest)
    if route == "v2":
        return 200, {"data": _dispatch_v2(rest, call)}
    doctype, _, name = rest.partition("/")
    if route != "resource" or not doctype:
        raise MissingError
    if not name:
        if request.method == "POST":
            return 200, {"data": calls.create_document(call, doctype, _document(call))}
        return 200, {"data": calls.list_documents(call, doctype)}
    if request.method == "PUT":
        return 200, {"data": calls.update_document(call, doctype, name, _document(call))}
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


def _params(request: Request, body: bytes) -> dict[str, Any]:
    params: dict[str, Any] = dict(request.query_params)
    if body:
        if request.headers.get("Content-Type", "").startswith("application/json"):
            try:
                params |= json.loads(body)
            except json.JSONDecodeError as error:
                raise CrashedError("json.decoder.JSONDecodeError", str(error)) from None
        else:
            params |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    return params


def _document(call: Call) -> dict[str, Any]:
    """The document of a POST or PUT: the JSON body, or a form's `data`."""
    data = call.params.get("data")
    if data is None:
        return dict(call.params)
    return dict(json.loads(data)) if isinstance(data, str) else dict(data)


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


def _html(status: int, reason: str, title: str) -> Response:
    page = f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n<p>{reason}</p>\n"
    return Response(page, status, media_type="text/html; charset=utf-8")

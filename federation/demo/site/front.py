"""What stands before Frappe: gunicorn's request line, the choice of a site by its name, and nginx with its mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST_REQUEST_LINE = 4094  # gunicorn's limit, in bytes
ANY_HOST = "*"


@dataclass
class Front:
    """The ASGI application that leads to one or several sites.

    Attributes:
        sites: the sites by name; `*` takes every other name. Without it an unknown name gets 404 and HTML.
        mount: a path such as `/erp` under which the sites answer; everything beside it is nginx's 404.
    """

    sites: dict[str, ASGIApp] = field(default_factory=dict)
    mount: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead one request to its site, or refuse it as a server does that never asked Frappe."""
        request = Request(scope, receive)
        answer: ASGIApp
        if (line := _request_line(request)) > LONGEST_REQUEST_LINE:
            answer = _page(400, f"Request Line is too large ({line} &gt; {LONGEST_REQUEST_LINE})", "Bad Request")
        elif not scope["path"].startswith(f"{self.mount}/"):
            answer = nginx_page(404)
        else:
            name = request.headers.get("X-Frappe-Site-Name") or request.headers.get("Host", "").partition(":")[0]
            site = self.sites.get(name, self.sites.get(ANY_HOST))
            answer = _page(404, f"{name} does not exist", "Not Found") if site is None else site
            raw_path = scope["raw_path"].removeprefix(self.mount.encode())
            scope = {**scope, "path": scope["path"].removeprefix(self.mount), "raw_path": raw_path}
        await answer(scope, receive, send)


def nginx_page(status: int) -> Response:
    """A page of nginx itself: the site is not reachable, or not there."""
    title = f"{status} {_NGINX_TITLES[status]}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx/1.18.0 (Ubuntu)</center>\r\n</body>\r\n</html>\r\n"
    )
    return Response(page, status, {"Content-Type": "text/html"})


def killed_page() -> Response:
    """The 141 bytes of gunicorn whose worker was killed at its time-out."""
    title = "Internal Server Error"
    page = (
        f"<html>\n  <head>\n    <title>{title}</title>\n  </head>\n  <body>\n    <h1><p>{title}</p></h1>\n    \n"
        "  </body>\n</html>\n"
    )
    return Response(page, 500, {"Content-Type": "text/html"})


_NGINX_TITLES = {404: "Not Found", 502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


def _request_line(request: Request) -> int:
    """Length in bytes."""
    query = request.scope["query_string"]
    return len(f"{request.method} {'?' if query else ''} HTTP/1.1") + len(request.scope["raw_path"]) + len(query)


def _page(status: int, reason: str, title: str) -> Response:
    page = f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n<p>{reason}</p>\n"
    return Response(page, status, media_type="text/html; charset=utf-8")

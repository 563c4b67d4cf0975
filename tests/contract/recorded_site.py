"""A site that serves recorded rows and metadata over HTTP, in the forms that the connector asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from recorded import recorded_metas, recordings

from connectors.frappe import Credentials, FrappeSession

Row = dict[str, Any]
CREDENTIALS = Credentials("key-of-the-recordings", "secret-of-the-recordings")
KITCHEN_SINK = ("e_types/05", "e_types/43")
"""Rows of a DocType with a field of every fieldtype, and with emoji, control characters and 20,000 letters."""


@cache
def recorded_rows(site: str) -> dict[str, dict[Any, Row]]:
    """DocType → name → row as recorded, from lists of all columns and from whole documents, child rows included.

    A single document leaves nulls out, so what it doesn't say is null.
    """
    rows: dict[str, dict[Any, Row]] = {}
    for recording in recordings().values():
        if recording.site != site or (recording.topic != "samples" and recording.id not in KITCHEN_SINK):
            continue
        data = recording.response["body"]["data"]
        for row in data if isinstance(data, list) else [data]:
            rows.setdefault(recording.doctype, {}).setdefault(row["name"], {}).update(_own(row))
            for child in (part for value in row.values() if isinstance(value, list) for part in value):
                rows.setdefault(child["doctype"], {}).setdefault(child["name"], {}).update(_own(child))
    return rows


def _own(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "doctype" and not isinstance(value, list)}


@contextmanager
def recorded_site(site: str) -> Iterator[FrappeSession]:
    """A session with a local server that has the recorded rows of `site` and nothing else."""

    class Handler(_Handler):
        host = site

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with FrappeSession(f"http://127.0.0.1:{server.server_port}", CREDENTIALS) as session:
            yield session
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host: ClassVar[str]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        params = dict(parse_qsl(url.query))
        if url.path.startswith("/api/resource/"):
            self._answer({"data": self._list(unquote(url.path.removeprefix("/api/resource/")), params)})
        else:
            meta = recorded_metas(self.host)[params["doctype"]]
            self._answer({"docs": [meta]})

    def do_POST(self) -> None:
        params = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer({"message": self._list(params["doctype"], params)})

    def _list(self, doctype: str, params: dict[str, Any]) -> list[list[Any]]:
        """Fewer rows than asked for, in one page: recorded DocTypes are small."""
        assert params["as_dict"] in ("False", 0)
        fields, order = json.loads(params["fields"]), params["order_by"].replace(" asc", "").split(", ")
        rows = list(recorded_rows(self.host).get(doctype, {}).values())
        for fieldname, operator, value in json.loads(params.get("filters", "[]")):
            wanted = value if operator == "in" else [value]
            rows = [row for row in rows if row[fieldname] in wanted]
        assert len(rows) < int(params["limit_page_length"])
        rows.sort(key=lambda row: [row[key] for key in order])
        return [[row.get(field) for field in fields] for row in rows]

    def _answer(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output readable."""

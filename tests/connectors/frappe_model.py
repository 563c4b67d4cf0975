"""A model of one Frappe table behind a `requests` adapter: the documented semantics of lists, and nothing else."""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from connectors.frappe import Credentials, FrappeSession, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = Credentials("key-of-the-model", "secret-of-the-model")
Row = dict[str, Any]


def collated(value: object) -> object:
    """utf8mb4_unicode_ci, near enough: neither case nor accents count."""
    if not isinstance(value, str):
        return value
    plain = unicodedata.normalize("NFKD", value)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def like(cell: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), cell, re.DOTALL | re.IGNORECASE) is not None


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda cell, value: collated(cell) == collated(value),
    ">": lambda cell, value: cell is not None and collated(cell) > collated(value),
    ">=": lambda cell, value: cell is not None and collated(cell) >= collated(value),
    "<=": lambda cell, value: cell is not None and collated(cell) <= collated(value),
    "<": lambda cell, value: cell is not None and collated(cell) < collated(value),
    "like": lambda cell, value: cell is not None and like(cell, value),
    "in": lambda cell, value: collated(cell) in {collated(one) for one in value},
}


class ModelSite(BaseAdapter):
    """Tables in memory. `refused` fields are left out of rows without a word, as above a user's permlevel."""

    def __init__(
        self, tables: dict[str, list[Row]], *, refused: set[str] = frozenset(), hidden: set[str] = frozenset()
    ):
        super().__init__()
        self.tables = tables
        self.refused = refused
        self.hidden = hidden
        self.unknown: set[str] = set()
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.before_each: Callable[[int], None] = lambda number: None
        self.in_flight = self.most_in_flight = 0
        self._lock = threading.Lock()

    def session(self, **limits: Any) -> FrappeSession:
        return FrappeSession("http://model.test", KEY, Limits(**limits), transport=lambda connections: self)

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            number = len(self.requests)
            params = self._params(request)
            self.requests.append((request.method, urlsplit(request.url).path, params))
        try:
            self.before_each(number)
            return answer(request, *self._answer(urlsplit(request.url).path, params))
        finally:
            with self._lock:
                self.in_flight -= 1

    def close(self) -> None:
        pass

    @staticmethod
    def _params(request: requests.PreparedRequest) -> dict[str, Any]:
        if request.method == "POST":
            return json.loads(request.body)
        return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))

    def _answer(self, path: str, params: dict[str, Any]) -> tuple[int, object]:
        if path.endswith("get_count"):
            ((fieldname, (operator, value)),) = json.loads(params["filters"]).items()
            rows = self.tables[params["doctype"]]
            return 200, {"message": sum(OPERATORS[operator](row[fieldname], value) for row in rows)}
        doctype = params.get("doctype") or unquote(path.rsplit("/", 1)[1])
        fields = json.loads(params["fields"])
        if unknown := [name for name in fields if name in self.unknown]:
            said = f"frappe.exceptions.DataError: Field not permitted in query: {unknown[0]}"
            return 417, {"exception": said, "exc_type": "DataError"}
        rows = [row for row in self._select(doctype, params) if row["name"] not in self.hidden]
        rows = rows[: int(params["limit_page_length"])]
        given = [name for name in fields if name not in self.refused]
        as_arrays = str(params.get("as_dict", "1")).lower() in ("0", "false", "")
        listed = [[row[name] for name in given] if as_arrays else {name: row[name] for name in given} for row in rows]
        return 200, {"message" if path.startswith("/api/method/") else "data": listed}

    def _select(self, doctype: str, params: dict[str, Any]) -> list[Row]:
        every = json.loads(params.get("filters", "[]"))
        some = json.loads(params.get("or_filters", "[]"))
        rows = [
            row
            for row in self.tables[doctype]
            if all(OPERATORS[op](row[name], value) for name, op, value in every)
            and (not some or any(OPERATORS[op](row[name], value) for name, op, value in some))
        ]
        keys, directions = zip(*(key.split(" ") for key in params["order_by"].split(", ")), strict=True)
        (direction,) = set(directions)
        return sorted(rows, key=lambda row: [collated(row[key]) for key in keys], reverse=direction == "desc")


def answer(request, status: int, body: object, headers: dict[str, str] | None = None) -> requests.Response:
    """A streamed `requests` response, as its own adapter would build it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers or {"Content-Type": "application/json"})
    response.raw = HTTPResponse(BytesIO(content), status=status, preload_content=False)
    response.url = request.url
    response.request = request
    return response

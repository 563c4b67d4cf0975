"""Refusals: an answer that isn't 200 is read for its cause, a key of the table of reactions."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from connectors.frappe.errors import REACTIONS, Trouble

_TAG: Final = re.compile(r"<[^>]*>")
_SERVER_TROUBLE: Final = re.compile(
    r"QueryDeadlockError|redis\.exceptions|\((?:1040|1045|1205|1213|2002|2003|2006|2013|4031)\b"
)
"""Connections refused or lost, deadlocks, lock waits: MariaDB's codes in pymysql's words [v15/i_limits/14]."""
_REFUSED_FIELD: Final = re.compile(r"Field not permitted in query: (\w+)$|Unknown column '(?:[^'.]*\.)?(\w+)' in ")
"""[v15/b_list/19] for a field outside the DocType, [v15/e_types/33] for one without a column."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a site refused.

    Attributes:
        cause: a key of `REACTIONS`.
        said: the site's own words, untrusted, without the traceback.
        refused_field: the field that it named, if it named one.
    """

    cause: int | Trouble
    said: str
    refused_field: str | None = None


def read_refusal(status: int, body: bytes) -> Refusal:
    """Return why a site answered with `status` (not 200) and `body`.

    Frappe 13 and 14 leave `exc_type` out on 401 and 403, so the status and the words decide [v14/a_auth/03].
    """
    fields = _json_object(body)
    if fields is None:
        return Refusal(_cause_without_json(status), _plain(body.decode("utf-8", "replace")))
    said = _words(fields)
    kind = f"{fields.get('exc_type', '')} {fields.get('exception', '')}"
    field = _REFUSED_FIELD.search(said) or _REFUSED_FIELD.search(str(fields.get("exception", "")))
    return Refusal(_cause(status, kind), said, next(filter(None, field.groups())) if field else None)


def _cause(status: int, kind: str) -> int | Trouble:
    if status == HTTPStatus.BAD_REQUEST and "InvalidAuthorizationToken" in kind:
        return Trouble.BAD_TOKEN
    if status == HTTPStatus.SERVICE_UNAVAILABLE and "SessionStopped" in kind:
        return Trouble.MAINTENANCE
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return Trouble.DATABASE if _SERVER_TROUBLE.search(kind) else Trouble.SERVER_ERROR
    return _by_status(status)


def _cause_without_json(status: int) -> int | Trouble:
    if status == HTTPStatus.NOT_FOUND:
        return Trouble.UNKNOWN_SITE
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return Trouble.WORKER_KILLED
    return _by_status(status)


def _by_status(status: int) -> int | Trouble:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Trouble.REDIRECT
    if status in REACTIONS:
        return status
    return HTTPStatus.BAD_GATEWAY.value if status > HTTPStatus.INTERNAL_SERVER_ERROR else Trouble.NOT_FRAPPE


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _words(fields: dict[str, object]) -> str:
    for key in ("_error_message", "exception", "_server_messages", "message"):
        if text := _plain(_first_message(fields.get(key))):
            return text
    return ""


def _first_message(value: object) -> str:
    """`_server_messages` is a JSON list of JSON objects, each in a string [v15/a_auth/17]."""
    if not isinstance(value, str):
        return ""
    try:
        messages = json.loads(value)
        first = json.loads(messages[0])
        return str(first["message"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return value


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", text[:4000])).split())

"""Replays recorded requests against the simulated site, seeded from the recordings, and compares the answers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import requests
from recorded import LONGEST_LIST, Recording, invented_meta, known, recorded_metas

from federation.demo.site.collation import collation_key
from federation.demo.site.documents import SiteDocuments
from federation.demo.site.faults import Fault
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.store import SiteStore, table_of

if TYPE_CHECKING:
    from pathlib import Path

    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.server import RunningSite

TIME_ZONES = {"north.test": "Asia/Kolkata", "south.test": "Europe/Berlin", "v14.test": "Asia/Kolkata"}
"""The fourth site, of version 13, has none set."""
NEWEST_FIRST = 13
_JOINED = re.compile(r"(?:`tab(?P<child>[^`]+)`|(?P<table>\w+))\.`?(?P<column>\w+)`?(?: as (?P<key>\w+))?")
UNSEEN = "2026-11-23 00:00:00.000001"
CHILD_DOCTYPES = {"Has Role", "DocField", "Sales Invoice Item"}

# What the recordings don't say of themselves, by their notes:
# what was sent as Authorization, where that is the point,
AUTHORIZATION = {
    "a_auth/02": "Basic ZXh0cmFjdDpzZWNyZXQ=",
    "a_auth/03": "Token extract:secret",
    "a_auth/04": "Bearer nonsense",
    "a_auth/05": "token extract:wrong",
    "a_auth/06": "token nobody:secret",
    "a_auth/07": "token nonsense",
    "a_auth/08": "Basic abcde",
    "a_auth/09": None,
    "a_auth/20": None,
    "a_auth/25": "token extract-of-the-other-site:secret",
    "a_auth/26": "token  extract:secret",
    "c_children/25": None,
    "j_v2/16": "token extract:wrong",
    "v13/a_auth/02": "token nobody:secret",
    "v13/a_auth/03": "token extract:wrong",
    "v13/a_auth/04": None,
    "v14/a_auth/02": "token nobody:secret",
    "v14/a_auth/03": "token extract:wrong",
    "v14/a_auth/04": None,
}
# what the document had gone through before,
BEFORE = {"f_deletions/11": {"docstatus": 0}, "f_deletions/12": {"docstatus": 1}, "f_deletions/13": {"docstatus": 1}}
# when `limited` was under a User Permission,
USER_PERMISSION = {"c_children/29", "c_children/30", "c_children/31", "c_children/32"}
# and which other DocTypes the request touches.
RELATED = {"d_meta/05": ("Sales Invoice",)}

# Numbers over thousands of rows that were not recorded: their JSON types are compared, on the rows that are known.
SHAPE_ONLY = frozenset(
    f"b_list/{number}" for number in (21, 22, 24, 28, 29, 41, 45, 57, 58, 59, 60, 61, 62, 64, 65, 66)
) | {
    "c_children/17", "c_children/20", "c_children/30", "c_children/31",
    "c_children/34",
    "v13/b_list/15", "v14/b_list/15", "v13/d_meta/06", "v14/d_meta/06",
    "f_deletions/31", "j_v2/12", "j_v2/13", "j_v2/18",
}  # fmt: skip
# Metadata: compared field by field in what makes a field, not in the form's looks, which were cut from the seed.
METADATA = frozenset(f"d_meta/{number:02}" for number in (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 19)) | {"j_v2/11"}
METADATA |= {f"{version}/d_meta/{number:02}" for version in ("v13", "v14") for number in (1, 2, 5)}
# Texts of more than 20,000 characters were cut when these were recorded.
LONG_TEXT = {"e_types/43", "e_types/44", "samples/22", "samples/49"}
# Rows known from before or after would be in the answer: only its own rows are seeded.
ALONE = {
    "c_children/18": "these rows were linked later",
    "e_types/02": "the document was created later",
    "e_types/03": "the document was created later",
    "e_types/30": "the document was created later",
    "e_types/31": "the document was created later",
    "e_types/32": "the document was created later",
    "f_deletions/10": "a child row was deleted by its own URL later",
    "f_deletions/15": "more was deleted later",
    "f_deletions/30": "the row's own name is not in the answer",
    "f_deletions/36": "the ledger rows got other names later",
    "f_deletions/37": "the ledger rows had other names before",
    "f_deletions/38": "the ledger row had this name before",
    "h_late_commit/02": "more rows came later",
    "h_late_commit/03": "more rows came later",
    "e_types/34": "more documents came later",
    "k_event_streaming/01": "the app was installed later",
    "samples/20": "more rows came later",
}
NOT_REPLAYED = {
    "b_list/31": "follows a Link into Customer Group, whose metadata was not recorded",
    "b_list/70": "the simulated site keeps no list of Frappe's functions that are not whitelisted",
    "d_meta/17": "no stamps of the site's DocFields were recorded",
    "e_types/01": "the simulated site doesn't validate phone numbers",
    "e_types/41": "the simulated site doesn't sanitise HTML",
    "f_deletions/01": "Selling Settings name the customer",
    "f_deletions/14": "the simulated site doesn't look for links before it deletes",
    "f_deletions/18": "ERPNext's controller computes the invoice",
    "i_limits/14": "the text is the database driver's",
    "j_v2/06": "the rows before the offset were not recorded",
    "j_v2/20": "the simulated site has no DocType methods",
    "k_event_streaming/02": "a method of the app event_streaming, which isn't simulated",
    "k_event_streaming/04": "a method of the app event_streaming, which isn't simulated",
    "k_event_streaming/13": "a method of the app event_streaming, which isn't simulated",
    **dict.fromkeys((f"k_webhook/{number:02}" for number in range(1, 5)), "a request that Frappe sent, not an answer"),
    "meta/full.south.Sales_Invoice.DocType": "only the answer was kept, not its request",
    "meta/full.south.Sales_Invoice.v2meta": "only the answer was kept, not its request",
    "meta/full.south.ToDo": "only the answer was kept, not its request",
}

_META_KEYS = ("name", "module", "issingle", "istable", "is_submittable", "autoname", "modified")
_FIELD_KEYS = ("fieldname", "fieldtype", "label", "options", "permlevel", "reqd")
# Not computed by the simulated site: tracebacks, SQL, virtual fields, marks of the form, the hour as a default.
_NOT_COMPARED = {"exc", "_debug_messages", "debug", "__frappe_exc_id", "f_virtual", "__unsaved", "__islocal", "f_time"}


def is_metadata(name: str) -> bool:
    """Whether a recording shows a DocType's metadata."""
    return name in METADATA or name.split("/")[-2] == "meta"


class Replay:
    """One recording, seeded and sent."""

    def __init__(self, recording: Recording, site: RunningSite, folder: Path, *, with_others: bool = True) -> None:
        self._recording = recording
        self._site = site
        store = SiteStore(folder / f"{recording.id.replace('/', '-')}.db", version=recording.version)
        store.drop_doctype("ToDo")  # the simulated site's own, which is smaller, gives way to the recorded one
        site.app.documents = SiteDocuments(store, clock=self._recorded_clock)
        self._store = store
        self._with_others = with_others

    def send(self) -> requests.Response:
        """Seed the store, send the recorded request, return what the simulated site answers."""
        self._seed()
        request = self._recording.request
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Host": self._recording.site,
            **request.get("headers", {}),
        }
        if (authorization := self._authorization()) is not None:
            headers["Authorization"] = authorization
        params = {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in request.get("params", {}).items()}
        path = request["path"] if "%" in request["path"] else quote(request["path"])
        with requests.Session() as session:
            return session.request(
                request["method"],
                self._site.url + path,
                params=params,
                json=request.get("data"),
                headers=headers,
                timeout=30,
            )

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _recorded_clock(self) -> datetime:
        """The moment at which the recorded site stamped what it changed."""
        body = self._recording.response["body"]
        answer = body.get("data", body.get("message")) if isinstance(body, dict) else None
        stamp = answer.get("modified", UNSEEN) if isinstance(answer, dict) else UNSEEN
        local = datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo(TIME_ZONES.get(self._recording.site, "UTC")))
        return local.astimezone(UTC)

    def _authorization(self) -> str | None:
        if self._recording.id in AUTHORIZATION:
            return AUTHORIZATION[self._recording.id]
        return f"token {self._recording.user}:secret"

    def _seed(self) -> None:
        self._seed_users()
        if self._recording.site in TIME_ZONES:
            self._store.set_single("System Settings", {"time_zone": TIME_ZONES[self._recording.site]})
        recording = self._recording
        doctype, parent = recording.doctype, str(recording.params.get("parent") or "")
        for related in RELATED.get(recording.id, ()):
            self._create_doctype(related)
        if doctype and f"DocType {doctype} not found" not in json.dumps(recording.response["body"]):
            self._create_doctype(doctype)
        if parent in recorded_metas(recording.site):
            self._create_doctype(parent)
        elif parent:  # the site knew the parent DocType; whether it holds such a table, the answer tells
            table = {"fieldname": "rows", "fieldtype": "Table", "options": doctype}
            holds = recording.response["status"] == 200 or "_server_messages" in recording.response["body"]
            self._store.create_doctype(invented_meta(parent, []) | {"fields": [table] if holds else []})
        if doctype in self._store.doctypes():
            self._seed_rows(doctype)
        self._apply_fault()

    def _create_doctype(self, doctype: str) -> None:
        recording = self._recording
        rows = list(known(recording.site, doctype, recording.topic).values()) + recording.shown_rows()
        meta = recorded_metas(recording.site).get(doctype) or invented_meta(doctype, rows)
        if (recording.params.get("parent") and doctype == recording.doctype) or doctype in CHILD_DOCTYPES:
            meta = meta | {"istable": 1}
        self._store.create_doctype(meta)
        tables = [field for field in meta["fields"] if field["fieldtype"] in {"Table", "Table MultiSelect"}]
        for fieldname, child in ((table["fieldname"], table["options"]) for table in tables):
            parts = [part for row in rows for part in row.get(fieldname) or ()]
            if parts or child not in self._store.doctypes():
                child_meta = recorded_metas(recording.site).get(child) or invented_meta(child, parts) | {"istable": 1}
                self._store.create_doctype(child_meta)

    def _apply_fault(self) -> None:
        """429 and 503 are states of the site, not of the request."""
        self._site.faults.clear()
        status = self._recording.response["status"]
        if status in {429, 503}:
            wait = int(self._recording.response["headers"].get("Retry-After", 1))
            self._site.faults.add(Fault(kind="status", status=status, retry_after=wait))

    def _seed_users(self) -> None:
        domain = self._recording.site
        only = {"Customer": ("Nobody",)} if self._recording.id in USER_PERMISSION else {}
        users = {
            "extract": SiteUser(f"extract@lab.{domain}", roles=("System Manager",), reads=("*",), writes=True),
            "sysman": SiteUser(f"sysman@lab.{domain}", roles=("System Manager",), writes=True),
            "limited": SiteUser(f"limited@lab.{domain}", roles=("Lab Reader",), only=only),
            "norole": SiteUser(f"norole@lab.{domain}"),
            "disabled": SiteUser(f"disabled@lab.{domain}", roles=("System Manager",)),
        }
        for key, user in users.items():
            add_user(self._store, user, api_key=key, api_secret="secret")

    def _seed_rows(self, doctype: str) -> None:
        recording = self._recording
        shown = [{"name": f"row {place:05}", **row} for place, row in enumerate(recording.shown_rows())]
        own = {row["name"]: row for row in shown}
        others = known(recording.site, doctype, recording.topic)
        meta = self._store.meta(doctype)
        if meta.is_single:
            self._store.set_single(doctype, {k: v for k, v in others.get(doctype, {}).items() if k in meta.columns})
            return
        if own or others:
            with self._store.writing() as connection:
                connection.execute(f"DELETE FROM {table_of(doctype)}")
        if recording.request["method"] == "POST" and "/resource/" in recording.request["path"]:
            own, others = {}, {n: r for n, r in others.items() if n not in own and self._was_there(r)}
        hints = self._equalities()
        rows = {name: others.get(name, {}) | hints | row for name, row in own.items()}
        self._invent_order(rows, meta)
        if self._with_others:
            shown = recording.selected.values() if recording.is_aggregate else ()
            needed = {"modified", *self._touched(), *shown} & meta.columns.keys()
            rows |= {name: row for name, row in others.items() if name not in own and needed <= row.keys()}
        keys = {collation_key(name) for name in rows}
        for asked in self._names_asked():
            name = int(asked) if meta.has_integer_names else asked
            if collation_key(name) not in keys:
                rows[name] = {"name": name}
            rows = {n: r | BEFORE.get(recording.id, {}) if n == name else r for n, r in rows.items()}
        joined = self._joined_rows(meta)
        if recording.id in USER_PERMISSION:  # who the customers were wasn't told: not the one allowed
            rows = {name: {"customer": "Somebody", **row} for name, row in rows.items()}
        for row in rows.values():
            own = {field: value for field, value in row.items() if meta.tables.get(field) not in joined}
            self._insert(doctype, own)
        for child, parts in joined.items():
            for part in parts:
                self._insert(child, part)
        if meta.has_integer_names:
            self._store.set_series(f"{doctype}.autoincrement", max([*rows, 0]))

    def _invent_order(self, rows: dict[Any, dict[str, Any]], meta: SiteMeta) -> None:
        """Rows whose stamps are told nowhere get some in the order of the answer; that order then proves nothing."""
        order = str(self._recording.params.get("order_by") or "modified")
        for place, row in enumerate(rows.values()):
            if "idx" in order:
                row.setdefault("idx", place)
            if not self._recording.params.get("order_by") and any("modified" not in r for r in rows.values()):
                row["modified"] = self._invented_stamp(place)

    def _invented_stamp(self, place: int) -> str:
        """In version 13, whose lists begin with the newest row, new and falling; otherwise old and rising."""
        if self._recording.version == NEWEST_FIRST:
            place = 3599 - place
            return f"2026-11-24 00:{place // 60:02}:{place % 60:02}.000001"
        return f"2026-11-22 00:{place // 60:02}:{place % 60:02}.000001"

    def _joined_rows(self, meta: SiteMeta) -> dict[str, list[dict[str, Any]]]:
        """Child rows by DocType, as an answer tells them in which every row is a parent with one of its child rows."""
        found: dict[str, list[dict[str, Any]]] = {}
        for field in self._recording.params.get("fields") or ():
            match = _JOINED.fullmatch(field)
            if match is None or not self._recording.rows:
                continue
            child = match["child"] or meta.tables.get(match["table"], "")
            fieldname = match["table"] or next((f for f, other in meta.tables.items() if other == child), "")
            if child not in meta.tables.values():
                continue
            parts = found.setdefault(child, [{} for _ in self._recording.rows])
            for place, (part, row) in enumerate(zip(parts, self._recording.rows, strict=True)):
                of_parent = {"parent": row["name"], "parenttype": meta.name, "parentfield": fieldname}
                told = {match["column"]: row[match["key"] or match["column"]]}
                part |= {"name": f"joined {place:05}", **part, **told, **of_parent}
        return found

    def _was_there(self, row: dict[str, Any]) -> bool:
        """Whether a row is older than the document that the request creates."""
        made = self._recording.response["body"]
        made = made.get("data") if isinstance(made, dict) else None
        return not isinstance(made, dict) or str(row.get("creation", "9")) < made["creation"]

    def _names_asked(self) -> set[str]:
        """Documents that the request names and that must have existed, since it was answered well."""
        path = self._recording.request["path"].strip("/").split("/")
        names = {str(self._recording.params.get(key) or "") for key in ("name", "old", "old_name", "new_name")}
        if not self._recording.params.get("merge"):
            names.discard(str(self._recording.params.get("new_name")))
        if "resource" in path and len(path) > path.index("resource") + 2:
            names.add(unquote("/".join(path[path.index("resource") + 2 :])))
        answered = self._recording.response["status"] not in {403, 404}
        return names - {""} if answered else set()

    def _insert(self, doctype: str, row: dict[str, Any]) -> None:
        meta = self._store.meta(doctype)
        plain = {column: value for column, value in row.items() if column in meta.columns and value is not None}
        if meta.is_table:
            plain = {"parent": "unseen", "parenttype": "Unseen", "parentfield": "unseen"} | plain
        plain = {
            "creation": UNSEEN,
            "modified": UNSEEN,
            "owner": "Administrator",
            "modified_by": "Administrator",
        } | plain
        self._store.insert_rows(doctype, list(plain), [tuple(plain.values())])
        for fieldname, child in self._store.tables(meta).items():
            for part in row.get(fieldname) or ():
                place = {"parent": row["name"], "parenttype": doctype, "parentfield": fieldname}
                self._insert(child, part | place)

    def _touched(self) -> set[str]:
        """Columns that decide which rows the answer holds and in which order."""
        filters = self._recording.params.get("filters") or []
        pairs = filters if isinstance(filters, dict) else [f[-3] for f in filters if isinstance(f, list) and len(f) > 2]
        order = str(self._recording.params.get("order_by") or "")
        return {*pairs, *(word for term in order.replace("`", "").split(",") for word in term.split()[:1])}

    def _equalities(self) -> dict[str, Any]:
        """What a filter tells of the rows that passed it."""
        filters = self._recording.params.get("filters") or {}
        if isinstance(filters, dict):
            return {name: value for name, value in filters.items() if not isinstance(value, list)}
        return {f[-3]: f[-1] for f in filters if isinstance(f, list) and len(f) > 2 and f[-2] == "="}


def differences(recording: Recording, answer: requests.Response) -> list[str]:
    """Where the simulated site's answer departs from the recorded one; empty is equality."""
    wanted, got = recording.response["body"], answer.text
    if isinstance(wanted, dict):
        got = answer.json()
    if recording.id in SHAPE_ONLY:
        wanted, got = _shape(wanted), _shape(got)
    elif is_metadata(recording.id):
        known_metas = recorded_metas(recording.site)
        wanted, got = _metadata(wanted, known_metas), _metadata(got, known_metas)
        kept = [meta["meta"]["name"] for meta in wanted]  # child tables were cut from some of the answers
        got = [meta for meta in got if meta["meta"]["name"] in kept]
    found = [f"status: {recording.response['status']} recorded, {answer.status_code} here"]
    found = found if answer.status_code != recording.response["status"] else []
    recorded_type = recording.response["headers"].get("Content-Type")
    if recorded_type and answer.headers["Content-Type"] != recorded_type:
        found.append(f"content type: {recorded_type} recorded, {answer.headers['Content-Type']} here")
    found += [f"header {name} is missing" for name in _telling(recording) if name not in answer.headers]
    found += _different(_comparable(wanted, recording), _comparable(got, recording), "")
    length = int(recording.response["headers"].get("Content-Length", 0))
    if wanted == got and _is_whole(recording) and len(answer.content) != length:
        found.append(f"length: {length} bytes recorded, {len(answer.content)} here")
    return found


def _is_whole(recording: Recording) -> bool:
    """Whether the recorded answer is all that was sent, so that its length in bytes can be compared too."""
    if recording.id in SHAPE_ONLY or is_metadata(recording.id) or recording.id in LONG_TEXT:
        return False
    is_cut_list = (recording.response.get("rows_total") or 0) > len(recording.rows)
    return recording.response["status"] == 200 and recording.request["method"] != "HEAD" and not is_cut_list


def _telling(recording: Recording) -> list[str]:
    """Headers that a client acts on."""
    names = ("Set-Cookie", "Retry-After", "X-RateLimit-Reset")
    return [name for name in names if name in recording.response["headers"]]


def _comparable(value: Any, recording: Recording) -> Any:
    """Without what is not compared, with nested messages unpacked and without nulls of documents."""
    if isinstance(value, list):
        return [_comparable(item, recording) for item in value]
    if not isinstance(value, dict):
        return value
    random_name = recording.request["method"] == "POST" and recording.doctype == "ToDo"
    is_written = recording.request["method"] in {"POST", "PUT"}
    is_new_row = is_written and "parenttype" in value
    hidden = _NOT_COMPARED | ({"name"} if random_name or is_new_row else set())
    if is_written:  # an unset Rating that was just written is 0, and 0.0 once it is read
        hidden = hidden | {"f_rating"}
    if recording.params.get("debug"):
        hidden = hidden - {"exc", "_debug_messages", "debug"}
    if "type" in value and "exception" in value:  # an error of /api/v2: its exception is a traceback
        hidden = hidden | {"exception"}
    is_document = "doctype" in value
    unpacked = {
        key: [json.loads(message) for message in json.loads(item)] if key == "_server_messages" else item
        for key, item in value.items()
        if key not in hidden and not (is_document and item is None)
    }
    return {key: _comparable(item, recording) for key, item in unpacked.items()}


def _different(wanted: Any, got: Any, place: str) -> list[str]:
    if isinstance(wanted, dict) and isinstance(got, dict):
        found = [f"{place}.{key} is missing" for key in wanted.keys() - got.keys()]
        found += [f"{place}.{key} is too much" for key in got.keys() - wanted.keys()]
        shared = [key for key in wanted if key in got]
        return found + [text for key in shared for text in _different(wanted[key], got[key], f"{place}.{key}")]
    if isinstance(wanted, list) and isinstance(got, list):
        got = got[:LONGEST_LIST] if len(wanted) == LONGEST_LIST else got
        found = [] if len(wanted) == len(got) else [f"{place} has {len(wanted)} recorded, {len(got)} here"]
        pairs = enumerate(zip(wanted, got, strict=False))
        return found + [text for n, (one, other) in pairs for text in _different(one, other, f"{place}[{n}]")]
    same = wanted == got and isinstance(wanted, bool) == isinstance(got, bool) and type(wanted) is type(got)
    return [] if same else [f"{place}: {wanted!r:.100} recorded, {got!r:.100} here"]


def _shape(value: Any) -> Any:
    """JSON types instead of values; of a list, those of its first row."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value[:1]]
    return type(value).__name__


def _metadata(answer: Any, known_metas: dict[str, Any]) -> Any:
    """What makes a field, for the DocTypes whose metadata the site was seeded with."""
    docs = answer.get("docs") or [answer.get("data") or answer.get("message")]
    return [
        {
            "meta": {key: meta.get(key) or None for key in _META_KEYS},
            "fields": [{key: field.get(key) or None for key in _FIELD_KEYS} for field in meta["fields"][:LONGEST_LIST]],
        }
        for meta in docs
        if meta["name"] in known_metas
    ]

"""The recorded exchanges with real Frappe sites, and what they tell of those sites' DocTypes and rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

RECORDINGS = Path(__file__).parents[1] / "recordings"
TOPICS = (
    "a_auth", "b_list", "c_children", "d_meta", "e_types", "f_deletions", "g_unmodified", "h_late_commit", "i_limits",
    "j_v2", "k_event_streaming", "samples",
)  # fmt: skip
"""The topics, in the order in which a site was recorded."""
FROM_FRAPPE = "k_webhook"
"""The topic of requests that Frappe sent, not answered."""
STANDARD = {
    "name", "owner", "creation", "modified", "modified_by", "docstatus", "idx", "parent", "parentfield", "parenttype",
    "doctype",
}  # fmt: skip
LONGEST_LIST = 50
"""Longer lists were cut when they were recorded."""


@dataclass(frozen=True)
class Recording:
    """One recorded exchange.

    Its id is topic and number, such as `b_list/49`; before it stands the version, where that is not 15.
    """

    id: str
    version: int
    note: str
    site: str
    user: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def topic(self) -> str:
        """The folder that it lies in."""
        return self.id.split("/")[-2]

    @property
    def params(self) -> dict[str, Any]:
        """What was asked, query and body."""
        data = self.request.get("data")
        return {**self.request.get("params", {}), **(data if isinstance(data, dict) else {})}

    @property
    def doctype(self) -> str:
        """The DocType in question, or an empty string."""
        parts = self.request["path"].strip("/").split("/")
        if "resource" in parts or "document" in parts or (len(parts) > 2 and parts[1:3] == ["v2", "doctype"]):
            place = parts.index("resource" if "resource" in parts else "document" if "document" in parts else "doctype")
            return unquote(parts[place + 1])
        return str(self.params.get("doctype", ""))

    @property
    def rows(self) -> list[Any]:
        """The list in the answer, if it is one."""
        body = self.response["body"]
        for key in ("data", "message"):
            if isinstance(body, dict) and isinstance(body.get(key), list):
                return body[key]
        return []

    @property
    def selected(self) -> dict[str, str]:
        """Column by key of an answer's row, for the plain fields asked for."""
        fields = self.params.get("fields") or ["name"]
        if not isinstance(fields, list):
            return {}
        plain = {}
        for field in fields:
            column, _, alias = field.replace("`", "").partition(" as ")
            if column.isidentifier():
                plain[alias or column] = column
        return plain

    @property
    def is_aggregate(self) -> bool:
        """Whether the answer counts or sums rows instead of showing them."""
        fields = self.params.get("fields") or ()
        return bool(self.params.get("group_by")) or any("(" in field for field in fields if "name" not in fields)

    def shown_rows(self) -> list[dict[str, Any]]:
        """The DocType's rows in the answer, columns by fieldname, as far as the fields are plain."""
        body = self.response["body"]
        if self.response["status"] != 200 or not isinstance(body, dict) or self.is_aggregate:
            return []
        single = body.get("data", body.get("message"))
        if isinstance(single, dict):
            if "values" in single:
                return [dict(zip(single["keys"], row, strict=False)) for row in single["values"]]
            return [single] if "name" in single and single.get("doctype", self.doctype) == self.doctype else []
        star = self.params.get("fields") == ["*"]
        rows = []
        keys = star_columns(self.site, self.doctype) if star else list(self.selected)
        for sent in self.rows:
            row = dict(zip(keys, sent, strict=False)) if isinstance(sent, list) and len(sent) <= len(keys) else sent
            columns = row if star else {self.selected.get(key): value for key, value in row.items()}
            rows.append({column: value for column, value in columns.items() if column})
        return [row for row in rows if row]


def star_columns(site: str, doctype: str) -> list[str]:
    """The columns of `*`, in the order of a recorded row."""
    for recording in recordings().values():
        if not recording.request or recording.site != site:
            continue
        if (recording.doctype, recording.params.get("fields")) == (doctype, ["*"]):
            for row in recording.rows:
                if isinstance(row, dict):
                    return list(row)
    return []


@cache
def recordings() -> dict[str, Recording]:
    """All exchanges, by id."""
    found = {}
    for path in sorted(RECORDINGS.glob("*/*/*.json")):
        version, topic = path.parts[-3:-1]
        key = f"{topic}/{path.stem}" if version == "v15" else f"{version}/{topic}/{path.stem}"
        entry = json.loads(path.read_text(encoding="utf-8"))
        found[key] = Recording(
            key,
            int(version[1:]),
            entry.get("note", ""),
            entry.get("site", f"{version}.test"),
            entry.get("as", "extract"),
            entry.get("request", {}),
            {"headers": {}, **entry.get("response", {})},
        )
    return found


@cache
def recorded_metas(site: str) -> dict[str, dict[str, Any]]:
    """Effective metadata by DocType, as recorded from the site."""
    metas: dict[str, dict[str, Any]] = {}
    for recording in recordings().values():
        if recording.topic == "meta" and recording.site == site:
            docs = recording.response["body"].get("docs", ())
            metas |= {meta["name"]: meta for meta in docs if meta.get("fields")}
    return metas


@cache
def known(site: str, doctype: str, topic: str) -> dict[Any, dict[str, Any]]:
    """All that the recordings tell of a DocType's rows, by name. The sites changed while they were recorded: what the
    topic itself tells wins over the topics before it, and those over the later ones."""
    place = TOPICS.index(topic) if topic in TOPICS else len(TOPICS)
    order = [*reversed(TOPICS[place + 1 :]), *TOPICS[:place], topic]
    told = [r for r in recordings().values() if r.site == site and r.topic in order and r.doctype == doctype]
    rows: dict[Any, dict[str, Any]] = {}
    for recording in sorted(told, key=lambda r: order.index(r.topic)):
        for row in recording.shown_rows():
            if row.get("name") is not None:
                rows[row["name"]] = rows.get(row["name"], {}) | row
    return rows


def invented_meta(doctype: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Metadata of a DocType that was not recorded: the columns that the recordings show, typed by their values."""
    kinds: dict[str, str] = {}
    for row in rows:
        for fieldname, value in row.items():
            kind = "Table" if isinstance(value, list) else "Float" if isinstance(value, float) else "Int"
            kind = "Data" if value is None or isinstance(value, str) else kind
            if fieldname not in STANDARD and (value is not None or fieldname not in kinds):
                kinds[fieldname] = kind
    children = {
        f: part["doctype"] for row in rows for f, parts in row.items() if isinstance(parts, list) for part in parts
    }
    fields = [
        {"fieldname": f, "fieldtype": k, "options": children.get(f, f"{doctype} {f}"), "label": f}
        for f, k in kinds.items()
    ]
    is_single = any(row.get("name") == doctype for row in rows)
    return {
        "doctype": "DocType",
        "name": doctype,
        "issingle": int(is_single),
        "istable": int(any(row.get("parenttype") for row in rows)),
        "autoname": "autoincrement" if any(isinstance(row.get("name"), int) for row in rows) else "",
        "permissions": [{"role": "System Manager", "permlevel": 0, "read": 1}],
        "fields": fields,
    }

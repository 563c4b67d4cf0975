"""What Frappe does with one call: the routes of /api/resource, /api/method and /api/v2 as functions of the call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federation.demo.site.errors import CrashedError, ForbiddenError, InvalidError
from federation.demo.site.lists import ListRequest, count, read_list
from federation.demo.site.permissions import check_readable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from federation.demo.site.documents import SiteDocuments
    from federation.demo.site.lists import Page
    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.permissions import SiteUser
    from federation.demo.site.rows import Document
    from federation.demo.site.store import SiteStore

VERSIONS = {
    "frappe": {
        "title": "Frappe Framework",
        "description": "Full stack web framework with Python, Javascript, MariaDB, Redis, Node",
        "branch": "master",
        "version": "15.44.2",
    },
    "erpnext": {"title": "ERPNext", "description": "ERP made simple", "branch": "master", "version": "15.90.0"},
}


@dataclass(frozen=True)
class Call:
    """One request, its user known and its parameters merged from query, form or JSON."""

    documents: SiteDocuments
    user: SiteUser
    params: Mapping[str, Any]

    @property
    def store(self) -> SiteStore:
        """The site's data."""
        return self.documents.store

    def text(self, *names: str) -> str:
        """The first of these parameters that is there.

        Raises:
            CrashedError: none is, as Python would say it.
        """
        for name in names:
            if name in self.params:
                return str(self.params[name])
        raise CrashedError("TypeError", f"missing 1 required positional argument: '{names[0]}'")


# -- /api/resource ---------------------------------------------------------------------------------------------------


def list_documents(call: Call, doctype: str) -> Page:
    """GET /api/resource/<DocType>."""
    return read_list(call.store, call.user, ListRequest.of(doctype, call.params, limit_is_alias=True))


def list_documents_v2(call: Call, doctype: str) -> Page:
    """GET /api/v2/document/<DocType>: `limit` only [j_v2/03]."""
    params = {name: value for name, value in call.params.items() if name != "limit_page_length"}
    return read_list(call.store, call.user, ListRequest.of(doctype, params, limit_is_alias=True))


def wants_dicts(call: Call) -> bool:
    """Whether list rows come as objects; `as_dict=False`, 0 or empty gives arrays [b_list/12, 13]."""
    return str(call.params.get("as_dict", "1")).lower() not in {"0", "false", ""}


def read_document(call: Call, doctype: str, name: str) -> Document:
    """GET /api/resource/<DocType>/<name>: null keys dropped, `doctype` and child rows added."""
    meta = call.store.meta(doctype)
    _check(call, meta)
    return as_answer(call, meta, call.documents.get(doctype, name))


def create_document(call: Call, doctype: str, values: Mapping[str, Any]) -> Document:
    """POST /api/resource/<DocType>."""
    meta = call.store.meta(doctype)
    _check_writable(call, meta)
    return as_answer(call, meta, call.documents.insert(doctype, values, user=call.user.name))


def update_document(call: Call, doctype: str, name: str, values: Mapping[str, Any]) -> Document:
    """PUT /api/resource/<DocType>/<name>; docstatus 1 submits."""
    meta = call.store.meta(doctype)
    _check_writable(call, meta)
    return as_answer(call, meta, call.documents.save(doctype, name, values, user=call.user.name))


def delete_document(call: Call, doctype: str, name: str) -> str:
    """DELETE /api/resource/<DocType>/<name>."""
    _check_writable(call, call.store.meta(doctype))
    call.documents.delete(doctype, name, user=call.user.name)
    return "ok"


def as_answer(call: Call, meta: SiteMeta, document: Document) -> Document:
    """A document as Frappe answers with it."""
    levels = call.user.readable_levels(meta)
    tables = call.store.tables(meta)
    answer = {
        fieldname: value
        for fieldname, value in document.items()
        if value is not None and fieldname not in tables and meta.permlevels.get(fieldname, 0) in levels
    }
    answer["doctype"] = meta.name
    for fieldname, child in tables.items():
        if meta.permlevels.get(fieldname, 0) in levels:
            answer[fieldname] = [as_answer(call, call.store.meta(child), row) for row in document[fieldname]]
    return answer


def _check(call: Call, meta: SiteMeta) -> None:
    if not meta.is_table:
        check_readable(call.user, meta, asked="document")


def _check_writable(call: Call, meta: SiteMeta) -> None:
    _check(call, meta)
    if not call.user.writes:
        raise ForbiddenError(call.user.name, meta.name, asked="document")


def count_documents(call: Call, doctype: str) -> int:
    """How many documents the user may see, unlike frappe.client.get_count [c_children/32]."""
    params = {"filters": call.params.get("filters"), "fields": ["count(name) as n"]}
    page = read_list(call.store, call.user, ListRequest.of(doctype, params, limit_is_alias=False))
    return int(page.rows[0][0])


# -- /api/method -----------------------------------------------------------------------------------------------------


def metadata(call: Call) -> dict[str, Any]:
    """frappe.desk.form.load.getdoctype: effective metadata, child tables included, for any logged-in user."""
    if call.user.name == "Guest":
        raise ForbiddenError("Guest", "DocType")
    meta = call.store.meta(call.text("doctype"))
    children = [call.store.meta(child) for child in dict.fromkeys(call.store.tables(meta).values())]
    answer: dict[str, Any] = {"docs": [meta.wire, *(child.wire for child in children)], "user_settings": "{}"}
    if meta.is_table and str(call.params.get("with_parent", "0")) == "1":
        known = map(call.store.meta, call.store.doctypes())
        parent = next((other for other in known if meta.name in other.tables.values()), None)
        if parent is not None:
            answer["docs"].insert(0, parent.wire)
            answer["parent_dt"] = parent.name
    return answer


def run_method(call: Call, method: str) -> Any:  # noqa: ANN401 - each method answers as it likes
    """The `message` of /api/method/<method>.

    Raises:
        InvalidError: the site has no such method.
    """
    found = _METHODS.get(method)
    if found is None:
        reason = _why_missing(method)
        causes = [reason] if reason.startswith("App ") else []
        raise InvalidError(f"Failed to get method for command {method} with {reason}", *causes)
    return found(call)


def notices(call: Call, method: str) -> dict[str, str]:
    """What Frappe tells the user beside the answer."""
    if not method.endswith("rename_doc"):
        return {}
    old, new = call.text("old_name", "old"), call.text("new_name", "new")
    told = f"Document renamed from <strong>{old}</strong> to <strong>{new}</strong>"
    shown = {"message": told, "title": "Message", "indicator": "green", "alert": 1}
    return {"_server_messages": json.dumps([json.dumps(shown)])}


def _why_missing(method: str) -> str:
    module, _, attribute = method.rpartition(".")
    if not module:
        return f"'{attribute}'"
    app = method.partition(".")[0]
    return f"module '{module}' has no attribute '{attribute}'" if app in VERSIONS else f"App {app} is not installed"


def _get_list(call: Call) -> Page:
    return read_list(call.store, call.user, ListRequest.of(call.text("doctype"), call.params, limit_is_alias=False))


def _get_count(call: Call) -> int:
    return count(call.store, call.text("doctype"), call.params.get("filters"))


def _get(call: Call) -> Document:
    return read_document(call, call.text("doctype"), call.text("name"))


def _get_single_value(call: Call) -> object:
    meta = call.store.meta(call.text("doctype"))
    _check(call, meta)
    return call.store.single(meta.name).get(call.text("field"))


def _report(call: Call) -> dict[str, Any]:
    page = _report_page(call)
    return {"keys": page.keys, "values": page.rows, "user_info": {}}


def _report_list(call: Call) -> list[dict[str, Any]]:
    return _report_page(call).dicts()


def _report_page(call: Call) -> Page:
    renamed = {"limit_page_length": call.params.get("page_length", 20), "limit_start": call.params.get("start")}
    params = {**call.params, **renamed, "parent": call.params.get("parent_doctype")}
    return read_list(call.store, call.user, ListRequest.of(call.text("doctype"), params, limit_is_alias=False))


def _report_count(call: Call) -> int:
    return count_documents(call, call.text("doctype"))


def _cancel(call: Call) -> Document:
    meta = call.store.meta(call.text("doctype"))
    _check_writable(call, meta)
    return as_answer(call, meta, call.documents.cancel(meta.name, call.text("name"), user=call.user.name))


def _rename(call: Call) -> str:
    """frappe.client.rename_doc and frappe.rename_doc; with `merge`, into a document that exists."""
    meta = call.store.meta(call.text("doctype"))
    _check_writable(call, meta)
    old, new = call.text("old_name", "old"), call.text("new_name", "new")
    change = call.documents.merge if str(call.params.get("merge", "0")) == "1" else call.documents.rename
    change(meta.name, old, new, user=call.user.name)
    return new


_METHODS: dict[str, Callable[[Call], Any]] = {
    "ping": lambda _: "pong",
    "frappe.auth.get_logged_user": lambda call: call.user.name,
    "frappe.utils.change_log.get_versions": lambda _: VERSIONS,
    "frappe.client.get_time_zone": lambda call: {"time_zone": call.documents.time_zone},
    "frappe.client.get_list": _get_list,
    "frappe.client.get_count": _get_count,
    "frappe.client.get": _get,
    "frappe.client.get_single_value": _get_single_value,
    "frappe.client.cancel": _cancel,
    "frappe.client.rename_doc": _rename,
    "frappe.rename_doc": _rename,
    "frappe.desk.reportview.get": _report,
    "frappe.desk.reportview.get_list": _report_list,
    "frappe.desk.reportview.get_count": _report_count,
}

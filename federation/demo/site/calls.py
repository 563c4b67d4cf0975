"""What Frappe does with one call: the routes of /api/resource, /api/method and /api/v2 as functions of the call."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from federation.demo.site.errors import CrashedError, ForbiddenError, InvalidError, NotWhitelistedError, ReadOnlyError
from federation.demo.site.lists import ListRequest, count, read_list
from federation.demo.site.permissions import GUEST, check_readable, find_user

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from federation.demo.site.documents import SiteDocuments
    from federation.demo.site.lists import Page
    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.permissions import SiteUser
    from federation.demo.site.rows import Document
    from federation.demo.site.store import SiteStore


@dataclass(frozen=True)
class Call:
    """One request, its user known and its parameters merged from query, form or JSON.

    Attributes:
        sent: the JSON body as it came; None when there was none.
        is_method: whether it is a call of /api/method, whose arguments are read as Python's.
        is_v2: whether it came by /api/v2.
        is_read_only: whether the site lets nothing be changed.
    """

    documents: SiteDocuments
    user: SiteUser
    params: Mapping[str, Any]
    sent: Mapping[str, Any] | None = None
    is_method: bool = False
    is_v2: bool = False
    is_read_only: bool = False

    @property
    def store(self) -> SiteStore:
        """The site's data."""
        return self.documents.store

    def document(self) -> dict[str, Any]:
        """The document of a POST or PUT: the JSON body, or its or a form's `data`."""
        sent = self.sent if self.sent is not None else self.params
        data = sent.get("data", sent)
        return dict(json.loads(data)) if isinstance(data, str) else dict(data)

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
    """Whether list rows come as objects; `as_dict=False`, 0 or empty gives arrays [b_list/12, 13].

    Methods of versions 13 and 14 take text as true, unless it is empty.
    """
    if call.is_method and not call.store.manners.converts_flags:
        return bool(call.params.get("as_dict", True))
    return str(call.params.get("as_dict", "1")).lower() not in {"0", "false", ""}


def read_document(call: Call, doctype: str, name: str) -> Document:
    """GET /api/resource/<DocType>/<name>: null keys dropped, `doctype` and child rows added."""
    meta = call.store.meta(doctype)
    _check(call, meta)
    document = call.documents.get(doctype, name)
    if not call.user.may_read_document(meta, document):
        raise ForbiddenError(call.user.name, meta.name, asked="document")
    return as_answer(call, meta, document)


def create_document(call: Call, doctype: str, values: Mapping[str, Any]) -> Document:
    """POST /api/resource/<DocType>."""
    meta = call.store.meta(doctype)
    _check_writable(call, meta, "create")
    return as_answer(call, meta, call.documents.insert(doctype, values, user=call.user.name))


def update_document(call: Call, doctype: str, name: str, values: Mapping[str, Any]) -> Document:
    """PUT /api/resource/<DocType>/<name>; docstatus 1 submits."""
    meta = call.store.meta(doctype)
    _check_writable(call, meta, "write")
    return as_answer(call, meta, call.documents.save(doctype, name, values, user=call.user.name))


def delete_document(call: Call, doctype: str, name: str) -> str:
    """DELETE /api/resource/<DocType>/<name>."""
    _check_writable(call, call.store.meta(doctype), "delete")
    call.documents.delete(doctype, name, user=call.user.name)
    return "ok"


def as_answer(call: Call, meta: SiteMeta, document: Document) -> Document:
    """A document as Frappe answers with it."""
    levels = call.user.readable_levels(meta)
    if not call.store.manners.holds_documents_to_levels:
        levels = levels | set(meta.permlevels.values())
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


def _check_writable(call: Call, meta: SiteMeta, right: str) -> None:
    _check(call, meta)
    if call.is_read_only:
        raise ReadOnlyError
    may = call.user.writes if meta.is_table else call.user.may(right, meta)
    if not may:
        raise ForbiddenError(call.user.name, meta.name, asked="document")


def count_documents(call: Call, doctype: str) -> int:
    """How many documents the user may see, unlike frappe.client.get_count [c_children/32]."""
    params = {"filters": call.params.get("filters"), "fields": ["count(name) as n"]}
    page = read_list(call.store, call.user, ListRequest.of(doctype, params, limit_is_alias=False))
    return int(page.rows[0][0])


# -- /api/method -----------------------------------------------------------------------------------------------------


def metadata(call: Call) -> dict[str, Any]:
    """frappe.desk.form.load.getdoctype: effective metadata, child tables included, for any logged-in user."""
    if call.user.name == GUEST:
        raise ForbiddenError(GUEST, "DocType")
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
        NotWhitelistedError: Guest may not call it.
    """
    found = _METHODS.get(method)
    if method == "version" and not call.store.manners.tells_its_version:
        found = None
    if found is not None and call.user.name == GUEST and method not in _FOR_GUESTS:
        raise NotWhitelistedError(method)
    if found is None:
        reason = _why_missing(method, call.store.manners.versions())
        causes = [reason] if reason.startswith("App ") else []
        raise InvalidError(f"Failed to get method for command {method} with {reason}", *causes)
    return found(call)


def notices(call: Call, method: str) -> dict[str, str]:
    """What Frappe tells the user beside the answer."""
    if not method.endswith("rename_doc"):
        return {}
    old, new = call.text("old_name", "old"), call.text("new_name", "new")
    mark = call.store.manners.emphasis
    told = f"Document renamed from <{mark}>{old}</{mark}> to <{mark}>{new}</{mark}>"
    shown = {"message": told, "title": "Message", "indicator": "green", "alert": 1}
    return {"_server_messages": json.dumps([json.dumps(shown)])}


def _why_missing(method: str, apps: Container[str]) -> str:
    module, _, attribute = method.rpartition(".")
    if not module:
        return f"'{attribute}'"
    app = method.partition(".")[0]
    return f"module '{module}' has no attribute '{attribute}'" if app in apps else f"App {app} is not installed"


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
    answer: dict[str, Any] = {"keys": page.keys, "values": page.rows}
    return answer if call.store.manners.keeps_parents else answer | {"user_info": {}}


def _report_list(call: Call) -> list[dict[str, Any]]:
    return _report_page(call).dicts()


def _report_page(call: Call) -> Page:
    renamed = {"limit_page_length": call.params.get("page_length", 20), "limit_start": call.params.get("start")}
    params = {**call.params, **renamed, "parent": call.params.get("parent_doctype")}
    request = ListRequest.of(call.text("doctype"), params, limit_is_alias=False)
    return read_list(call.store, call.user, replace(request, newest_first=True))


def _report_count(call: Call) -> int:
    return count_documents(call, call.text("doctype"))


def _cancel(call: Call) -> Document:
    meta = call.store.meta(call.text("doctype"))
    _check_writable(call, meta, "cancel")
    return as_answer(call, meta, call.documents.cancel(meta.name, call.text("name"), user=call.user.name))


def _rename(call: Call) -> str:
    """frappe.client.rename_doc and frappe.rename_doc; with `merge`, into a document that exists."""
    meta = call.store.meta(call.text("doctype"))
    _check_writable(call, meta, "write")
    old, new = call.text("old_name", "old"), call.text("new_name", "new")
    change = call.documents.merge if str(call.params.get("merge", "0")) == "1" else call.documents.rename
    change(meta.name, old, new, user=call.user.name)
    return new


def _set_value(call: Call) -> Document:
    """frappe.client.set_value: a field, or several as JSON; the answer keeps null keys [k_event_streaming/09]."""
    meta = call.store.meta(call.text("doctype"))
    _check_writable(call, meta, "write")
    fieldname = call.params.get("fieldname")
    several = json.loads(fieldname) if isinstance(fieldname, str) and fieldname.startswith("{") else fieldname
    values = several if isinstance(several, dict) else {str(fieldname): call.params.get("value")}
    document = call.documents.save(meta.name, call.text("name"), values, user=call.user.name)
    tables = call.store.tables(meta)
    children = {field: [row | {"doctype": child} for row in document[field]] for field, child in tables.items()}
    return document | children | {"doctype": meta.name}


def _has_permission(call: Call) -> dict[str, bool]:
    """frappe.client.has_permission: a right to a DocType, and to one document where it is named."""
    meta = call.store.meta(call.text("doctype"))
    may = call.user.may(str(call.params.get("perm_type") or "read").lower(), meta)
    if may and (name := call.text("docname")):
        may = call.user.may_read_document(meta, call.documents.get(meta.name, name))
    return {"has_permission": may}


def _get_roles(call: Call) -> list[str]:
    """frappe.core.doctype.user.user.get_roles: anyone's roles, for any logged-in user."""
    user = find_user(call.store, call.text("uid"))
    return user.all_roles() if user else [GUEST]


_FOR_GUESTS = {"ping", "version"}
_METHODS: dict[str, Callable[[Call], Any]] = {
    "ping": lambda _: "pong",
    "frappe.auth.get_logged_user": lambda call: call.user.name,
    "version": lambda call: call.store.manners.versions()["frappe"]["version"],
    "frappe.utils.change_log.get_versions": lambda call: call.store.manners.versions(),
    "frappe.client.get_time_zone": lambda call: {"time_zone": call.store.single("System Settings").get("time_zone")},
    "frappe.client.has_permission": _has_permission,
    "frappe.client.set_value": _set_value,
    "frappe.core.doctype.user.user.get_roles": _get_roles,
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

"""Two small simulated sites with customers and orders, for runs from the site to the mothership."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from federation.demo.site.documents import SiteDocuments
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.store import SiteStore

KEY, SECRET = "reader", "not-for-any-log"


def _doctype(name: str, *fields: tuple[str, str, str], **options: Any) -> dict[str, Any]:
    described = [
        {"fieldname": fieldname, "fieldtype": fieldtype, "options": target or None, "label": fieldname.title()}
        for fieldname, fieldtype, target in fields
    ]
    heads = {"doctype": "DocType", "name": name, "module": "Shop", "modified": "2025-01-01 00:00:00"}
    return {**heads, "fields": described, **options}


DOCTYPES = (
    _doctype("Customer", ("email", "Data", ""), ("city", "Data", ""), autoname="Prompt"),
    _doctype("Order Line", ("item", "Data", ""), ("qty", "Float", ""), istable=1),
    _doctype("Order", ("customer", "Link", "Customer"), ("lines", "Table", "Order Line"), autoname="Prompt"),
)


def shop(path: Path) -> SiteDocuments:
    """A site with two customers and one order of two lines."""
    store = SiteStore(path)
    for meta in DOCTYPES:
        store.create_doctype(meta)
    store.set_single("System Settings", {"time_zone": "Asia/Kolkata"})
    add_user(store, SiteUser("reader@shop.test", reads=("*",)), api_key=KEY, api_secret=SECRET)
    documents = SiteDocuments(store)
    documents.insert("Customer", {"__newname": "Ada", "name": "Ada", "email": "ada@private.example", "city": "Pune"})
    documents.insert("Customer", {"__newname": "Bo", "name": "Bo", "email": "bo@private.example", "city": "Köln|<b>"})
    documents.insert(
        "Order",
        {"name": "O-1", "customer": "Ada", "lines": [{"item": "Tea", "qty": 2}, {"item": "Cup", "qty": 1}]},
    )
    return documents

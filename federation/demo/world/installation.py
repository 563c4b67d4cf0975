"""A site as it is set up: the DocTypes of its apps, its custom fields, naming series and settings, its company."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from federation.demo.site.meta import NUMBER_FIELDTYPES
from federation.demo.world.doctypes import doctypes_of
from federation.demo.world.masters import write_company

if TYPE_CHECKING:
    from federation.demo.world.scene import Scene

_SETTINGS: dict[str, dict[str, Any]] = {
    "Accounts Settings": {"determine_address_tax_category_from": "Billing Address", "stale_days": 1},
    "Stock Settings": {"item_naming_by": "Item Code", "valuation_method": "Moving Average", "stock_uom": "Nos"},
    "Education Settings": {"current_academic_year": "2026", "instructor_created_by": "Naming Series"},
}


def set_up(scene: Scene, stamp: str) -> None:
    """Make the site's DocTypes, customise them, and write its settings and company, all at `stamp` (local time)."""
    store, site = scene.store, scene.site
    installed = doctypes_of(site.apps)
    for meta in installed.values():
        store.create_doctype(meta)
    for custom in site.custom_fields:
        store.add_custom_field(custom.doctype, custom.field, stamp=stamp)
    for doctype, series in (
        ("Sales Invoice", (site.series.invoices, site.series.returns)),
        ("Payment Entry", (site.series.payments,)),
        ("Journal Entry", (site.series.journals,)),
    ):
        if doctype in installed:
            store.set_property(doctype, "naming_series", "options", "\n".join(series), stamp=stamp)
    stamps = {"creation": stamp, "modified": stamp, "modified_by": "Administrator", "owner": "Administrator"}
    settings = {"time_zone": site.time_zone, "country": site.country, "language": site.language}
    store.set_single("System Settings", {**settings, **site.settings, **stamps, "setup_complete": 1})
    for single in installed.keys() & _SETTINGS.keys():
        # Once it was saved, a Single keeps all of its numbers, 0 where nobody wrote one.
        numbers = {column: 0 for column, kind in store.meta(single).columns.items() if kind in NUMBER_FIELDTYPES}
        store.set_single(single, {**numbers, **_SETTINGS[single], **stamps, "idx": "0"})
    write_company(scene, stamp)

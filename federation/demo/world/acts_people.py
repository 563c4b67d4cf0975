"""Acts around people and settings: addresses and contacts are edited, readers report, settings and fields change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from federation.demo.site.wire import wire_datetime
from federation.demo.world.day import Change
from federation.demo.world.people import CHECKIN, DEVICES

if TYPE_CHECKING:
    from federation.demo.world.day import Day, Weighted

ADDRESS, CONTACT, LINK = "Address", "Contact", "Dynamic Link"
_MOST_LINKS = 4
_SINGLES: dict[str, str] = {
    "Accounts Settings": "stale_days",
    "Stock Settings": "stock_frozen_upto_days",
    "Education Settings": "validate_batch",
}
_OWN_FIELDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Payment Entry", {"fieldname": "custom_channel", "fieldtype": "Data", "label": "Channel"}),
    ("Journal Entry", {"fieldname": "custom_reviewed", "fieldtype": "Check", "label": "Reviewed"}),
    ("Address", {"fieldname": "custom_access_note", "fieldtype": "Small Text", "label": "Access Note"}),
)
"""Fields that come and go; each keeps its type, as a column of a real site would."""


def around_people() -> Weighted:
    """What happens in every organisation."""
    yield from ((edit_address, 4), (link_address, 3), (unlink_address, 2), (edit_contact, 3))
    yield from ((change_setting, 1), (add_or_remove_field, 1))


def at_the_gate() -> Weighted:
    """What happens where people are counted in and out."""
    yield (check_in, 10)


def edit_address(day: Day) -> list[Change]:
    """Somebody moves house."""
    address = day.pick(ADDRESS)
    if address is None:
        return []
    moved = {"address_line1": f"{day.rng.randint(1, 400)} New Street", "city": day.rng.choice(day.site.cities)}
    day.documents.save(ADDRESS, address["name"], moved, user=day.user())
    return [Change("edit", ADDRESS, address["name"])]


def link_address(day: Day) -> list[Change]:
    """An address turns out to be another party's too."""
    address = day.pick(ADDRESS)
    if address is None:
        return []
    links = day.documents.get(ADDRESS, address["name"])["links"]
    if not 0 < len(links) < _MOST_LINKS:
        return []
    party_type = links[0]["link_doctype"]
    party = day.pick(party_type)
    if party is None or party["name"] in {link["link_name"] for link in links}:
        return []
    links.append({"link_doctype": party_type, "link_name": party["name"], "link_title": party["name"]})
    day.documents.save(ADDRESS, address["name"], {"links": links}, user=day.user())
    return [Change("edit", ADDRESS, address["name"])]


def unlink_address(day: Day) -> list[Change]:
    """A row of an address is deleted by its own URL: the address itself doesn't move [f_deletions]."""
    link = day.pick(LINK, "parenttype = 'Address' AND idx > 1")
    if link is None:
        return []
    day.documents.delete(LINK, link["name"], user=day.user())
    return [Change("delete row", LINK, link["name"])]


def edit_contact(day: Day) -> list[Change]:
    """A contact gets another mail address beside the first."""
    contact = day.pick(CONTACT)
    if contact is None:
        return []
    mail = f"contact{day.rng.getrandbits(32):08x}@elsewhere.example"
    first = day.documents.get(CONTACT, contact["name"])["email_ids"][:1]
    changes = {"email_ids": [*first, {"email_id": mail}], "unsubscribed": day.rng.randint(0, 1)}
    day.documents.save(CONTACT, contact["name"], changes, user=day.user())
    return [Change("edit", CONTACT, contact["name"])]


def change_setting(day: Day) -> list[Change]:
    """Somebody changes a setting of the site: a Single."""
    single = day.rng.choice([name for name in _SINGLES if day.has(name)])
    field = _SINGLES[single]
    value = day.rng.randint(0, 1) if field == "validate_batch" else day.rng.randint(1, 400)
    day.documents.save(single, single, {field: value}, user="Administrator")
    return [Change("edit", single, single)]


def add_or_remove_field(day: Day) -> list[Change]:
    """A field of the site's own is added to a DocType and filled in here and there, or removed; its column stays."""
    doctype, field = day.rng.choice(_OWN_FIELDS)
    name = f"{doctype}-{field['fieldname']}"
    if day.documents.exists("Custom Field", name):
        day.documents.delete("Custom Field", name)
        return [Change("remove field", "Custom Field", name)]
    day.documents.insert("Custom Field", {"dt": doctype, **field})
    changes = [Change("add field", "Custom Field", name)]
    for row in filter(None, [day.pick(doctype), day.pick(doctype)]):
        value = 1 if field["fieldtype"] == "Check" else "web & phone"
        day.documents.db_set(doctype, row["name"], {field["fieldname"]: value})
        changes.append(Change("change silently", doctype, row["name"]))
    return changes


def check_in(day: Day) -> list[Change]:
    """A reader at a gate sends what it saw."""
    device = day.rng.choice(DEVICES)
    changes: list[Change] = []
    for _ in range(day.rng.randint(2, 8)):
        employee = day.pick("Employee", "status = 'Active'")
        if employee is None:
            return changes
        seen = {
            "employee": employee["name"],
            "employee_name": employee["employee_name"],
            "log_type": day.rng.choice(("IN", "OUT")),
            "time": wire_datetime(day.documents.now()),
            "device_id": device,
            "latitude": -33.8568,
            "longitude": 151.2153,
        }
        changes.append(Change("create", CHECKIN, day.documents.insert(CHECKIN, seen)["name"]))
    return changes

"""Access script: the access plan as Python for the console of a site's bench: one statement a line, safe to repeat."""

from __future__ import annotations

import json
from collections.abc import Sequence

from federation.cli.access_plan import Rule
from federation.cli.own_lists import OwnList


def access_script(role: str, user: str, rules: Sequence[Rule], own_lists: Sequence[OwnList]) -> str:
    """Return the script. It never takes a right away from anybody; run again, it makes a new secret.

    `add_permission` first copies the standard rules of a DocType that has no rules of its own: a Custom DocPerm
    inserted by hand would be the only rule from then on, and lock everybody else out. A rule of level 0 has to stand
    before those above it. Frappe ticks Export by itself. All of it is the same in Frappe 13, 14 and 15.
    """
    granted = [(rule.doctype, level) for rule in rules for level in rule.levels]
    granted += [(own.doctype, 0) for own in own_lists]
    lines = (
        "import frappe",
        "from frappe.permissions import add_permission, update_permission_property",
        f"role, user = {json.dumps(role)}, {json.dumps(user)}",
        f"rules = [{', '.join(f'({json.dumps(doctype)}, {level})' for doctype, level in dict.fromkeys(granted))}]",
        'frappe.db.exists("Role", role) or frappe.get_doc({"doctype": "Role", "role_name": role}).insert()',
        "_ = [add_permission(doctype, role, level) for doctype, level in rules]",
        '_ = [update_permission_property(doctype, role, level, "export", 0) for doctype, level in rules]',
        'new = {"doctype": "User", "email": user, "first_name": "Federation", "send_welcome_email": 0}',
        'frappe.db.exists("User", user) or frappe.get_doc(new).insert()',
        'account = frappe.get_doc("User", user)',
        "account.add_roles(role)",
        "account.api_key = account.api_key or frappe.generate_hash(length=15)",
        "secret = frappe.generate_hash(length=15)",
        "account.api_secret = secret",
        "account.save()",
        "frappe.db.commit()",
        'print("API key:", account.api_key, " API secret:", secret)',
    )
    return "\n".join(lines) + "\n"

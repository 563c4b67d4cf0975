"""Asked field: what a policy is told of a field when it is asked what happens to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskedField:
    """One field of one DocType, as a satellite describes it.

    Attributes:
        doctype: the DocType that has the field; for a field of a child table, the child's.
        fieldname: Frappe's fieldname.
        fieldtype: Frappe's fieldtype today; of a field that holds child rows `Table` or `Table MultiSelect`.
        permlevel: Frappe's permission level, 0 for what everybody reads who reads the document.
        past_fieldtypes: other fieldtypes that it had before, or has and isn't read as: a site that retypes a field
            doesn't loosen a policy.
        options: of a Link the DocType that it leads to, of a Dynamic Link the field that names that.
    """

    doctype: str
    fieldname: str
    fieldtype: str
    permlevel: int = 0
    past_fieldtypes: tuple[str, ...] = ()
    options: str = ""

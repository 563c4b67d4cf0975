"""Records: what Frappe's own modules keep about documents, which must not tell of those that stay at the site.

A Version holds the values that changed, a Deleted Document the whole document, a Comment, a File or an E-mail what was
said of it. Rows about a DocType that is held back are never asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from connectors.frappe import Filter
from federation.contract.satellite_schema import DocTypeSchema

_MODULES: Final = frozenset(
    {"Core", "Desk", "Email", "Event Streaming", "Automation", "Workflow", "Social", "Integrations", "Printing"}
)
_SUBJECTS: Final = (
    "deleted_doctype", "ref_doctype", "reference_doctype", "reference_type", "attached_to_doctype", "share_doctype",
    "document_type", "link_doctype",
)  # fmt: skip
"""Fields that name the DocType of the document that a record is about, as Frappe 13 to 15 call them."""


def without_records_of(shape: DocTypeSchema, held_back: Collection[str]) -> tuple[Filter, ...]:
    """Return the filters that leave out records about documents that are held back; none for other DocTypes.

    Business documents, such as a payment for an invoice, are documents of their own: what they say is the policy's.
    """
    if not held_back or shape.module not in _MODULES:
        return ()
    return tuple((name, "not in", sorted(held_back)) for name in _SUBJECTS if shape.is_there(name))

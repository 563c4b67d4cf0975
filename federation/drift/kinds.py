"""Kinds: what a site can change about a DocType, and which of it a contract can do without."""

from __future__ import annotations

from typing import Final, Literal, get_args

Kind = Literal[
    "doctype_added", "field_added", "field_removed", "field_returned", "retyped", "options", "length", "precision",
    "label", "mandatory", "permlevel", "table_added", "table_removed",
]  # fmt: skip

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

WORDED: Final[frozenset[Kind]] = frozenset({"options", "label"})
"""Kinds whose texts are the site's own words, which stay where they are when the policy holds the field back."""

FOLLOWED: Final[frozenset[Kind]] = frozenset({"doctype_added", "field_removed", "permlevel", "table_removed"})
"""Kinds that no contract can be kept from: what is gone can't be read, and by today's permission level the policy
decides. Which DocTypes are read, the settings say."""

Reaction = Literal["evolve", "freeze", "ignore"]

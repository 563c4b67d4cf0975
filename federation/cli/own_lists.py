"""Own lists: what Federation reads of a site's own records, who may read them, and what is lost without each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_UNRESOLVED: Final = (
    "patterns and `modules` of the settings find nothing, so every DocType has to be named; and a changed DocType is "
    "noticed within a day instead of in the next run"
)


@dataclass(frozen=True, slots=True)
class OwnList:
    """A DocType in which a site keeps its own records.

    Attributes:
        doctype: its name, the same in all versions.
        grantable: a role of one's own can be given read on it; the others take a System Manager, because Frappe takes
            no Custom DocPerm for them, or because they help only together with those.
        lost: what is lost without it.
        care: what else its reader could see; "" where nothing.
    """

    doctype: str
    grantable: bool
    lost: str
    care: str = ""


OWN_LISTS: Final[tuple[OwnList, ...]] = (
    OwnList("DocType", grantable=False, lost=_UNRESOLVED),
    OwnList("Custom Field", grantable=False, lost=_UNRESOLVED),
    OwnList("Property Setter", grantable=False, lost=_UNRESOLVED),
    OwnList(
        "Deleted Document",
        grantable=True,
        lost="a deletion is found by the nightly comparison instead of in the next run",
        care="whoever has the role could read deleted documents of every DocType; Federation asks for their names only",
    ),
    OwnList(
        "Comment",
        grantable=True,
        lost="a rename, and who points at the renamed, is found by the nightly comparison instead of in the next run",
        care="whoever has the role could read all comments; Federation asks for those of renames only",
    ),
)
"""Read in addition to the documents themselves. In stock Frappe 13, 14 and 15 a System Manager alone may read them,
and a Website Manager the Comments."""

"""The standard columns of generated documents and of their child rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federation.demo.world.columns import texts

if TYPE_CHECKING:
    from federation.demo.world.columns import Instants, Integers, Texts
    from federation.demo.world.scene import Scene


@dataclass(frozen=True)
class Heads:
    """n documents of one DocType.

    `submitted` is the last time that a document was saved whole, and so what its child rows are stamped with;
    `modified` is the last change of its own row.
    """

    doctype: str
    names: Texts
    owner: Texts
    created: Instants
    submitted: Instants
    modified: Instants
    docstatus: Integers

    def columns(self, scene: Scene) -> dict[str, Any]:
        """The documents' own standard columns."""
        return {
            "name": self.names,
            "owner": self.owner,
            "creation": scene.clock.wire(self.created),
            "modified": scene.clock.wire(self.modified),
            "modified_by": self.owner,
            "docstatus": self.docstatus,
            "idx": 0,
        }

    def child_columns(self, of: Integers, idx: Integers, field: str, scene: Scene) -> dict[str, Any]:
        """The standard columns of child rows: row i belongs to document `of[i]` and stands at `idx[i]`, from 1."""
        owner = self.owner[of]
        return {
            "name": scene.names.random(len(of)),
            "owner": owner,
            "creation": texts(scene.clock.wire(self.created))[of],
            "modified": texts(scene.clock.wire(self.submitted))[of],
            "modified_by": owner,
            "docstatus": self.docstatus[of],
            "idx": idx,
            "parent": self.names[of],
            "parentfield": field,
            "parenttype": self.doctype,
        }

"""Trees as Frappe keeps them: nested sets, whose bounds move by SQL on documents that nobody saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from federation.demo.site.store import quoted, table_of

if TYPE_CHECKING:
    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.store import SiteStore


def parent_field(meta: SiteMeta) -> str:
    """The link to the parent: `nsm_parent_field`, or `parent_` and the DocType's name in lower case."""
    return str(meta.wire.get("nsm_parent_field") or f"parent_{meta.name.lower().replace(' ', '_')}")


def nest(store: SiteStore, meta: SiteMeta) -> None:
    """Number a tree's `lft` and `rgt` again; of other DocTypes nothing changes. No `modified` moves.

    Children stand in the order in which they came: a new one last.
    """
    if not meta.is_tree or parent_field(meta) not in meta.columns:
        return
    table = table_of(meta.name)
    with store.writing() as connection:
        sql = f"SELECT name, coalesce({quoted(parent_field(meta))}, '') FROM {table} ORDER BY lft = 0, lft, rowid"
        rows = connection.execute(sql).fetchall()
        names = {name for name, _ in rows}
        children: dict[str, list[str]] = {}
        for name, parent in rows:
            children.setdefault(parent if parent in names and parent != name else "", []).append(name)
        bounds: dict[str, list[int]] = {}
        # A stack: trees may be deeper than Python's; a document comes twice, before and behind its descendants.
        stack: list[tuple[str, bool]] = [(name, True) for name in reversed(children.get("", ()))]
        number = 0
        while stack:
            name, enters = stack.pop()
            number += 1
            bounds.setdefault(name, []).append(number)
            if enters:
                stack.append((name, False))
                stack.extend((child, True) for child in reversed(children.get(name, ())))
        moves = [(lft, rgt, name, lft, rgt) for name, (lft, rgt) in bounds.items()]
        connection.executemany(
            f"UPDATE {table} SET lft = ?, rgt = ? WHERE name = ? AND (lft != ? OR rgt != ?)",
            moves,
        )

"""States: what extraction remembers of a satellite, without the names of erased documents."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from federation.lake.manifest import DocTypeState, Manifest, Position, SiteState

Names = Mapping[str, Collection[str]]
"""DocType → names."""


def state_without(state: DocTypeState, names: Collection[str]) -> DocTypeState:
    """Return a state that names none of some documents.

    A position that one of them marked falls back to the beginning of its instant, a first load or a pass to its own
    beginning: something is read twice, nothing is missed.
    """
    passes = {
        kind: each
        for kind, each in state.passes.items()
        if str(each.after) not in names and str(each.last) not in names
    }
    opened = state.open and replace(state.open, position=_position(state.open.position, names))
    return replace(state, position=_position(state.position, names), open=opened, passes=passes)


def site_without(site: SiteState, names: Names) -> SiteState:
    """Return what is remembered of a site, without anchors among some documents."""
    anchors = tuple(anchor for anchor in site.anchors if anchor.name not in names.get(anchor.doctype, ()))
    return site if len(anchors) == len(site.anchors) else replace(site, anchors=anchors)


def manifest_without(manifest: Manifest, names: Names) -> Manifest:
    """Return a manifest whose states name none of some documents; its packages are as they were."""
    states = {
        doctype: state_without(state, names[doctype]) if doctype in names else state
        for doctype, state in manifest.doctypes.items()
    }
    return replace(manifest, doctypes=states, site=site_without(manifest.site, names))


def _position(position: Position, names: Collection[str]) -> Position:
    pending = tuple(name for name in position.pending if name not in names)
    marked = "" if str(position.name) in names else position.name
    return replace(position, name=marked, pending=pending)

"""Satellites: the DocTypes on the sites themselves, at the head of the lineage. Nothing here is ever executed."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from assets.doctypes import KnownDocType


def satellite_specs(doctypes: Sequence[KnownDocType]) -> list[dg.AssetSpec]:
    """Return `satellite/<doctype>` for every DocType: where its documents are made."""
    return [
        dg.AssetSpec(
            doctype.key("satellite"),
            group_name="satellite",
            kinds={"frappe"},
            description=f"{doctype.name} on the sites themselves: {', '.join(doctype.satellites)}.",
        )
        for doctype in doctypes
    ]

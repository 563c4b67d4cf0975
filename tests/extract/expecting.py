"""A shop whose documents have to meet expectations, and what its lake sets aside."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
from extract_world import Shop

BETWEEN = "expect_column_values_to_be_between"
TOTAL = f"- {{expect: {BETWEEN}, field: total, min_value: 0, severity: reject, reason: A total is never negative.}}"


def expecting(shop: Shop, doctype: str, text: str, **settings: Any) -> Shop:
    """The shop, judged by what a file of the settings' folder says."""
    folder = shop.folder / "expectations"
    folder.mkdir(exist_ok=True)
    (folder / f"{doctype.lower()}.yaml").write_text(text)
    return shop.with_settings(validation=True, **settings)


def quarantine(shop: Shop) -> list[dict[str, Any]]:
    """Rows of all quarantine files."""
    files = [
        shop.lake.uri(file.path)
        for manifest in shop.manifests()
        for package in manifest.packages
        for file in package.files
        if file.kind == "quarantine"
    ]
    return [row for file in files for row in pq.read_table(file).to_pylist()]

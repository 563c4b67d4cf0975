"""Integrity: a check a DocType that holds its documents against those they are tied to, of all satellites at once."""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with its classes.
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from assets.doctypes import KnownDocType
from assets.reports import satellite_tables
from assets.resource import FederationResource
from federation.quality import ValidationReport

INTEGRITY = "integrity"


def integrity_checks(doctypes: Sequence[KnownDocType]) -> dg.AssetChecksDefinition:
    """Return the check `integrity` of every `mothership/<doctype>`, all of them made by one step.

    Links lead from one DocType to another, so no merge of one of them is the time to judge them.
    """

    @dg.multi_asset_check(
        name="ties",
        specs=[
            dg.AssetCheckSpec(
                INTEGRITY,
                asset=doctype.key("mothership"),
                description="Links lead to documents that are there, vouchers balance, totals are sums.",
            )
            for doctype in doctypes
        ],
        can_subset=True,
    )
    def integrity(
        context: dg.AssetCheckExecutionContext, federation: FederationResource
    ) -> Iterator[dg.AssetCheckResult]:
        keys = {doctype.name: doctype.key("mothership") for doctype in doctypes}
        chosen = {
            name: key
            for name, key in keys.items()
            if dg.AssetCheckKey(key, INTEGRITY) in context.selected_asset_check_keys
        }
        verdicts = federation.integrity(chosen)
        pages = federation.integrity_docs(verdicts)
        for name, key in chosen.items():
            yield _result(key, verdicts.get(name, {}), pages.get(name, {}))

    return integrity


def _result(
    key: dg.AssetKey, by_satellite: Mapping[str, ValidationReport], pages: Mapping[str, str]
) -> dg.AssetCheckResult:
    unmet = {satellite: report for satellite, report in by_satellite.items() if not report.passed}
    judged = sum(len(report.results) for report in by_satellite.values())
    if unmet:
        told = f"Not met at {', '.join(filter(None, unmet)) or 'any satellite'}."
    else:
        told = f"{judged:,} rules are met." if judged else "No rule is about its documents."
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=INTEGRITY,
        passed=not unmet,
        severity=dg.AssetCheckSeverity.WARN,
        description=told,
        metadata={
            **satellite_tables(by_satellite),
            **{f"data_docs at {name}": dg.MetadataValue.path(page) for name, page in pages.items() if page},
        },
    )

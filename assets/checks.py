"""Checks: the verdicts on a DocType of a satellite. None of them blocks: quarantine is the domain's, not Dagster's."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import dagster as dg

from assets.doctypes import KnownDocType, Layer
from assets.partitions import SATELLITES
from assets.reports import report_tables
from federation.extract.outcome import DocTypeOutcome
from federation.quality.data_docs_index import Page

READ = "read"
EXPECTATIONS = "expectations"
MERGE = "merge"

_SHOWN_NAMES = 20
_HELD = " Nothing of the DocType is merged until `federation release` lets it in."


def check_specs(layer: Layer, doctypes: Iterable[KnownDocType], name: str, description: str) -> list[dg.AssetCheckSpec]:
    """Return the same check for every DocType of a layer, with a status per satellite."""
    with warnings.catch_warnings():
        # A preview that the exactly pinned Dagster has. Without it the satellite that ran last speaks for all.
        warnings.filterwarnings("ignore", message="Specifying a partitions_def on an AssetCheckSpec")
        return [
            dg.AssetCheckSpec(name, asset=doctype.key(layer), description=description, partitions_def=SATELLITES)
            for doctype in doctypes
        ]


def read_check(key: dg.AssetKey, outcome: DocTypeOutcome) -> dg.AssetCheckResult:
    """Return whether the DocType was read, and what of it wasn't."""
    missed = _missed(outcome)
    failed = outcome.status == "failed"
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=READ,
        passed=not failed and not missed,
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=outcome.error if failed else " ".join(missed) or "Read to the end.",
        metadata={
            "pending": outcome.pending,
            "quarantined": outcome.quarantined,
            "strays": outcome.strays,
            "hidden": len(outcome.hidden),
            "refused_fields": list(outcome.refused),
            "read_one_by_one": list(outcome.one_by_one),
        },
    )


def _missed(outcome: DocTypeOutcome) -> list[str]:
    """What a person should look at. Pending documents aren't: they moved while they were read, as on any busy site."""
    found = []
    if outcome.quarantined:
        found.append(f"{outcome.quarantined:,} documents are in quarantine: values don't fit, or a rule rejects them.")
    if outcome.hidden:
        names = ", ".join(outcome.hidden[:_SHOWN_NAMES])
        more = len(outcome.hidden) - _SHOWN_NAMES
        found.append(
            f"{len(outcome.hidden):,} documents exist on the site but are not shown to the API user: {names}"
            f"{f' and {more:,} more' if more > 0 else ''}. Look at its roles and user permissions."
        )
    if outcome.refused:
        found.append(
            f"The site left out the fields {', '.join(outcome.refused)}: their columns keep what they had. Raise the "
            "permission level of the API user, or drop the fields by a policy rule."
        )
    if outcome.strays:
        found.append(f"{outcome.strays:,} rows came twice or for documents that nobody asked for, and were ignored.")
    return found


def expectations_check(key: dg.AssetKey, outcome: DocTypeOutcome) -> dg.AssetCheckResult:
    """Return how the rows of this run met their expectations, with tables of all rules and of documents that fail."""
    report = outcome.report
    unmet = len(report.failed)
    rejecting = sum(result.failing for result in report.failed if result.expectation.rejects)
    metadata: dict[str, dg.MetadataValue] = {
        "expectations": dg.MetadataValue.int(len(report.results)),
        "unmet": dg.MetadataValue.int(unmet),
        "failing_rows": dg.MetadataValue.int(sum(result.failing for result in report.failed)),
        "rejected_rows": dg.MetadataValue.int(rejecting),
        **report_tables(report),
    }
    if outcome.data_docs:
        metadata["data_docs"] = dg.MetadataValue.path(outcome.data_docs)
    elif outcome.data_docs_failure:
        metadata["data_docs"] = dg.MetadataValue.text(outcome.data_docs_failure)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=EXPECTATIONS,
        passed=report.passed,
        severity=dg.AssetCheckSeverity.ERROR if outcome.held else dg.AssetCheckSeverity.WARN,
        description=f"{unmet:,} of {len(report.results):,} expectations are not met.{_HELD if outcome.held else ''}",
        metadata=metadata,
    )


def standing_check(key: dg.AssetKey, page: Page, uri: str) -> dg.AssetCheckResult:
    """Return the last verdict on a DocType of which no row was judged in this run: Dagster would call it skipped."""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=EXPECTATIONS,
        passed=not page.unmet,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"No row was judged since {page.at:%Y-%m-%d %H:%M} UTC, when {page.unmet:,} of {page.judged:,} "
        "expectations were not met.",
        metadata={
            "expectations": dg.MetadataValue.int(page.judged),
            "unmet": dg.MetadataValue.int(page.unmet),
            "judged_at": dg.MetadataValue.timestamp(page.at),
            "data_docs": dg.MetadataValue.path(uri),
        },
    )


def merge_check(key: dg.AssetKey, failure: str = "") -> dg.AssetCheckResult:
    """Return whether the DocType's packages are in the mothership.

    Args:
        key: the asset.
        failure: why they are not; "" where they are.
    """
    return dg.AssetCheckResult(asset_key=key, check_name=MERGE, passed=not failure, description=failure or "Merged.")

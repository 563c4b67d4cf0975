"""Quarantine: the verdict on how much of a DocType of a satellite is set aside."""

from __future__ import annotations

import dagster as dg
import pyarrow as pa

from assets.samples import as_table
from federation.quarantine_state import QuarantineState

QUARANTINE = "quarantine"


def quarantine_check(key: dg.AssetKey, state: QuarantineState, warn_share: float) -> dg.AssetCheckResult:
    """Return whether no larger share of the documents is in quarantine than the settings bear.

    Values are those that the policy let leave the satellite.
    """
    if state.documents:
        held = f"{state.documents:,} of {state.known:,} documents are in quarantine"
        told = f"{held}; of {state.superseding:,} an earlier version stands."
    else:
        told = "No document is in quarantine."
    metadata: dict[str, dg.MetadataValue] = {
        "documents": dg.MetadataValue.int(state.documents),
        "share": dg.MetadataValue.float(state.share),
        "superseded versions": dg.MetadataValue.int(state.superseding),
    }
    if state.documents:
        metadata["rules"] = as_table(
            pa.table(
                {
                    "rule": [count.rule for count in state.by_rule],
                    "documents": [count.documents for count in state.by_rule],
                    "superseded versions": [count.superseding for count in state.by_rule],
                }
            )
        )
        metadata["examples"] = as_table(
            pa.table(
                {
                    "document": [fault.name for fault in state.examples],
                    "rule": [fault.rule for fault in state.examples],
                    "field": [fault.fieldname for fault in state.examples],
                    "value": [fault.value for fault in state.examples],
                    "reason": [fault.reason for fault in state.examples],
                    "since (UTC)": [f"{fault.since:%Y-%m-%d %H:%M}" for fault in state.examples],
                }
            )
        )
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=QUARANTINE,
        passed=state.share <= warn_share,
        severity=dg.AssetCheckSeverity.WARN,
        description=told,
        metadata=metadata,
    )

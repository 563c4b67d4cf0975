"""Treatment: what the policy makes of each field that is read, and which older rows were read under another policy.

A treatment is a short text: `drop`, `mask last 4`, `hash` with a fingerprint of the key; a field that is taken as it is
has none. The lake remembers those of a DocType, so that a change of the settings, or of a field's type or permission
level, is seen as a change of what its column holds.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from federation.contract.asked_field import AskedField
from federation.contract.satellite_schema import DocTypeSchema
from federation.policy.rules import Action, Drop, Hash, HashLinked, Mask, SatellitePolicy

NAME: Final = "name"
PARENT: Final = "parent"
"""Of a child row: the name of its document."""

UNKNOWN: Final = "unknown"
"""The treatment of rows that were read before treatments were remembered."""

_STRICTNESS: Final = {UNKNOWN: -1, "": 0, "mask": 1, "hash": 2, "drop": 3}
_WHICH_KEY: Final = b"federation: which key is this?"


def treatments(shapes: Sequence[tuple[str, DocTypeSchema]], policy: SatellitePolicy) -> dict[str, str]:
    """Return field → treatment, for the fields that are or were there and aren't taken as they are.

    Args:
        shapes: what stands before the fieldnames, nothing or `Child.`, and the DocType that has the fields.
        policy: the satellite's.

    Raises:
        SettingsError: the key of a hash can't be had.
    """
    found = {name: treatment_of(policy.action(asked)) for name, asked in named_fields(shapes)}
    if own := found.get(NAME, ""):
        # Child rows bear the name of their document, whichever DocType shares their table.
        found |= {f"{prefix}{PARENT}": own for prefix, _ in shapes if prefix}
    return {name: treatment for name, treatment in sorted(found.items()) if treatment}


def named_fields(shapes: Iterable[tuple[str, DocTypeSchema]]) -> Iterator[tuple[str, AskedField]]:
    """Yield what each field is remembered as, and how a policy is asked about it; `shapes` as in `treatments`."""
    for prefix, shape in shapes:
        for asked in shape.asked_fields():
            yield prefix + asked.fieldname, asked


def treatment_of(action: Action) -> str:
    """Return an action as the lake remembers it; "" where the field is taken as it is."""
    if isinstance(action, Drop):
        return "drop"
    if isinstance(action, Mask):
        return f"mask {action.show}"
    if isinstance(action, HashLinked):
        prints = "".join(f"{doctype}={_print_of(key)};" for doctype, key in sorted(action.keys().items()))
        return f"hash {_print_of(prints.encode())}"
    return f"hash {_print_of(action.key())}" if isinstance(action, Hash) else ""


def names_treatment(treated: Mapping[str, str] | None) -> str:
    """Return how the names of documents are treated, "" where they are taken as they are."""
    return (treated or {}).get(NAME, "")


def _print_of(key: bytes) -> str:
    return hmac.digest(key, _WHICH_KEY, "sha256").hex()[:8]


def is_stricter(now: str, before: str) -> bool:
    """Return whether a treatment takes more from the values than an earlier one did."""
    return _strictness(now) > _strictness(before)


def older_treatments(
    older: Mapping[str, str], before: Mapping[str, str] | None, now: Mapping[str, str], known: Iterable[str]
) -> dict[str, str]:
    """Return field → the loosest treatment under which rows were read, for the fields that are treated otherwise now.

    Args:
        older: what was remembered so.
        before: the treatments of the last reading; None where they weren't remembered yet.
        now: today's treatments.
        known: the fields that were there at the last reading.
    """
    left = dict(older)
    for name in known:
        was = UNKNOWN if before is None else before.get(name, "")
        if was != now.get(name, "") and (before is not None or name in now):
            left[name] = min(was, left.get(name, was), key=_strictness)
    return dict(sorted(left.items()))


def _strictness(treatment: str) -> int:
    return _STRICTNESS[treatment.partition(" ")[0]]

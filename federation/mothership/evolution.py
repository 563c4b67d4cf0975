"""Evolution: what must change about a table so that it holds what the contract and the packages bring; never less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa

from federation.contract.columns import TableContract
from federation.contract.fieldtypes import widen


@dataclass(frozen=True, slots=True)
class Evolution:
    """What must be done to a table.

    Attributes:
        added: columns that it lacks and their types, in the contract's order.
        widened: columns whose type doesn't hold every value, and the type that does.
    """

    added: Mapping[str, pa.DataType]
    widened: Mapping[str, pa.DataType]


def evolve(contract: TableContract, stored: Mapping[str, pa.DataType], carried: Iterable[pa.Schema] = ()) -> Evolution:
    """Return how a table must change; columns that it has beyond the contract stay.

    Args:
        contract: the table over all satellites.
        stored: column → type, as the database has it; empty for a table that isn't there.
        carried: the schemas of the packages that will be merged: one that was written under another policy may carry
            a wider type than today's contract says.
    """
    brought: dict[str, list[pa.DataType]] = {}
    for schema in carried:
        for field in schema:
            brought.setdefault(field.name, []).append(field.type)
    wanted = {
        column.name: reduce(widen, [stored.get(column.name, column.type), *brought.get(column.name, [])], column.type)
        for column in contract.columns
    }
    return Evolution(
        added={name: kind for name, kind in wanted.items() if name not in stored},
        widened={name: kind for name, kind in wanted.items() if name in stored and stored[name] != kind},
    )

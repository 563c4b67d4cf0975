"""Mothership: erased documents leave its tables, and links to them lead to pseudonyms; alike on every database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from federation.contract.names import NAME, column_name
from federation.erasure.suppression import HISTORIES
from federation.erasure.traces import Holding, Targets
from federation.lake.manifest import Package
from federation.lake.packages import QUARANTINE_SCHEMA
from federation.mothership.sql import Connection, Fragment
from federation.mothership.system_tables import ALIAS, LEDGER, QUARANTINE, TOMBSTONE
from federation.mothership.tables import read_tables

_AT_ONCE: Final = 500
"""Names of one statement."""


def erase_from_tables(
    connection: Connection, satellite: str, targets: Targets, columns: Mapping[str, frozenset[str]]
) -> Counter[str]:
    """Remove documents, to be called in a transaction; done again it finds nothing more.

    Args:
        connection: the database.
        satellite: whose documents.
        targets: what is erased.
        columns: table → its columns.

    Returns:
        Table → rows removed or altered.
    """
    done: Counter[str] = Counter()
    tables = read_tables(connection)
    for doctype, names in targets.names.items():
        for some in _some(list(names)):
            for place in _places(tables, doctype, targets.children.get(doctype, ())):
                if place.columns <= columns.get(place.table, frozenset()):
                    done[place.table] += _delete(connection, place, satellite, doctype, some)
    for doctype, links in targets.links.items():
        table = tables.get(doctype, "")
        for link in links:
            if {link.column, *filter(None, (link.by,))} <= columns.get(table, frozenset()):
                for form, pseudonym in link.forms.items():
                    done[table] += connection.count(
                        "UPDATE {table} SET {column} = $pseudonym WHERE satellite = $satellite AND {column} = $form"
                        + (" AND {by} = $doctype" if link.by else ""),
                        {"satellite": satellite, "form": form, "pseudonym": pseudonym}
                        | ({"doctype": link.doctype} if link.by else {}),
                        table=table,
                        column=link.column,
                        **({"by": link.by} if link.by else {}),
                    )
    done[QUARANTINE.name] += _requote(connection, satellite, targets)
    for doctype in targets.names:
        _recount(connection, satellite, doctype, tables.get(doctype), columns)
    return +done


@dataclass(frozen=True, slots=True)
class _Place:
    """A table whose rows belong to documents.

    Attributes:
        named: the column that names the document.
        of: the column that tells its DocType, "" where that is the table's own.
    """

    table: str
    named: str
    of: str = ""

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(filter(None, (self.named, self.of)))


def _places(tables: Mapping[str, str], doctype: str, children: Sequence[str]) -> Iterator[_Place]:
    if doctype in tables:
        yield _Place(tables[doctype], NAME)
    for child in children:
        if child in tables:
            yield _Place(tables[child], "parent", "parenttype")
    for history, (of, name) in HISTORIES.items():
        if history in tables:
            yield _Place(tables[history], column_name(name), column_name(of))
    for system, named in ((TOMBSTONE, NAME), (QUARANTINE, NAME), (ALIAS, "old_name"), (ALIAS, "new_name")):
        yield _Place(system.name, named, "doctype")


def _delete(connection: Connection, place: _Place, satellite: str, doctype: str, names: Sequence[str]) -> int:
    bound = {f"n{number}": name for number, name in enumerate(names)}
    marks = ", ".join(f"${key}" for key in bound)
    told = " AND {of} = $doctype" if place.of else ""
    return connection.count(
        f"DELETE FROM {{table}} WHERE satellite = $satellite AND {{named}} IN ({marks}){told}",
        {"satellite": satellite, **bound} | ({"doctype": doctype} if place.of else {}),
        table=place.table,
        named=place.named,
        of=place.of,
    )


def _requote(connection: Connection, satellite: str, targets: Targets) -> int:
    """Documents of others in quarantine are JSON, in which links are replaced one by one."""
    changed = 0
    for doctype in sorted({*targets.links, *targets.children}):
        if not targets.columns(Holding("quarantine", doctype, doctype)) & {"document"}:
            continue
        told = [name for name in QUARANTINE_SCHEMA.names if name in ("name", "fieldname", "value", "document")]
        rows = connection.run(
            "SELECT {columns} FROM federation_quarantine WHERE satellite = $satellite AND doctype = $doctype",
            {"satellite": satellite, "doctype": doctype},
            columns=told,
        )
        if not rows:
            continue
        schema = pa.schema([QUARANTINE_SCHEMA.field(name) for name in told])
        before = pa.Table.from_pylist([dict(zip(told, row, strict=True)) for row in rows], schema=schema)
        after = targets.without(Holding("quarantine", doctype, doctype), before).rows
        for old, new in zip(before.to_pylist(), after.to_pylist(), strict=True):
            if old != new:
                changed += connection.count(
                    "UPDATE federation_quarantine SET document = $new, {value} = $new_value WHERE satellite = "
                    "$satellite AND doctype = $doctype AND name = $name AND fieldname = $fieldname AND document = $old",
                    {
                        "satellite": satellite,
                        "doctype": doctype,
                        "name": old["name"],
                        "fieldname": old["fieldname"],
                        "old": old["document"],
                        "new": new["document"],
                        "new_value": new["value"],
                    },
                    value="value",
                )
    return changed


def follow_lake(connection: Connection, satellite: str, packages: Mapping[str, Package]) -> None:
    """Say in the ledger what the packages are now, as a rebuild would; one of which nothing is left isn't in it.

    Args:
        connection: the database, in a transaction.
        satellite: whose packages.
        packages: id → package as the lake has it.
    """
    told = ("documents", "tombstones", "quarantined")
    rows = connection.run(
        "SELECT package, {told} FROM federation_ledger WHERE satellite = $satellite",
        {"satellite": satellite},
        told=told,
    )
    for package_id, *counts in rows:
        package = packages.get(package_id)
        key = {"satellite": satellite, "package": package_id}
        if package is None:
            continue
        now = [package.documents, package.tombstones, package.quarantined]
        if not package.is_news:
            connection.run(
                "DELETE FROM {ledger} WHERE satellite = $satellite AND package = $package", key, ledger=LEDGER.name
            )
        elif now != list(counts):
            connection.run(
                "UPDATE {ledger} SET documents = $documents, tombstones = $tombstones, quarantined = $quarantined "
                "WHERE satellite = $satellite AND package = $package",
                {**key, **dict(zip(told, now, strict=True))},
                ledger=LEDGER.name,
            )


def _recount(
    connection: Connection, satellite: str, doctype: str, table: str | None, columns: Mapping[str, frozenset[str]]
) -> None:
    if table is None or table not in columns:
        return
    newest = "max(modified_utc)" if "modified_utc" in columns[table] else "NULL"
    key = {"satellite": satellite, "doctype": doctype}
    rows, last_change = connection.run(
        "SELECT count(*), {newest} FROM {table} WHERE satellite = $satellite",
        {"satellite": satellite},
        newest=Fragment(newest),
        table=table,
    )[0]
    aside = connection.count(
        "SELECT count(DISTINCT name) FROM federation_quarantine WHERE satellite = $satellite AND doctype = $doctype",
        key,
    )
    connection.run(
        "UPDATE federation_freshness SET {rows} = $rows, last_change = $last_change, quarantined = $aside "
        "WHERE satellite = $satellite AND doctype = $doctype",
        {**key, "rows": rows, "last_change": last_change, "aside": aside},
        rows="rows",
    )


def _some(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]

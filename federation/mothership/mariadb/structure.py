"""Structure: what somebody altered about the tables by hand, as far as rows don't show it."""

from __future__ import annotations

from collections.abc import Iterator

from federation.contract.columns import TableContract
from federation.contract.union import contract_of
from federation.mothership.interface import FieldPolicy
from federation.mothership.mariadb.address import MariadbAddress, MariadbLimits
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import explained
from federation.mothership.mariadb.mothership import Indexes
from federation.mothership.mariadb.refusal import TableRefused
from federation.mothership.mariadb.schema import index_change
from federation.mothership.mariadb.session import READER, engine
from federation.mothership.mariadb.standing import Standing, alterations, standing
from federation.mothership.satellite_schemas import read_schemas
from federation.mothership.tables import read_tables
from federation.mothership.verify import Finding


def structure(address: MariadbAddress, policy: FieldPolicy, indexes: Indexes) -> Iterator[Finding]:
    """Yield keys, collations and types that were changed, and indexes that are missing.

    Args:
        address: of the mothership.
        policy: what the contracts are folded with.
        indexes: what the settings say of indexes.

    Raises:
        MothershipUnavailable: it can't be read.
    """
    with explained("check", address.place):
        session = engine(address, READER, seconds=MariadbLimits().connect_seconds).connect()
        connection = MariadbConnection(session, address.place)
        try:
            for contract, there in _standing(connection, policy):
                for reason in alterations(there, contract):
                    yield Finding(there.name, "", "table", reason=reason)
                yield from _indexes(there, contract, indexes)
        finally:
            connection.close()


def _standing(connection: MariadbConnection, policy: FieldPolicy) -> Iterator[tuple[TableContract, Standing]]:
    """Yield each table once: many DocTypes may share a child table."""
    names = read_tables(connection)
    done: set[str] = set()
    for doctype in names:
        schemas = read_schemas(connection, doctype)
        if any(schema.doctypes[doctype].is_child for schema in schemas if doctype in schema.doctypes):
            # It comes with its parents.
            continue
        contract = contract_of(doctype, schemas, keeps=policy.keeps, hashes=policy.hashes)
        for table in contract.tables if contract else ():
            if table.doctype in done or table.doctype not in names:
                continue
            done.add(table.doctype)
            there = standing(connection, names[table.doctype])
            if there is not None:
                yield table, there


def _indexes(there: Standing, contract: TableContract, indexes: Indexes) -> Iterator[Finding]:
    try:
        lacking, _ = index_change(there, contract, indexes.get(contract.doctype))
    except TableRefused as error:
        yield Finding(there.name, "", "index", reason=str(error))
        return
    for index in lacking:
        reason = f"{index.name} is missing: the next merge of the DocType makes it"
        yield Finding(there.name, "", "index", columns=index.columns, reason=reason)

"""System tables: the one definition of the `federation_*` tables, from which each dialect makes its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from federation.contract.fieldtypes import DATETIME, INTEGER, TEXT
from federation.lake.packages import RULE

VERSION: Final = 5
"""Of these definitions; kept in `federation_meta`. `migrations.py` leads from one to the next."""


@dataclass(frozen=True, slots=True)
class SystemColumn:
    """A column. Instants are naive, in UTC.

    Attributes:
        name: the column.
        type: its Arrow type.
        description: what an analyst reads beside it.
        longest: characters of a text that can be part of a key; 0 where a text may have any length.
    """

    name: str
    type: pa.DataType
    description: str
    longest: int = 0


@dataclass(frozen=True, slots=True)
class SystemTable:
    """A table of ours.

    Attributes:
        key: the columns that name a row; () where rows have no name.
        sought: the columns that rows are asked for by beside their key, where there may be many.
    """

    name: str
    description: str
    columns: tuple[SystemColumn, ...]
    key: tuple[str, ...] = ()
    sought: tuple[str, ...] = ()


SUPERSEDES: Final = "supersedes"
LONGEST_NAME: Final = 560
"""Characters of a document's name, with satellite and DocType what a key of MariaDB holds. Frappe's have 140."""

_SATELLITE: Final = SystemColumn("satellite", TEXT, "The site.", 64)
_DOCTYPE: Final = SystemColumn("doctype", TEXT, "The DocType.", 140)
_SOURCE: Final = SystemColumn("source", TEXT, "The way the changes came: rest, …", 64)
_NAME: Final = SystemColumn("name", TEXT, "The document.", LONGEST_NAME)

META: Final = SystemTable(
    "federation_meta",
    "One row: the state of the mothership as a whole.",
    (
        SystemColumn("version", INTEGER, "Version of the federation_* tables."),
        SystemColumn("generation", INTEGER, "Counts the transactions that changed anything."),
    ),
)
LEDGER: Final = SystemTable(
    "federation_ledger",
    "Every package that was merged, written in the transaction that merged it.",
    (
        _SATELLITE,
        _DOCTYPE,
        SystemColumn("package", TEXT, "The package's id on the lake.", 140),
        _SOURCE,
        SystemColumn("seq", INTEGER, "The commit that brought it."),
        SystemColumn("run_id", TEXT, "The run that wrote it."),
        SystemColumn("documents", INTEGER, "Documents in it."),
        SystemColumn("tombstones", INTEGER, "Documents that were found absent."),
        SystemColumn("quarantined", INTEGER, "Documents set aside."),
        SystemColumn("merged_at", DATETIME, "When it was merged."),
    ),
    ("satellite", "package"),
    sought=("satellite", "source", "seq"),
)
CURSOR: Final = SystemTable(
    "federation_cursor",
    "Up to which commit a log is settled: nothing of it is needed any more.",
    (_SATELLITE, _SOURCE, SystemColumn("seq", INTEGER, "The commit.")),
    ("satellite", "source"),
)
FRESHNESS: Final = SystemTable(
    "federation_freshness",
    "How fresh and how whole each DocType of each site is.",
    (
        _SATELLITE,
        _DOCTYPE,
        SystemColumn("as_of", DATETIME, "The documents are complete as of then; null while the first load lasts."),
        SystemColumn("rows", INTEGER, "Documents."),
        SystemColumn("pending", INTEGER, "Documents that the site is known to have in a later state."),
        SystemColumn("waiting", INTEGER, "Documents on the lake that are merged once their walk is complete."),
        SystemColumn("quarantined", INTEGER, "Documents set aside because they don't fit."),
        SystemColumn("last_change", DATETIME, "The newest `modified` of the documents."),
        SystemColumn("merged_at", DATETIME, "When packages were last merged."),
        SystemColumn("compared_at", DATETIME, "When the last complete comparison with the site began."),
    ),
    ("satellite", "doctype"),
)
TOMBSTONE: Final = SystemTable(
    "federation_tombstone",
    "Documents that were read and found absent, and have not come back.",
    (_SATELLITE, _DOCTYPE, _NAME, SystemColumn("observed", DATETIME, "When its absence was seen.")),
    ("satellite", "doctype", "name"),
)
QUARANTINE: Final = SystemTable(
    "federation_quarantine",
    "Documents set aside, one row a fault, until a later state of them is accepted.",
    (
        _SATELLITE,
        _DOCTYPE,
        _NAME,
        SystemColumn("fieldname", TEXT, "The field whose value is at fault."),
        SystemColumn("value", TEXT, "The value as it came, cut, after the policy."),
        SystemColumn("reason", TEXT, "What is wrong."),
        SystemColumn("observed", DATETIME, "When the document was seen in this state."),
        SystemColumn("package", TEXT, "The package that holds it."),
        SystemColumn("document", TEXT, "The whole document as JSON, after the policy."),
        SystemColumn(RULE, TEXT, "The expectation that it fails; empty where a value doesn't fit its column."),
        SystemColumn(
            SUPERSEDES, INTEGER, "1 where the version accepted before still stands in the DocType's table, else 0."
        ),
    ),
    sought=("satellite", "doctype", "name"),
)
ALIAS: Final = SystemTable(
    "federation_alias",
    "Former names of documents. A new_name may be an old_name further on: follow the chain. An old_name that stands in "
    "the DocType's table was given to another document since, and is nobody's alias.",
    (
        _SATELLITE,
        _DOCTYPE,
        SystemColumn("old_name", TEXT, "What the document was called.", LONGEST_NAME),
        SystemColumn("new_name", TEXT, "What it was renamed to, or merged into."),
        SystemColumn("observed", DATETIME, "When that was seen."),
    ),
    ("satellite", "doctype", "old_name"),
)
DICTIONARY: Final = SystemTable(
    "federation_dictionary",
    "What every column of every DocType's table means and where it comes from.",
    (
        SystemColumn("table_name", TEXT, "The table.", 64),
        SystemColumn("column_name", TEXT, "The column.", 64),
        SystemColumn("type", TEXT, "Its Arrow type over all sites."),
        SystemColumn("label", TEXT, "What a user of the site reads beside the field."),
        SystemColumn("description", TEXT, "The field's help text."),
        _DOCTYPE,
        SystemColumn("fieldname", TEXT, "The Frappe field; empty for columns of ours."),
        SystemColumn("fieldtype", TEXT, "Frappe's fieldtype."),
        SystemColumn("options", TEXT, "Select options, or the linked DocType."),
        SystemColumn("satellites", TEXT, "The sites that have the field now, separated by commas."),
        SystemColumn(
            "policy", TEXT, "Where the field is hashed, masked or withheld; empty where it is taken as it is."
        ),
    ),
    ("table_name", "column_name"),
)
TABLE: Final = SystemTable(
    "federation_table",
    "The table of each DocType, given once.",
    (_DOCTYPE, SystemColumn("table_name", TEXT, "Its table.")),
    ("doctype",),
)
SCHEMA: Final = SystemTable(
    "federation_schema",
    "Every DocType as each site has ever had it: what the tables are folded from.",
    (
        _SATELLITE,
        _DOCTYPE,
        SystemColumn("sha256", TEXT, "The site's schema on the lake that it was taken from."),
        SystemColumn("schema", TEXT, "The DocType's fields as JSON."),
    ),
    ("satellite", "doctype"),
)

VIEW: Final = SystemTable(
    "federation_view",
    "The views that are kept up to date for those who see one jurisdiction.",
    (
        SystemColumn("name", TEXT, "The view, behind its database and a dot.", 140),
        SystemColumn("definition", TEXT, "What it was last made of."),
    ),
    ("name",),
)

HELD: Final = SystemTable(
    "federation_held",
    "DocTypes of which nothing is merged until somebody releases it, one row an expectation that halts.",
    (
        _SATELLITE,
        _DOCTYPE,
        SystemColumn(RULE, TEXT, "The expectation that isn't met."),
        SystemColumn("fieldname", TEXT, "The field that it is about."),
        SystemColumn("reason", TEXT, "What is expected."),
        SystemColumn("failing", INTEGER, "How many rows don't meet it."),
        SystemColumn("documents", INTEGER, "How many documents of the DocType wait on the lake."),
        SystemColumn("since", DATETIME, "When the first of what is held back was read."),
    ),
    sought=("satellite", "doctype"),
)

SYSTEM_TABLES: Final = (
    META,
    LEDGER,
    CURSOR,
    FRESHNESS,
    TOMBSTONE,
    QUARANTINE,
    ALIAS,
    DICTIONARY,
    TABLE,
    SCHEMA,
    VIEW,
    HELD,
)

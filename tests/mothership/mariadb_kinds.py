"""Kinds: the column type that MariaDB has for each type of our contracts, as the tests write it by hand."""

from __future__ import annotations

from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER

KINDS = {
    TEXT: "LONGTEXT",
    INTEGER: "BIGINT",
    FLAG: "TINYINT",
    DATE: "DATE",
    TIME: "TIME(6)",
    DATETIME: "DATETIME(6)",
    MONEY: "DECIMAL(21,9)",
    WIDE_NUMBER: "DECIMAL(38,9)",
}

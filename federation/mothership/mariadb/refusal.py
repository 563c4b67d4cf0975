"""Refusal: what MariaDB can't do for the table of one DocType, said in words that name the way out."""

from __future__ import annotations

from typing import Self

from federation.mothership.errors import MothershipError


class TableRefused(MothershipError):
    """The table of one DocType can't be made, changed or used: its packages wait, other DocTypes go on.

    The merge of the DocType ends as `MergeFailed` with this text.
    """

    def __init__(self, table: str, reason: str) -> None:
        super().__init__(f"the table {table} {reason}")
        self.table = table

    @classmethod
    def row_too_wide(cls, table: str) -> Self:
        """Of the server's errors 1118 and 139 about rows: a table may have more columns than one row can fill."""
        return cls(
            table,
            "would get a row that is too wide for a page of InnoDB: with pages of 16k a row holds about 200 texts, "
            "with 32k about 400. Withhold fields that nobody needs by a rule of the policy, or set up a server "
            "with larger pages (`innodb_page_size`, see deploy/mariadb.cnf) and run `federation rebuild` there.",
        )

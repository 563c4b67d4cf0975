"""Queries: what an analyst of the demo's group asks the mothership, in words of SQL that every database knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words and in SQL."""

    asked: str
    sql: str


QUESTIONS: Final = (
    Question(
        "What did each site sell, month by month?",
        """
        SELECT satellite, substr(CAST(posting_date AS CHAR), 1, 7) AS month, currency,
               count(*) AS invoices, CAST(sum(base_net_total) AS DECIMAL(18, 2)) AS net_sales
        FROM sales_invoice
        WHERE docstatus = 1
        GROUP BY satellite, substr(CAST(posting_date AS CHAR), 1, 7), currency
        ORDER BY month DESC, satellite, currency LIMIT 8
        """,
    ),
    Question(
        "Does every voucher of every site balance?",
        """
        WITH voucher AS (
            SELECT satellite, voucher_type, voucher_no, sum(debit) AS debit, sum(credit) AS credit
            FROM gl_entry WHERE is_cancelled = 0 GROUP BY satellite, voucher_type, voucher_no
        )
        SELECT satellite, voucher_type, count(*) AS vouchers, CAST(sum(debit) AS DECIMAL(18, 2)) AS debit,
               CAST(sum(credit) AS DECIMAL(18, 2)) AS credit,
               count(CASE WHEN debit <> credit THEN 1 END) AS unbalanced
        FROM voucher GROUP BY satellite, voucher_type ORDER BY satellite, voucher_type
        """,
    ),
    Question(
        "What do all sites own, owe, earn and spend, in the currency of each?",
        """
        WITH balance AS (
            SELECT entry.satellite, company.default_currency AS currency, account.root_type,
                   sum(entry.debit - entry.credit) AS debit
            FROM gl_entry AS entry
            JOIN account ON account.satellite = entry.satellite AND account.name = entry.account
            JOIN company ON company.satellite = entry.satellite AND company.name = entry.company
            WHERE entry.is_cancelled = 0
            GROUP BY entry.satellite, company.default_currency, account.root_type
        )
        SELECT satellite, currency,
               CAST(sum(CASE WHEN root_type = 'Asset' THEN debit END) AS DECIMAL(18, 2)) AS assets,
               CAST(sum(CASE WHEN root_type = 'Liability' THEN -debit END) AS DECIMAL(18, 2)) AS liabilities,
               CAST(sum(CASE WHEN root_type = 'Income' THEN -debit END) AS DECIMAL(18, 2)) AS income,
               CAST(sum(CASE WHEN root_type = 'Expense' THEN debit END) AS DECIMAL(18, 2)) AS expenses
        FROM balance GROUP BY satellite, currency ORDER BY satellite, currency
        """,
    ),
    Question(
        "What lies in the stores, and does the stock ledger agree with the general ledger?",
        """
        WITH stock AS (
            SELECT satellite, CAST(sum(actual_qty) AS DECIMAL(18, 0)) AS pieces,
                   CAST(sum(stock_value_difference) AS DECIMAL(18, 2)) AS by_movements
            FROM stock_ledger_entry WHERE is_cancelled = 0 GROUP BY satellite
        ), books AS (
            SELECT entry.satellite, CAST(sum(entry.debit - entry.credit) AS DECIMAL(18, 2)) AS by_postings
            FROM gl_entry AS entry
            JOIN account ON account.satellite = entry.satellite AND account.name = entry.account
            WHERE account.account_type = 'Stock' AND entry.is_cancelled = 0 GROUP BY entry.satellite
        )
        SELECT stock.satellite, pieces, by_movements, by_postings,
               CASE WHEN by_movements = by_postings THEN 'yes' ELSE 'no' END AS agree
        FROM stock JOIN books ON books.satellite = stock.satellite ORDER BY stock.satellite
        """,
    ),
    Question(
        "Who studies what, and what do students still owe?",
        """
        SELECT program, count(DISTINCT student) AS students, currency,
               CAST(sum(grand_total) AS DECIMAL(18, 0)) AS charged,
               CAST(sum(outstanding_amount) AS DECIMAL(18, 0)) AS owed
        FROM fees WHERE docstatus = 1
        GROUP BY program, currency ORDER BY charged DESC, program LIMIT 5
        """,
    ),
)

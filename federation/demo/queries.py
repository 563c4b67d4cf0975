"""Queries: what an analyst of the demo's group asks the mothership."""

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
        SELECT satellite, strftime(posting_date, '%Y-%m') AS month, currency,
               count(*) AS invoices, sum(base_net_total)::DECIMAL(18, 2) AS net_sales
        FROM sales_invoice
        WHERE docstatus = 1
        GROUP BY ALL ORDER BY month DESC, satellite, currency LIMIT 8
        """,
    ),
    Question(
        "Does every voucher of every site balance?",
        """
        WITH voucher AS (
            SELECT satellite, voucher_type, voucher_no, sum(debit) AS debit, sum(credit) AS credit
            FROM gl_entry WHERE is_cancelled = 0 GROUP BY ALL
        )
        SELECT satellite, voucher_type, count(*) AS vouchers, sum(debit)::DECIMAL(18, 2) AS debit,
               sum(credit)::DECIMAL(18, 2) AS credit, count(*) FILTER (debit <> credit) AS unbalanced
        FROM voucher GROUP BY ALL ORDER BY satellite, voucher_type
        """,
    ),
    Question(
        "What do all sites own, owe, earn and spend, in the currency of each?",
        """
        SELECT entry.satellite, company.default_currency AS currency,
               sum(entry.debit - entry.credit) FILTER (account.root_type = 'Asset')::DECIMAL(18, 2) AS assets,
               sum(entry.credit - entry.debit) FILTER (account.root_type = 'Liability')::DECIMAL(18, 2) AS liabilities,
               sum(entry.credit - entry.debit) FILTER (account.root_type = 'Income')::DECIMAL(18, 2) AS income,
               sum(entry.debit - entry.credit) FILTER (account.root_type = 'Expense')::DECIMAL(18, 2) AS expenses
        FROM gl_entry AS entry
        JOIN account ON account.satellite = entry.satellite AND account.name = entry.account
        JOIN company ON company.satellite = entry.satellite AND company.name = entry.company
        WHERE entry.is_cancelled = 0
        GROUP BY ALL ORDER BY entry.satellite
        """,
    ),
    Question(
        "What lies in the stores, and does the stock ledger agree with the general ledger?",
        """
        WITH stock AS (
            SELECT satellite, sum(actual_qty)::DECIMAL(18, 0) AS pieces,
                   sum(stock_value_difference)::DECIMAL(18, 2) AS by_movements
            FROM stock_ledger_entry WHERE is_cancelled = 0 GROUP BY ALL
        ), books AS (
            SELECT entry.satellite, sum(entry.debit - entry.credit)::DECIMAL(18, 2) AS by_postings
            FROM gl_entry AS entry
            JOIN account ON account.satellite = entry.satellite AND account.name = entry.account
            WHERE account.account_type = 'Stock' AND entry.is_cancelled = 0 GROUP BY ALL
        )
        SELECT satellite, pieces, by_movements, by_postings, by_movements = by_postings AS agree
        FROM stock JOIN books USING (satellite)
        """,
    ),
    Question(
        "Who studies what, and what do students still owe?",
        """
        SELECT fees.program, count(DISTINCT fees.student) AS students, fees.currency,
               sum(fees.grand_total)::DECIMAL(18, 0) AS charged, sum(fees.outstanding_amount)::DECIMAL(18, 0) AS owed
        FROM fees WHERE docstatus = 1
        GROUP BY ALL ORDER BY charged DESC LIMIT 5
        """,
    ),
)

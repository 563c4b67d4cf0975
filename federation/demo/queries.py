"""Queries: three questions that an analyst of the demo's group asks the mothership."""

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
        "Which items bring in the most, over both sites?",
        """
        SELECT item.item_code, any_value(item.item_name) AS item, string_agg(DISTINCT item.satellite, ', ') AS sites,
               sum(item.qty)::DECIMAL(18, 0) AS quantity
        FROM sales_invoice_item AS item
        JOIN sales_invoice AS invoice ON invoice.satellite = item.satellite AND invoice.name = item.parent
        WHERE invoice.docstatus = 1
        GROUP BY ALL ORDER BY quantity DESC, item.item_code LIMIT 5
        """,
    ),
)

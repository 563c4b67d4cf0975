"""Headers: what an answer's headers say about time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait that an answer asks for, None where it doesn't.

    `Retry-After` is a number or a date; a site that is over its rate limit also tells when the window ends
    [v15/i_limits/07].
    """
    header = headers.get("Retry-After")
    if header is None and headers.get("X-RateLimit-Remaining") == "0":
        header = headers.get("X-RateLimit-Reset")
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:9])
    until = http_date(header)
    return None if until is None else max(0.0, (until - now).total_seconds())


def http_date(header: str | None) -> datetime | None:
    """Return the instant of a date, None where there is none."""
    try:
        instant = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

"""MariaDB: what the production mothership promises in figures, each against its ceiling on the same server.

The server is one of its own, with the production settings and the memory for all that is measured. Shares are of
seconds of the clock, medians of runs in turn; those «of the server's CPU» tell the same on a machine that is shared.

python -m benchmarks.mariadb
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import mariadb_bulk, mariadb_merge, mariadb_site
from benchmarks.figure import Figure, show
from benchmarks.lakes import write_invoices, write_later_states, write_ledger, write_other_states
from benchmarks.mariadb_place import host

INVOICES = 20_000


def figures() -> Iterator[Figure]:
    """Measure the bulk path, whole merges with readers, and syncs."""
    with tempfile.TemporaryDirectory() as temporary, host() as server:
        folder = Path(temporary)
        ledger, invoices = folder / "ledger", folder / "invoices"
        write_ledger(ledger)
        yield from mariadb_bulk.figures(server, ledger, folder)
        for hours, walk in enumerate((*mariadb_merge.LATER, mariadb_merge.WATCHED), start=1):
            write_later_states(ledger, walk, hours)
        write_other_states(ledger, mariadb_merge.OTHER, hours=len(mariadb_merge.LATER) + 2)
        yield from mariadb_merge.ledger_figures(server, ledger, folder)
        write_invoices(invoices, INVOICES)
        yield from mariadb_merge.invoice_figures(server, invoices, folder)
        yield from mariadb_site.figures(server)


if __name__ == "__main__":
    show("MariaDB", figures())

"""What the kill tests merge: a satellite's first packages, and then every kind of change."""

from __future__ import annotations

from mothership_sites import FIELDS, INVOICE, ITEM, ORDER, Document, Site, naive

PERSON = "Sales Person"


def invoices(tick: int, count: int = 5, **values: object) -> list[Document]:
    return [
        Document(f"SINV-{n}", tick, {"customer": str(tick), "modified": naive(tick), **values},
                 {ITEM: [{"name": f"{n}-{tick}-{row}", "qty": tick, "modified": naive(tick)} for row in range(2)]})
        for n in range(count)
    ]  # fmt: skip


def patched(name: str, **cells: object) -> dict[str, object]:
    return {"name": name, "observed": naive(4), "modified": naive(3), **cells}


def first_of_everything(site: Site) -> None:
    """Documents with child rows, and some that were set aside."""
    site.commit(documents=invoices(1), aside={"SINV-3": 2, "SINV-9": 2})
    site.commit(ORDER, [Document("SO-0", 1)])


def more_of_everything(site: Site) -> None:
    """New columns, wider ones, new tables; documents that come, change, go and are renamed; misfits and patches."""
    site.describe(
        {**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data", "total": "Data"}, PERSON: {"campus": "Data"}}
    )
    site.commit(documents=invoices(3, 3, campus="West"), walk="second", complete=False)
    site.commit(gone={"SINV-0": 4, "SINV-4": 4}, walk="second")
    site.commit(ORDER, [Document("SO-1", 5, {}, {ITEM: [{"name": "o", "qty": 1}]})])
    site.commit(patches={INVOICE: [patched("SINV-2", campus="East")],
                         ITEM: [patched("2-3-0", parent="SINV-2", parenttype=INVOICE, item="bolt")]})  # fmt: skip
    site.commit(ORDER, aliases=[("SO-9", "SO-1", 6)], seen={"SO-0": 6}, compared=6)
    site.commit(PERSON, [Document("Ada", 1)])

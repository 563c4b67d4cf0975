"""A list that changes while it is walked: documents with stamps that tie, and what happens to them between requests."""

from __future__ import annotations

from frappe_model import ModelSite, collated
from hypothesis import strategies as st

from connectors.frappe import WireTable

STAMPS = [f"2026-03-01 10:00:0{second}" + fraction for second in range(3) for fraction in ("", ".000001", ".500000")]
UNTIL = "2026-03-01 10:00:02"
LATER = "2026-03-01 10:00:09"
TABLE = WireTable("ToDo", ("name", "modified", "version"), ("text", "text", "integer"))

Row = tuple[str, str]
Happening = tuple[int, int, str]
"""(the request before which it happens, which row, what)."""

names = st.text("aAbBéÉü'\"\\%_ 東😀-1", min_size=1, max_size=4).map(str.strip).filter(bool)
happenings = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 24), st.sampled_from(["save", "delete", "insert"])), max_size=8
)


def rows(most: int) -> st.SearchStrategy[list[Row]]:
    """Lists of (name, modified), each name once in the eyes of the site."""
    return st.lists(st.tuples(names, st.sampled_from(STAMPS)), unique_by=lambda row: collated(row[0]), max_size=most)


def site_of(listed: list[Row]) -> ModelSite:
    return ModelSite({"ToDo": [{"name": name, "modified": modified, "version": 0} for name, modified in listed]})


def restless(site: ModelSite, happening: list[Happening]) -> set[str]:
    """Let things happen while the site is read; the set returned fills with the names of what they touched."""
    table = site.tables["ToDo"]
    touched: set[str] = set()

    def change(number: int) -> None:
        for at, which, what in happening:
            if at != number:
                continue
            if what == "insert":
                table.append({"name": f"new {number} {which} {len(table)}", "modified": LATER, "version": 0})
            elif which < len(table):
                row = table[which]
                touched.add(row["name"])
                if what == "delete":
                    table.remove(row)
                else:
                    row.update(modified=LATER, version=row["version"] + 1)

    site.before_each = change
    return touched

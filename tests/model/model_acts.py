"""Acts: everything that can happen to a site's documents, each a function of the site and a few small numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from model_site import (
    LEDGER,
    LINE,
    NOTE,
    ODD_NAMES,
    OFFER,
    ORDER,
    PARTY,
    PREFERENCES,
    PUNCH,
    REGION,
    ModelSite,
    digest,
    lines_of,
    redigest_silently,
)

from federation.demo.site.errors import FrappeProblem
from federation.demo.site.rows import delete_children, delete_row, move_children, update_row
from federation.demo.site.store import table_of
from federation.demo.site.wire import wire_datetime

T = TypeVar("T")


class NothingToDo(Exception):
    """The site as it stands has nothing that the act could happen to."""


class Picks:
    """Small numbers that decide what an act does; they come round."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers or (0,)
        self._next = 0

    def below(self, limit: int) -> int:
        number = self._numbers[self._next % len(self._numbers)]
        self._next += 1
        return number % limit

    def of(self, things: Sequence[T]) -> T:
        if not things:
            raise NothingToDo
        return things[self.below(len(things))]


Act = Callable[[ModelSite, Picks], None]
ACTS: Final[dict[str, Act]] = {}
UNSEEN: Final[set[str]] = set()
"""Acts that leave no trace by which a walk under way could see that it reads two states of one document: these happen
between syncs, as no reading over HTTP could notice them."""
SHIFTS: Final = frozenset({"set_clock", "change_zone"})
"""Acts after which the site's local time is another one."""
OVERLAP: Final = timedelta(seconds=600)


def _act(act: Act) -> Act:
    ACTS[act.__name__] = act
    return act


def _unseen(act: Act) -> Act:
    UNSEEN.add(act.__name__)
    return _act(act)


def perform(site: ModelSite, name: str, numbers: Sequence[int]) -> bool:
    """Let an act happen; return whether it could."""
    try:
        with site.store.writing():
            ACTS[name](site, Picks(numbers))
    except (NothingToDo, FrappeProblem):
        return False
    return True


# -- as the ORM does it ----------------------------------------------------------------------------------------------


@_act
def add_party(site: ModelSite, picks: Picks) -> None:
    regions = [None, *site.names(REGION)]
    values = {"title": f"t{picks.below(9)}", "credit": picks.below(9) / 4, "region": picks.of(regions)}
    site.documents.insert(PARTY, {"name": picks.of(ODD_NAMES), **_custom(site, PARTY, picks), **values})


@_act
def add_region(site: ModelSite, picks: Picks) -> None:
    parent = picks.of([None, *site.names(REGION)])
    site.documents.insert(REGION, {"name": picks.of(ODD_NAMES), "title": f"t{picks.below(9)}", "parent_region": parent})


@_act
def add_order(site: ModelSite, picks: Picks) -> None:
    for _ in range(1 + picks.below(3)):
        site.documents.insert(ORDER, _order_values(site, picks))


@_act
def add_offer(site: ModelSite, picks: Picks) -> None:
    rows = _rows(site, picks)
    party = picks.of([None, *site.names(PARTY)])
    site.documents.insert(OFFER, {"party": party, "lines": rows, "digest": digest(rows)})


@_act
def add_punches(site: ModelSite, picks: Picks) -> None:
    for _ in range(1 + picks.below(7)):
        party = picks.of([None, *site.names(PARTY)])
        site.documents.insert(PUNCH, {"device": f"d{picks.below(9)}", "party": party})


@_act
def add_note(site: ModelSite, picks: Picks) -> None:
    about = picks.of((PARTY, ORDER, REGION))
    site.documents.insert(NOTE, {"about": about, "subject": picks.of(site.names(about)), "text": "line\r\n\u0001 ok"})


@_act
def save_order(site: ModelSite, picks: Picks) -> None:
    name = picks.of(site.names(ORDER, "docstatus = 0"))
    site.documents.save(ORDER, name, _order_values(site, picks))


@_act
def save_order_keeping_lines(site: ModelSite, picks: Picks) -> None:
    name = picks.of(site.names(ORDER, "docstatus = 0"))
    site.documents.save(ORDER, name, {"remarks": f"r{picks.below(9)}", **_custom(site, ORDER, picks)})


@_act
def drop_a_line(site: ModelSite, picks: Picks) -> None:
    """A child row that is left out of a save leaves no trace of its own."""
    order = site.documents.get(ORDER, picks.of(site.names(ORDER, "docstatus = 0")))
    kept = order["lines"][1:]
    if len(kept) == len(order["lines"]):
        raise NothingToDo
    site.documents.save(ORDER, order["name"], {"lines": kept, "digest": digest([*kept, *order["more"]])})


@_act
def move_a_line(site: ModelSite, picks: Picks) -> None:
    """A child row goes from one document to another, under its name."""
    orders = [site.documents.get(ORDER, name) for name in site.names(ORDER, "docstatus = 0")]
    giver = picks.of([order for order in orders if order["lines"]])
    taker = picks.of([order for order in orders if order["name"] != giver["name"]])
    site.movers.update((giver["name"], taker["name"]))
    row, *kept = giver["lines"]
    taken = [*taker["lines"], row]
    site.documents.save(ORDER, giver["name"], {"lines": kept, "digest": digest([*kept, *giver["more"]])})
    site.documents.save(ORDER, taker["name"], {"lines": taken, "digest": digest([*taken, *taker["more"]])})


@_act
def save_party(site: ModelSite, picks: Picks) -> None:
    name = picks.of(site.names(PARTY))
    site.documents.save(
        PARTY, name, {"title": f"t{picks.below(9)}", "credit": picks.below(9) / 4, **_custom(site, PARTY, picks)}
    )


@_act
def submit_order(site: ModelSite, picks: Picks) -> None:
    site.documents.submit(ORDER, picks.of(site.names(ORDER, "docstatus = 0")))


@_act
def cancel_order(site: ModelSite, picks: Picks) -> None:
    site.documents.cancel(ORDER, picks.of(site.names(ORDER, "docstatus = 1")))


@_act
def amend_order(site: ModelSite, picks: Picks) -> None:
    site.documents.amend(ORDER, picks.of(site.names(ORDER, "docstatus = 2")))


@_act
def delete_document(site: ModelSite, picks: Picks) -> None:
    """The last name of a series goes to the next document."""
    doctype = picks.of((ORDER, PARTY, OFFER, PUNCH, NOTE, REGION))
    site.documents.delete(doctype, picks.of(site.names(doctype, "docstatus != 1")))


@_act
def delete_all(site: ModelSite, picks: Picks) -> None:
    doctype = picks.of((PARTY, OFFER, NOTE, PUNCH, ORDER))
    names = site.names(doctype, "docstatus != 1")
    if not names:
        raise NothingToDo
    for name in names:
        site.documents.delete(doctype, name)


@_act
def save_preferences(site: ModelSite, picks: Picks) -> None:
    site.documents.save(PREFERENCES, PREFERENCES, {"colour": f"c{picks.below(9)}", "limit": picks.below(9)})


@_act
def set_value_of_many(site: ModelSite, picks: Picks) -> None:
    """`frappe.db.set_value` with filters: one `modified` for all."""
    doctype, column = picks.of(((PARTY, "title"), (PUNCH, "device"), (ORDER, "remarks"), (LEDGER, "remarks")))
    rows = site.write(f"UPDATE {table_of(doctype)} SET {column} = ?, modified = ?", f"b{picks.below(9)}", _now(site))
    if not rows:
        raise NothingToDo


# -- names -----------------------------------------------------------------------------------------------------------


@_act
def rename(site: ModelSite, picks: Picks) -> None:
    doctype = picks.of((PARTY, REGION, ORDER))
    old = picks.of(site.names(doctype))
    site.documents.rename(doctype, old, _new_name(doctype, picks))


@_act
def rename_in_another_case(site: ModelSite, picks: Picks) -> None:
    doctype = picks.of((PARTY, REGION))
    old = picks.of([name for name in site.names(doctype) if name.swapcase() != name])
    site.documents.rename(doctype, old, old.swapcase())


@_act
def merge(site: ModelSite, picks: Picks) -> None:
    doctype = picks.of((PARTY, REGION))
    old, new = picks.of(site.names(doctype)), picks.of(site.names(doctype))
    if old == new:
        raise NothingToDo
    site.documents.merge(doctype, old, new)


@_act
def rename_without_a_trace(site: ModelSite, picks: Picks) -> None:
    doctype = picks.of((PARTY, ORDER))
    old, new = picks.of(site.names(doctype)), _new_name(doctype, picks)
    if site.documents.exists(doctype, new):
        raise NothingToDo
    meta = site.store.meta(doctype)
    update_row(site.store, meta, old, {"name": new})
    move_children(site.store, meta, old, new)


@_act
def swap_names(site: ModelSite, picks: Picks) -> None:
    """Two documents exchange their names, by renames that leave Comments."""
    first, second = picks.of(site.names(PARTY)), picks.of(site.names(PARTY))
    if first == second:
        raise NothingToDo
    for old, new in ((first, "between"), (second, first), ("between", second)):
        site.documents.rename(PARTY, old, new)


# -- what `modified` doesn't tell ------------------------------------------------------------------------------------


@_act
def update_silently(site: ModelSite, picks: Picks) -> None:
    doctype, column = picks.of(
        (
            (PARTY, "title"),
            (PARTY, "credit"),
            (PUNCH, "device"),
            (ORDER, "remarks"),
            (LEDGER, "remarks"),
            (NOTE, "text"),
        )
    )
    name = picks.of(site.names(doctype))
    value = picks.below(9) / 4 if column == "credit" else f"s{picks.below(9)}"
    site.documents.db_set(doctype, name, {column: value})


@_unseen
def update_a_line_silently(site: ModelSite, picks: Picks) -> None:
    doctype, name, row = _some_line(site, picks)
    site.write(f"UPDATE {table_of(LINE)} SET qty = ? WHERE name = ?", picks.below(9) / 4, row)
    redigest_silently(site, doctype, name)


@_unseen
def delete_a_line_by_itself(site: ModelSite, picks: Picks) -> None:
    """Through its own URL: a Deleted Document of the child DocType, and the parent's `modified` stays."""
    doctype, name, row = _some_line(site, picks)
    if site.query(f"SELECT 1 FROM {table_of(LINE)} WHERE name = ? AND docstatus = 1", row):
        raise NothingToDo
    site.documents.delete(LINE, row)
    redigest_silently(site, doctype, name)


@_unseen
def delete_without_a_trace(site: ModelSite, picks: Picks) -> None:
    doctype = picks.of((ORDER, PARTY, OFFER, PUNCH, NOTE))
    name = picks.of([name for name in site.names(doctype) if name not in site.movers])
    meta = site.store.meta(doctype)
    delete_row(site.store, meta, name)
    delete_children(site.store, meta, name)


@_act
def set_preferences_silently(site: ModelSite, picks: Picks) -> None:
    site.store.set_single(PREFERENCES, {"limit": picks.below(9)})


@_unseen
def commit_late(site: ModelSite, picks: Picks) -> None:
    """A transaction that began up to the overlap ago, stamped its rows then, and is seen only now."""
    lag = timedelta(seconds=picks.of((1, 30, 300, OVERLAP.seconds - 20)))
    doctype = picks.of((ORDER, LEDGER, PUNCH, PARTY))
    if doctype == ORDER:
        made = site.documents.insert(ORDER, _order_values(site, picks))["name"]
        site.write(f"UPDATE {table_of(LINE)} SET modified = ? WHERE parent = ?", _now(site, -lag), made)
        names = [made]
    elif doctype == LEDGER:
        names = _post(site, picks)
    elif doctype == PUNCH:
        names = [site.documents.insert(PUNCH, {"device": "late"})["name"]]
    else:
        names = [picks.of(site.names(PARTY))]
        site.documents.save(PARTY, names[0], {"title": f"l{picks.below(9)}"})
    for name in names:
        born = "modified" if doctype == PARTY else "creation"
        site.write(
            f"UPDATE {table_of(doctype)} SET modified = ?, {born} = ? WHERE name = ?",
            *[_now(site, -lag)] * 2, name,
        )  # fmt: skip


# -- the ledger ------------------------------------------------------------------------------------------------------


@_act
def post(site: ModelSite, picks: Picks) -> None:
    for _ in range(1 + picks.below(3)):
        _post(site, picks)


@_act
def reverse(site: ModelSite, picks: Picks) -> None:
    """A voucher is cancelled: its rows are marked by SQL, `modified` included, and rows that undo them come."""
    batch = picks.of(_batches(site, "is_cancelled = 0"))
    site.write(f"UPDATE {table_of(LEDGER)} SET is_cancelled = 1, modified = ? WHERE batch = ?", _now(site), batch)
    columns = "voucher_type, voucher_no, debit, credit, total"
    undone = f"undo {batch} {site.rng.getrandbits(32):08x}"
    for kind, number, debit, credit, total in site.query(
        f"SELECT {columns} FROM {table_of(LEDGER)} WHERE batch = ?", batch
    ):
        values = {"voucher_type": kind, "voucher_no": number, "debit": credit, "credit": debit, "total": total}
        _add_ledger_row(site, values | {"batch": undone, "is_cancelled": 1})


@_act
def name_ledger_rows(site: ModelSite, picks: Picks) -> None:
    """The hourly job, as the site's version does it."""
    if not site.documents.name_ledger_rows(LEDGER):
        raise NothingToDo


@_act
def name_some_ledger_rows(site: ModelSite, picks: Picks) -> None:
    """The hourly job, seen in the middle: it commits row by row."""
    names = site.names(LEDGER, "to_rename = 1")
    moves = picks.below(2)
    for old in names[: 1 + picks.below(max(len(names), 1))]:
        new = f"ACC-GLE-{site.store.next_in_series('ACC-GLE-'):05}"
        stamp = {"modified": _now(site)} if moves else {}
        update_row(site.store, site.store.meta(LEDGER), old, {"name": new, "to_rename": 0, **stamp})
    if not names:
        raise NothingToDo
    half = f"SELECT batch FROM {table_of(LEDGER)} GROUP BY batch HAVING min(to_rename) <> max(to_rename)"
    site.half_named.update(batch for (batch,) in site.query(half))


@_unseen
def delete_ledger_rows_without_a_trace(site: ModelSite, picks: Picks) -> None:
    """A cancelled voucher is deleted with its ledger: raw SQL."""
    batch = picks.of([batch for batch in _batches(site) if batch not in site.half_named])
    site.write(f"DELETE FROM {table_of(LEDGER)} WHERE batch = ?", batch)


# -- the site itself -------------------------------------------------------------------------------------------------

_CUSTOM_TYPES: Final = {"custom_a": "Data", "custom_b": "Int", "custom_c": "Check", "custom_d": "Currency"}


@_act
def add_custom_field(site: ModelSite, picks: Picks) -> None:
    doctype, fieldname = picks.of((ORDER, PARTY, LINE, PUNCH, LEDGER)), picks.of(tuple(_CUSTOM_TYPES))
    if site.has_column(doctype, fieldname):
        raise NothingToDo
    site.store.add_custom_field(doctype, {"fieldname": fieldname, "fieldtype": _CUSTOM_TYPES[fieldname]})
    if picks.below(2):
        value = "filled" if fieldname == "custom_a" else 1
        site.write(f"UPDATE {table_of(doctype)} SET {fieldname} = ?", value)


@_act
def remove_custom_field(site: ModelSite, picks: Picks) -> None:
    there = [
        (doctype, fieldname)
        for doctype in (ORDER, PARTY, LINE, PUNCH, LEDGER)
        for fieldname in _CUSTOM_TYPES
        if site.has_column(doctype, fieldname)
    ]
    site.store.remove_custom_field(*picks.of(there))


@_act
def refuse_credit(site: ModelSite, picks: Picks) -> None:
    site.set_reader_levels()


@_act
def give_credit_back(site: ModelSite, picks: Picks) -> None:
    site.set_reader_levels(1)


@_act
def let_time_pass(site: ModelSite, picks: Picks) -> None:
    site.time.let_pass(picks.of((timedelta(minutes=1), timedelta(minutes=25), timedelta(hours=3), timedelta(days=1))))


@_act
def set_clock(site: ModelSite, picks: Picks) -> None:
    _shift(site)
    minutes = picks.of((0, 3, -3, 90, -90))
    site.clock.set_ahead(timedelta(minutes=minutes))


@_act
def change_zone(site: ModelSite, picks: Picks) -> None:
    _shift(site)
    site.set_zone(picks.of(("Europe/Berlin", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati")))


# -- inside ----------------------------------------------------------------------------------------------------------


def _shift(site: ModelSite) -> None:
    """One change of the site's local time between two syncs: of two, rows may bear stamps that no clock tells of."""
    if site.shifted:
        raise NothingToDo
    site.shifted = True


def _now(site: ModelSite, ago: timedelta = timedelta(0)) -> str:
    zone = ZoneInfo(site.documents.time_zone)
    return wire_datetime((site.clock() + ago).astimezone(zone).replace(tzinfo=None))


def _rows(site: ModelSite, picks: Picks) -> list[dict[str, Any]]:
    parties = [None, *site.names(PARTY)]
    return [
        {"qty": picks.below(9) / 4, "text": f"x{picks.below(9)}", "party": picks.of(parties)}
        for _ in range(picks.below(4))
    ]


def _order_values(site: ModelSite, picks: Picks) -> dict[str, Any]:
    lines, more = _rows(site, picks), _rows(site, picks)
    values = {"party": picks.of([None, *site.names(PARTY)]), "due": picks.of(("2026-03-29 02:30:00", None))}
    return values | {"lines": lines, "more": more, "digest": digest([*lines, *more]), **_custom(site, ORDER, picks)}


def _custom(site: ModelSite, doctype: str, picks: Picks) -> Mapping[str, Any]:
    there = [fieldname for fieldname in _CUSTOM_TYPES if site.has_column(doctype, fieldname)]
    return {name: f"v{picks.below(9)}" if name == "custom_a" else picks.below(2) for name in there}


def _new_name(doctype: str, picks: Picks) -> str:
    return f"ORD-{picks.below(12):04}" if doctype == ORDER else picks.of(ODD_NAMES)


def _some_line(site: ModelSite, picks: Picks) -> tuple[str, str, str]:
    doctype = picks.of((ORDER, OFFER))
    name = picks.of(site.names(doctype))
    return doctype, name, picks.of(lines_of(site, doctype, name))[0]


def _batches(site: ModelSite, where: str = "1") -> list[str]:
    rows = site.query(f"SELECT DISTINCT batch FROM {table_of(LEDGER)} WHERE {where} ORDER BY batch")
    return [batch for (batch,) in rows]


def _post(site: ModelSite, picks: Picks) -> list[str]:
    orders = site.names(ORDER)
    voucher = {"voucher_type": ORDER, "voucher_no": picks.of(orders)} if orders else {}
    amounts = [1 + picks.below(9) for _ in range(1 + picks.below(3))]
    common = voucher | {"batch": f"{site.rng.getrandbits(32):08x}", "total": sum(amounts)}
    rows = [common | {"debit": amount} for amount in amounts]
    return [_add_ledger_row(site, row) for row in (*rows, common | {"credit": sum(amounts)})]


def _add_ledger_row(site: ModelSite, values: Mapping[str, Any]) -> str:
    temporary = f"{site.rng.getrandbits(40):010x}"
    made = site.documents.insert(LEDGER, {"name": temporary, "to_rename": 1, "docstatus": 1, **values})
    return str(made["name"])

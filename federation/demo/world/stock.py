"""Where goods are: Stock Entries that issue and move what was bought, and the Stock Ledger of every movement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import money, pick, spans, texts, wire_dates
from federation.demo.world.heads import Heads
from federation.demo.world.ledger import STOCK_SERIES, Vouchers, fiscal_years, ledger_names, named_hourly
from federation.demo.world.purchases import DOCTYPE as PURCHASE

if TYPE_CHECKING:
    from federation.demo.world.columns import Dates, Flags, Instants, Integers, Texts
    from federation.demo.world.purchases import Purchases
    from federation.demo.world.scene import Scene

DOCTYPE = "Stock Entry"
SERIES = "MAT-STE-.YYYY.-"
ISSUE, TRANSFER = "Material Issue", "Material Transfer"
_ISSUED_SHARE, _MOVED_SHARE = 0.5, 0.2
_GAP = np.timedelta64(4_217, "us")


@dataclass(frozen=True)
class Moves:
    """n Stock Entries with m lines, in the order in which they were made; each takes from the goods of one purchase.

    Lines of entry i are `first_line[i] … first_line[i] + line_count[i] - 1`; `of` is each line's entry and `detail` its
    document name. `target` is the store that the goods go to, or -1 where they are issued.
    """

    heads: Heads
    is_issue: Flags
    posting: Dates
    cost_center: Texts
    line_count: Integers
    first_line: Integers
    of: Integers
    detail: Texts
    product: Integers
    source: Integers
    target: Integers
    quantity: Integers
    price: Integers

    @property
    def value(self) -> Integers:
        """What the goods of each entry cost, in cents."""
        value: Integers = np.add.reduceat(self.price * self.quantity, self.first_line)
        return value


class StoreRoom:
    """How much of each product lies in each store; goes on from one stretch of the history to the next."""

    def __init__(self, products: int, stores: int) -> None:
        self._stores = stores
        self._quantity = np.zeros(products * stores, np.int64)

    def after_each(self, product: Integers, store: Integers, change: Integers) -> Integers:
        """Take movements in, in their order; the stock that each one leaves in its store."""
        place = product * self._stores + store
        order = np.argsort(place, kind="stable")
        running, place = np.cumsum(change[order]), place[order]
        places, first = np.unique(place, return_index=True)
        before = self._quantity[places] - np.concatenate([[0], running])[first]
        counts = np.diff(np.append(first, len(place)))
        after = np.empty_like(running)
        after[order] = running + np.repeat(before, counts)
        self._quantity += np.bincount(place, change[order], len(self._quantity)).astype(np.int64)
        return after


def draw_moves(rng: np.random.Generator, scene: Scene, purchases: Purchases, end: np.datetime64) -> Moves:
    """What becomes of the goods of standing purchases, up to `end` (UTC): no purchase gives more than it brought."""
    site = scene.site
    fate = rng.random(len(purchases.supplier))
    standing = (purchases.heads.docstatus == 1) & (fate < _ISSUED_SHARE + _MOVED_SHARE)
    of = np.flatnonzero(standing)
    bought = purchases.heads.created[of]
    created = bought + ((end - bought).astype(np.int64) * rng.uniform(0.1, 0.9, len(of))).astype("timedelta64[us]")
    order = np.argsort(created, kind="stable")
    of, created = of[order], created[order]
    is_issue = fate[of] < _ISSUED_SHARE
    line_count = purchases.line_count[of]
    line = spans(purchases.first_line[of], line_count)
    entry = np.repeat(np.arange(len(of)), line_count)
    source = purchases.store[line]
    elsewhere = (source + rng.integers(1, len(site.stores), len(line))) % len(site.stores)
    entered = created + rng.integers(500_000, 5_000_000, len(of)).astype("timedelta64[us]")
    return Moves(
        heads=Heads(
            doctype=DOCTYPE,
            names=scene.names.numbered(SERIES, scene.clock.of(created)),
            owner=pick(site.users, len(of), rng),
            created=created,
            submitted=entered,
            modified=entered,
            docstatus=np.ones(len(of), np.int64),
        ),
        is_issue=is_issue,
        posting=scene.clock.dates(created),
        cost_center=purchases.cost_center[of],
        line_count=line_count,
        first_line=np.cumsum(line_count) - line_count,
        of=entry,
        detail=texts(scene.names.random(len(line))),
        product=purchases.product[line],
        source=source,
        target=np.where(is_issue[entry], -1, elsewhere),
        quantity=np.maximum(1, (purchases.quantity[line] * rng.uniform(0.1, 0.9, len(line))).astype(np.int64)),
        price=purchases.price[line],
    )


def write_moves(scene: Scene, moves: Moves) -> None:
    """Insert the Stock Entries with their items."""
    site, of = scene.site, moves.of
    count = len(moves.is_issue)
    stores = texts([*site.stores, None])
    purpose = np.where(moves.is_issue, ISSUE, TRANSFER).astype(object)
    value = money(moves.value)
    columns = moves.heads.columns(scene) | {
        "naming_series": SERIES,
        "stock_entry_type": purpose,
        "purpose": purpose,
        "company": site.company,
        "posting_date": wire_dates(moves.posting),
        "posting_time": scene.clock.times(moves.heads.created),
        "from_warehouse": stores[moves.source[moves.first_line]],
        "to_warehouse": stores[moves.target[moves.first_line]],
        "total_outgoing_value": value,
        "total_incoming_value": np.where(moves.is_issue, 0.0, value),
        "value_difference": np.where(moves.is_issue, -value, 0.0),
        "total_amount": value,
    }
    scene.insert(DOCTYPE, count, columns)
    codes, labels = (
        texts(getattr(item, column) for item in site.products)[moves.product] for column in ("code", "label")
    )
    quantity, rate, amount = moves.quantity.astype(float), money(moves.price), money(moves.price * moves.quantity)
    idx = spans(np.ones_like(moves.line_count), moves.line_count)
    items = moves.heads.child_columns(of, idx, "items", scene) | {
        "name": moves.detail,
        "s_warehouse": stores[moves.source],
        "t_warehouse": stores[moves.target],
        "item_code": codes,
        "item_name": labels,
        **dict.fromkeys(("qty", "transfer_qty"), quantity),
        **dict.fromkeys(("uom", "stock_uom"), "Nos"),
        "conversion_factor": 1.0,
        **dict.fromkeys(("basic_rate", "valuation_rate"), rate),
        **dict.fromkeys(("basic_amount", "amount"), amount),
        "expense_account": site.accounts_of("Stock Adjustment")[0].name,
        "cost_center": moves.cost_center[of],
    }
    scene.insert("Stock Entry Detail", len(of), items)


def move_vouchers(scene: Scene, moves: Moves) -> Vouchers:
    """What issues post: goods leave the stock at their cost. A transfer posts nothing."""
    posted = np.flatnonzero(moves.is_issue)
    count = len(posted)
    value = moves.value[posted]
    through = [scene.place_of(scene.site.accounts_of(kind)[0]) for kind in ("Stock Adjustment", "Stock")]
    cents = np.column_stack([value, -value])
    nothing = np.full(count, None, dtype=object)
    return Vouchers(
        doctype=DOCTYPE,
        subtype=ISSUE,
        names=moves.heads.names[posted],
        owner=moves.heads.owner[posted],
        created=moves.heads.created[posted],
        cancelled=np.full(count, np.datetime64("NaT", "us")),
        posting=moves.posting[posted],
        due=nothing,
        party_type="",
        party=nothing,
        against=nothing,
        against_type="",
        currency=np.full(count, scene.site.currency, dtype=object),
        rate=np.ones(count),
        cost_center=moves.cost_center[posted],
        remarks=np.full(count, "No Remarks", dtype=object),
        accounts=np.tile(through, (count, 1)),
        cents=cents,
        billed=cents,
    )


@dataclass(frozen=True)
class _Movements:
    """k movements of goods: `quantity` is signed; cancelled ones (`undone`) and those that undo them don't count."""

    created: Instants
    product: Integers
    store: Integers
    quantity: Integers
    price: Integers
    voucher_type: Texts
    voucher: Texts
    detail: Texts
    owner: Texts
    posting: Dates
    undone: Instants

    def picked(self, order: Integers) -> _Movements:
        """The movements at these places."""
        return _Movements(**{name: column[order] for name, column in vars(self).items()})


def write_stock_ledger(scene: Scene, room: StoreRoom, purchases: Purchases, moves: Moves) -> None:
    """Insert a Stock Ledger Entry for every movement of goods, in the order in which they happened."""
    parts = [*_received(purchases), *_moved(moves)]
    every = _Movements(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _Movements.__annotations__}
    )
    every = every.picked(np.argsort(every.created, kind="stable"))
    site, clock = scene.site, scene.clock
    created, count = every.created, len(every.created)
    stands = np.isnat(every.undone)
    after = room.after_each(every.product, every.store, np.where(stands, every.quantity, 0))
    modified, is_temporary = named_hourly(created, np.fmax(created, every.undone), scene.until)
    is_in = every.quantity > 0
    rate, day, time = money(every.price), wire_dates(every.posting), clock.times(created)
    stamps = clock.wire(created)
    columns = {
        "name": ledger_names(scene, STOCK_SERIES, created, is_temporary),
        "owner": every.owner,
        "creation": stamps,
        "modified": clock.wire(modified),
        "modified_by": every.owner,
        "docstatus": 1,
        "idx": 0,
        "item_code": texts(item.code for item in site.products)[every.product],
        "warehouse": texts(site.stores)[every.store],
        "posting_date": day,
        "posting_time": time,
        "posting_datetime": stamps,
        "voucher_type": every.voucher_type,
        "voucher_no": every.voucher,
        "voucher_detail_no": every.detail,
        "actual_qty": every.quantity.astype(float),
        "qty_after_transaction": after.astype(float),
        "incoming_rate": np.where(is_in, rate, 0.0),
        "outgoing_rate": np.where(is_in, 0.0, rate),
        "valuation_rate": rate,
        "stock_value": money(after * every.price),
        "stock_value_difference": money(every.quantity * every.price),
        "stock_queue": "[]",
        "company": site.company,
        "stock_uom": "Nos",
        "fiscal_year": fiscal_years(every.posting, site.fiscal_year_starts),
        "is_cancelled": (~stands).astype(np.int64),
        "to_rename": is_temporary.astype(np.int64),
    }
    scene.insert("Stock Ledger Entry", count, columns)


def _received(purchases: Purchases) -> tuple[_Movements, _Movements]:
    """What came in with submitted purchases, and what went back out when they were cancelled."""
    line = np.flatnonzero(purchases.heads.docstatus[purchases.of])
    of = purchases.of[line]
    came = _Movements(
        created=purchases.heads.created[of] + (line - purchases.first_line[of]) * _GAP,
        product=purchases.product[line],
        store=purchases.store[line],
        quantity=purchases.quantity[line],
        price=purchases.price[line],
        voucher_type=np.full(len(line), PURCHASE, dtype=object),
        voucher=purchases.heads.names[of],
        detail=purchases.detail[line],
        owner=purchases.heads.owner[of],
        posting=purchases.posting[of],
        undone=purchases.cancelled[of],
    )
    back = came.picked(np.flatnonzero(~np.isnat(came.undone)))
    undoing = {**vars(back), "created": back.undone + _GAP, "quantity": -back.quantity}
    return came, _Movements(**undoing)


def _moved(moves: Moves) -> tuple[_Movements, _Movements]:
    """What left its store, and what of it arrived in another."""
    of = moves.of
    left = _Movements(
        created=moves.heads.created[of] + 2 * (np.arange(len(of)) - moves.first_line[of]) * _GAP,
        product=moves.product,
        store=moves.source,
        quantity=-moves.quantity,
        price=moves.price,
        voucher_type=np.full(len(of), DOCTYPE, dtype=object),
        voucher=moves.heads.names[of],
        detail=moves.detail,
        owner=moves.heads.owner[of],
        posting=moves.posting[of],
        undone=np.full(len(of), np.datetime64("NaT", "us")),
    )
    arriving = np.flatnonzero(moves.target >= 0)
    there = left.picked(arriving)
    arrived = {**vars(there), "created": there.created + _GAP, "quantity": -there.quantity}
    return left, _Movements(**arrived | {"store": moves.target[arriving]})

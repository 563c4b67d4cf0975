"""Who works there and when they came and went: Employees, and the Employee Checkins of their biometric readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from federation.demo.world.columns import pick, texts
from federation.demo.world.heads import Heads
from federation.demo.world.ledger import tied
from federation.demo.world.masters import standard

if TYPE_CHECKING:
    from federation.demo.world.columns import Texts
    from federation.demo.world.scene import Scene

EMPLOYEE_SERIES = "HR-EMP-"
CHECKIN = "Employee Checkin"
DEVICES = ("wharf-gate-1", "wharf-gate-2", "yard/main", "office #3")
_FEWEST_EMPLOYEES = 6
_CHECKINS_PER_EMPLOYEE = 500
_DAY = np.timedelta64(1, "D")
_JITTER_SECONDS = 1_800
_SHIFT = np.timedelta64(8, "h")
_ROWS_PER_WRITE = 50_000


def write_people(scene: Scene, *, checkins: int, begin: np.datetime64, rng: np.random.Generator) -> None:
    """Insert employees, and about `checkins` rows of when they came and went on the last days of the history."""
    count = max(_FEWEST_EMPLOYEES, checkins // _CHECKINS_PER_EMPLOYEE)
    site = scene.site
    given, family = pick(site.given_names, count, rng), pick(site.family_names, count, rng)
    names = scene.names.numbered(EMPLOYEE_SERIES, np.full(count, begin))
    titles = texts(f"{first} {last}" for first, last in zip(given, family, strict=True))
    born = np.datetime64("1961-03-04") + rng.integers(0, 15_000, count).astype("timedelta64[D]")
    columns = standard(scene.clock.wire(np.full(count, begin))) | {
        "name": names,
        "naming_series": EMPLOYEE_SERIES,
        "first_name": given,
        "last_name": family,
        "employee_name": titles,
        "gender": pick(("Female", "Male", "Other"), count, rng),
        "date_of_birth": np.datetime_as_string(born).tolist(),
        "date_of_joining": str(begin.astype("datetime64[D]")),
        "status": "Active",
        "company": site.company,
        "department": pick(site.cost_centers, count, rng),
        "reports_to": texts([None, *[names[0]] * (count - 1)]),
        "attendance_device_id": texts(f"{number:06}" for number in range(count)),
        "lft": [1, *range(2, 2 * count, 2)],
        "rgt": [2 * count, *range(3, 2 * count, 2)],
    }
    scene.insert("Employee", count, columns)
    days = max(1, checkins // (2 * count))
    for first in range(0, days, max(1, _ROWS_PER_WRITE // (2 * count))):
        last = min(days, first + max(1, _ROWS_PER_WRITE // (2 * count)))
        _write_days(scene, names, titles, np.arange(days - first, days - last, -1), rng)
    scene.store.set_series(f"{CHECKIN}.autoincrement", 2 * days * count)


def _write_days(scene: Scene, names: Texts, titles: Texts, days_ago: np.ndarray, rng: np.random.Generator) -> None:
    """Everyone comes and goes once a day; the readers send their rows minutes later."""
    people = len(names)
    midnights = scene.until.astype("datetime64[D]") - days_ago
    starts = np.repeat(midnights.astype("datetime64[us]") + scene.clock.opening(midnights[0]), people)
    who = np.tile(np.arange(people), len(days_ago))
    came = starts + rng.integers(0, _JITTER_SECONDS, len(who)).astype("timedelta64[s]")
    went = came + _SHIFT + rng.integers(0, _JITTER_SECONDS, len(who)).astype("timedelta64[s]")
    time, who = np.concatenate([came, went]), np.concatenate([who, who])
    order = np.argsort(time, kind="stable")
    is_in, time, who = (order < len(came)), time[order], who[order]
    count = len(who)
    sent = np.minimum(time + rng.integers(1_000_000, 240_000_000, count).astype("timedelta64[us]"), scene.last_start)
    before = scene.store.count(CHECKIN)
    heads = Heads(
        doctype=CHECKIN,
        names=texts(range(before + 1, before + count + 1)),
        owner=texts(["Administrator"]).repeat(count),
        created=sent,
        submitted=sent,
        modified=tied(sent, rng),
        docstatus=np.zeros(count, np.int64),
    )
    columns = heads.columns(scene) | {
        "employee": names[who],
        "employee_name": titles[who],
        "log_type": np.where(is_in, "IN", "OUT").astype(object),
        "time": scene.clock.wire(np.minimum(time, scene.last_start)),
        "device_id": pick(DEVICES, count, rng),
        "latitude": np.round(rng.uniform(-33.9, -33.8, count), 7),
        "longitude": np.round(rng.uniform(151.1, 151.3, count), 7),
        "geolocation": None,
    }
    scene.insert(CHECKIN, count, columns | scene.custom_values(CHECKIN, count, rng))

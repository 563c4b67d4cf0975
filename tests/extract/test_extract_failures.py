"""What goes wrong at one DocType stays there; what goes wrong with the site ends its run with a clear message."""

from __future__ import annotations

from pathlib import Path

import pytest
from extract_world import CUSTOMER, ORDER, PUNCH, Shop, doctype

from connectors.frappe import SatelliteError, TransientError
from federation.demo.site.faults import Fault
from federation.extract.errors import NoTimeZone
from federation.settings.errors import SettingsError


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.customer("a")
    shop.order()
    shop.documents.insert(PUNCH, {"device": "door"})
    return shop


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault("/api/resource/Order?", status=403, times=None), "no permission"),
        (Fault("/api/resource/Order?", status=404, times=None), "not found"),
        (Fault("/api/resource/Order?", status=417, times=None), "refused the query"),
        (Fault("doctype: Order Line", status=417, times=None), "refused the query"),
        (Fault('["name","modified"]', status=403, times=None), "no permission"),
        (Fault("getdoctype?doctype=Order", status=404, times=None), "not found"),
    ],
)
def test_a_doctype_that_fails_fails_alone_and_comes_later(filled: Shop, fault: Fault, says: str) -> None:
    path = fault.path.replace("doctype: Order Line", "Order Line")
    filled.watch.add(Fault(path, status=fault.status, times=None))
    outcomes = filled.sync()
    assert {name: each.status for name, each in outcomes.items()} == {
        CUSTOMER: "changed", ORDER: "failed", PUNCH: "changed",
    }  # fmt: skip
    assert says in outcomes[ORDER].error
    assert "Order" in outcomes[ORDER].error
    assert filled.stored_files() == filled.named_files()
    filled.watch.clear()
    assert filled.sync()[ORDER].status == "changed"
    filled.assert_same()


def test_a_doctype_that_the_site_hasnt_fails_alone(filled: Shop) -> None:
    outcomes = filled.with_settings(doctypes=[CUSTOMER, "No Such Thing"]).sync()
    assert outcomes["No Such Thing"].status == "failed"
    assert "not found" in outcomes["No Such Thing"].error
    assert outcomes[CUSTOMER].status == "changed"


def test_a_child_table_is_no_doctype_to_ask_for(filled: Shop) -> None:
    outcome = filled.with_settings(doctypes=["Order Line"]).sync()["Order Line"]
    assert outcome.status == "failed"
    assert "name its parent DocType" in outcome.error


def test_a_virtual_doctype_has_nothing_to_read(filled: Shop) -> None:
    filled.site.store.create_doctype(doctype("Computed", "total: Currency", is_virtual=1))
    outcome = filled.with_settings(doctypes=["Computed"]).sync()["Computed"]
    assert outcome.status == "failed"
    assert "virtual" in outcome.error


def test_child_tables_that_the_site_lists_for_nobody_come_with_their_documents(filled: Shop) -> None:
    """As in Frappe 13, for the child tables of Custom Fields."""
    filled.watch.add(Fault("resource/Order Line", status=403, times=None))
    outcome = filled.sync()[ORDER]
    assert outcome.one_by_one == ("Order Line",)
    filled.assert_same(ORDER)


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Fault(status=401, times=None), SatelliteError, "API key or secret is wrong"),
        (Fault(kind="html", times=None), SatelliteError, "isn't Frappe's JSON"),
        (Fault(status=503, times=None), TransientError, "unavailable|maintenance"),
        (Fault(status=429, times=None, retry_after=0), TransientError, "rate limit"),
        (Fault(kind="reset", times=None), TransientError, "closed the connection"),
        (Fault(kind="truncate", times=None), TransientError, "broke|ends in the middle"),
    ],
)
def test_a_site_that_fails_as_a_whole_ends_the_run_with_its_reason(
    filled: Shop, impatient: None, fault: Fault, error: type[Exception], says: str
) -> None:
    filled.sync()
    filled.watch.add(fault)
    with pytest.raises(error, match=says) as raised:
        filled.sync()
    assert filled.satellite.url in str(raised.value)
    assert "the-api" not in str(raised.value)
    filled.assert_same()
    filled.watch.clear()
    filled.customer("later")
    filled.sync()
    filled.assert_same()


def test_a_site_that_dies_in_the_middle_ends_the_run_and_isnt_asked_for_every_doctype(
    filled: Shop, impatient: None
) -> None:
    names = [f"Extra {number}" for number in range(9)]
    for name in names:
        filled.site.store.create_doctype(doctype(name, "title: Data"))
    filled.watch.add(Fault("resource/Extra", status=503, times=None))
    extra = filled.with_settings(doctypes=names, satellite={"connections": 1})
    with pytest.raises(TransientError):
        extra.sync()
    assert extra.manifests()[-1].stage == "closing"
    assert sum(extra.asked_for(f"resource/{name}?") > 0 for name in names) in (2, 3)


def test_one_doctype_that_times_out_is_its_own_trouble(filled: Shop, impatient: None) -> None:
    filled.watch.add(Fault("/api/resource/Customer", status=503, times=None))
    outcomes = filled.with_settings(satellite={"connections": 1}).sync()
    assert {name for name, each in outcomes.items() if each.status == "failed"} == {CUSTOMER}


def test_a_hanging_site_is_given_up(filled: Shop, impatient: None) -> None:
    filled.watch.add(Fault("logged_user", kind="hang", seconds=1.2, times=None))
    with pytest.raises(TransientError, match="didn't answer in time"):
        filled.with_settings(satellite={"read_timeout_seconds": 1}).sync()


def test_a_site_that_is_down_is_told_with_what_to_do(filled: Shop, impatient: None) -> None:
    down = filled.with_settings(satellite={"url": "http://127.0.0.1:9"})
    with pytest.raises(SatelliteError, match=r"can't be reached.*Check its address"):
        down.sync()


def test_without_a_time_zone_nothing_is_read(shop: Shop) -> None:
    shop.watch.add(Fault("get_time_zone", status=404))
    with pytest.raises(NoTimeZone, match=r"satellites\.shop\.time_zone"):
        shop.sync()
    assert shop.asked_for("/api/resource") == 0


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "Asia", "x" * 5000, "a\x00b"])
def test_a_time_zone_that_nobody_knows_is_no_time_zone(shop: Shop, zone: str) -> None:
    shop.site.store.set_single("System Settings", {"time_zone": zone})
    shop.documents.now = lambda: None  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(NoTimeZone, match="nobody knows"):
        shop.sync()


def test_the_settings_time_zone_wins(filled: Shop) -> None:
    filled.watch.add(Fault("get_time_zone", status=404))
    told = filled.with_settings(satellite={"time_zone": "Asia/Kolkata"})
    told.sync()
    told.assert_same()
    [row] = told.folded(CUSTOMER)[CUSTOMER].to_pylist()
    assert (row["modified"] - row["modified_utc"]).total_seconds() == 5.5 * 3600


def test_a_secret_that_cant_be_had_starts_nothing(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "secret").unlink()
    with pytest.raises(SettingsError):
        shop.sync()
    assert not (tmp_path / "lake").exists()
    assert shop.watch.requests == []


@pytest.mark.usefixtures("impatient")
def test_a_site_that_fails_for_a_day_catches_up_by_itself(filled: Shop) -> None:
    filled.sync()
    filled.watch.add(Fault(status=503, times=None))
    for hour in range(24):
        filled.customer(f"served without us at {hour}")
        with pytest.raises(TransientError):
            filled.sync()
    filled.watch.clear()
    assert filled.sync()[CUSTOMER].documents == 24
    filled.assert_same()

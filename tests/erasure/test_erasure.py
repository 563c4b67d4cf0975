"""`federation erase`, end to end: a document leaves every byte that we keep, and nothing brings it back."""

from __future__ import annotations

from shutil import copytree, rmtree

from erasure_world import Erasures, Quiet

from federation.erasing import erase
from federation.rebuilding import rebuild
from federation.verifying import verify_mothership

ANNA = "Anna Example 4711"
BERT = "Bert Sample 4712"


def fill(world: Erasures) -> str:
    """Two customers, an order of each, and what is told of them; return Anna's order."""
    shop = world.shop
    shop.customer(ANNA, email="anna.canary@example.test")
    shop.customer(BERT)
    order = shop.order(customer=ANNA)
    shop.order(customer=BERT)
    world.note("note 1", of=ANNA)
    world.note("note 2", of=BERT)
    world.version(ANNA, '{"changed": [["email", "old.canary@example.test", ""]]}')
    shop.age()
    return order


def test_an_erased_document_is_in_no_byte_that_is_kept_and_links_to_it_lead_to_a_pseudonym(world: Erasures) -> None:
    order = fill(world)
    world.sync()
    world.compact()
    assert world.found(ANNA)
    assert world.found("old.canary@example.test")
    erased = world.erase(ANNA)
    assert world.found(ANNA) == []
    assert world.found("anna.canary@example.test") == []
    assert world.found("old.canary@example.test") == []
    assert world.query("SELECT name FROM customer") == [(BERT,)]
    (pseudonym,) = erased.receipt.pseudonyms["Customer"]
    assert world.query(f"SELECT customer FROM \"order\" WHERE name = '{order}'") == [(pseudonym,)]
    assert world.query('SELECT "of" FROM note ORDER BY name') == [(pseudonym,), (BERT,)]
    assert world.query("SELECT count(*) FROM order_line") == [(4,)]


def test_no_sync_pass_or_rebuild_brings_it_back(world: Erasures) -> None:
    fill(world)
    world.sync()
    world.erase(ANNA)
    shop = world.shop
    shop.documents.save("Customer", ANNA, {"email": "anna.canary@example.test"})
    shop.order(customer=ANNA)
    world.version(ANNA, '{"changed": [["email", "old.canary@example.test", ""]]}')
    for depth in ("changes", "reconcile", "full"):
        world.sync(depth=depth)
        assert world.found(ANNA) == []
        assert world.found("canary@example.test") == []
        assert world.query("SELECT name FROM customer") == [(BERT,)]
    assert world.query("SELECT count(*) FROM \"order\" WHERE customer LIKE 'erased-%'") == [(2,)]


def test_a_rebuild_finds_the_same_mothership_and_loses_nothing(world: Erasures) -> None:
    fill(world)
    world.sync()
    world.compact()
    world.shop.order(customer=ANNA)
    world.sync()
    world.erase(ANNA)
    assert verify_mothership(world.shop.settings).findings == ()
    tables = ("customer", '"order"', "order_line", "note", "version", "federation_tombstone")
    before = [world.query(f"SELECT * FROM {table} ORDER BY name") for table in tables]
    report = rebuild(world.shop.settings, Quiet())
    assert report.ok, report
    assert [world.query(f"SELECT * FROM {table} ORDER BY name") for table in tables] == before
    assert world.found(ANNA) == []
    world.sync(depth="full")
    assert verify_mothership(world.shop.settings).ok


def test_a_document_is_erased_under_every_name_that_it_bore(world: Erasures) -> None:
    fill(world)
    world.sync()
    world.shop.documents.rename("Customer", ANNA, "Anna Married 4713")
    world.sync()
    world.shop.documents.rename("Customer", "Anna Married 4713", "Anna Widowed 4714")
    world.sync()
    assert world.query("SELECT count(*) FROM federation_alias") == [(2,)]
    erased = world.erase("Anna Married 4713")
    assert set(erased.names["Customer"]) == {ANNA, "Anna Married 4713", "Anna Widowed 4714"}
    for depth in ("changes", "full"):
        for name in (ANNA, "Anna Married", "Anna Widowed"):
            assert world.found(name) == []
        world.sync(depth=depth)


def test_a_new_name_that_the_site_gives_an_erased_document_is_kept_away_too(world: Erasures) -> None:
    fill(world)
    world.sync()
    world.erase(ANNA)
    world.shop.documents.rename("Customer", ANNA, "Anna Married 4713")
    for depth in ("changes", "full"):
        world.sync(depth=depth)
        assert world.found("Anna") == []
        assert world.query("SELECT name FROM customer") == [(BERT,)]


def test_of_a_name_that_belongs_to_another_document_since_only_what_is_older_goes(world: Erasures) -> None:
    fill(world)
    world.sync()
    world.shop.documents.rename("Customer", ANNA, "Anna Married 4713")
    world.sync()
    world.shop.customer(ANNA, email="another.anna@example.test")
    world.sync()
    erased = world.erase("Anna Married 4713")
    assert erased.others == (ANNA,)
    assert world.query("SELECT name, email FROM customer WHERE name LIKE 'Anna%'") == [
        (ANNA, "another.anna@example.test")
    ]
    assert world.found("Anna Married") == world.found("anna.canary@example.test") == []
    assert verify_mothership(world.shop.settings).ok
    assert rebuild(world.shop.settings, Quiet()).ok


def test_a_document_in_quarantine_is_erased_and_those_of_others_that_link_to_it_are_kept(world: Erasures) -> None:
    fill(world)
    world.note("odd note", of=ANNA, text="kept as it is", rating="not a number")
    world.shop.customer("Odd 4715", email="odd.canary@example.test", limit="not money")
    world.sync()
    assert world.query("SELECT count(DISTINCT name) FROM federation_quarantine") == [(2,)]
    world.erase(ANNA, "Odd 4715")
    assert world.found(ANNA) == world.found("Odd 4715") == world.found("odd.canary") == []
    ((name, document),) = world.query("SELECT name, document FROM federation_quarantine")
    assert name == "odd note"
    assert "kept as it is" in document
    assert '"erased-' in document
    for depth in ("changes", "full"):
        world.sync(depth=depth)
        assert world.found(ANNA) == world.found("Odd 4715") == []
    assert verify_mothership(world.shop.settings).ok


def test_text_of_others_that_holds_the_name_is_told_and_left(world: Erasures) -> None:
    fill(world)
    world.note("note 3", of=BERT, text=f"called {ANNA} today")
    world.sync()
    erased = world.erase(ANNA)
    assert ("mothership: note", "text", 1) in {(each.place, each.column, each.rows) for each in erased.receipt.remains}
    assert ANNA not in str(erased.receipt)


def test_what_is_not_stored_is_kept_away_from_then_on(world: Erasures) -> None:
    fill(world)
    world.sync()
    world.erase("Clara 4716")
    world.shop.customer("Clara 4716")
    world.sync()
    assert world.found("Clara") == []


def test_a_backup_of_the_lake_brings_nothing_back_and_what_is_back_is_erased_again(world: Erasures) -> None:
    fill(world)
    world.sync()
    shop = world.shop
    lake, saved = shop.folder / "lake" / "shop", shop.folder.with_name("backup")
    for name in ("log", "runs"):
        copytree(lake / name, saved / name)
    world.erase(ANNA)
    for name in ("log", "runs"):
        rmtree(lake / name)
        copytree(saved / name, lake / name)
    assert world.found(ANNA)
    report = rebuild(shop.settings, Quiet())
    assert not report.swapped
    assert "`federation erase shop --again`" in report.satellites[0].error
    again = erase(shop.settings, shop.satellite, "", (), reason="")
    assert again.receipt.proven
    assert ANNA in again.names["Customer"]
    assert world.found(ANNA) == world.found("canary@example.test") == []
    assert rebuild(shop.settings, Quiet()).ok
    assert world.query("SELECT name FROM customer") == [(BERT,)]


def test_on_mariadb_it_is_the_same(mariadb_world: Erasures) -> None:
    world = mariadb_world
    order = fill(world)
    world.note("odd note", of=ANNA, rating="not a number")
    world.sync()
    world.shop.documents.rename("Customer", ANNA, "Anna Married 4713")
    world.sync()
    erased = world.erase(ANNA)
    assert {
        table: rows for table, rows in erased.receipt.mothership.items() if not table.startswith("federation_")
    } == {"customer": 1, "order": 1, "note": 1, "version": 1}
    assert world.query(f"SELECT customer FROM \"order\" WHERE name = '{order}'")[0][0].startswith("erased-")
    assert world.query("SELECT name FROM customer") == [(BERT,)]
    assert verify_mothership(world.shop.settings).ok
    assert rebuild(world.shop.settings, Quiet()).ok
    for depth in ("changes", "full"):
        world.sync(depth=depth)
        assert world.found("Anna") == []
        assert world.query("SELECT name FROM customer") == [(BERT,)]
        assert world.query("SELECT old_name FROM federation_alias") == []

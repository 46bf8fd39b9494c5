"""The ledger's engine: upgrade, keys, transactions, and what a person reads when the database complains."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from adapters.ledger import Ledger, bulk, messages, migrations, open_ledger, preparing, raws, shipments
from adapters.ledger.audit import audit
from adapters.ledger.ledger import VARIABLE, newest_revision
from adapters.ledger.sealed import Vault
from adapters.ledger.tables import UNCHECKED, metadata, pool_seen, raw, receipt, shipment
from mappings.errors import ConfigurationError
from tests.contract import ledger_cases as cases


def test_migrations_make_exactly_the_tables_of_the_metadata(address: str, tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, address)
    with ledger.begin() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": False})
        missing = compare_metadata(context, metadata)
        unchecked = {key.name for table in UNCHECKED for key in table.foreign_key_constraints}
        assert {(what, key.name) for what, key in missing} == (
            {("add_fk", name) for name in unchecked} if tx.dialect.name == "postgresql" else set()
        )
        assert context.get_current_revision() == migrations.head()
    ledger.close()


def test_upgrade_again_changes_nothing(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    ledger.upgrade()
    assert shipments.get(ledger, ident).master_waybill == "M1"


def test_a_ledger_with_rows_goes_from_an_older_migration_to_the_newest(ledger: Ledger) -> None:
    """From before decision 0021, with foreign keys on both databases: PostgreSQL loses those that the audit proves."""
    ident = cases.shipment(ledger)
    cases.declared(ledger, ident)
    with ledger.engine.begin() as connection:
        settings = migrations.config()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0008")

    def keys() -> dict[str, int]:
        found = sa.inspect(ledger.engine)
        return {table.name: len(found.get_foreign_keys(table.name)) for table in (*UNCHECKED, pool_seen)}

    before = {"document": 4, "receipt": 2, "parcel": 1, "pool_row": 2, "pool_seen": 2}
    assert keys() == before
    brought = raws.store_raw(ledger, "in", cases.CN, "http", "customs", b"of an older release")
    old = (brought, cases.CN, cases.ORDER, "P|o1", "G1", "2", cases.NOW, "", "new", cases.NOW)
    names = (
        "raw_id",
        "authority",
        "type",
        "business_key",
        "guid",
        "status",
        "return_time",
        "info",
        "disposition",
        "at",
    )
    with ledger.begin() as tx:
        bulk.insert(tx, receipt, names, [old])
    ledger.upgrade()
    unchecked = {table.name: 0 for table in UNCHECKED} if ledger.engine.dialect.name == "postgresql" else {}
    assert keys() == before | unchecked
    cases.arrive(ledger, cases.answer("P|o2", "2"))
    assert [*cases.states(ledger, ident).values()] == ["accepted", "accepted", "prepared"]
    assert audit(ledger) == []


def test_what_lists_name_goes_back_and_forth(ledger: Ledger) -> None:
    """0014 makes one row a list of what were rows of parcels; those of other shipments are in application_line."""
    ident, other = cases.shipment(ledger), cases.shipment(ledger, "M2", ("p1", "p2"))
    lists = [cases.Doc("A|c|b|1", lists=(1, 3)), cases.Doc("A|c|b|2", lists=(2,)), cases.Doc("A|c|b|3")]
    preparing.add_messages(ledger, ident, [cases.out(lists, cases.LIST)])
    preparing.add_messages(ledger, other, [cases.out([cases.Doc("A|c|b|4", lists=(1, 2))], cases.LIST)])
    named = [messages.list_members(ledger, each) for each in (ident, other)]
    assert [[*found.values()] for found in named] == [[[1, 3], [2]], [[1, 2]]]
    settings = migrations.config()
    with ledger.engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0013")
        rows = connection.exec_driver_sql("SELECT document_id, parcel_id FROM listed ORDER BY document_id, parcel_id")
        assert [tuple(row) for row in rows] == [(1, 1), (1, 3), (2, 2), (4, 4), (4, 5)]
        # as a summary of the first shipment that names a parcel of the second one
        connection.exec_driver_sql("INSERT INTO listed (document_id, parcel_id) VALUES (1, 4)")
    ledger.upgrade()
    assert [messages.list_members(ledger, each) for each in (ident, other)] == named
    assert audit(ledger) == []


@pytest.mark.parametrize("address", [pytest.param("postgresql", marks=pytest.mark.server)], indirect=True)
def test_a_list_that_an_older_program_makes_during_the_migration_is_not_lost(address: str, tmp_path: Path) -> None:
    """It waits for whom it finds writing, and whoever writes later finds no such table. SQLite has one writer."""
    ledger = open_ledger(tmp_path, address)
    ident = cases.shipment(ledger)
    preparing.add_messages(ledger, ident, [cases.out([cases.Doc("A|c|b|1"), cases.Doc("A|c|b|2")], cases.LIST)])
    settings = migrations.config()
    with ledger.engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0013")
    with ThreadPoolExecutor(1) as pool, ledger.engine.connect() as older:
        older.exec_driver_sql("INSERT INTO listed (document_id, parcel_id) VALUES (1, 1), (1, 2)")
        upgrading = pool.submit(ledger.upgrade)
        with pytest.raises(TimeoutError):
            upgrading.result(1.0)
        older.exec_driver_sql("INSERT INTO listed (document_id, parcel_id) VALUES (2, 3)")
        older.commit()
        upgrading.result(60.0)
        with pytest.raises(sa.exc.ProgrammingError):
            older.exec_driver_sql("INSERT INTO listed (document_id, parcel_id) VALUES (2, 1)")
    assert messages.list_members(ledger, ident) == {1: [1, 2], 2: [3]}
    ledger.close()


def test_what_is_at_the_newest_migration_asks_alembic_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger.revision() == newest_revision() == migrations.head()
    asked: list[Ledger] = []
    monkeypatch.setattr(migrations, "upgrade", asked.append)
    ledger.upgrade()
    assert asked == []
    with ledger.begin() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    ledger.upgrade()
    assert asked == [ledger]
    with ledger.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest_revision()})


def test_many_open_a_new_ledger_at_once(address: str, tmp_path: Path) -> None:
    def start(_: int) -> str:
        made = open_ledger(tmp_path / "home", address)
        try:
            return shipments.open_shipment(made, "A", "W", {})[0] and str(made.engine.dialect.name)
        finally:
            made.close()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(start, range(6)))) == 1
    with open_ledger(tmp_path / "home", address).read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(shipment)).scalar() == 1


def test_a_newer_ledger_is_refused_with_a_remedy(address: str, tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, address)
    with ledger.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer Tongguan"):
        ledger.upgrade()
    ledger.close()


def test_a_ledger_without_its_key_says_what_to_restore(ledger: Ledger, tmp_path: Path) -> None:
    address = ledger.engine.url.render_as_string(hide_password=False)
    key = tmp_path / "home" / "vault.key"
    key.unlink()
    with pytest.raises(ConfigurationError, match=r"restore that vault\.key") as caught:
        open_ledger(tmp_path / "home", address)
    assert "缺少密钥文件" in str(caught.value)
    assert not key.exists(), "a new key beside an old ledger would hide the loss"


def test_what_names_people_is_not_readable_in_the_database(ledger: Ledger) -> None:
    ident, _ = shipments.open_shipment(ledger, "A", "W", {"driver": {"name": "王秘密"}})
    stored = raws.store_raw(ledger, "in", "x", "http", "p", "王秘密 secret person ".encode() * 50)
    with ledger.read() as tx:
        seen = [
            bytes(tx.execute(sa.select(sa.type_coerce(column, sa.LargeBinary))).scalar_one())
            for column in (shipment.c.truck, raw.c.body)
        ]
    assert all(b"secret" not in value and "王".encode() not in value for value in seen)
    assert len(seen[1]) < 200, "long bytes are compressed before they are sealed"
    assert shipments.get(ledger, ident).truck == {"driver": {"name": "王秘密"}}
    assert raws.body(ledger, stored).startswith("王秘密".encode())


def test_an_exception_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.begin() as tx:
        shipments.open_shipment(tx, "A", "W", {})
        raise RuntimeError
    assert shipments.listing(ledger) == []


def test_a_full_disk_is_explained_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, f"sqlite:///{tmp_path / 'small.sqlite'}")
    pages = 0
    with ledger.read() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
    with pytest.raises(ConfigurationError, match="disk of the ledger is full") as caught, ledger.begin() as tx:
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")
        ident, _ = shipments.open_shipment(tx, "A", "W", {})
        for n in range(200):
            raws.store_raw(tx, "in", "x", "http", "p", bytes(range(256)) * 40 + str(n).encode(), ident)
    assert "磁盘已满" in str(caught.value)
    assert shipments.listing(ledger) == []
    with ledger.begin() as tx:
        tx.exec_driver_sql("PRAGMA max_page_count=100000")
    assert shipments.open_shipment(ledger, "A", "W", {})[1]


def test_a_locked_ledger_is_explained(tmp_path: Path) -> None:
    open_ledger(tmp_path)
    vault = Vault([bytes(32)])
    holder, other = (Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", vault, lock_seconds=0.1) for _ in range(2))
    with holder.begin():
        with pytest.raises(ConfigurationError, match="held the ledger too long"):
            shipments.open_shipment(other, "A", "W", {})
        assert shipments.listing(other) == [], "readers do not wait for a writer"


@pytest.mark.server
def test_a_lock_that_postgresql_waits_for_is_explained(tmp_path: Path) -> None:
    from tests.contract.conftest import postgres_url

    for address in postgres_url():
        first = open_ledger(tmp_path, address)
        ident, _ = shipments.open_shipment(first, "A", "W", {})
        second = Ledger(address, first.vault, lock_seconds=0.1)
        with first.begin() as tx:
            shipments.hold(tx, ident, "x", "me")
            with pytest.raises(ConfigurationError, match="held the ledger too long"):
                shipments.set_state(second, ident, "closed")
        first.close()
        second.close()


@pytest.mark.server
def test_questions_of_postgresql_are_priced_as_small_unless_the_address_says_otherwise(tmp_path: Path) -> None:
    from tests.contract.conftest import postgres_url

    def priced(address: str) -> tuple[str, str]:
        ledger = Ledger(address, Vault([bytes(32)]))
        with ledger.read() as tx:
            found = [str(tx.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in names]
        ledger.close()
        return found[0], found[1]

    names = ("random_page_cost", "max_parallel_workers_per_gather")
    for address in postgres_url():
        assert priced(address) == ("1.1", "0")
        assert priced(f"{address}%20-crandom_page_cost%3D4") == ("4", "0")


def test_an_unreachable_server_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        open_ledger(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:9/none")
    assert not (tmp_path / "vault.key").exists()


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigurationError, match="damaged"):
        open_ledger(tmp_path)


def test_missing_tables_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="missing or old"):
        shipments.listing(Ledger(f"sqlite:///{tmp_path / 'x.sqlite'}", Vault([bytes(32)])))


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://"])
def test_other_databases_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must be sqlite"):
        open_ledger(tmp_path, url)


def test_the_environment_names_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    shipments.open_shipment(open_ledger(tmp_path / "home"), "A", "W", {})
    assert (tmp_path / "elsewhere.sqlite").exists()
    assert not (tmp_path / "home" / "ledger.sqlite").exists()


def test_sqlite_is_set_up_to_survive_a_crash(tmp_path: Path) -> None:
    with open_ledger(tmp_path).begin() as tx:
        pragmas = {
            name: tx.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_writers_in_threads_wait_for_each_other(ledger: Ledger) -> None:
    barrier = threading.Barrier(5)

    def write(n: int) -> int:
        barrier.wait()
        with ledger.begin() as tx:
            shipments.listing(tx)  # read, then write: the pattern that deadlocks SQLite unless BEGIN is immediate
            return shipments.open_shipment(tx, "A", f"W{n}", {})[0]

    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(write, range(5)))) == 5


def test_mistakes_of_the_program_are_not_explained_away(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    preparing.add_messages(ledger, ident, [cases.out([cases.Doc("k1", 1)], cop="same")])
    with pytest.raises(sa.exc.IntegrityError):
        preparing.add_messages(ledger, ident, [cases.out([cases.Doc("k2", 2)], seq=2, cop="same")])
    with pytest.raises(sa.exc.DBAPIError), ledger.begin() as tx:
        tx.exec_driver_sql("SELEKT 1")

"""The ledger's engine: SQLite (WAL) or PostgreSQL, one behaviour (DESIGN, promise 5: the ledger is the truth).

Every function of this package takes a `Ledger` (and is then a transaction of its own) or a connection that
`Ledger.begin()` gave (and is then part of that transaction).
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, make_url, select
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidatePoolError

from adapters.ledger.aside import Aside
from adapters.ledger.checkpoint import Checkpoints
from adapters.ledger.sealed import KEY_FILE, Vault, create_key, load_vault
from adapters.ledger.statistics import Statistics
from adapters.ledger.turn import Turn
from mappings.clock import stopwatch
from mappings.errors import ConfigurationError

VARIABLE = "TONGGUAN_LEDGER"
LOCK_SECONDS = 30.0
IDLE_SECONDS = 1.0  # real ones: a connection of PostgreSQL used since then is taken to be alive
_READING, _USED = "reading", "used at"
PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536",
    "wal_autocheckpoint=24000",  # 96 MB: within a commit only where the copying beside it (checkpoint.py) lags behind
)  # fmt: skip

# A host that is cut off says nothing: the server ends its open transaction after a minute, and with it its locks; the
# host itself notices that its connection is of no use any more after half a minute.
_GONE = "-c idle_in_transaction_session_timeout=60000 -c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5"
# Nearly all that is asked is about one truck among thousands. Priced as on a turning disk, its 3,200 parcels were
# looked for by reading every parcel of the ledger, with two helping processes: 105 ms beside 120 trucks, 20 by index.
_SMALL = "-c random_page_cost=1.1 -c max_parallel_workers_per_gather=0"
_AWAY = {"connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5, "tcp_user_timeout": 30000}

P = ParamSpec("P")
R = TypeVar("R")

TROUBLES = [  # what the database says -> what a person does about it
    (r"disk is full|could not extend|No space left|DiskFull",
     "磁盘已满，未写入任何数据。The disk of the ledger is full; nothing was half-written. Free some space, run again."),
    (r"database is locked|lock timeout|LockNotAvailable|deadlock",
     "账本被其他进程占用。Another process held the ledger too long; nothing was half-written. Find it or run again."),
    (r"readonly|read-only|permission denied|unable to open database",
     "无法写入账本。The ledger cannot be opened for writing: check that its file and folder belong to this user."),
    (r"no such table|no such column|does not exist",
     "账本结构缺失或过旧。The ledger's tables are missing or old: run `tongguan up`, which upgrades them."),
    (r"not a database|malformed",
     "账本文件已损坏。The ledger file is damaged: restore it (and its vault.key) from your backup."),
    (r"refused|could not connect|connection failed|timeout expired|server closed|terminat|resolve host|authentication",
     "无法连接账本数据库。The ledger's database cannot be reached: start it, or correct TONGGUAN_LEDGER."),
]  # fmt: skip


@contextmanager
def explained() -> Iterator[None]:
    """Turns a database's complaint into a ConfigurationError that says what to do."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        text = f"{type(error.orig).__name__}: {error.orig}".strip()
        for pattern, remedy in TROUBLES:
            if re.search(pattern, text, re.IGNORECASE):
                raise ConfigurationError(f"{remedy} ({text})") from error
        raise


class Ledger:
    """One database. `begin()` writes, `read()` reads; both give a connection inside one transaction."""

    def __init__(self, url: str, vault: Vault, lock_seconds: float = LOCK_SECONDS) -> None:
        self.vault = vault
        self.engine = _engine(url, lock_seconds)
        self._turn = self._line(lock_seconds)
        self._aside = self._upkeep()
        self.engine.dialect.vault = vault  # type: ignore[attr-defined]

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back by any exception."""
        rows = 0
        if self._turn is None:
            with explained(), self.engine.begin() as tx:
                yield tx
        else:
            with explained(), self._turn.take(), self.engine.begin() as tx:
                database = tx.connection.driver_connection
                before = database.total_changes  # type: ignore[union-attr]
                yield tx
                rows = database.total_changes - before  # type: ignore[union-attr]  # the connection is surely open yet
        if self._aside is not None:
            self._aside.wrote(rows)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, and waits for no writer."""
        with explained(), self.engine.connect() as connection:
            tx = connection.execution_options(**{_READING: True})
            with tx.begin():
                yield tx

    def upgrade(self) -> None:
        """Bring the tables to the newest migration. Safe when several processes start at once."""
        if self.revision() == newest_revision():
            return
        from adapters.ledger.migrations import upgrade  # noqa: PLC0415  (Alembic is slow to import)

        upgrade(self)

    def revision(self) -> str:
        """The migration that the tables are at, '' where there are none."""
        if not self._file_is_there():
            return ""
        with self.read() as tx:
            if not inspect(tx).has_table("alembic_version"):
                return ""
            return str(tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")

    def _line(self, lock_seconds: float) -> Turn | None:
        """The line of this file's writers; PostgreSQL needs none."""
        file = str(self.engine.url.database)
        return Turn(Path(file), lock_seconds) if self.engine.dialect.name == "sqlite" and file != ":memory:" else None

    def _upkeep(self) -> Aside | None:
        """What is done for this database beside the work."""
        if self._turn is not None:
            return Checkpoints(Path(str(self.engine.url.database)), self._turn)
        return Statistics(self.engine) if self.engine.dialect.name == "postgresql" else None

    def _file_is_there(self) -> bool:
        return self.engine.dialect.name != "sqlite" or Path(str(self.engine.url.database)).exists()

    def exists(self) -> bool:
        """Whether the database holds a ledger, of whatever version."""
        if not self._file_is_there():
            return False
        with self.read() as tx:
            return inspect(tx).has_table("shipment")

    def close(self) -> None:
        """Give all connections back."""
        if self._aside is not None:
            self._aside.wait()
        self.engine.dispose()


@functools.cache
def newest_revision() -> str:
    """The newest migration, by its file's name: Alembic, which is slow to load, is asked only where it has work."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return max(file.name.partition("_")[0] for file in versions.glob("0*_*.py"))


def _engine(url: str, lock_seconds: float) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return _sqlite(url, lock_seconds)
    if parsed.get_backend_name() == "postgresql":
        options = parsed.query.get("options", "")
        wait = f"-c lock_timeout={int(lock_seconds * 1000)} {_GONE} {_SMALL} {options}".strip()
        return _asking_first(create_engine(parsed.update_query_dict({"options": wait}), connect_args=_AWAY))
    raise ConfigurationError(
        f"账本地址不受支持。{VARIABLE} must be sqlite:///FILE or postgresql+psycopg://…; it names {parsed.drivername}."
    )


def _asking_first(engine: Engine) -> Engine:
    """Has a connection that lay unused for a while asked whether it is still one (pool_pre_ping asks every time)."""

    @event.listens_for(engine, "connect")
    @event.listens_for(engine, "checkin")
    def _used(_connection: Any, record: Any) -> None:
        record.info[_USED] = stopwatch()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: Any) -> None:
        if stopwatch() - record.info.get(_USED, -math.inf) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the pool makes another, and trusts none of the others

    return engine


def _sqlite(url: str, lock_seconds: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": lock_seconds, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get(_READING)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")  # a writer waits here, and never later

    return engine


def open_ledger(home: Path, url: str | None = None) -> Ledger:
    """The ledger of a home folder (or of `url`, or of TONGGUAN_LEDGER), upgraded; makes the key of a new one."""
    address = url or os.environ.get(VARIABLE) or f"sqlite:///{home / 'ledger.sqlite'}"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = home / KEY_FILE
    probe = Ledger(address, Vault([bytes(32)]))
    try:
        old = probe.exists()  # asked before the key is: whoever makes a ledger makes its key first
    finally:
        probe.close()
    if old and not key.exists():
        raise ConfigurationError(
            f"账本存在，但缺少密钥文件 {key}。The ledger exists, but {key}, which opens its sealed values, is missing: "
            f"restore that {KEY_FILE} from your backup. A new key cannot open the old values."
        )
    if not old:
        create_key(key)
    ledger = Ledger(address, load_vault(key))
    ledger.upgrade()
    return ledger


def alone(tx: Connection, name: str) -> None:
    """Wait until no other transaction does what `name` says; on SQLite a writer is alone anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"tongguan {name}", 0))))


def writes(function: Callable[Concatenate[Connection, P], R]) -> Callable[Concatenate[Ledger | Connection, P], R]:
    """Lets a function that takes a connection be called with a Ledger: it is then one transaction."""

    @functools.wraps(function)
    def either(where: Ledger | Connection, *args: P.args, **kwargs: P.kwargs) -> R:
        if isinstance(where, Ledger):
            with where.begin() as tx:
                return function(tx, *args, **kwargs)
        return function(where, *args, **kwargs)

    return either


def reads(function: Callable[Concatenate[Connection, P], R]) -> Callable[Concatenate[Ledger | Connection, P], R]:
    """As `writes`, in a transaction that only reads."""

    @functools.wraps(function)
    def either(where: Ledger | Connection, *args: P.args, **kwargs: P.kwargs) -> R:
        if isinstance(where, Ledger):
            with where.read() as tx:
                return function(tx, *args, **kwargs)
        return function(where, *args, **kwargs)

    return either

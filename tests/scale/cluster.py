"""A small installation as it is scaled out: Prefect on PostgreSQL with Redis, sandboxes, a pulse, and its workers.

Everything is a process of its own on ports that were free; databases are made and dropped; only these are ended.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa

from adapters import home as homes
from adapters.keys import make_keys, sandbox_issuer
from deployments import broker, up
from deployments.bells import LOOK
from deployments.pools import VARIABLE as POOL_VARIABLE
from deployments.prefect_api import Prefect
from deployments.processes import Child, Children, free_ports
from mappings import clock
from mappings.canonical.model import Truck
from tasks.clearing import alone
from tasks.office import Office, open_office
from tests.chaos.sandboxes import Sandboxes

POSTGRES = os.environ.get("TONGGUAN_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
REDIS = os.environ.get("TONGGUAN_TEST_REDIS", "redis://127.0.0.1:6379")
POOL = "scale"
LEASE_SECONDS = 6.0
SPEED = 1200.0


class Absent(Exception):
    """A server that this needs is not there; the text says which."""


def tree(pid: int) -> list[int]:
    """A process and all that it started, oldest first."""
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop(0))
        children = Path(f"/proc/{found[-1]}/task/{found[-1]}/children")
        waiting += [int(p) for p in children.read_text().split()] if children.exists() else []
    return found


@dataclass
class Worker:
    """A worker's processes: its own, and its slots."""

    child: Child
    prefix: tuple[str, ...] = ()

    def pids(self) -> list[int]:
        """Itself and all that it started, oldest first."""
        assert self.child.process is not None
        return tree(self.child.process.pid)

    def kill(self) -> None:
        """As a power cut would end it: all its processes at once, no handler runs."""
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        assert self.child.process is not None
        self.child.process.wait(10)


@dataclass
class Cluster:
    """What runs, and where."""

    folder: Path
    sandboxes: Sandboxes
    children: Children
    home: Path
    prefect: str
    ledger: str
    environment: dict[str, str]
    prefect_database: str
    workers: list[Worker] = field(default_factory=list)

    def start_worker(
        self,
        home: Path | str | None = None,
        prefix: tuple[str, ...] = (),
        express: int = 1,
        trucks: int = 1,
        **more: str,
    ) -> Worker:
        """A worker of the pool: on this machine, or, with a prefix ("ip netns exec ..."), on another."""
        command = [
            *prefix,
            sys.executable,
            "-m",
            "deployments.work",
            "--trucks",
            str(trucks),
            "--express",
            str(express),
        ]
        environment = {**self.environment, homes.VARIABLE: str(home or self.home), **more}
        child = Child(f"worker{len(self.workers)}", command, "", environment)
        self.children.start(child)
        self.workers.append(Worker(child, prefix))
        return self.workers[-1]

    def until_looking(self, seconds: float = 120.0) -> None:
        """Waits until Prefect has heard of every worker, in each of its lanes."""
        end, wanted = time.monotonic() + seconds, [f"-{one.pids()[0]}-{lane}" for one in self.workers for lane in LOOK]
        while True:
            names = [str(one["name"]) for one in self.api()._call("POST", f"/work_pools/{POOL}/workers/filter", {})]
            if all(any(name.endswith(end_) for name in names) for end_ in wanted):
                return
            if time.monotonic() > end:
                raise TimeoutError(f"Prefect knows only {names}")
            time.sleep(0.2)

    def office(self) -> Office:
        """The office of the installation, in this process."""
        return open_office(homes.read(self.home))

    def api(self) -> Prefect:
        """Prefect's REST API."""
        return Prefect(self.prefect)

    def ensure_keys(self, truck: Truck) -> None:
        """Keys of a truck's companies."""
        companies = [party for party in truck.parties.values() if party.code and party.dxp_id]
        make_keys(companies, self.home / "keys", sandbox_issuer(self.sandboxes.addresses["cn_ecommerce"]))

    def host(self, name: str, addresses: dict[str, str], ledger: str) -> Path:
        """The home folder of another host: the same keys, and the addresses as they are seen from there."""
        there = self.folder / name
        there.mkdir()
        shutil.copy(self.home / "vault.key", there)
        shutil.copytree(self.home / "keys", there / "keys")
        homes.write(homes.Home(there, authorities=addresses, ledger=ledger))
        return there


@contextmanager
def databases() -> Iterator[tuple[str, str]]:
    """Two empty databases, for Prefect and for the ledger. Raises Absent."""
    engine = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    names = [f"scale_{kind}_{secrets.token_hex(4)}" for kind in ("prefect", "ledger")]
    try:
        with engine.connect() as connection:
            for name in names:
                connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    except sa.exc.OperationalError as error:
        raise Absent(f"PostgreSQL cannot be reached: {error.orig}") from error
    url = sa.make_url(POSTGRES)
    prefect = url.set(drivername="postgresql+asyncpg", database=names[0]).render_as_string(hide_password=False)
    try:
        yield prefect, url.set(database=names[1]).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            for name in names:
                connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        engine.dispose()


@contextmanager
def redis_database() -> Iterator[str]:
    """An empty Redis database, emptied again at the end. Raises Absent."""
    for number in range(15, 0, -1):
        address = f"{REDIS}/{number}"
        server = redis.Redis.from_url(address, socket_connect_timeout=3)
        try:
            if server.dbsize() or not server.set("scale:mine", "1", nx=True):
                continue
        except redis.RedisError as error:
            raise Absent(f"Redis cannot be reached: {error}") from error
        try:
            yield address
        finally:
            server.flushdb()
            server.close()
        return
    raise Absent("Redis has no empty database")


@contextmanager
def cluster(folder: Path, speed: float = SPEED) -> Iterator[Cluster]:
    """Everything but the workers, running and deployed. Raises Absent."""
    with databases() as (prefect_db, ledger), redis_database() as broker_at, Children(folder / "logs") as children:
        sandboxes = Sandboxes(folder / "authorities", speed)
        sandboxes.start()
        try:
            yield _started(folder, children, sandboxes, ledger, broker.environment(broker_at, prefect_db))
        finally:
            for child in reversed(children.started):
                child.stop()
            children.started.clear()
            sandboxes.stop()


def _started(
    folder: Path, children: Children, sandboxes: Sandboxes, ledger: str, server: dict[str, str]
) -> Cluster:  # fmt: skip
    home = folder / "home"
    homes.write(homes.Home(home, authorities=sandboxes.addresses, ledger=ledger))
    [port] = free_ports(0)
    base = f"http://{up.HOST}:{port}"
    environment = {
        **up.prefect_environment(folder, base), homes.VARIABLE: str(home), POOL_VARIABLE: POOL,
        clock.VARIABLE: sandboxes.clock.variable(), alone.VARIABLE: str(LEASE_SECONDS),
    }  # fmt: skip
    os.environ[clock.VARIABLE] = sandboxes.clock.variable()
    open_office(homes.read(home)).ledger.close()
    prefect = up.server({**environment, **server}, port)
    children.start(prefect)
    children.wait(prefect, seconds=90)
    deploy = Child("deploy", up.module("deployments.cli", "deploy", "--pool", POOL), "", environment)
    deploy.start(folder / "logs")
    assert deploy.process is not None
    if deploy.process.wait(90) != 0:
        raise RuntimeError(deploy.tail(30))
    children.start(Child("pulse", up.module("deployments.pulse"), "", environment))
    database = str(sa.make_url(server[broker.DATABASE]).database)
    return Cluster(folder, sandboxes, children, home, base, ledger, environment, database)


def runs(prefect: Prefect, **where: Any) -> list[dict[str, Any]]:
    """Flow runs that fit a filter, two hundred at the most."""
    return list(prefect._call("POST", "/flow_runs/filter", {"flow_runs": where, "limit": 200}))

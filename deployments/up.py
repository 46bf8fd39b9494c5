"""Everything that an installation runs: Prefect's server, sandboxes, gateway, a warm worker, the pulse."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from adapters import home as homes
from deployments.pools import VARIABLE
from deployments.processes import Child, Children, free_ports
from deployments.serve import entries
from deployments.settings import GATEWAY_PORT, PREFECT_PORT, RUNNING, Running, tokens, written
from deployments.work import POOL
from mappings import clock
from mappings.errors import ConfigurationError

SANDBOXES = {"cn_ecommerce": "adapters.sandbox.cn_customs", "hk_road": "adapters.sandbox.hk_customs"}
ASKING = (
    "ann179"  # the customs that asks for payment data: with a sandbox of its own, and no need of a live installation
)
PROGRAMS = {**SANDBOXES, ASKING: "adapters.sandbox.ann179"}
HOST = "127.0.0.1"
QUIET = {  # nothing leaves this machine: no telemetry, no analytics, no advertising in the UI
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "20",  # by default 100 runs ahead of each, for nothing
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "60",  # a busy machine is no reason for a mark on every run
    # what is looked for every five seconds by default, and serves as well more seldom (decision 0030)
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",  # of workers' channels, which ours do not open
    # tasks' states are written together, not one by one, and seen a second later; from Redis events are read together
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "20",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "20",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "20",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "20",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_LOGGING_LEVEL": "INFO",
}
Tell = Callable[[Child], None]


def prefect_environment(home: Path, base: str) -> dict[str, str]:
    """What Prefect's server, its runner and every flow run are told: their home, their server, and to be quiet."""
    return {**QUIET, "PREFECT_HOME": str(home / "prefect"), "PREFECT_API_URL": f"{base}/api"}


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules with this Python."""
    return [sys.executable, "-m", name, *arguments]


def sandbox(name: str, home: Path, port: int, seed: int = 1, channel: Any = None) -> Child:
    """The sandbox of an authority; its books and certificates stay in the home folder."""
    where = ["--host", HOST, "--port", str(port), "--home", str(home / "sandbox" / name), "--seed", str(seed)]
    where += doors(channel)
    if name == ASKING:  # it knows the certificates that the companies have by then
        where += ["--certificates", str(home / "keys")]
    health = f"http://{HOST}:{port}/admin/health"
    return Child(f"sandbox-{name}", module(PROGRAMS[name], *where), health)


def doors(channel: Any) -> list[str]:
    """The sandbox's doors beside HTTP that a channel's settings need (docs/channels.md)."""
    given = channel if isinstance(channel, dict) else {}
    found: list[str] = []
    for one in (given, *(c for c in (given.get("companies") or {}).values() if isinstance(c, dict))):
        if one.get("kind") == "amqp" and "--amqp" not in found:
            found += ["--amqp", str(one["url"]), "--out-queue", str(one["out_queue"])]
            found += ["--receipt-queue", str(one.get("receipt_queue", "{dxp_id}_HZ"))]
        elif one.get("kind") == "folder" and "--folder" not in found:
            found += ["--folder", str(one["path"]).split("{", maxsplit=1)[0]]
    return found


def server(environment: dict[str, str], port: int) -> Child:
    """Prefect's server with its UI."""
    command = module("deployments.prefect_server", "--host", HOST, "--port", str(port))
    return Child("prefect", command, f"http://{HOST}:{port}/api/health", environment)


def gateway(environment: dict[str, str], port: int) -> Child:
    """The HTTP gateway."""
    command = module("deployments.gateway", "--host", HOST, "--port", str(port))
    return Child("gateway", command, f"http://{HOST}:{port}/health", environment)


def worker(environment: dict[str, str], base: str) -> Child:
    """The warm worker, which registers the deployments; it is ready when the last of them is known."""
    last = entries()[-1]["name"]
    health = f"{base}/api/deployments/name/{last}/{last}"
    return Child("worker", module("deployments.work", "--deploy"), health, environment)


def asked_at(now: Running, home: Path) -> None:
    """Tells the sandbox that asks for payment data where we listen; the address has a secret in it."""
    target = {"url": f"{now.gateway}/ann179/{tokens(home)['push']}"}
    requests.put(f"{now.authorities[ASKING]}/admin/target", json=target, timeout=10).raise_for_status()


def world(now: Running, home: Path) -> Child:
    """The sandbox's yard and truck."""
    where = ["--gateway", now.gateway, "--hong-kong", now.authorities["hk_road"]]
    return Child("world", module("adapters.sandbox.world", *where), "", {"TONGGUAN_TOKEN": tokens(home)["api"]})


def addresses(home: homes.Home, sandboxes: dict[str, int]) -> dict[str, str]:
    """Each authority's address: the sandbox's, or in live mode what the settings say. Raises ConfigurationError."""
    if home.mode == "sandbox":
        return {name: f"http://{HOST}:{port}" for name, port in sandboxes.items()}
    missing = [name for name in SANDBOXES if not home.authorities.get(name)]
    if missing:
        raise ConfigurationError(
            f"正式环境缺少地址。Live needs an address for: {', '.join(missing)} ({homes.SETTINGS})"
        )
    return dict(home.authorities)


@contextmanager
def started(
    home: homes.Home,
    prefect_port: int = PREFECT_PORT,
    gateway_port: int = GATEWAY_PORT,
    tell: Tell = lambda _: None,
    play: bool = True,
) -> Iterator[tuple[Running, Children]]:
    """Runs everything and, in the sandbox, writes the sandboxes' addresses into the settings; stops all at the end.

    With `play` the sandbox's yard and truck tell the physical events.
    """
    there = written(home.path)
    if there:
        raise ConfigurationError(
            f"已在运行（进程 {there.pid}）。It runs already, as process {there.pid}: {there.prefect}"
        )
    prefect_port, gateway_port, *others = free_ports(prefect_port, gateway_port, *(0 for _ in PROGRAMS))
    ports = dict(zip(PROGRAMS, others, strict=True)) if home.mode == "sandbox" else {}
    home = replace(home, authorities=addresses(home, ports))
    homes.write(home)
    base, doors = f"http://{HOST}:{prefect_port}", f"http://{HOST}:{gateway_port}"
    environment = {**prefect_environment(home.path, base), homes.VARIABLE: str(home.path), VARIABLE: POOL}
    said = os.environ.get(clock.VARIABLE, "")
    now = Running(os.getpid(), home.mode, base, doors, home.authorities, said, ready=False, pool=POOL)
    now.write(home.path)
    try:
        with Children(home.path / "logs") as children:
            first = [server(environment, prefect_port)]
            first += [sandbox(name, home.path, port, channel=home.channels.get(name)) for name, port in ports.items()]
            children.start(*first)
            children.wait(*first, tell=tell)
            pulse = Child("pulse", module("deployments.pulse"), "", environment)
            last = [gateway(environment, gateway_port), worker(environment, base), pulse]
            if home.mode == "sandbox":
                asked_at(now, home.path)
            last += [world(now, home.path)] if play and home.mode == "sandbox" else []
            children.start(*last)
            children.wait(*last, tell=tell)
            now = replace(now, ready=True)
            now.write(home.path)
            yield now, children
    finally:
        (home.path / RUNNING).unlink(missing_ok=True)


def watch(children: Children, stop: threading.Event) -> None:
    """Returns when `stop` is set. Raises ConfigurationError when a program has ended by itself."""
    while not stop.wait(0.5):
        dead = children.dead()
        if dead:
            raise ConfigurationError(f"{dead.name} 意外退出。{dead.name} has ended by itself:\n{dead.tail()}")

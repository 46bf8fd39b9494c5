"""The same truck through every channel gives the same ledger, also when the broker goes away in the middle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters import home as homes
from mappings import clock
from tests.channels.broker import Broker, Proxy, started
from tests.channels.node import Node
from tests.channels.node import started as node_started
from tests.chaos import imports, trucks
from tests.chaos.imports import ImportYard
from tests.chaos.sandboxes import Sandboxes
from tests.chaos.trucks import Yard
from tests.long import long_but

PARCELS = 6
CUTS = 20  # then the line holds: what was lost must be found again
LEAD, ANSWER = {"export": "CEB603", "import": "CEB621"}, {"export": "CEB604", "import": "CEB622"}
TRANSFER = {"envelope": "DxpMsgSv", "node": "46000002", "end_node": "00000002"}
pytestmark = pytest.mark.slow


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv(clock.VARIABLE, "")
    return monkeypatch


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Sandboxes]:
    sandboxes = Sandboxes(folder / "authorities")
    sandboxes.more = {"cn_ecommerce": list(arguments)}
    sandboxes.start()
    try:
        yield sandboxes
    finally:
        sandboxes.stop()


def yard(folder: Path, sandboxes: Sandboxes, direction: str, channel: Any = None) -> Yard:
    home = trucks.template(folder / "template" / "home", sandboxes)
    made: Yard
    if direction == "import":
        made = ImportYard(folder / "yard", sandboxes, home, imports.made(PARCELS))
    else:
        made = Yard(folder / "yard", sandboxes, home, trucks.made(sandboxes, PARCELS))
    if channel is not None:
        homes.write(replace(homes.read(made.home), channels={"cn_ecommerce": channel}))
    return made


def cleared(made: Yard) -> dict[str, Any]:
    assert made.run() == 0
    assert made.audit() == []
    assert made.sandboxes.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}
    return made.outcome()


@pytest.fixture(scope="module", params=long_but(["export", "import"], "export"))
def direction(request: pytest.FixtureRequest) -> str:
    """An export truck with Hong Kong behind it, or an import truck with its books and tax bills."""
    return str(request.param)


@pytest.fixture(scope="module")
def by_http(direction: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("http")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(clock.VARIABLE, "")
        with running(folder) as sandboxes:
            found = cleared(yard(folder, sandboxes, direction))
    assert found["shipment"][2] == "closed"
    assert len(found["document"]) > 4 * PARCELS
    return found


def channels_used(made: Yard) -> set[str]:
    from sqlalchemy import select

    from adapters.ledger.tables import raw

    here = made.office()
    with here.ledger.begin() as tx:
        found = set(tx.execute(select(raw.c.channel).where(raw.c.authority == "cn_ecommerce")).scalars())
    here.ledger.close()
    return found - {"answer"}  # what the authority said at once


@pytest.mark.usefixtures("environment")
def test_by_the_local_port(tmp_path: Path, direction: str, by_http: dict[str, Any]) -> None:
    with running(tmp_path) as sandboxes:
        made = yard(tmp_path, sandboxes, direction, "local_port")
        if isinstance(made, ImportYard):
            made.billed = 0
        assert cleared(made) == unbilled(by_http)
        assert channels_used(made) == {"local_port"}


def unbilled(found: dict[str, Any]) -> dict[str, Any]:
    """An outcome without its tax bills: the local port publishes no path for them, and a flat map holds no lines."""
    if "bills" not in found:
        return found
    books = [entry for entry in found["books"] if not str(entry[4]).startswith("bill of")]
    return {**found, "bills": [], "books": books}


@pytest.mark.usefixtures("environment")
def test_by_folders(tmp_path: Path, direction: str, by_http: dict[str, Any]) -> None:
    base = tmp_path / "client"
    with running(tmp_path, "--folder", str(base)) as sandboxes:
        made = yard(
            tmp_path, sandboxes, direction, {"kind": "folder", "path": f"{base}/{{dxp_id}}", "quiet_seconds": 0}
        )
        for dxp in companies(made):
            for name in ("send", "receive"):
                (base / dxp / name).mkdir(parents=True)
        assert cleared(made) == by_http
        assert channels_used(made) == {"folder"}
        assert not [f for f in base.glob("*/send/*") if f.suffix == ".xml"]
        assert list(base.glob(f"*/sent/{LEAD[direction]}Message*.xml"))
        assert list(base.glob(f"*/taken/{ANSWER[direction]}Message*.xml"))


def companies(made: Yard) -> set[str]:
    truck = trucks._truck(made.folder)
    return {party.dxp_id for party in truck.parties.values() if party.dxp_id}


@pytest.fixture
def broker() -> Iterator[Broker]:
    yield from started()


@pytest.fixture
def proxy(broker: Broker) -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


def queues(broker: Broker, made: Yard, address: str, **more: str) -> dict[str, Any]:
    for dxp in companies(made):
        broker.declare(broker.inbox(dxp))
    return {"kind": "amqp", "url": address, "out_queue": broker.out, "receipt_queue": broker.receipt_queue,
            **more}  # fmt: skip


def over_queues(folder: Path, broker: Broker, address: str, sandboxes: Sandboxes, direction: str, **more: str) -> Yard:
    made = yard(folder, sandboxes, direction)
    homes.write(replace(homes.read(made.home), channels={"cn_ecommerce": queues(broker, made, address, **more)}))
    return made


def doors(broker: Broker, address: str) -> list[str]:
    return ["--amqp", address, "--out-queue", broker.out, "--receipt-queue", broker.receipt_queue]


@pytest.mark.server
@pytest.mark.usefixtures("environment")
def test_by_queues(tmp_path: Path, direction: str, by_http: dict[str, Any], broker: Broker, proxy: Proxy) -> None:
    with running(tmp_path, *doors(broker, proxy.address)) as sandboxes:
        made = over_queues(tmp_path, broker, proxy.address, sandboxes, direction)
        assert cleared(made) == by_http
        assert channels_used(made) == {"amqp"}
        assert broker.count(broker.out) == 0


@pytest.mark.server
@pytest.mark.usefixtures("environment")
def test_by_queues_whose_broker_goes_away_in_the_middle(
    tmp_path: Path, direction: str, by_http: dict[str, Any], broker: Broker, proxy: Proxy
) -> None:
    over = threading.Event()
    cuts = 0

    def trouble() -> None:
        nonlocal cuts
        while cuts < CUTS and not over.wait(0.25):
            cuts += 1
            if cuts % 4:
                proxy.cut()
                continue
            proxy.close()
            over.wait(0.4)
            proxy.open()

    with running(tmp_path, *doors(broker, proxy.address)) as sandboxes:
        made = over_queues(tmp_path, broker, proxy.address, sandboxes, direction, **TRANSFER)
        thread = threading.Thread(target=trouble)
        thread.start()
        try:
            found = cleared(made)
        finally:
            over.set()
            thread.join()
        assert found == by_http
    assert cuts > 4


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A broker of the test's own, that may be stopped."""
    yield from node_started(tmp_path_factory.mktemp("node"))


@pytest.mark.server
@pytest.mark.usefixtures("environment")
def test_by_queues_whose_broker_is_stopped_and_started_in_the_middle(
    tmp_path: Path, direction: str, by_http: dict[str, Any], node: Node
) -> None:
    own = Broker(node.address)
    with running(tmp_path, *doors(own, node.address)) as sandboxes:
        made = over_queues(tmp_path, own, node.address, sandboxes, direction)
        worker = made.start(seconds=110.0)
        declared = f"{LEAD[direction]}Message"
        while worker.exitcode is None and not sandboxes.received("cn_ecommerce", type=declared):
            worker.join(0.1)
        node.stop()
        assert worker.exitcode is None, "the broker went away before the truck was through"
        node.start()
        worker.join(120)
        assert worker.exitcode == 0
        assert made.audit() == []
        assert sandboxes.second_receipts() == {"cn_ecommerce": 0, "hk_road": 0}
        assert made.outcome() == by_http
        assert own.count(own.out) == 0

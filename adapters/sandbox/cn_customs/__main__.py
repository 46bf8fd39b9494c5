"""`python -m adapters.sandbox.cn_customs`: the China Customs sandbox as a process of its own."""

from __future__ import annotations

import argparse
import gc
import socket
import sys
from pathlib import Path

import uvicorn

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.app import build
from adapters.sandbox.cn_customs.customs import Customs
from adapters.sandbox.cn_customs.doors.amqp import Queues
from adapters.sandbox.cn_customs.doors.door import Door
from adapters.sandbox.cn_customs.doors.folder import Folders
from mappings.engine import spec


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped. Prints its address once it listens."""
    parser = argparse.ArgumentParser(prog="python -m adapters.sandbox.cn_customs", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8601, help="0 takes a free port")
    parser.add_argument("--home", type=Path, required=True, help="folder for its database and certificate authority")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same delays and numbers")
    parser.add_argument("--ca", type=Path, help="PEM certificate of the authority to trust, its key beside it (.key)")
    parser.add_argument("--amqp", help="also serve a broker: amqp://user:password@host:5672/vhost")
    parser.add_argument("--out-queue", default="CEB_OUT", help="with --amqp: the queue that declarations come in by")
    parser.add_argument("--receipt-queue", default="{dxp_id}_HZ", help="with --amqp: a company's receipts")
    parser.add_argument("--folder", type=Path, help="also serve the client folders below this one (<dxpId>/send)")
    given = parser.parse_args(arguments)
    gc.set_threshold(100_000, 50, 50)  # rows come and go by the hundred; looking for cycles among them costs 8 %
    for table in (settings.cycle, settings.rules, settings.declared, settings.namespace, spec.all_types):
        table()  # else the first message waits for them
    customs = Customs(given.home, given.seed, given.ca)
    others = doors(customs, given)
    with socket.create_server((given.host, given.port), backlog=2048) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else every answer waits 40 ms
        host, port = listening.getsockname()[:2]
        sys.stdout.write(f"listening on http://{host}:{port}\n")
        sys.stdout.flush()
        for door in others:
            door.open()
        config = uvicorn.Config(build(customs), log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listening])
    for door in others:
        door.close()
    customs.store.close()
    return 0


def doors(customs: Customs, given: argparse.Namespace) -> list[Door]:
    """The doors beside HTTP that were asked for."""
    found: list[Door] = []
    if given.amqp:
        found.append(Queues(customs, given.amqp, given.out_queue, given.receipt_queue))
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
        found.append(Folders(customs, given.folder))
    return found


if __name__ == "__main__":
    raise SystemExit(main())

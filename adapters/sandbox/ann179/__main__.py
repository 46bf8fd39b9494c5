"""`python -m adapters.sandbox.ann179 --port 8403 --home DIR --target URL`: the customs that asks for payment data."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import uvicorn

from adapters.sandbox import ca
from adapters.sandbox.ann179.app import create
from adapters.sandbox.ann179.customs import Customs
from adapters.sandbox.ann179.store import Store
from mappings.identity import Identities, seeded


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; the address is printed first (port 0 takes a free one)."""
    parser = argparse.ArgumentParser(prog="python -m adapters.sandbox.ann179", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port 0 为任意空闲端口")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--home", type=Path, required=True, help="folder of the sandbox (ann179.db, ca.pem)")
    parser.add_argument("--target", default="", help="the platform's address; /platDataOpen is added 被询问平台的地址")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same session ids; 0 random ones")
    parser.add_argument("--certificates", type=Path, help="folder of company certificates (*.cert.pem) to know")
    given = parser.parse_args(arguments)
    store = Store(given.home / "ann179.db")
    customs = Customs(store, given.target, seeded(given.seed) if given.seed else Identities())
    for file in sorted(given.certificates.glob("*.cert.pem")) if given.certificates else []:
        customs.trust(ca.key_from_pem(file.read_text()))
    listener = socket.create_server((given.host, given.port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else every answer waits 40 ms
    print(f"http://{given.host}:{listener.getsockname()[1]}", flush=True)
    app = create(customs, ca.make_ca(given.home))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    try:
        server.run(sockets=[listener])
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

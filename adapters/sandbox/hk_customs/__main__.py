"""`python -m adapters.sandbox.hk_customs --port 8402 --home DIR --seed 1`: the Hong Kong sandbox as a program."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import uvicorn
from cryptography import x509

from adapters.sandbox import ca
from adapters.sandbox.hk_customs.app import create
from adapters.sandbox.hk_customs.store import Store


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; the address is printed first (port 0 takes a free one)."""
    parser = argparse.ArgumentParser(prog="python -m adapters.sandbox.hk_customs", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port 0 为任意空闲端口")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--home", type=Path, required=True, help="folder of the sandbox (hk_customs.db)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ca", type=Path, help="CA certificate that company certificates have to come from")
    given = parser.parse_args(arguments)
    issuer: x509.Certificate | None = ca.load(given.ca).certificate if given.ca else None
    store = Store(given.home / "hk_customs.db")
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else every answer waits 40 ms
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((given.host, given.port))
    print(f"http://{given.host}:{listener.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(create(store, given.seed, issuer), log_level="warning", access_log=False))
    try:
        server.run(sockets=[listener])
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

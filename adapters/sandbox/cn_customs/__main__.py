"""`python -m adapters.sandbox.cn_customs`: the China Customs sandbox as a process of its own."""

from __future__ import annotations

import argparse
import gc
import socket
import sys
from pathlib import Path

import uvicorn

from adapters.sandbox.cn_customs.app import build
from adapters.sandbox.cn_customs.customs import Customs


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped. Prints its address once it listens."""
    parser = argparse.ArgumentParser(prog="python -m adapters.sandbox.cn_customs", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8601, help="0 takes a free port")
    parser.add_argument("--home", type=Path, required=True, help="folder for its database and certificate authority")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same delays and numbers")
    parser.add_argument("--ca", type=Path, help="PEM certificate of the authority to trust, its key beside it (.key)")
    given = parser.parse_args(arguments)
    gc.set_threshold(100_000, 50, 50)  # rows come and go by the hundred; looking for cycles among them costs 8 %
    customs = Customs(given.home, given.seed, given.ca)
    with socket.create_server((given.host, given.port), backlog=2048) as listening:
        host, port = listening.getsockname()[:2]
        sys.stdout.write(f"listening on http://{host}:{port}\n")
        sys.stdout.flush()
        config = uvicorn.Config(build(customs), log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listening])
    customs.store.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

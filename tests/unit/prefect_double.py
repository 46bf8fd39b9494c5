"""A loopback server with the part of Prefect's REST API that the command uses, as its server answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class PrefectServer(ThreadingHTTPServer):
    """Knows two deployments; keeps the runs that it was asked for; says 503 `busy` times first.

    Of the next `lost` runs it starts each, and ends the connection without an answer.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: list[dict[str, Any]] = []
        self.busy = self.lost = 0
        self.states: dict[str, str] = {}  # of runs that a test has taken on
        self.names: dict[str, str] = {}  # of these states, where that matters
        self.deleted: set[str] = set()  # runs that a person has deleted
        self.read: list[int] = []  # of how many runs it told, each time that it was asked how some stand
        self.set_states: list[tuple[str, str]] = []
        self.down = False  # whether it says 500
        self.forgets: tuple[str, ...] = ()  # the ends of the keys of artifacts that it makes, and does not answer
        self.later: dict[str, str] = {}  # the kind of state that a run is in once an artifact was put up
        self.refused = False  # whether it wants no state that it is told
        self.told: dict[str, dict[str, Any]] = {}  # runs by their id, with what they were given
        self.artifacts: list[dict[str, Any]] = []
        self.changed: list[dict[str, Any]] = []  # what artifacts were given that a run had already
        self.calls: list[tuple[str, str]] = []  # method and path of each

    def has(self, run_id: str, kind: str = "COMPLETED", **told: Any) -> None:
        """It has a run in this kind of state."""
        self.states[run_id] = kind
        state_of = {"state_name": "Awaiting receipts", "state": {"message": "as it was"}}
        self.told[run_id] = {**state_of, "parameters": {}, "tags": [], **told}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: PrefectServer

    def do_GET(self) -> None:
        self.server.calls.append((self.command, self.path))
        if self.path == "/api/deployments/name/clear-shipment/clear-shipment":
            return self._say(200, {"id": "d1"})
        if self.server.down:
            return self._say(500, {"exception_message": "Internal Server Error"})
        if self.path.startswith("/api/flow_runs/"):
            run_id = self.path.rsplit("/", 1)[1]
            if run_id == "gone":
                return self._say(404, {"detail": "Flow run not found"})
            told = self.server.told.get(run_id, {"state_name": "Awaiting receipts"})
            if self.server.artifacts and run_id in self.server.later:
                self.server.states[run_id] = self.server.later.pop(run_id)
            return self._say(200, {"id": run_id, "state_type": self.server.states.get(run_id, "SCHEDULED"), **told})
        return self._say(404, {"detail": "Deployment not found"})

    def do_PATCH(self) -> None:
        self.server.calls.append((self.command, self.path))
        body, ident = json.loads(self.rfile.read(int(self.headers["Content-Length"]))), self.path.rsplit("/", 1)[1]
        if self.path.startswith("/api/artifacts/"):
            mine = [one for one in self.server.artifacts if one["id"] == ident]
            if not mine:
                return self._say(404, {"detail": "Artifact not found."})
            mine[0].update(body)
            self.server.changed.append(mine[0])
        else:
            self.server.told[ident] |= body
        self.send_response(204)
        self.end_headers()
        return None

    def do_POST(self) -> None:
        self.server.calls.append((self.command, self.path))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.busy:
            self.server.busy -= 1
            return self._say(503, {"exception_message": "Service Unavailable"})
        if self.path.endswith("/flow_runs/filter") and "id" in body.get("flow_runs", {}):
            asked, told = body["flow_runs"]["id"]["any_"], self.server
            without = body["flow_runs"].get("state", {}).get("type", {}).get("not_any_", ())
            kinds = {i: told.states.get(i, "SCHEDULED") for i in asked if i not in told.deleted}
            found = {i: kind for i, kind in kinds.items() if kind not in without}
            told.read.append(len(found))
            return self._say(
                200, [{"id": i, "state_type": kind, "state_name": told.names.get(i, "")} for i, kind in found.items()]
            )
        if self.path.endswith("/set_state"):
            return self._state(self.path.split("/")[-2], body["state"])
        if self.path.startswith("/api/artifacts/"):
            return self._artifact(body)
        if self.path.endswith("/filter"):
            return self._say(200, [{"id": "d1", "name": "clear-shipment"}])
        return self._start(body)

    def _artifact(self, body: dict[str, Any]) -> None:
        """Makes one, or finds the newest first."""
        made = self.server.artifacts
        if self.path.endswith("/filter"):
            keys, runs = (body["artifacts"][name]["any_"] for name in ("key", "flow_run_id"))
            mine = [one for one in made if one["key"] in keys and one["flow_run_id"] in runs]
            return self._say(200, mine[::-1][: body["limit"]])
        made.append(body | {"id": f"a{len(made) + 1}"})
        if body["key"].endswith(self.server.forgets):
            self.close_connection = True
            return None
        return self._say(201, made[-1])

    def _state(self, run_id: str, state: dict[str, Any]) -> None:
        self.server.set_states.append((run_id, state["type"]))
        if self.server.refused:
            return self._say(200, {"status": "REJECT"})
        self.server.told.get(run_id, {}).update(state_name=state.get("name"), state=state)
        return self._say(201, {"status": "ACCEPT"})

    def _start(self, body: dict[str, Any]) -> None:
        known = [run["idempotency_key"] for run in self.server.runs]
        if body["idempotency_key"] not in known:
            known.append(body["idempotency_key"])
            self.server.runs.append(body)
        if self.server.lost:
            self.server.lost -= 1
            self.close_connection = True
            return None
        return self._say(201, {"id": f"run{1 + known.index(body['idempotency_key'])}"})

    def _say(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def prefect_server() -> Iterator[PrefectServer]:
    """One that answers until the end of the block."""
    server = PrefectServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

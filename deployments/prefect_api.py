"""Prefect over its REST API: what the command and the gateway need of it, without a second's import."""

from __future__ import annotations

import math
from typing import Any
from uuid import uuid4

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from adapters.reach import never_sent
from mappings.clock import stopwatch
from mappings.errors import ConfigurationError, PrefectUnavailable
from tasks import artifact
from tasks.actors import TURNED_AWAY

TIMEOUT, SHORT = (5.0, 30.0), (2.0, 10.0)  # seconds for connecting, and for an answer
LOST = 2  # how often a call is repeated whose answer was lost
IN_LINE = "SCHEDULED"  # the type of state of a run that no worker has taken
BUSY = (429, 503)  # what its server says while its database is locked: nothing was done


class Missing(ConfigurationError, LookupError):
    """Prefect knows nothing of what was asked for."""


class Prefect:
    """A Prefect server at `base` (http://host:port).

    `patient`: a call whose answer is lost is repeated, and so is one that a busy server turns down. Who is not waits
    for less long, and may say `until` when (mappings.clock.stopwatch) calls may begin.
    """

    def __init__(self, base: str, patient: bool = True) -> None:
        self.base, self.api, self.http = base, f"{base}/api", requests.Session()
        self.timeout, self.lost, self.until = TIMEOUT if patient else SHORT, LOST if patient else 0, math.inf
        self._ids: dict[str, str] = {}
        again = Retry(6 * patient, connect=0, read=0, status_forcelist=BUSY, allowed_methods=None, backoff_factor=0.3)
        self.http.mount(base, HTTPAdapter(max_retries=again))

    def start(
        self, deployment: str, parameters: dict[str, Any], tags: list[str] | None = None, name: str = "", key: str = "",
        queue: str = "",
    ) -> str:  # fmt: skip
        """Starts a run of "flow/deployment" and returns its id; the same `key` never starts a second one.

        `queue` is the lane of its work pool, where it has one. Without a key one is made up for this call, so that it
        can be repeated where the answer is lost.
        """
        key = key or uuid4().hex
        body: dict[str, Any] = {"parameters": parameters, "tags": tags or [], "idempotency_key": key}
        body |= {"name": name} if name else {}
        body |= {"work_queue_name": queue} if queue else {}
        if deployment not in self._ids:
            self._ids[deployment] = self._id(deployment)
        try:
            made = self._call("POST", f"/deployments/{self._ids[deployment]}/create_flow_run", body)
        except ConfigurationError:
            if self._ids.pop(deployment, "") == self._id(deployment):
                raise
            return self.start(deployment, parameters, tags, name, key, queue)  # it was registered anew
        return str(made["id"])

    def ask(self, deployment: str, parameters: dict[str, Any], name: str, key: str) -> bool:
        """Starts a run that asks a person, once for each `key`; False where there is no such deployment."""
        try:
            self.start(deployment, parameters, name=name, key=key)
        except Missing:
            return False
        return True

    def _id(self, deployment: str) -> str:
        return str(self._call("GET", f"/deployments/name/{deployment}")["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A run: `name`, `parameters`, `state_type`, `state_name`, `state.message`, `tags`."""
        return self._call("GET", f"/flow_runs/{run_id}")

    def known(self, run_id: str) -> dict[str, Any] | None:
        """The same; None where Prefect has no such run."""
        try:
            return self.run(run_id)
        except Missing:
            return None

    def deployments(self) -> list[dict[str, Any]]:
        """All deployments."""
        return self._call("POST", "/deployments/filter", {})

    def runs(self, tag: str, limit: int = 20) -> list[dict[str, Any]]:
        """The newest runs with a tag."""
        query = {"flow_runs": {"tags": {"all_": [tag]}}, "sort": "START_TIME_DESC", "limit": limit}
        return self._call("POST", "/flow_runs/filter", query)

    def states(self, run_ids: list[str], all_of_them: bool = True) -> dict[str, str]:
        """The types of state (SCHEDULED, PENDING, RUNNING, COMPLETED, ...) of these runs; TURNED_AWAY as it is.

        Without `all_of_them` those in line are not read by its server, a few milliseconds each, and SCHEDULED stands
        here for all that it does not tell of: also for those that are not there any more.
        """
        if not run_ids:
            return {}
        which: dict[str, Any] = {"id": {"any_": run_ids}}
        if not all_of_them:
            which["state"] = {"type": {"not_any_": [IN_LINE]}}
        found = self._call("POST", "/flow_runs/filter", {"flow_runs": which, "limit": 200})
        return ({} if all_of_them else dict.fromkeys(run_ids, IN_LINE)) | {
            str(run["id"]): TURNED_AWAY if run.get("state_name") == TURNED_AWAY else str(run["state_type"])
            for run in found
        }

    def crash(self, run_id: str, why: str) -> None:
        """Says of a run whose worker is dead that it has crashed; nobody else would."""
        state = {"type": "CRASHED", "name": "Crashed", "message": why}
        self._call("POST", f"/flow_runs/{run_id}/set_state", {"state": state, "force": True})

    def complete(self, run_id: str, name: str, message: str) -> bool:
        """Says of a run that it is in a completed state of this name; False where Prefect would not have it."""
        state = {"type": "COMPLETED", "name": name, "message": message}
        answer = self._call("POST", f"/flow_runs/{run_id}/set_state", {"state": state})
        return bool(answer.get("status") == "ACCEPT")

    def change(self, run_id: str, **told: Any) -> None:
        """Gives a run a `name`, or `tags`."""
        self._call("PATCH", f"/flow_runs/{run_id}", told)

    def put(self, run_id: str, content: artifact.Content, key: str, description: str, artifact_id: str = "") -> str:
        """An artifact of a run: a text in Markdown, or the rows of a table. Returns its id.

        Where the run has it already, as `artifact_id`, that one says it from now on (tasks.artifact.put).
        """
        return artifact.put(self._call, run_id, content, key, description, artifact_id)

    def page(self, run_id: str) -> str:
        """The address of a run's page."""
        return f"{self.base}/runs/flow-run/{run_id}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer to a call. Every call here does nothing more when it is repeated (a start has its key), but for
        making an artifact, of which there are two then: the newer one goes on, the other stays as it is.
        """
        if stopwatch() > self.until:
            raise PrefectUnavailable(f"Prefect 服务太慢（{self.base}）。The Prefect server is too slow: again later.")
        try:
            answer = self._answered(method, path, body)
            answer.raise_for_status()
        except requests.HTTPError as error:
            kind = Missing if answer.status_code == requests.codes.not_found else ConfigurationError
            if answer.status_code in BUSY or answer.status_code >= requests.codes.internal_server_error:
                kind = PrefectUnavailable
            raise kind(
                f"Prefect 拒绝请求。Prefect answered {answer.status_code} to {path}: {answer.text[:300]}"
            ) from error
        except requests.RequestException as error:
            raise PrefectUnavailable(
                f"Prefect 服务未运行（{self.base}）。The Prefect server does not answer: start `tongguan up`."
            ) from error
        return answer.json() if answer.content else None

    def _answered(self, method: str, path: str, body: dict[str, Any] | None) -> requests.Response:
        """The same, asked again where the answer was lost: a busy server's database may be locked for a minute.

        Not where nobody is there: then there is nothing to wait for.
        """
        for _ in range(self.lost):
            try:
                return self.http.request(method, self.api + path, json=body, timeout=self.timeout)
            except requests.RequestException as error:
                if never_sent(error):
                    raise
        return self.http.request(method, self.api + path, json=body, timeout=self.timeout)

"""Warm workers for Prefect's work pools: a run begins in a process that has everything loaded, not in a new one.

A `process` worker of Prefect starts a process for each run (about two seconds of imports); this one keeps `slots`
processes and hands each the id of a run. It serves the same pools, beside Prefect's own workers, and asks for runs
where there is reason to. Prefect 3.8.8.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from contextlib import ExitStack
from copy import copy
from functools import lru_cache
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import anyio.abc
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from deployments.bells import Bell
from deployments.beside import Beside
from deployments.dispatch import CLEAR
from deployments.heartbeats import no_heartbeats
from deployments.pools import EXPRESS
from deployments.remembered import Remembering, WarmConfiguration
from mappings.clock import stopwatch
from tasks.actors import PULSE

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import WorkerFlowRunResponse

READY, DONE = "ready", "done"
DYING_SECONDS = 10.0
GRACE = 6.0  # real seconds for the runs that have begun, when the worker is told to stop


def work(ours: Connection, niceness: int = 0) -> None:
    """A slot's process: loads everything once, then runs what it is handed until the other end is gone.

    `niceness` is what it leaves to others: where cores are short, a single shipment's work goes before a truck's.
    """
    os.setsid()  # a signal to the worker's group is not for its runs: it ends its slots itself
    os.nice(niceness)
    _load()
    with no_heartbeats(), ExitStack() as kept:
        try:
            ours.send(READY)
            while True:
                run_id = ours.recv()
                _keep_client(kept)
                ours.send((DONE, run(run_id)))
        except (EOFError, ConnectionError):
            return


def _keep_client(kept: ExitStack) -> None:
    """From the first run on all runs of this process share one client of Prefect's, with its connections."""
    from prefect.context import SyncClientContext  # noqa: PLC0415

    if SyncClientContext.get() is None:
        kept.enter_context(SyncClientContext.get_or_create())


def _load() -> None:
    from deployments.serve import entries, flow_of  # noqa: PLC0415 - what a slot is warm for
    from tasks.office import office  # noqa: PLC0415

    for entry in entries():
        flow_of(entry)
    office()


def run(run_id: str) -> str:
    """Runs a flow run of a deployment to its end, its question or its cancelling; what stopped it, '' when it ended."""
    from prefect.exceptions import Abort, Pause, TerminationSignal  # noqa: PLC0415
    from prefect.flow_engine import load_flow_run, run_flow  # noqa: PLC0415

    found = load_flow_run(UUID(run_id))
    try:
        of, found = _lean(_flow(str(found.deployment_id)), found)
        ended: Any = run_flow(of, flow_run=found, return_type="state")
        if ended.is_cancelling():  # after its last stage
            _cancelled(UUID(run_id))
    except (Abort, Pause, TerminationSignal) as stopped:
        _cancelled(UUID(run_id))
        return type(stopped).__name__
    return ""


def _lean(of: Any, found: FlowRun) -> tuple[Any, FlowRun]:
    """A flow and its run; the pulse's need neither a name, which it has given, nor a watch for being suspended.

    Prefect 3.8.8 watches a deployment's run by a thread and a connection of its own, which cost more than what a run
    of the pulse's does; the engine reads the run anew, deployment and all, before the flow begins.
    """
    if found.parameters.get("actor") != PULSE:
        return of, found
    unnamed = copy(of)
    unnamed.flow_run_name = None
    return unnamed, found.model_copy(update={"deployment_id": None})


def _cancelled(run_id: UUID) -> None:
    """A run that was cancelled before it began ends so: nobody else would say it of a run in a slot."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.states import Cancelled  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run_id).state
        if state is not None and state.is_cancelling():
            client.set_flow_run_state(run_id, Cancelled(message="未开始即取消 cancelled before it began"))


@lru_cache(maxsize=64)
def _flow(deployment_id: str) -> Any:
    """The flow of a deployment, by the module path under which it was registered."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.flows import load_flow_from_entrypoint  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        entrypoint = client.read_deployment(UUID(deployment_id)).entrypoint or ""
    return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)


def _tell(runs: list[FlowRun]) -> None:
    """Tells the pulse of runs that a person or a program started, so that small shipments go on before their run does.

    An approval that came with the call is noted, as the run itself would note it.
    """
    from deployments.asked import ask  # noqa: PLC0415 - the ledger is opened where it is used

    for run in runs:
        ask(str(run.id), run.parameters)


class Slot(Beside):
    """A warm process that runs what it is handed, one run at a time."""

    def __init__(self, target: Callable[[Connection], None] = work) -> None:
        super().__init__(target, "slot")
        self.ready = False

    def run(self, run_id: str) -> int:
        """Hands it a run and waits; 0, or as a process would have ended (-9: killed) when it died with the run."""
        try:
            if not self.ready:
                self.ready = self.pipe.recv() == READY
            self.pipe.send(run_id)
            self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(DYING_SECONDS)
            return self.process.exitcode or 1
        return 0


class WarmWorker(ProcessWorker):
    """A worker of a process pool whose runs start in warm slots. `limit` is how many there are."""

    job_configuration = WarmConfiguration

    @classmethod
    def __dispatch_key__(cls) -> str:
        """Under a name of its own, so that Prefect's worker of the same type stays what it is."""
        return "warm-process"

    def __init__(
        self,
        pool: str,
        limit: int = 1,
        target: Callable[[Connection], None] = work,
        bell: Bell | None = None,
        **more: Any,
    ) -> None:
        super().__init__(pool, limit=limit, **more)
        self.bell = bell or Bell(EXPRESS)
        self._target = target
        self._all: set[Slot] = set()
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        self._told: set[UUID] = set()
        self._names: dict[UUID, str] = {}
        for _ in range(limit):
            self._add()

    @property
    def client(self) -> Any:
        """Prefect's, that reads the same deployment once in a while."""
        return Remembering(super().client)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Looks for runs where there is reason to; it is called every moment (deployments.bells)."""
        if self._has_successfully_synced and not self.bell.due(self.limiter.available_tokens > 0):
            return []
        self.bell.look()
        try:
            return await super().get_and_submit_flow_runs()
        except Exception:
            self.bell.failed()
            raise

    async def _submit_scheduled_flow_runs(self, flow_run_response: list[WorkerFlowRunResponse]) -> list[FlowRun]:
        """As ever; then says in the ledger which runs of shipments are asked for, whether a slot is free or not.

        Not before: what was fetched must be submitted at once. A run that another worker ends meanwhile would begin
        again (Prefect 3.8.8 lets a completed run become pending).
        """
        held = set(self.limiter.statistics().borrowers)  # of these a run is at its end, or resumed at once: later
        free = [entry for entry in flow_run_response if entry.flow_run.id not in held]
        submitted = await super()._submit_scheduled_flow_runs(free)
        runs = [entry.flow_run for entry in flow_run_response]
        made = any(not run.auto_scheduled for run in runs if run.id not in self._told)
        self.bell.looked(waits=len(submitted) < len(free), new=made)
        if new := [run for run in runs if run.id not in self._told and await self._clears(run)]:
            await anyio.to_thread.run_sync(_tell, new)
        self._told = {run.id for run in runs}
        return submitted

    async def _clears(self, run: FlowRun) -> bool:
        """Whether it is a run of clear-shipment; what asks a person is not taken on before it begins."""
        found = run.deployment_id
        if found is not None and found not in self._names:
            self._names[found] = (await self.client.read_deployment(found)).name
        return found is not None and f"{self._names[found]}/{self._names[found]}" == CLEAR

    async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
        """None: a run begins in its slot at once, and each state is as much work for Prefect's server as any other."""

    async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
        """None: which worker has it says the run's log; labels are shown nowhere, and are a call each (0030)."""

    def _emit_flow_run_submitted_event(self, configuration: Any) -> None:
        """None: that it is pending, that it runs and how it ended are events already; each is stored and passed on."""

    def _emit_flow_run_executed_event(self, *_: Any) -> None:
        """None, as before it."""

    def _ensure_worker_channel(self) -> None:
        """Heartbeats go by REST: those over its WebSocket fail on a server whose SQLite has another writer (3.8.8)."""
        super()._ensure_worker_channel()
        transport = getattr(self._worker_channel, "_transport", None)
        if transport is not None:
            transport.url = None  # as where a server has no such channel

    def _add(self) -> None:
        slot = Slot(self._target)
        self._all.add(slot)
        self._free.put(slot)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        """Runs it in a free slot; there is one, because Prefect never hands out more runs than `limit`."""
        slot = await anyio.to_thread.run_sync(self._free.get)
        if task_status is not None:
            task_status.started(slot.pid)
        code = await anyio.to_thread.run_sync(slot.run, str(flow_run.id), abandon_on_cancel=True)
        if code == 0:
            self._free.put(slot)
        else:
            self._all.discard(slot)
            self._add()
        return ProcessWorkerResult(status_code=code, identifier=str(slot.pid))

    def end(self) -> None:
        """Ends every slot, letting runs that have begun end within GRACE seconds together."""
        until = stopwatch() + GRACE
        for slot in self._all:
            slot.end(max(until - stopwatch(), 0.1))

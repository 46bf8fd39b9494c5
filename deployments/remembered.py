"""What a worker of Prefect's reads of deployments and flows for each run anew, remembered for a while.

Every run of a deployment has the same ones: three of the some forty requests that a run of a truck makes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.workers.process import ProcessJobConfiguration

from mappings.clock import stopwatch

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

SECONDS = 30.0  # real ones: so long a changed deployment's job variables may be the former ones
_read: dict[tuple[str, UUID], tuple[float, Any]] = {}


class Remembering:
    """A client of Prefect's that reads the same deployment or flow once in SECONDS; else as the client is."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        if name == "_client":  # of one that was not made by __init__, as a copy is
            raise AttributeError(name)
        return getattr(self._client, name)

    async def read_deployment(self, ident: UUID) -> Any:
        """As the client does; each caller has a copy of its own to change."""
        return await self._once("deployment", ident, self._client.read_deployment)

    async def read_flow(self, ident: UUID) -> Any:
        """As the client does; each caller has a copy of its own to change."""
        return await self._once("flow", ident, self._client.read_flow)

    async def _once(self, kind: str, ident: UUID, read: Callable[[UUID], Awaitable[Any]]) -> Any:
        now = stopwatch()
        at, found = _read.get((kind, ident), (0.0, None))
        if found is None or now - at >= SECONDS:
            found = await read(ident)
            _read[kind, ident] = now, found
        return found.model_copy(deep=True)


class WarmConfiguration(ProcessJobConfiguration):
    """The configuration of a run that begins in a slot: of it only who the run belongs to is used."""

    @classmethod
    def _base_environment(cls) -> dict[str, str]:
        """None: a slot has its worker's. To write all of Prefect's settings down takes 25 to 50 ms a run (3.8.8)."""
        return {}

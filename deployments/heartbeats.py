"""Runs in a warm process send no heartbeats to Prefect; a dead process is noticed by the lease of its truck."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_heartbeats() -> Iterator[None]:
    """Runs inside send no heartbeats: joining the thread that sends them costs every run a second (Prefect 3.8.8)."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield

"""Redis as the broker of Prefect's servers (prefect-redis, the extra `scale`): what each of them is told.

With it any number of `prefect server` processes share one PostgreSQL: events, their order, concurrency leases, the
queue of background work and of clean-ups are in Redis, not in the memory of one of them. Prefect 3.8.8.
"""

from __future__ import annotations

MODULES = {
    "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
    "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
}
WAITS = {"PREFECT_REDIS_MESSAGING_CONSUMER_BLOCK": "5"}  # seconds that a reader waits for an event before it asks again
ADDRESSES = ("PREFECT_REDIS_MESSAGING_URL", "PREFECT_SERVER_DOCKET_URL")
DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"


def environment(redis: str, database: str) -> dict[str, str]:
    """The settings of a Prefect server on this Redis (redis://…) and this database (postgresql+asyncpg://…)."""
    return {**MODULES, **WAITS, **dict.fromkeys(ADDRESSES, redis), DATABASE: database}

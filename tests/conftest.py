"""Makes `tests` a package for all test files; property tests repeat alike; no test's clock or home reaches the next."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from adapters import home as homes
from mappings import clock

settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """What a test sets of clock and home in this process ends with it."""
    before = {name: os.environ.get(name) for name in (clock.VARIABLE, homes.VARIABLE)}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

"""Makes `tests` a package for all test files; property tests repeat alike; no test's clock or home reaches the next."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adapters import home as homes
from adapters.keys import software
from adapters.ledger import migrations
from mappings import clock
from tests import quick

_HERE = Path(__file__).parent
settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


# Tests whose code others measure: of many processes, or of every message in every way. Tracing doubles a test's time.
_UNMEASURED = (
    "architecture/", "bench/", "channels/", "chaos/", "golden/", "scale/", "flows/test_after", "flows/test_demo",
    "flows/test_real_truck", "flows/test_warm_run", "flows/test_whole", "contract/test_any_message_round_trip",
    "contract/test_every_fault_is_named", "contract/test_extremes_round_trip", "contract/test_life_cycles_ledger",
    "contract/test_message_files", "contract/test_reference_schema", "unit/test_life_cycles",
)  # fmt: skip
_MEASURING = "COVERAGE_PROCESS_CONFIG"  # by this a child process knows that it is to be measured
_once: set[str] = set()
_unmeasured = pytest.StashKey[bool]()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Not measured: such a test, and any test with its second and further parameters."""
    name = item.nodeid.partition("[")[0]
    item.stash[_unmeasured] = name in _once or item.path.relative_to(_HERE).as_posix().startswith(_UNMEASURED)
    _once.add(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Neither such a test's fixtures are measured, nor the processes that it starts."""
    measuring = getattr(item.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if measuring is None or not item.stash[_unmeasured]:
        return (yield)
    told = os.environ.pop(_MEASURING, None)
    measuring.pause()
    try:
        return (yield)
    finally:
        measuring.resume()
        if told is not None:
            os.environ[_MEASURING] = told


@pytest.fixture(scope="session", autouse=True)
def quick_beginnings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """This process copies new ledgers, and its RSA keys come round again."""
    with pytest.MonkeyPatch.context() as patch:
        template = tmp_path_factory.mktemp("quick") / "ledger.sqlite"
        patch.setattr(migrations, "upgrade", quick.upgrading(migrations.upgrade, template))
        patch.setattr(software, "new_private", quick.drawing(software.new_private))
        yield


def _environment() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in (clock.VARIABLE, homes.VARIABLE)}


_AT_FIRST = _environment()


@contextmanager
def _environment_kept(before: Mapping[str, str | None]) -> Iterator[None]:
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """What a test sets of clock and home in this process ends with it."""
    with _environment_kept(_environment()):
        yield


@pytest.fixture(scope="module", autouse=True)
def own_environment_of_a_file() -> Iterator[None]:
    """And what fixtures of a file, or of all, set ends with the file: a fast clock is days ahead after minutes."""
    with _environment_kept(_AT_FIRST):
        yield

"""SQLite counts no memory, and its connections keep their locks; glibc keeps what is freed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from adapters import native

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="it is only said on Linux")
# sqlite3_db_mutex: a connection that locks itself has one. sqlite3_memory_used: nothing is counted.
ASKED = """
import ctypes, sys
for name in sys.argv[1:]:
    __import__(name)
import sqlite3
from importlib.util import find_spec
library = ctypes.CDLL(find_spec("_sqlite3").origin)
opened, handle = library.sqlite3_open, ctypes.c_void_p()
opened(b":memory:", ctypes.byref(handle))
library.sqlite3_db_mutex.restype = ctypes.c_void_p
library.sqlite3_memory_used.restype = ctypes.c_int64
print(library.sqlite3_db_mutex(handle) is not None, library.sqlite3_memory_used() > 0)
"""


ORDINARY = "True True"  # a connection that locks itself, memory that is counted


def _said(program: str, *modules: str) -> str:
    """What a program says in a process that nobody has told anything: coverage uses SQLite, too."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "MALLOC"))}
    return subprocess.check_output([sys.executable, "-c", program, *modules], text=True, env=env).strip()


@pytest.fixture(scope="module")
def ordinary() -> None:
    """A SQLite as most are built, beside Python and not within it."""
    spec = find_spec("_sqlite3")
    if spec is None or not spec.origin or not Path(spec.origin).is_file() or _said(ASKED, "sqlite3") != ORDINARY:
        pytest.skip("this SQLite is built otherwise")


@LINUX
@pytest.mark.usefixtures("ordinary")
@pytest.mark.parametrize(
    "module",
    ["tasks.office", "deployments.warm", "deployments.pulse", "deployments.gateway",
     "flows.clear_shipment", "adapters.sandbox.cn_customs.app", "adapters.sandbox.hk_customs.app"],
)  # fmt: skip
def test_what_we_start_counts_no_memory_and_locks_its_connections(module: str) -> None:
    assert _said(ASKED, module) == "True False"


@LINUX
@pytest.mark.usefixtures("ordinary")
def test_in_a_process_that_uses_it_already_all_is_as_ever() -> None:
    assert _said(ASKED, "sqlite3", "adapters") == ORDINARY


def test_without_the_library_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "find_spec", lambda _: None)
    assert native.sqlite() is False


@LINUX
def test_a_library_that_hides_its_names_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hidden:
        origin = "built-in"

    monkeypatch.setattr(native, "find_spec", lambda _: Hidden)
    assert native.sqlite() is False


@LINUX
def test_it_is_not_taken_after_the_first_use() -> None:
    import sqlite3

    assert sqlite3.sqlite_version
    assert native.sqlite() is False


# Sixty times eight pieces of 200 kB, all freed each time: that many pages were asked for anew each time.
CHURN = """
import ctypes, resource, sys
for name in sys.argv[1:]:
    __import__(name)
library = ctypes.CDLL(None)
malloc, free, fill = library.malloc, library.free, library.memset
malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
fill.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def turn():
    pieces = [malloc(200_000) for _ in range(8)]
    for piece in pieces:
        fill(piece, 1, 200_000)
    for piece in pieces:
        free(piece)
turn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(60):
    turn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@LINUX
def test_memory_that_is_freed_is_there_for_what_comes_next() -> None:
    if not native.memory():
        pytest.skip("another C library than glibc")
    few, many = int(_said(CHURN, "adapters")), int(_said(CHURN))
    assert 10 * few < many


@LINUX
def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native.ctypes, "CDLL", lambda _: object())
    assert native.memory() is False
    assert native.sqlite() is False

"""What the C libraries under every process of ours are told once (decision 0027); on Linux, elsewhere all is as ever.

SQLite: each connection is used by one thread at a time. Built to be safe however it is used, as it mostly is, it takes
a lock at every cell that is read and for every piece of memory that it counts. No connection of ours is used by two
threads at once: the ledger's are lent by a pool to one at a time, those of the sandboxes have a lock of their own. What
else opens SQLite in our processes keeps to it as well, since Python's sqlite3 and aiosqlite allow a connection its own
thread alone unless they are told otherwise.

glibc: memory that is freed is kept for what comes next. It gave pages back to the system and asked for them anew, each
filled with zeros first, at every message of a few hundred kB.
"""

from __future__ import annotations

import ctypes
import sys
from importlib.util import find_spec

_MULTITHREAD, _MEMSTATUS = 2, 9  # of sqlite3_config: https://www.sqlite.org/c3ref/c_config_covering_index_scan.html
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
KEPT = 64 * 2**20  # bytes of freed memory that a process keeps at the most, at the end of its heap
MAPPED = 32 * 2**20  # from which size on a piece is mapped by itself and given back; glibc takes no more than this
_OK = 0


def configure() -> None:
    """Tells them."""
    if sys.platform == "linux":
        sqlite()
        memory()


def sqlite() -> bool:
    """Tells the library that Python's sqlite3 uses; whether it was taken, which it is before its first use alone.

    Where the library cannot be found, or somebody uses it already, everything works as ever, some slower.
    """
    spec = find_spec("_sqlite3")
    if spec is None or spec.origin is None:
        return False
    try:
        config = ctypes.CDLL(spec.origin).sqlite3_config
    except (OSError, AttributeError):  # it is built into Python, or hides its names
        return False
    return bool(config(_MULTITHREAD) == _OK and config(_MEMSTATUS, 0) == _OK)


def memory() -> bool:
    """Tells glibc; whether it is there and has taken it."""
    try:
        option = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library, such as musl
        return False
    return bool(option(_MMAP_THRESHOLD, MAPPED) and option(_TRIM_THRESHOLD, KEPT))

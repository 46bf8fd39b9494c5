"""What the C libraries under every process of ours are told once (decision 0027); on Linux, elsewhere all is as ever.

SQLite need not count the memory that it uses: it took a lock for every piece of it. The locks of its connections stay:
a cursor that is garbage is reset by whichever thread collects it (decision 0019), and they alone keep that in order.

glibc keeps what is freed for what comes next. It gave pages back to the system and asked for them anew, each filled
with zeros first, at every message of a few hundred kB.
"""

from __future__ import annotations

import ctypes
import sys
from importlib.util import find_spec

_MEMSTATUS = 9  # of sqlite3_config: https://www.sqlite.org/c3ref/c_config_covering_index_scan.html
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
KEPT = 64 * 2**20  # bytes of freed memory that are kept at the end of a heap: each thread that allocates may have one
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
    return bool(config(_MEMSTATUS, 0) == _OK)


def memory() -> bool:
    """Tells glibc; whether it is there and has taken it."""
    try:
        option = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library, such as musl
        return False
    return bool(option(_MMAP_THRESHOLD, MAPPED) and option(_TRIM_THRESHOLD, KEPT))

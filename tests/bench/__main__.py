"""`python -m tests.bench` (make bench): measures, prints, and writes docs/performance.md.

--short measures a few hundred parcels once and writes nothing; --no-sandbox leaves the whole way out.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from tests.bench import report
from tests.bench.measuring import bench

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--parcels", type=int, default=3200)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--no-sandbox", action="store_true")
    given = parser.parse_args(arguments)
    times, parcels = (1, 300) if given.short else (given.times, given.parcels)
    with tempfile.TemporaryDirectory() as work:
        trucks = bench(Path(work), times, parcels, not (given.no_sandbox or given.short), not given.short)
    page = report.text(trucks, os.cpu_count() or 1, platform.python_version(), times)
    sys.stdout.write(page)
    if not given.short and not given.no_sandbox:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

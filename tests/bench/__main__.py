"""`python -m tests.bench` (make bench): measures, prints, and writes docs/performance.md.

--short measures a few hundred parcels once and writes nothing; --no-sandbox leaves the whole way out. --stages measures
every stage alone, at the --sizes named (parcels, in trucks of 3,200 into one ledger). --sustained SECONDS declares
truck after truck for so long, with as many --workers; if it was for five minutes or more, that is docs/sustained.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench import report, stages_report, sustained, sustained_report
from tests.bench.measuring import bench, compared, sized
from tests.bench.yardstick import Yardstick

SIZES = (3200, 32_000)
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
SUSTAINED, LONG = PAGE.with_name("sustained.md"), 300.0  # seconds from which on the run is worth a page
CHART = PAGE.with_name("performance-stages.svg")


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--parcels", type=int, default=3200)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--no-sandbox", action="store_true")
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="PARCELS")
    parser.add_argument("--sustained", type=float, metavar="SECONDS")
    parser.add_argument("--workers", type=int, choices=range(1, 9), default=2)
    parser.add_argument("--rate", type=int, default=sustained.RATE, help="parcels a second to make trucks for")
    given, speed = parser.parse_args(arguments), Yardstick()
    if given.sustained:
        with tempfile.TemporaryDirectory() as work:
            window = max(10.0, given.sustained / 20)
            found = sustained.run(Path(work), given.sustained, given.workers, window=window, rate=given.rate)
        told = sustained_report.page(found, speed.line())
        sys.stdout.write(told)
        if given.sustained >= LONG:
            SUSTAINED.write_text(told, "utf-8")
        return 0
    if given.stages:
        with tempfile.TemporaryDirectory() as work:
            sys.stdout.write(stages_report.text(sized(Path(work), given.sizes)) + f"\n{speed.line()}\n")
        return 0
    times, parcels = (1, 300) if given.short else (given.times, given.parcels)
    with tempfile.TemporaryDirectory() as work:
        trucks = bench(Path(work), times, parcels, not (given.no_sandbox or given.short), not given.short)
        sizes = sized(Path(work), given.sizes) if not (given.no_sandbox or given.short) else []
        others = compared(Path(work)) if sizes else {}
    page = report.text(trucks, os.cpu_count() or 1, platform.python_version(), times, speed.line())
    if sizes:
        page += stages_report.page(sizes, trucks[0], others)
    sys.stdout.write(page)
    if not given.short and not given.no_sandbox:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page, "utf-8")
        CHART.write_text(stages_report.chart(sizes[-1]), "utf-8")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # all that was started ends with it
    raise SystemExit(main())

"""The sustained run as a page: docs/sustained.md, and the same on the screen."""

from __future__ import annotations

import json
import os

from tests.bench.sustained import DIRTY, Sustained

AIM = 2834  # parcels a second: twice the 1,417 of the country's peak
HEAD = """# Sustained

Written by `make bench ARGS="--sustained {seconds:.0f} --workers {workers}"`; nothing here is typed by hand.
Machine: {cores} cores, on which {workers} processes of ours and the China sandbox's work at once: {declare} declare
truck after truck of 3,200 parcels and 2.5 lines, the rest hears. Files to receipts settled in one SQLite ledger, with
all that a real day needs: encryption, claims, the audit's books, one parcel in {dirty} dirty. The sandbox's clock is
600 times as fast, so that nobody waits for customs; lists, departure and Hong Kong are not in it. {speed}
"""


def _windows(found: Sustained) -> list[tuple[float, float]]:
    last, rows = 0.0, []
    for at, many in found.windows:
        rows.append((at, many / max(at - last, 1e-9)))
        last = at
    return rows


def page(found: Sustained, speed: str = "") -> str:
    """All of it."""
    in_time, seconds = sum(many for _, many in found.windows), found.windows[-1][0]
    whole = found.answered / max(found.lasted, 1e-9)
    used = sum(found.cpu.values())
    cores = os.cpu_count() or 1
    lines = [
        HEAD.format(
            seconds=found.seconds,
            workers=found.workers,
            cores=cores,
            declare=max(1, found.workers - 1),
            dirty=DIRTY,
            speed=speed,
        ),
        "| | |",
        "| --- | ---: |",
        f"| answered within {seconds:.0f} s | {in_time:,} |",
        f"| a second | {in_time / seconds:,.0f} |",
        f"| answered until all was heard out, {found.lasted:.0f} s | {found.answered:,} of {found.parcels:,} |",
        f"| **a second** | **{whole:,.0f}** |",
        f"| aim | {AIM:,}: {'met' if whole >= AIM else '**missed**'} |",
        f"| held as dirty | {found.held:,} |",
        f"| without an answer at the end | {found.unanswered:,} |",
        f"| processors used, of {cores} | {used / max(found.worked, 1e-9):.2f} |",
        f"| findings of the audit | {json.dumps(found.findings, ensure_ascii=False)} |",
        f"| documents that customs received a second time | {found.second:,} |",
        "",
        "| process | CPU, s | most memory, MB |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {cpu:,.0f} | {found.memory[name]:,.0f} |" for name, cpu in found.cpu.items()),
        "",
        "| until, s | answered a second |",
        "| ---: | ---: |",
        *(f"| {at:,.0f} | {each:,.0f} |" for at, each in _windows(found)),
        "",
    ]
    return "\n".join(lines)

"""What was measured, as text: for the screen and for docs/performance.md."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.path import Measured
from tests.bench.sandbox_way import Way
from tests.bench.stopwatch import Rounds, shares

HEAD = """# Performance

Written by `make bench` (`python -m tests.bench`); nothing here is typed by hand. Machine: {cores} cores, Python
{python}. {speed}
Seconds are CPU seconds of one process, medians of {times} rounds after one to warm up; in brackets wall time.
All rounds are of one office, as a worker has it; its ledger is emptied before each.
The path is what the flow does: files kept (compressed, encrypted), captured, cleaned, scored, matched, checked against
every message type, stored in the ledger; 303, 403, 505, 603 written, checked against their schemas, signed by the
companies' RSA-2048 keys, put into envelopes and stored (compressed, encrypted) ready to leave. No network.

The floor is the least for the same bytes in the same run (`tests/bench/floor.py`): it reads no files, finds no faults,
keeps no books, encrypts nothing. A round of the floor follows each round of the path, and the share of its speed is the
median over these pairs: a machine that changes its speed meanwhile changes both. Aim: 0.6 or better.
"""


@dataclass(frozen=True)
class Truck:
    """One truck's figures."""

    name: str
    path: Measured
    parts: dict[str, float]
    floor: Rounds
    documents: int
    megabytes: float
    peak: float
    way: Way | None = None

    @property
    def ratio(self) -> float:
        """Our speed as a share of the floor's."""
        return shares(self.floor, self.path.rounds)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def text(trucks: list[Truck], cores: int, python: str, times: int, speed: str) -> str:
    """The whole page."""
    return "\n".join([
        HEAD.format(cores=cores, python=python, times=times, speed=speed),
        "## Files to signed messages", "", _summary(trucks), "",
        "## Where the time goes", "", "One more run, with the product's functions timed where it calls them.", "",
        _parts(trucks), "", "## The floor, part by part", "", _floor(trucks), "",
        *(["## The whole way", "", _ways(trucks), ""] if any(t.way for t in trucks) else []),  # the short form has none
    ])  # fmt: skip


def _summary(trucks: list[Truck]) -> str:
    rows = {
        "parcels declared": [f"{t.path.parcels:,}" for t in trucks],
        "goods lines": [f"{t.path.lines:,}" for t in trucks],
        "documents": [f"{t.documents:,}" for t in trucks],
        "bytes a parcel": [f"{t.megabytes * 1e6 / t.path.parcels:,.0f}" for t in trucks],
        "seconds": [f"{t.path.rounds.total():.2f} ({t.path.rounds.total('wall'):.2f})" for t in trucks],
        "**parcels a second, one core**": [f"**{t.path.a_second():,.0f}**" for t in trucks],
        "floor, seconds": [f"{t.floor.total():.2f} ({t.floor.total('wall'):.2f})" for t in trucks],
        "floor, parcels a second": [f"{t.path.parcels / t.floor.total():,.0f}" for t in trucks],
        "**share of the floor's speed**": [f"**{t.ratio:.2f}**" for t in trucks],
        "peak memory, MB": [f"{t.peak:,.0f}" for t in trucks],
    }
    return _table(["", *(t.name for t in trucks)], [[name, *cells] for name, cells in rows.items()])


def _parts(trucks: list[Truck]) -> str:
    names = list(trucks[0].parts)
    return _table(
        ["CPU seconds", *(t.name for t in trucks)], [[n, *(f"{t.parts[n]:.3f}" for t in trucks)] for n in names]
    )


def _floor(trucks: list[Truck]) -> str:
    each = [t.floor.seconds() for t in trucks]
    return _table(["CPU seconds", *(t.name for t in trucks)], [[n, *(f"{e[n]:.3f}" for e in each)] for n in each[0]])


def _ways(trucks: list[Truck]) -> str:
    rows = [
        [t.name, f"{t.way.parcels:,}", f"{t.way.declared:.1f}", f"{t.way.closed:.1f}", f"{t.way.a_second():,.0f}",
         f"{t.way.cpu:.1f}"]
        for t in trucks if t.way is not None
    ]  # fmt: skip
    told = (
        "From files to closed on both sides of the border, both sandboxes as processes on the same cores: wall\n"
        "seconds, some of them waiting for deadlines of the procedure on a clock 600 times as fast.\n"
    )
    head = [
        "truck",
        "parcels closed",
        "inventories answered after, s",
        "closed after, s",
        "parcels a second",
        "our CPU, s",
    ]
    return told + "\n" + _table(head, rows)

"""The costs by stage as tables, and as a chart (SVG, written by hand: no plotting library is needed)."""

from __future__ import annotations

from tests.bench.alternatives import Cost
from tests.bench.report import Truck
from tests.bench.stages import ORDER, REST, Sized

HEAD = """
## Every stage

From files to receipts settled, the real truck alone, the others in trucks of 3,200 parcels into one ledger, one
process, the sandbox as another; encrypted, claimed, with faults and events kept. Lists, departure and Hong Kong are
not in it. Floor: the same bytes by a template (convert), libxml2 (validate), OpenSSL (sign), a bulk insert (ledger);
receipts parsed by lxml (receive), inserted and their documents updated by one executemany each (settle). Receive:
fetched, kept raw, opened, read, inserted; settle: all that follows from them. A virtual machine changes its speed
within minutes: a fixed piece of work (texts, libxml2, SQLite in memory) was done before each truck and at the end, and
by how long it took, the sum is given once more as it would be at the speed of the smallest size."""
ALTERNATIVES = """Both start from values that are ready and encrypt nothing (`tests/bench/alternatives.py`); one commit
a parcel. Wall time; Tongguan's is CPU time of the stages that do the same."""
_OURS, _THEIRS = "#3b6ea5", "#c9a24b"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def text(sizes: list[Sized], floors: dict[str, float] | None = None) -> str:
    """Microseconds a parcel by stage: ours at each size, the sandbox's meanwhile, the floor; then memory.

    `floors` are microseconds a parcel of stages before the sending (convert, validate, sign, ledger).
    """
    last = sizes[-1]
    each = {name: 1e6 * value * last.receipts / last.parcels for name, value in last.floor.items()}
    least = {**(floors or {}), **each}
    head = ["CPU, µs a parcel", *(s.name for s in sizes), "the sandbox meanwhile", "floor"]
    rows = [
        [name, *(f"{s.micro(name):,.1f}" for s in sizes), f"{last.micro(name, True):,.1f}",
         f"{least[name]:,.1f}" if name in least else ""]
        for name in ORDER
    ]  # fmt: skip
    rows.append(["**all**", *(f"**{s.total():,.0f}**" for s in sizes), f"**{last.total(True):,.0f}**", ""])
    first = next((s for s in sizes if not s.real), last)
    even = ["" if s.real else f"**{s.at_pace_of(first):,.0f}**" for s in sizes]
    rows.append(["**all**, at the speed of the smallest", *even, "", ""])
    rows.append(["a fixed piece of work meanwhile, ms", *(f"{1000 * s.pace:.1f}" for s in sizes), "", ""])
    peaks = [[name, *(f"{s.costs[name].peak:,.0f}" if name in s.costs else "" for s in sizes)] for name in ORDER]
    whole = [
        ["receipts a parcel", *(f"{s.receipts / s.parcels:.1f}" for s in sizes)],
        ["wall seconds", *(f"{s.wall:.1f}" for s in sizes)],
        ["parcels a second", *(f"{s.parcels / s.wall:,.0f}" for s in sizes)],
    ]
    names = [s.name for s in sizes]
    return "\n\n".join([
        _table(head, rows), "Peak memory of our process within each stage, MB:", _table(["MB", *names], peaks),
        _table(["one after the other", *names], whole),
    ])  # fmt: skip


def page(sizes: list[Sized], truck: Truck, others: dict[str, Cost]) -> str:
    """The part of docs/performance.md about stages; the floor of those before the sending is that of `truck`."""
    least = {name: 1e6 * value / truck.path.parcels for name, value in truck.floor.seconds().items()}
    floors = {"convert": least["template"], "validate": least["parse"] + least["schema"], "sign": least["sign"],
              REST: least["insert"]}  # fmt: skip
    first = next(size for size in sizes if not size.real)
    ours = sum(first.micro(name) for name in ("convert", "validate", "sign", REST)) / 1000
    rows = [[name, f"{cost.each():.2f}", f"{1000 / cost.each():,.0f}"] for name, cost in others.items()]
    rows.append(["Tongguan: convert, validate, sign, ledger", f"{ours:.2f}", f"{1000 / ours:,.0f}"])
    return "\n\n".join([
        HEAD, text(sizes, floors), "![CPU by stage](performance-stages.svg)",
        "## What one would otherwise pick", ALTERNATIVES,
        _table(["values ready to signed documents stored", "ms a parcel", "parcels a second"], rows), "",
    ])  # fmt: skip


def chart(found: Sized) -> str:
    """Bars of microseconds a parcel: ours, and the sandbox's meanwhile."""
    width, row, left = 760, 30, 110
    most = max(max(found.micro(n), found.micro(n, True)) for n in ORDER) or 1.0
    scale = (width - left - 70) / most
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{row * len(ORDER) + 40}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="18">CPU, µs a parcel: <tspan fill="{_OURS}">ours</tspan>, '
        f'<tspan fill="{_THEIRS}">the sandbox meanwhile</tspan></text>',
    ]
    for place, name in enumerate(ORDER):
        top = 30 + place * row
        label = "ledger, rest" if name == REST else name
        parts.append(f'<text x="{left - 8}" y="{top + 16}" text-anchor="end">{label}</text>')
        for at, (value, colour) in enumerate(((found.micro(name), _OURS), (found.micro(name, True), _THEIRS))):
            y, length = top + at * 12, value * scale
            parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="11" fill="{colour}"/>')
            parts.append(f'<text x="{left + length + 4:.1f}" y="{y + 10}" font-size="10">{value:.0f}</text>')
    return "\n".join([*parts, "</svg>", ""])

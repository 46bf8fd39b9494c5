"""What the books of a made-up import must hold before it is declared: its guarantee, and opening stock as a file.

Nothing opens a book by itself: demo and tests put these in as a company would.
"""

from __future__ import annotations

from pathlib import Path

import requests

from deployments import money
from deployments.demo_import import MadeImport, tables
from tasks.office import Office

GUARANTEE, REFERENCE = "100000", "示例保函 2026-001"
PIECES = 5000
_HEAD = "账册编号,备案料号,数量,单位\n"


def guarantor(made: MadeImport) -> str:
    """The code of the company that guarantees the taxes."""
    return str(made.truck["companies"]["guarantor"]["code"])


def stock_rows(made: MadeImport) -> list[tuple[str, str, int, str]]:
    """Account book, item record, quantity and unit of every good; none for goods that come in by truck."""
    if made.regime != "1210":
        return []
    book = str(made.truck["batch"]["accountBook"])
    return [(book, f"REC-{goods[0]}", PIECES, goods[6]) for goods in tables()["goods"]]


def write_stock(made: MadeImport, file: Path) -> Path | None:
    """The opening stock as a CSV file; None where there is none."""
    rows = stock_rows(made)
    if not rows:
        return None
    file.write_text(_HEAD + "".join(",".join(map(str, row)) + "\n" for row in rows), "utf-8")
    return file


def open_ours(made: MadeImport, at: Office, folder: Path) -> None:
    """Puts guarantee and opening stock into our own books; again is harmless."""
    money.top_up(at, guarantor(made), GUARANTEE, REFERENCE, "demo")
    file = write_stock(made, folder / "opening_stock.csv")
    if file:
        money.stock_in(at, file, False, "demo")


def open_theirs(made: MadeImport, address: str) -> None:
    """Tells the sandbox at this address the same; customs has them in a live installation."""
    posts = [("guarantee", {"assure_code": guarantor(made), "balance": GUARANTEE})]
    posts += [
        ("stock", {"ems_no": book, "item_record_no": item, "qty": str(pieces), "ref": f"opening {item}"})
        for book, item, pieces, _ in stock_rows(made)
    ]
    for name, body in posts:
        requests.post(f"{address}/admin/{name}", json=body, timeout=10).raise_for_status()

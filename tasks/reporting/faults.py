"""Faults for people: the sender's file (values in the clear, readable by its owner alone) and tables for screens."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mappings import faults
from mappings.canonical.columns import columns
from mappings.canonical.model import TABLES

FIELDS = (
    "parcel", "code", "severity", "field", "value", "file", "sheet", "row", "column", "message_zh", "message_en",
    "remedy_zh", "remedy_en", "owner",
)  # fmt: skip
MASK = "•••"  # no asterisks: Prefect shows a cell as Markdown, and what stands between two such would be bold
SEVERITIES = {"error": "错误 error", "warning": "警告 warning", "info": "提示 note"}
WIDTH = 90
_OTHERS = frozenset({"truck.driver", "buyer.id_number", "buyer.name", "buyer.phone"})  # of no table's own mark
LONGEST = 300  # characters of a value that are shown: enough to find it in the file
_PICTURES = {n: 0x2400 + n for n in range(32) if chr(n) not in "\t\n\r"} | {0x7F: 0x2421}  # U+2400: their pictures
_FORMULA = tuple("=+-@\t\r\n")
_NUMBER = re.compile(r"[+-]?[\d.,]*")


def personal_fields() -> frozenset[str]:
    """The canonical paths that hold a person's data."""
    return frozenset(c.path for table in TABLES for c in columns(table).values() if c.personal) | _OTHERS


def explained(
    frame: pd.DataFrame, clear: bool = False, people: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, Any]]:
    """Every fault with its texts in both languages. Personal values are masked unless `clear`.

    `people` are the personal values of each order, masked in an authority's words too (tasks/reporting/people.py).
    """
    personal = personal_fields()
    rows = []
    for raw in frame.to_dict("records"):
        row = {str(k): v for k, v in raw.items()}
        if not clear and row["field"] in personal:
            row |= {name: MASK for name in ("value", "other_value") if row[name]}
        for name in (people or {}).get(row["order_no"], ()) if not clear else ():
            row |= {key: str(row[key]).replace(name, MASK) for key in ("value", "other_value")}
        row |= {name: _shown(row[name]) for name in ("value", "other_value")}
        told = {name: _plain(row.get(name)) for name in FIELDS}
        told["row"] = told["row"] or ""  # rows count from 1
        rows.append(told | {"parcel": row["order_no"]} | faults.explain(row))
    return rows


def _shown(value: Any) -> Any:
    """A value fit for a file and a screen: no control characters, and of a very long one its start and its length."""
    if not isinstance(value, str):
        return value
    text = value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value)})"
    return text if text.isprintable() else text.translate(_PICTURES)


def _plain(value: Any) -> Any:
    return "" if value is None or (not isinstance(value, str) and pd.isna(value)) else value


def sender_csv(frame: pd.DataFrame) -> bytes:
    """faults.csv: UTF-8 with BOM, one line a fault, values in the clear."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({k: _safe(v) for k, v in row.items()} for row in explained(frame, clear=True))
    return out.getvalue().encode("utf-8-sig")


def per_sender(frame: pd.DataFrame) -> dict[str, bytes]:
    """A faults.csv for each role that has something to mend, with its own faults alone."""
    owner = frame["code"].map(lambda code: faults.table()[code].owner)
    return {str(role): sender_csv(mine) for role, mine in frame.groupby(owner, sort=True)}


def write_sender_files(frame: pd.DataFrame, beside: Path) -> list[str]:
    """FILE-<role>.csv beside FILE.csv for each role, readable by you alone; those of an earlier time go. The names."""
    for role in faults.OWNERS:
        beside.with_name(f"{beside.stem}-{role}.csv").unlink(missing_ok=True)
    made = {f"{beside.stem}-{role}.csv": body for role, body in per_sender(frame).items()}
    for name, body in made.items():
        write_private(beside.with_name(name), body)
    return list(made)


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, made harmless; numbers stay numbers."""
    formula = isinstance(value, str) and value[:1] in _FORMULA and not _NUMBER.fullmatch(value)
    return f"'{value}" if formula else value


def write_private(path: Path, data: bytes) -> None:
    """A file that its owner alone can read."""
    path.touch(mode=0o600, exist_ok=True)
    path.chmod(0o600)
    path.write_bytes(data)


def masked(rows: Iterable[Any]) -> list[Any]:
    """Fault rows as an error carries them, fit for a screen or another program: no person's value, both languages."""
    given = list(rows)
    known = [row for row in given if isinstance(row, dict) and row.get("code") in faults.table()]
    others = [row for row in given if not (isinstance(row, dict) and row.get("code") in faults.table())]
    return [*explained(faults.frame(known)), *map(str, others)] if known else [str(row) for row in others]


def screen_table(
    frame: pd.DataFrame, most: int = 200, people: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, Any]]:
    """The faults for a screen, errors first, at most `most` rows, without the values of `people`."""
    order = {"error": 0, "warning": 1, "info": 2}
    ranked = (
        frame.assign(_o=frame["severity"].map(order)).sort_values(["_o", "order_no"], kind="stable").drop(columns="_o")
    )
    return [
        {
            "包裹 parcel": row["parcel"],
            "代码 code": row["code"],
            "级别 severity": SEVERITIES[row["severity"]],
            "问题": _short(row["message_zh"]),
            "what is wrong": _short(row["message_en"]),
            "位置 place": place(row),
            "处理": _short(row["remedy_zh"]),
            "what to do": _short(row["remedy_en"]),
            "负责 owner": row["owner"],
        }
        for row in explained(ranked.head(most), people=people)
    ]


def _short(text: str) -> str:
    """A text that a table's cell can show; the sender's file has the whole of it."""
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def place(row: dict[str, Any]) -> str:
    """Where a fault stands, as a person looks it up: file, sheet, row, column."""
    parts = [row["file"], row["sheet"], f"行 row {row['row']}" if row["row"] not in ("", None) else "", row["column"]]
    return " / ".join(str(p) for p in parts if p)

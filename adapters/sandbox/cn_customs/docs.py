"""A declared document as this customs keeps it in its book."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from xml.sax.saxutils import escape

import orjson

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.reading import Document
from adapters.sandbox.cn_customs.settings import Declared
from adapters.sandbox.cn_customs.store import DOCUMENT, Row


@dataclass(slots=True)
class Doc:
    """One row of the book; the names are the table's."""

    id: int
    message_id: int
    at: int
    type: str
    key: str
    attempt: int
    app_type: str
    guid: str
    dxp: str
    outcome: str = "accepted"
    status: str = ""
    status_at: int = 0
    pre_no: str = ""
    invt_no: str = ""
    order_ref: str = ""
    waybill_ref: str = ""
    grp: str = ""
    part: int = 0
    parts: int = 0
    face: str = ""
    facts: str = "{}"
    quirks: dict[str, Any] = field(default_factory=dict)
    current: int = 0
    locked: int = 0

    @property
    def alive(self) -> bool:
        """Whether it takes part in what customs compares."""
        return self.outcome == "accepted" and self.status not in settings.cycle()["dead"]

    def row(self) -> tuple[Any, ...]:
        """Its cells, as the store takes them."""
        cells = list(_CELLS(self))
        cells[_QUIRKS] = orjson.dumps(self.quirks).decode() if self.quirks else ""
        return tuple(cells)


_CELLS = attrgetter(*DOCUMENT)
_QUIRKS = DOCUMENT.index("quirks")


def from_row(row: Row) -> Doc:
    """The document of a row of the book."""
    cells = list(row)
    cells[_QUIRKS] = orjson.loads(cells[_QUIRKS]) if cells[_QUIRKS] else {}
    return Doc(*cells)


def face(declared: Declared, document: Document, pre_no: str, invt_no: str) -> str:
    """The part of a receipt that names this document."""
    given = {**document.head, "preNo": pre_no, "invtNo": invt_no}
    names = declared.receipt.fields if given.get("payNo", "-") else [n for n in declared.receipt.fields if n != "payNo"]
    return "".join([f"<ceb:{name}>{_escaped(given[name])}</ceb:{name}>" for name in names])


def _escaped(text: str) -> str:
    return escape(text) if "&" in text or "<" in text or ">" in text else text

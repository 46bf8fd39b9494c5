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

CANCELLING = 2  # `locked` of an inventory while a cancel of it is under way


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
        return self.outcome == "accepted" and not settings.over(self.status)

    def row(self) -> tuple[Any, ...]:
        """Its cells, as the store takes them."""
        cells: tuple[Any, ...] = _CELLS(self)
        told = orjson.dumps(self.quirks).decode() if self.quirks else ""
        return (*cells[:_QUIRKS], told, *cells[_QUIRKS + 1 :])


_CELLS = attrgetter(*DOCUMENT)
_QUIRKS = DOCUMENT.index("quirks")


def from_row(row: Row | list[Any]) -> Doc:
    """The document of a row of the book."""
    cells = list(row)
    cells[_QUIRKS] = orjson.loads(cells[_QUIRKS]) if cells[_QUIRKS] else {}
    return Doc(*cells)


def face(declared: Declared, document: Document, pre_no: str, given_no: str) -> str:
    """The part of a receipt that names this document."""
    given = {**document.head, "preNo": pre_no}
    if declared.numbers.get("given"):
        given[declared.numbers["given"]] = given_no
    names = [name for name in declared.receipt.fields if given[name] or name not in declared.receipt.optional]
    mark = declared.prefix
    return "".join([f"<{mark}{name}>{_escaped(given[name])}</{mark}{name}>" for name in names])


def early(declared: Declared, face: str, given_no: str) -> str:
    """The same part before customs has given its number: an empty element, or none where it may be left out."""
    name = declared.numbers.get("given", "")
    if not name or not given_no:
        return face
    element = f"<{declared.prefix}{name}>{given_no}</{declared.prefix}{name}>"
    empty = "" if name in declared.receipt.optional else f"<{declared.prefix}{name}></{declared.prefix}{name}>"
    return face.replace(element, empty)


def _escaped(text: str) -> str:
    return escape(text) if "&" in text or "<" in text or ">" in text else text

"""A declared document as this customs keeps it in its book."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
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

    @property
    def told(self) -> str:
        """Its quirks as the store keeps them."""
        return orjson.dumps(self.quirks).decode() if self.quirks else ""

    def row(self) -> tuple[Any, ...]:
        """Its cells, as the store takes them."""
        cells: tuple[Any, ...] = _CELLS(self)
        return cells


_CELLS = attrgetter(*("told" if name == "quirks" else name for name in DOCUMENT))
_QUIRKS = DOCUMENT.index("quirks")


def from_row(row: Row | list[Any]) -> Doc:
    """The document of a row of the book."""
    cells = list(row)
    cells[_QUIRKS] = orjson.loads(cells[_QUIRKS]) if cells[_QUIRKS] else {}
    return Doc(*cells)


@dataclass(frozen=True)
class _Face:
    """How the part of a receipt looks that names a document."""

    fields: settings.Names
    optional: tuple[str, ...]
    mark: str
    form: str  # with every field
    given: str  # the field of the number that customs gives
    numbered: bool


@cache
def _face(type_: str) -> _Face:
    declared = settings.declared()[type_]
    receipt, mark = declared.receipt, declared.prefix
    form = "".join(f"<{mark}{name}>%s</{mark}{name}>" for name in receipt.fields)
    given = declared.numbers.get("given", "")
    numbered = "preNo" in receipt.fields or given in receipt.fields
    return _Face(receipt.fields, tuple(receipt.optional), mark, form, given, numbered)


def name(doc: Doc, document: Document) -> None:
    """Make the part of its receipts that names this document."""
    own, cells = _face(doc.type), document.head
    if own.numbered:
        cells = {**cells, "preNo": doc.pre_no, **({own.given: doc.invt_no} if own.given else {})}
    values = [cells[field_] for field_ in own.fields]
    text = own.form % tuple(values)
    if "&" in text or text.count("<") + text.count(">") != 4 * len(values) or not all(map(cells.get, own.optional)):
        names = [field_ for field_ in own.fields if cells[field_] or field_ not in own.optional]
        text = "".join([f"<{own.mark}{field_}>{escape(cells[field_])}</{own.mark}{field_}>" for field_ in names])
    doc.face = text


def early(declared: Declared, face: str, given_no: str) -> str:
    """The same part before customs has given its number: an empty element, or none where it may be left out."""
    name = declared.numbers.get("given", "")
    if not name or not given_no:
        return face
    element = f"<{declared.prefix}{name}>{given_no}</{declared.prefix}{name}>"
    empty = "" if name in declared.receipt.optional else f"<{declared.prefix}{name}></{declared.prefix}{name}>"
    return face.replace(element, empty)

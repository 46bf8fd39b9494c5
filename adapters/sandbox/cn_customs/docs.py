"""A declared document as this customs keeps it in its book."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter, itemgetter
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
    known: dict[str, Any] | None = None  # its facts, where they are at hand
    told: str = ""  # its quirks as the store keeps them

    @property
    def alive(self) -> bool:
        """Whether it takes part in what customs compares."""
        return self.outcome == "accepted" and not settings.over(self.status)

    def loaded(self) -> dict[str, Any]:
        """Its facts, not to be changed."""
        if self.known is None:
            self.known = orjson.loads(self.facts)
        return self.known

    def act_up(self, quirks: dict[str, Any]) -> None:
        """What this customs was told to do with it."""
        self.quirks, self.told = quirks, orjson.dumps(quirks).decode() if quirks else ""


_CELLS = attrgetter(*("told" if name == "quirks" else name for name in DOCUMENT))
_QUIRKS = DOCUMENT.index("quirks")


def from_row(row: Row | list[Any]) -> Doc:
    """The document of a row of the book."""
    cells = list(row)
    told = cells[_QUIRKS]
    cells[_QUIRKS] = orjson.loads(told) if told else {}
    doc = Doc(*cells)
    doc.told = told
    return doc


def rows(docs: Iterable[Doc]) -> list[tuple[Any, ...]]:
    """The cells of documents, as the store takes them."""
    return list(map(_CELLS, docs))


@dataclass(frozen=True)
class _Face:
    """How the part of a receipt looks that names a document of one type."""

    fields: settings.Names
    optional: settings.Names
    mark: str
    form: str  # with every field
    pick: Callable[[dict[str, str]], tuple[str, ...]]
    given: str  # the field of the number that customs gives
    numbered: bool


@cache
def _face(type_: str) -> _Face:
    declared = settings.declared()[type_]
    fields, mark = declared.receipt.fields, declared.prefix
    form = "".join(f"<{mark}{name}>%s</{mark}{name}>" for name in fields)
    given = declared.numbers.get("given", "")
    numbered = "preNo" in fields or given in fields
    return _Face(fields, declared.receipt.optional, mark, form, itemgetter(*fields), given, numbered)


def name(docs: list[Doc], documents: list[Document]) -> None:
    """Make the part of their receipts that names these documents, all of one type."""
    own = _face(docs[0].type)
    heads = [document.head for document in documents]
    if own.numbered:
        given = own.given or "preNo"
        heads = [h | {given: doc.invt_no, "preNo": doc.pre_no} for h, doc in zip(heads, docs, strict=True)]
    faces = [own.form % own.pick(head) for head in heads]
    every = "".join(faces)
    if (
        "&" in every or every.count("<") + every.count(">") != 4 * len(own.fields) * len(faces)
        or not all(head[field_] for field_ in own.optional for head in heads)
    ):  # fmt: skip
        faces = [_written(own, head) for head in heads]
    for doc, face in zip(docs, faces, strict=True):
        doc.face = face


def _written(own: _Face, head: dict[str, str]) -> str:
    """With what XML may not hold as it is, and without what is empty and may be left out."""
    names = [field_ for field_ in own.fields if head[field_] or field_ not in own.optional]
    return "".join([f"<{own.mark}{field_}>{escape(head[field_])}</{own.mark}{field_}>" for field_ in names])


def early(declared: Declared, face: str, given_no: str) -> str:
    """The same part before customs has given its number: an empty element, or none where it may be left out."""
    name = declared.numbers.get("given", "")
    if not name or not given_no:
        return face
    element = f"<{declared.prefix}{name}>{given_no}</{declared.prefix}{name}>"
    empty = "" if name in declared.receipt.optional else f"<{declared.prefix}{name}></{declared.prefix}{name}>"
    return face.replace(element, empty)

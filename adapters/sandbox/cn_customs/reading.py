"""A business message as this customs reads it: checked against the schema, its columns taken in one pass.

Documents that are written plainly are read by pattern (plain.py), the rest of such a message as a small message. Any
other is parsed and validated whole, and its columns come out of a stylesheet made from messages.yaml, one per type: the
loop over elements runs in libxslt. Either way an absent element is an empty text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from lxml import etree

from adapters.sandbox.cn_customs import envelope, plain, settings
from adapters.sandbox.cn_customs.forms import Cells
from adapters.sandbox.cn_customs.settings import Declared
from mappings.engine import schema

# Two private-use characters part the columns and rows of the stylesheet's text; a message that holds one is refused.
CELL, ROW = "\ue000", "\ue001"
_FORBIDDEN = (CELL.encode(), ROW.encode())
_of_thread = threading.local()
_making = threading.Lock()  # libxml2 makes its built-in types with the first schema, unguarded


class Unreadable(Exception):
    """The message cannot be read: answered by CEB900. `type` is the root's name where there is one."""

    def __init__(self, text: str, type_: str = "Unknown") -> None:
        super().__init__(text)
        self.text, self.type = text, type_


@dataclass(slots=True)
class Document:
    """One declared document: its head by field name, and the cells of its lines in the order of messages.yaml."""

    head: dict[str, str]
    lines: list[Cells] = field(default_factory=list)


def joined(documents: Sequence[Document], names: settings.Names) -> list[str]:
    """Of each document the values of these fields, joined as a key; empty texts for no fields."""
    if len(names) < 2:
        return [document.head[names[0]] for document in documents] if names else [""] * len(documents)
    return list(map("|".join, map(itemgetter(*names), [document.head for document in documents])))


@dataclass(slots=True)
class Business:
    """A whole message."""

    declared: Declared
    guid: str
    cop_code: str
    dxp_id: str
    subscribers: list[str]
    documents: list[Document]
    root: etree._Element  # of the message, or of its frame where `plain` has its documents
    plain: plain.Plain | None = None

    def canonical(self) -> bytes:
        """The inclusive canonical form of the message as `root` is now. Raises etree.LxmlError."""
        found = etree.tostring(self.root, method="c14n")
        return self.plain.whole(found) if self.plain else found


def business(data: bytes, announced: str) -> Business:
    """The message in `data`, which the envelope announced as this type. Raises Unreadable."""
    return _plainly(data, announced) or _whole(data, announced)


def _plainly(data: bytes, type_: str) -> Business | None:
    """The message where its documents are written plainly and the rest holds no fault."""
    found = plain.read(data, type_) if type_ in settings.declared() and settings.profile()["read_plainly"] else None
    if found is None:
        return None
    try:
        root = _checked(found.frame, type_)
    except Unreadable:
        return None
    declared = settings.declared()[type_]
    if len(root.findall(f"{{{settings.namespace()}}}{declared.document}")) != 1:
        return None
    business = _read(root, declared, list(map(Document, found.heads, found.lines)))
    business.plain = found
    return business if _filled(business) else None


def _whole(data: bytes, announced: str) -> Business:
    root, declared = _checked(data, announced), settings.declared()[announced]
    found = _read(root, declared, _documents(root, declared))
    if not _filled(found):
        raise Unreadable(f"缺少必填项 missing {', '.join(declared.needed)}", announced)
    return found


def _checked(data: bytes, announced: str) -> etree._Element:
    """The root of a message that fits the schema of the announced type. Raises Unreadable."""
    try:
        root = envelope.safe_root(data)
    except ValueError as error:
        raise Unreadable(f"报文格式错误 {error}") from error
    name = etree.QName(root)
    if name.namespace != settings.namespace() or name.localname not in settings.declared():
        raise Unreadable(f"报文类型不支持 unknown message {str(root.tag)[:120]}")
    if name.localname != announced:
        raise Unreadable(f"报文类型与MsgType不符 MsgType says {announced}", name.localname)
    if plain.PRIVATE in data and any(mark in data for mark in _FORBIDDEN):
        raise Unreadable("报文含非法字符 private-use character U+E000 or U+E001", name.localname)
    _schema(root, name.localname)
    return root


def _filled(business: Business) -> bool:
    """Whether every document has what a receipt needs to name it."""
    return all(document.head[name].strip() for name in business.declared.needed for document in business.documents)


def _schema(root: etree._Element, type_: str) -> None:
    validator = _mine("schema", type_, _validator)
    if not validator.validate(root):
        faults = "; ".join(f"line {entry.line}: {entry.message}" for entry in list(validator.error_log)[:10])
        raise Unreadable(f"不能通过schema验证 {faults}"[:4000], type_)


def _read(root: etree._Element, declared: Declared, documents: list[Document]) -> Business:
    ns = f"{{{settings.namespace()}}}"
    transfer = f"{ns}BaseTransfer/{ns}"
    subscriptions = root.findall(f"{ns}BaseSubscribe")
    wanted = [s.findtext(f"{ns}dxpAddress", "") for s in subscriptions if s.findtext(f"{ns}status") in ("ALL", "RET")]
    return Business(
        declared, root.get("guid", ""), root.findtext(f"{transfer}copCode", ""), root.findtext(f"{transfer}dxpId", ""),
        wanted, documents, root,
    )  # fmt: skip


def _documents(root: etree._Element, declared: Declared) -> list[Document]:
    columns = declared.columns
    found: list[Document] = []
    for row in str(_mine("stylesheet", declared.type, _stylesheet)(root)).split(ROW)[:-1]:
        kind, *cells = row.split(CELL)
        if kind == "H":
            found.append(Document(dict(zip(columns, cells, strict=True))))
        else:
            found[-1].lines.append(cells)
    return found


def _mine(kind: str, type_: str, make: Callable[[str], Any]) -> Any:
    """This thread's own compiled object: neither schemas nor stylesheets are shared between threads."""
    kept: dict[Any, Any] = _of_thread.__dict__
    if (kind, type_) not in kept:
        with _making:
            kept[kind, type_] = make(type_)
    return kept[kind, type_]


def _validator(type_: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(schema.xsd(type_)))


def _stylesheet(type_: str) -> etree.XSLT:
    declared = settings.declared()[type_]
    head = f"c:{declared.head}/c:" if declared.head else "c:"
    rows = _row("H", [head + name for name in declared.columns])
    if declared.list:
        lines = _row("L", ["c:" + name for name in declared.lines])
        rows += f'<xsl:for-each select="c:{declared.list}">{lines}</xsl:for-each>'
    text = (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" '
        f'xmlns:c="{settings.namespace()}"><xsl:output method="text" encoding="UTF-8"/><xsl:template match="/">'
        f'<xsl:for-each select="c:{declared.type}/c:{declared.document}">{rows}</xsl:for-each>'
        "</xsl:template></xsl:stylesheet>"
    )
    return etree.XSLT(etree.fromstring(text))


def _row(kind: str, paths: list[str]) -> str:
    cells = "".join(f'<xsl:text>{CELL}</xsl:text><xsl:value-of select="{path}"/>' for path in paths)
    return f"<xsl:text>{kind}</xsl:text>{cells}<xsl:text>{ROW}</xsl:text>"

"""Reader: any message we know, whatever its prefix, byte order mark, encoding, order or unknown element.

A document with a DOCTYPE is refused outright. Values come back by column, one list a tag, '' where absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

from mappings.engine.spec import MessageSpec, Segment, load
from mappings.errors import DataFault, Unsupported

MAX_BYTES = 64 * 1024 * 1024
_REFUSED = "The message has a DOCTYPE, which is refused 报文含有 DOCTYPE，拒绝读取"
_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_CHINESE = (b"gb2312", b"gbk", b"gb18030", b"gb_2312-80")
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_PROLOG = re.compile(rb"(?>\s+|<\?(?s:.*?)\?>|<!--(?s:.*?)-->)*+<!DOCTYPE", re.IGNORECASE)


@dataclass
class Reading:
    """A message as read: `groups[segment][tag]` is a column, `parents[segment]` the parent's row number."""

    type: str
    guid: str
    spec: MessageSpec
    root: etree._Element
    groups: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    parents: dict[str, list[int]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def count(self, segment: str) -> int:
        """How many of this segment the message has."""
        return len(self.parents.get(segment, []))


def parse(xml: bytes) -> etree._Element:
    """The root element of safe XML. Raises DataFault with line and reason where it is none."""
    if len(xml) > MAX_BYTES:
        raise DataFault(f"Message of {len(xml)} bytes is over the limit of {MAX_BYTES} 报文超过大小上限")
    data = xml.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not data:
        raise DataFault("The message is empty 报文为空")
    if _PROLOG.match(data):
        raise DataFault(_REFUSED)
    declared = _DECLARED.match(data)
    encoding = _encoding(data, declared[1].lower() if declared else b"")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, encoding=encoding)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise DataFault(f"The message is not readable XML 报文不是有效的 XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding that hid it from the look above
        raise DataFault(_REFUSED)
    return root


def _encoding(data: bytes, declared: bytes) -> str | None:
    """Chinese bytes are Chinese, whatever the prolog says of them; None leaves it to the parser."""
    if declared in _CHINESE:
        return "gb18030"
    if declared in (b"", b"utf-8", b"utf8") and not data.startswith(_WIDE) and not _is(data, "utf-8"):
        return "gb18030" if _is(data, "gb18030") else None
    return None


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def name(element: etree._Element | None) -> str:
    """The local name; '' for none, a comment or a processing instruction."""
    return _local(element.tag) if element is not None and isinstance(element.tag, str) else ""


def _text(element: etree._Element) -> str:
    """All text below an element, without what comments say."""
    return "".join(map(str, element.itertext())) if len(element) else element.text or ""


def _take(reading: Reading, segment: Segment, element: etree._Element, parent: int, path: str) -> None:
    columns = reading.groups.setdefault(segment.tag, {f.tag: [] for f in segment.fields})
    rows = reading.parents.setdefault(segment.tag, [])
    row = len(rows)
    rows.append(parent)
    for column in columns.values():
        column.append("")
    if segment.any or segment.signature:
        return
    for child in element:
        tag = name(child)
        if tag in columns:
            columns[tag][row] = _text(child)
        elif tag in segment.contains:
            _take(reading, reading.spec.segments[tag], child, row, f"{path}/{tag}")
        elif tag:
            reading.unknown.append(f"{path}/{tag}")


def read(xml: bytes) -> Reading:
    """The message in `xml`. Raises DataFault (not readable, DOCTYPE) or Unsupported (no such message type)."""
    return read_tree(parse(xml))


def read_tree(root: etree._Element) -> Reading:
    """The message under an element already parsed safely. Raises Unsupported."""
    kind = name(root)
    spec = load(kind)
    reading = Reading(kind, root.get("guid", ""), spec, root)
    top = {("Signature" if spec.segments[t].signature else t): spec.segments[t] for t in spec.root}
    for segment in spec.segments.values():
        reading.groups.setdefault(segment.tag, {f.tag: [] for f in segment.fields})
        reading.parents.setdefault(segment.tag, [])
    for child in root:
        tag = name(child)
        if tag in top:
            _take(reading, top[tag], child, 0, f"{kind}/{tag}")
        elif tag:
            reading.unknown.append(f"{kind}/{tag}")
    if not reading.parents[spec.document]:
        raise Unsupported(f"{kind} holds no {spec.document} 报文中没有单证 {spec.document}")
    return reading

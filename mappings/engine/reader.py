"""Reader: any message we know, whatever its prefix, byte order mark, encoding, order or unknown element.

A document with a DOCTYPE is refused outright. Values come back by column, one list a tag, '' where absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from mappings.engine.spec import MessageSpec, Segment, load
from mappings.errors import DataFault, Unsupported

MAX_BYTES = 64 * 1024 * 1024
_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)


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
    if _DOCTYPE.search(data.replace(b"\x00", b"")):
        raise DataFault("The message has a DOCTYPE, which is refused 报文含有 DOCTYPE，拒绝读取")
    declared = _DECLARED.match(data)
    encoding = "gb18030" if declared and declared[1].lower() in (b"gb2312", b"gbk") else None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, encoding=encoding)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise DataFault(f"The message is not readable XML 报文不是有效的 XML: {error}") from error


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


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
        name = _name(child)
        if name in columns:
            columns[name][row] = "".join(map(str, child.itertext())) if len(child) else child.text or ""
        elif name in segment.contains:
            _take(reading, reading.spec.segments[name], child, row, f"{path}/{name}")
        elif name:
            reading.unknown.append(f"{path}/{name}")


def read(xml: bytes) -> Reading:
    """The message in `xml`. Raises DataFault (not readable, DOCTYPE) or Unsupported (no such message type)."""
    return read_tree(parse(xml))


def read_tree(root: etree._Element) -> Reading:
    """The message under an element already parsed safely. Raises Unsupported."""
    name = _name(root)
    spec = load(name)
    reading = Reading(name, root.get("guid", ""), spec, root)
    top = {("Signature" if spec.segments[t].signature else t): spec.segments[t] for t in spec.root}
    for segment in spec.segments.values():
        reading.groups.setdefault(segment.tag, {f.tag: [] for f in segment.fields})
        reading.parents.setdefault(segment.tag, [])
    for child in root:
        tag = _name(child)
        if tag in top:
            _take(reading, top[tag], child, 0, f"{name}/{tag}")
        elif tag:
            reading.unknown.append(f"{name}/{tag}")
    if not reading.parents[spec.document]:
        raise Unsupported(f"{name} holds no {spec.document} 报文中没有单证 {spec.document}")
    return reading

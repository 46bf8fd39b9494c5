"""Any message we know as rows by segment, and back to canonical XML: the workbench's own form, for both directions.

The writer by columns (writer.py) makes what we declare, from canonical values; this one turns round whatever was read,
receipts and types that nothing here fills included. Unlike `reader.Reading` a row tells an absent element (no key)
from an empty one (''). A signature is never kept: it would not hold for a changed message. What a message has and its
file does not know is named in `dropped`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from mappings.engine import explain, reader
from mappings.engine.explain import Problem
from mappings.engine.rows import escaped
from mappings.engine.schema import DS
from mappings.engine.spec import MessageSpec, Segment, load
from mappings.engine.writer import XSI
from mappings.errors import DataFault

CONTENT = "#xml"  # the key of what a segment of free content holds, as exclusive canonical XML
NAMESPACES = {"ds": DS}


@dataclass
class Row:
    """One occurrence of a segment: the row number (from 0) of the one around it, and the values that are there."""

    parent: int
    values: dict[str, str] = field(default_factory=dict)


@dataclass
class Tree:
    """A message: `rows[segment]` in document order. `masked` says that people's values were taken out of it."""

    type: str
    attributes: dict[str, str]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    signed: bool = False
    masked: bool = False

    @property
    def spec(self) -> MessageSpec:
        """The message file."""
        return load(self.type)

    def same(self, other: Tree) -> bool:
        """Whether both say the same, whatever was dropped or signed."""
        return (self.type, self.attributes, self.rows) == (other.type, other.attributes, other.rows)


def free_content(element: etree._Element) -> str:
    """What stands inside an element, as exclusive canonical XML."""
    bare = copy.deepcopy(element)
    bare.attrib.clear()
    bare.tail = None
    text = etree.tostring(bare, method="c14n", exclusive=True, with_comments=False).decode()
    return text[text.index(">") + 1 : text.rindex("</")]


def _strays(element: etree._Element, path: str) -> Iterator[str]:
    """What an element of elements holds besides them: attributes, text, comments, instructions."""
    yield from (f"{path}/@{etree.QName(name).localname}" for name in map(str, element.attrib))
    for child in element:
        if child.tag is etree.Comment:
            yield f"{path} (comment 注释)"
        elif not isinstance(child.tag, str):
            yield f"{path} (processing instruction 处理指令)"
    texts = [element.text, *(child.tail for child in element)]
    yield from (f"{path} (text 文字)" for text in texts if text and text.strip())


def _value(tree: Tree, row: Row, child: etree._Element, path: str) -> None:
    tag = reader.name(child)
    here = f"{path}/{tag}"
    if tag in row.values:
        tree.dropped.append(f"{here} (again 重复)")
    row.values[tag] = "".join(map(str, child.itertext())) if len(child) else child.text or ""
    tree.dropped += [f"{here}/@{etree.QName(name).localname}" for name in map(str, child.attrib)]
    tree.dropped += [f"{here}/{reader.name(inner) or '(comment 注释)'}" for inner in child]


def _take(tree: Tree, segment: Segment, element: etree._Element, parent: int, path: str) -> None:
    rows = tree.rows.setdefault(segment.tag, [])
    number, row = len(rows), Row(parent)
    rows.append(row)
    if segment.any:
        row.values[CONTENT] = free_content(element)
        tree.dropped += [f"{path}/@{etree.QName(name).localname}" for name in map(str, element.attrib)]
        return
    tree.dropped += _strays(element, path)
    tags = {item.tag for item in segment.fields}
    for child in element:
        tag = reader.name(child)
        if tag in tags:
            _value(tree, row, child, path)
        elif tag in segment.contains:
            _take(tree, tree.spec.segments[tag], child, number, f"{path}/{tag}")
        elif tag:
            tree.dropped.append(f"{path}/{tag}")


def of(reading: reader.Reading) -> Tree:
    """The rows of a message that was read."""
    spec, root = reading.spec, reading.root
    known = {name: value for name in spec.attributes if (value := root.get(name)) is not None}
    tree = Tree(reading.type, known)
    for child in root:
        tag = reader.name(child)
        segment = next((spec.segments[t] for t in spec.root if t.rpartition(":")[2] == tag), None)
        if segment is None:
            tree.dropped += [f"{spec.type}/{tag}"] if tag else []
        elif segment.signature:
            tree.signed = True
        else:
            _take(tree, segment, child, 0, f"{spec.type}/{tag}")
    strays = _strays(root, spec.type)
    expected = {f"{spec.type}/@{name}" for name in known} | {f"{spec.type}/@schemaLocation"}
    tree.dropped += [stray for stray in strays if stray not in expected]
    return tree


def read(xml: bytes) -> Tree:
    """The rows of a message. Raises DataFault (not readable, DOCTYPE) or Unsupported (no such message type)."""
    return of(reader.read(xml))


def _attribute(text: str) -> str:
    known = escaped([text])[0].replace("&gt;", ">").replace('"', "&quot;")
    return known.replace("\t", "&#x9;").replace("\n", "&#xA;")


@dataclass
class _Writing:
    """The pieces of a message, one row of a segment a line where `lines` is asked for, and whose row each line is."""

    tree: Tree
    lines: bool = False
    pieces: list[str] = field(default_factory=list)
    owners: list[tuple[str, int]] = field(default_factory=lambda: [("", 0)])
    inside: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for tag, rows in self.tree.rows.items():
            for number, row in enumerate(rows):
                self.inside.setdefault((tag, row.parent), []).append(number)

    def segment(self, segment: Segment, parent: int) -> None:
        """All rows of a segment inside one row of the segment around it."""
        for number in self.inside.get((segment.tag, parent), ()):
            self.row(segment, number)

    def row(self, segment: Segment, number: int) -> None:
        """One row with all that is in it."""
        prefix, values = self.tree.spec.prefix, self.tree.rows[segment.tag][number].values
        if self.lines:
            self.pieces.append("\n")
            self.owners.append((segment.tag, number))
        self.pieces.append(f"<{prefix}:{segment.tag}>")
        present = [item.tag for item in segment.fields if item.tag in values]
        for tag, text in zip(present, escaped([values[tag] for tag in present]), strict=True):
            self.pieces.append(f"<{prefix}:{tag}>{text}</{prefix}:{tag}>")
            if self.lines:
                self.owners += [(segment.tag, number)] * text.count("\n")
        if segment.any:
            self.pieces.append(values.get(CONTENT, ""))
            self.owners += [(segment.tag, number)] * (values.get(CONTENT, "").count("\n") if self.lines else 0)
        for tag in segment.contains:
            self.segment(self.tree.spec.segments[tag], number)
        self.pieces.append(f"</{prefix}:{segment.tag}>")

    def whole(self, signature: str = "") -> bytes:
        """The message; `signature` stands in where the message file has one."""
        spec, tree = self.tree.spec, self.tree
        named = "".join(f' {name}="{_attribute(tree.attributes[name])}"' for name in sorted(tree.attributes))
        self.pieces.append(
            f'<{spec.prefix}:{spec.type} xmlns:{spec.prefix}="{spec.namespace}" xmlns:xsi="{XSI}"{named}>'
        )
        for tag in spec.root:
            if spec.segments[tag].signature:
                self.pieces.append(signature)
            else:
                self.segment(spec.segments[tag], 0)
        self.pieces.append(f"</{spec.prefix}:{spec.type}>")
        return "".join(self.pieces).encode()


def write(tree: Tree) -> bytes:
    """Canonical XML of a message, without signature. Raises DataFault for what XML cannot hold, or a masked message."""
    if tree.masked:
        raise DataFault("A masked table cannot be turned back into a message 已脱敏的表格不能转换回报文")
    body = _Writing(tree).whole()
    if any(CONTENT in row.values for rows in tree.rows.values() for row in rows):  # its own declarations of namespaces
        return etree.tostring(reader.parse(body), method="c14n", with_comments=False)
    return body


@dataclass(frozen=True)
class Misfit:
    """A fault of a message, and the segment and row number (from 1; 0 for the message itself) it stands in."""

    segment: str
    row: int
    problem: Problem


def check(tree: Tree, strict: bool = False) -> list[Misfit]:
    """What the schema and the code lists say against a message; that it has no signature (yet) is no fault."""
    writing = _Writing(tree, lines=True)
    problems = explain.check(writing.whole(f'<ds:Signature xmlns:ds="{DS}"/>'), strict)
    owners = writing.owners
    found = []
    for problem in problems:
        segment, number = owners[min(problem.line, len(owners)) - 1] if problem.line else ("", -1)
        found.append(Misfit(segment, number + 1 if segment else 0, problem))
    return found

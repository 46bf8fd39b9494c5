"""Writer: a whole truck's documents by columns, in canonical XML that can be hashed as it stands.

Constants are folded into few pieces per segment; a row is then one join of these with its values (half the time
of "%" or an f-string, as measured).
The root declares exactly xmlns:<prefix> and xmlns:xsi, as the signature of the interface wants (see signature.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise, repeat

import numpy as np

from mappings.engine.rows import Rows, Value, escaped, texts
from mappings.engine.spec import Field, MessageSpec, Segment, load
from mappings.errors import DataFault

XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True)
class Written:
    """One message: its bytes (canonical XML, not signed) and the documents [start, stop) in it."""

    guid: str
    body: bytes
    start: int
    stop: int


@dataclass
class _Template:
    """A row's constants and columns in their order; neighbouring constants are one piece."""

    pieces: list[str | list[str]] = field(default_factory=list)

    def constant(self, text: str) -> None:
        if self.pieces and isinstance(self.pieces[-1], str):
            self.pieces[-1] += text
        else:
            self.pieces.append(text)

    def column(self, column: list[str]) -> None:
        self.pieces.append(column)

    def rows(self, count: int) -> list[str]:
        """The text of each of `count` rows."""
        columns = [repeat(piece, count) if isinstance(piece, str) else piece for piece in self.pieces]
        return list(map("".join, zip(*columns, strict=True)))


def _write_field(template: _Template, spec: MessageSpec, item: Field, rows: Rows) -> None:
    value = texts(spec, item, rows)
    start, end = f"<{spec.prefix}:{item.tag}>", f"</{spec.prefix}:{item.tag}>"
    if isinstance(value, str):
        if value or item.use == "M":
            template.constant(start + escaped([value])[0] + end)
        return
    value = escaped(value)
    if item.use == "M" or "" not in value:
        template.constant(start)
        template.column(value)
        template.constant(end)
    elif any(value):
        template.column([f"{start}{text}{end}" if text else "" for text in value])


def _write_segment(
    template: _Template, spec: MessageSpec, segment: Segment, rows: Rows, lists: Mapping[str, Rows]
) -> None:
    template.constant(f"<{spec.prefix}:{segment.tag}>")
    for item in segment.fields:
        _write_field(template, spec, item, rows)
    for tag in segment.contains:
        child = spec.segments[tag]
        if child.repeats and tag in lists:
            template.column(_joined(spec, child, lists[tag], rows))
        elif not child.repeats:
            _write_segment(template, spec, child, rows, lists)
    template.constant(f"</{spec.prefix}:{segment.tag}>")


def _joined(spec: MessageSpec, segment: Segment, rows: Rows, outer: Rows) -> list[str]:
    """The rows of a repeated segment, joined per row of the enclosing one."""
    if rows.owner is None:
        raise DataFault(f"{spec.type} {segment.tag}: the rows do not say whose they are")
    template = _Template()
    _write_segment(template, spec, segment, rows.within(outer), {})
    pieces = template.rows(rows.count)
    bounds = np.searchsorted(rows.owner, np.arange(outer.count + 1)).tolist()
    return ["".join(pieces[a:b]) for a, b in pairwise(bounds)]


def documents(spec: MessageSpec, rows: Rows, lists: Mapping[str, Rows] | None = None) -> list[str]:
    """The text of every document, one a row."""
    template = _Template()
    _write_segment(template, spec, spec.segments[spec.document], rows, lists or {})
    return template.rows(rows.count)


def _attribute(text: str) -> str:
    """A text as an attribute's value in canonical XML: ">" stands as it is, white space other than a blank does not."""
    known = escaped([text])[0].replace("&gt;", ">").replace('"', "&quot;")
    return known.replace("\t", "&#x9;").replace("\n", "&#xA;")


def _root(spec: MessageSpec, guid: str, reference: str) -> str:
    values = {"guid": guid, "version": spec.version, "reference": reference}
    attributes = "".join(f' {name}="{_attribute(values[name])}"' for name in sorted(spec.attributes))
    return f'<{spec.prefix}:{spec.type} xmlns:{spec.prefix}="{spec.namespace}" xmlns:xsi="{XSI}"{attributes}>'


def _around(spec: MessageSpec, values: Mapping[str, Value]) -> tuple[str, str]:
    """What stands before and after the documents."""
    parts: dict[bool, str] = {False: "", True: ""}
    after = False
    for tag in spec.root:
        segment = spec.segments[tag]
        if tag == spec.document:
            after = True
        elif segment.least and not segment.signature:
            template = _Template()
            _write_segment(template, spec, segment, Rows(values, 1), {})
            parts[after] += template.rows(1)[0]
    return parts[False], parts[True]


def write(
    message_type: str,
    rows: Rows,
    lists: Mapping[str, Rows] | None,
    message: Mapping[str, Value],
    guids: list[str],
    batch_of: int = 100,
) -> list[Written]:
    """Messages of at most `batch_of` documents (never more than the schema allows).

    `rows` has one row a document, `lists` the rows of each repeated segment, `message` the message.* values,
    `guids` at least as many identities as there are messages.
    """
    spec = load(message_type)
    size = min(batch_of, spec.most_documents)
    texts_ = documents(spec, rows, lists)
    before, after = _around(spec, message)
    end = f"</{spec.prefix}:{spec.type}>"
    written = []
    for guid, start in zip(guids, range(0, len(texts_), size), strict=False):
        part = texts_[start : start + size]
        body = "".join((_root(spec, guid, str(message.get("message.reference", ""))), before, *part, after, end))
        written.append(Written(guid, body.encode(), start, start + len(part)))
    if written and written[-1].stop != len(texts_):
        raise DataFault(f"{message_type}: {len(guids)} identities are too few for {len(texts_)} documents")
    return written

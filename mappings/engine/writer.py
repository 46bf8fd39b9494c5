"""Writer: a whole truck's documents by columns, in canonical XML that can be hashed as it stands.

Constants are folded into few pieces per segment; rows are joined of these and their values by Arrow, all at once, and
messages are cut out of the bytes of that (see columns.py). While they are written, the columns are held against the
schema's facets (proof.py): where all pass, the documents do, and a message's frame stands for it when it is checked.
The root declares exactly xmlns:<prefix> and xmlns:xsi, as the signature of the interface wants (see signature.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from mappings.engine import columns, proof
from mappings.engine.rows import Rows, Value, column_of, escaped, escaped_column
from mappings.engine.spec import Field, MessageSpec, Segment, load
from mappings.errors import DataFault

XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True)
class Written:
    """One message: its bytes (canonical XML, not signed) and the documents [start, stop) in it.

    `frame` is the same message with its first document only, where all documents were seen to pass the schema.
    """

    guid: str
    body: bytes
    start: int
    stop: int
    frame: bytes = b""


@dataclass
class _Template:
    """A row's constants and columns in their order; neighbouring constants are one piece.

    `passes`: all that was put in so far surely passes the schema.
    """

    pieces: list[str | pa.LargeStringArray] = field(default_factory=list)
    passes: bool = True

    def constant(self, text: str) -> None:
        if self.pieces and isinstance(self.pieces[-1], str):
            self.pieces[-1] += text
        else:
            self.pieces.append(text)

    def column(self, column: pa.LargeStringArray) -> None:
        self.pieces.append(column)

    def must(self, passes: bool) -> None:
        self.passes = self.passes and passes

    def rows(self, count: int) -> pa.LargeStringArray:
        """The text of each of `count` rows."""
        return columns.joined(self.pieces, count)


def _write_field(template: _Template, spec: MessageSpec, item: Field, rows: Rows) -> None:
    value = column_of(spec, item, rows)
    start, end = f"<{spec.prefix}:{item.tag}>", f"</{spec.prefix}:{item.tag}>"
    if isinstance(value, str):
        if value or item.use == "M":
            template.constant(start + escaped([value])[0] + end)
            template.must(proof.passes(item, value))
        return
    template.must(proof.passes(item, value))
    sizes, value = columns.sizes(value), escaped_column(value)
    if item.use == "M" or sizes.all():
        template.constant(start)
        template.column(value)
        template.constant(end)
    elif sizes.any():
        template.column(columns.wrapped(start, value, end))


def _write_segment(
    template: _Template, spec: MessageSpec, segment: Segment, rows: Rows, lists: Mapping[str, Rows]
) -> None:
    template.constant(f"<{spec.prefix}:{segment.tag}>")
    for item in segment.fields:
        _write_field(template, spec, item, rows)
    for tag in segment.contains:
        child = spec.segments[tag]
        if child.repeats and tag in lists:
            text, passes = _joined(spec, child, lists[tag], rows)
            template.column(text)
            template.must(passes)
        elif not child.repeats:
            _write_segment(template, spec, child, rows, lists)
            template.must(not child.signature)
        else:
            template.must(not child.least)
    template.constant(f"</{spec.prefix}:{segment.tag}>")


def _joined(spec: MessageSpec, segment: Segment, rows: Rows, outer: Rows) -> tuple[pa.LargeStringArray, bool]:
    """The rows of a repeated segment, joined per row of the enclosing one; whether they surely pass the schema."""
    if rows.owner is None:
        raise DataFault(f"{spec.type} {segment.tag}: the rows do not say whose they are")
    template = _Template()
    _write_segment(template, spec, segment, rows.within(outer), {})
    bounds = np.searchsorted(rows.owner, np.arange(outer.count + 1))
    counts = np.diff(bounds)
    passes = template.passes and proof.lines_pass(segment, counts.min(initial=2**31), counts.max(initial=0))
    return columns.grouped(template.rows(rows.count), bounds), passes


def _documents(spec: MessageSpec, rows: Rows, lists: Mapping[str, Rows] | None) -> tuple[pa.LargeStringArray, bool]:
    template = _Template()
    _write_segment(template, spec, spec.segments[spec.document], rows, lists or {})
    return template.rows(rows.count), template.passes


def documents(spec: MessageSpec, rows: Rows, lists: Mapping[str, Rows] | None = None) -> list[str]:
    """The text of every document, one a row."""
    return columns.listed(_documents(spec, rows, lists)[0])


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
            parts[after] += template.rows(1)[0].as_py()
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
    text, passes = _documents(spec, rows, lists)
    every, bounds = columns.data(text)
    before, after = _around(spec, message)
    reference, end = str(message.get("message.reference", "")), f"{after}</{spec.prefix}:{spec.type}>".encode()
    written = []
    for guid, start in zip(guids, range(0, rows.count, size), strict=False):
        stop = min(start + size, rows.count)
        head = f"{_root(spec, guid, reference)}{before}".encode()
        body = b"".join((head, every[bounds[start] : bounds[stop]], end))
        alone = body if stop == start + 1 else b"".join((head, every[bounds[start] : bounds[start + 1]], end))
        written.append(Written(guid, body, start, stop, alone if passes else b""))
    if written and written[-1].stop != rows.count:
        raise DataFault(f"{message_type}: {len(guids)} identities are too few for {rows.count} documents")
    return written

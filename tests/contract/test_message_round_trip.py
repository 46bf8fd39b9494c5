"""What is written is what is read: any value that a message file allows, through writer, schema, C14N and reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from mappings.canonical.columns import SCALE
from mappings.clock import CHINA
from mappings.engine import codes, reader, schema, spec, tree, writer
from mappings.engine.fit import misfits
from mappings.engine.rows import TIMES, Rows
from mappings.engine.spec import Field, MessageSpec, Segment
from mappings.identity import seeded

WRITTEN = [f"CEB{n}Message" for n in (303, 403, 505, 603, 607, 507, 509, 311, 411, 511, 513, 621, 711)]
SPECIAL = "&<>\"'%{}\\\r\n\t \u3000０１２Ａ中文鬱İß\U0001f69a\U00020bb7\u0301\u200b\ufeff]]>"
SIGNATURE = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>'
CHARACTERS = st.one_of(
    st.sampled_from(SPECIAL), st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
)
INSTANTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def text_of(item: Field) -> st.SearchStrategy[str]:
    most = item.length or 40
    if item.fixed:
        full = st.text(CHARACTERS, min_size=most, max_size=most) | st.just("0" * most)
        return full if item.use == "M" else full | st.just("")
    least = 1 if item.use == "M" and not item.default else 0
    return st.text(CHARACTERS, min_size=least, max_size=min(most, 12)) | st.sampled_from(
        ["0" * most, "\U0001f69a" * most]
    )


def number_of(item: Field) -> st.SearchStrategy[int]:
    if item.decimals:
        return st.integers(0, 10**13 * SCALE // 2) | st.sampled_from([0, 1, SCALE, 10 * SCALE, SCALE // 2])
    return st.integers(0, 10 ** min(item.length or 9, 15) - 1)


def coded(message: MessageSpec, item: Field) -> list[str]:
    """Canonical values that the list has a code for."""
    listed = codes.load(message.authority, item.code)
    if not listed.translates:
        return sorted(listed.codes)
    return [*sorted({c.canonical for c in listed.codes.values() if c.canonical}), "CN:" + min(listed.codes)]


def value_of(message: MessageSpec, fields: list[Field]) -> st.SearchStrategy[Any]:
    """A value that all fields filled from one path can take."""
    if any(item.format for item in fields):
        return INSTANTS
    if any(item.code for item in fields):
        return st.sampled_from(coded(message, next(item for item in fields if item.code)))
    tightest = min(fields, key=lambda item: (not item.fixed, item.use != "M", item.length or 999))
    shortest = min(item.length or 999 for item in fields)
    narrow = Field(**{**tightest.__dict__, "length": shortest})
    return text_of(narrow) if narrow.kind == "C" else number_of(narrow)


def by_path(fields: list[Field]) -> dict[str, list[Field]]:
    found: dict[str, list[Field]] = {}
    for item in fields:
        if item.source:
            found.setdefault(item.source, []).append(item)
    return found


@dataclass
class Case:
    """Values by path as lists, one a document or one a line, and how they lie."""

    heads: dict[str, list[Any]]
    lines: dict[str, list[Any]]
    owner: list[int]
    message: dict[str, Any]

    @property
    def count(self) -> int:
        return len(next(iter(self.heads.values())))


def listed_segment(message: MessageSpec) -> Segment | None:
    inside = message.segments[message.document].contains
    return next((message.segments[t] for t in inside if message.segments[t].repeats), None)


def head_segments(message: MessageSpec) -> list[Segment]:
    inside = (message.segments[tag] for tag in message.segments[message.document].contains)
    return [message.segments[message.document], *(s for s in inside if not s.repeats)]


def head_fields(message: MessageSpec) -> list[Field]:
    return [item for segment in head_segments(message) for item in segment.fields]


@st.composite
def cases(draw: st.DrawFn, message: MessageSpec) -> Case:
    count = draw(st.integers(1, min(4, message.most_documents)))
    repeated = listed_segment(message)
    owner = sorted(draw(st.lists(st.integers(0, count - 1), max_size=4)) + list(range(count))) if repeated else []

    def columns(fields: list[Field], length: int) -> dict[str, list[Any]]:
        return {
            path: draw(st.lists(value_of(message, alike), min_size=length, max_size=length))
            for path, alike in by_path(fields).items()
        }

    tail = columns(list(message.segments["BaseTransfer"].fields), 1)
    lines = columns(list(repeated.fields), len(owner)) if repeated else {}
    return Case(columns(head_fields(message), count), lines, owner, {path: v[0] for path, v in tail.items()})


def series(values: list[Any]) -> pd.Series:
    if isinstance(values[0], datetime):
        return pd.Series(pd.to_datetime(values, utc=True)).astype("datetime64[us, UTC]")
    return pd.Series(values, dtype="str" if isinstance(values[0], str) else "Int64")


def expected(message: MessageSpec, item: Field, value: Any) -> str:
    """The text that an element must hold, worked out without the engine's writer."""
    if item.value:
        return item.value
    if isinstance(value, datetime):
        return value.astimezone(CHINA).strftime(TIMES[item.format])
    if isinstance(value, int):
        return str(value)
    if item.code and value:
        listed = codes.load(message.authority, item.code)
        return "" if not listed.outward(value) else listed.outward(value).code  # type: ignore[union-attr]
    return value or item.default


def same(item: Field, read: str, value: Any, message: MessageSpec) -> bool:
    if item.decimals and isinstance(value, int):
        return Decimal(read) == Decimal(value) / SCALE and "E" not in read and not (read.endswith("0") and "." in read)
    return read == expected(message, item, value)


def write(message: MessageSpec, case: Case, batch_of: int = 100) -> list[writer.Written]:
    rows = Rows({path: series(values) for path, values in case.heads.items()}, case.count)
    repeated = listed_segment(message)
    lists = {}
    if repeated:
        line_values = {path: series(values) for path, values in case.lines.items()}
        lists = {repeated.tag: Rows(line_values, len(case.owner), np.array(case.owner))}
    assert not misfits(message, rows, lists)
    return writer.write(message.type, rows, lists, case.message, seeded(1).guids(case.count), batch_of)


@pytest.mark.parametrize("message_type", WRITTEN)
@settings(max_examples=25)
@given(data=st.data())
def test_what_is_written_is_read_back(message_type: str, data: st.DataObject) -> None:
    message = spec.load(message_type)
    case = data.draw(cases(message))
    (written,) = write(message, case)
    root = etree.fromstring(written.body)
    assert etree.tostring(root, method="c14n") == written.body
    if any(s.signature and s.least for s in message.segments.values()):
        root.append(etree.fromstring(SIGNATURE))  # mandatory in some types; it comes with the sealing
    validator = schema.validator(message_type, strict=True)
    assert validator.validate(root), validator.error_log.last_error
    reading = reader.read(written.body)
    assert reading.guid == written.guid
    assert not reading.unknown
    assert tree.write(tree.of(reading)) == written.body, "the writer of any type writes the same"
    repeated = listed_segment(message)
    for segment, item in message.walk():
        column = reading.groups[segment.tag][item.tag]
        if segment.tag == (repeated.tag if repeated else ""):
            values = case.lines.get(item.source, [""] * len(case.owner))
            assert reading.parents[segment.tag] == case.owner
        elif segment.tag == "BaseTransfer":
            values = [case.message.get(item.source, "")]
        elif segment in head_segments(message):
            values = case.heads.get(item.source, [""] * case.count)
        else:
            assert column == []
            continue
        assert len(column) == len(values)
        for text, value in zip(column, values, strict=True):
            assert same(item, text, value, message), (item.tag, text, value)


@pytest.mark.parametrize("message_type", WRITTEN)
def test_optional_elements_without_a_value_are_left_out(message_type: str) -> None:
    message = spec.load(message_type)
    free_text = [f for f in head_fields(message) if f.kind == "C" and not f.format and not f.code]
    items = [item for item in free_text if item.use != "M" and item.source]
    heads: dict[str, list[Any]] = {}
    for path, alike in by_path(head_fields(message)).items():
        if any(item.format for item in alike):
            heads[path] = [datetime(2026, 11, 23, tzinfo=UTC)] * 2
        elif any(item.code for item in alike):
            heads[path] = [coded(message, next(i for i in alike if i.code))[0]] * 2
        elif alike[0].kind == "N":
            heads[path] = [1, 2]
        else:
            free = all(item.use != "M" for item in alike)
            heads[path] = ["", "x"] if free else ["x" * (alike[0].length if alike[0].fixed else 1)] * 2
    rows = Rows({path: series(values) for path, values in heads.items()}, 2)
    texts = writer.documents(message, rows)
    for item in items:
        if all(other.use != "M" for other in by_path(head_fields(message))[item.source]):
            assert f"<ceb:{item.tag}" not in texts[0]
            assert f"<ceb:{item.tag}>x</ceb:{item.tag}>" in texts[1]
    if not any(item.tag == "note" and item.source for item in head_fields(message)):
        assert "<ceb:note" not in "".join(texts)

"""The extremes that a message file's own types allow, in every field of every type, through XML, JSON and workbook."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from mappings.engine import codes, reader, schema, sheets, spec, structured, tree
from mappings.engine.spec import Field, MessageSpec, Segment
from mappings.engine.tree import CONTENT, Row, Tree
from tests.contract.test_message_round_trip import SIGNATURE
from tests.golden.samples import sample

TYPES = spec.all_types()
LONG = 200  # of a text without a length
# outside the BMP, full width, leading zeros, composed, markup, inner blanks
UNITS = ["\U00020bb7", "\U0001f69a", "０", "Ａ", "0", "é", "鬱", "<", "&", "]", '"', "'", "中\U00020bb7", "0０"]


def filled(unit: str, length: int) -> str:
    """As many of the characters of `unit` as a field takes."""
    return (unit * length)[:length]


def texts(item: Field) -> st.SearchStrategy[str]:
    """A text at the field's greatest length, or (not of fixed length) at its least."""
    most = item.length or LONG
    full = st.sampled_from([filled(unit, most) for unit in UNITS])
    return full if item.fixed else full | st.sampled_from([unit[0] for unit in UNITS])


def numbers(item: Field) -> st.SearchStrategy[str]:
    """The greatest, the least and the finest number, with as many digits as the field takes."""
    digits, decimals = item.length or 18, item.decimals or 0
    nines = "9" * (digits - decimals)
    if not decimals:
        return st.sampled_from(["0", "1", nines])
    finest = "0." + "0" * (decimals - 1) + "1"
    fine = st.decimals(0, 10**6, places=decimals).map(lambda d: format(d, "f"))
    return st.sampled_from(["0", finest, f"{nines}.{'9' * decimals}", f"{nines}", "0.10000"[: decimals + 2]]) | fine


def values(message: MessageSpec, item: Field) -> st.SearchStrategy[str]:
    if item.code:
        return st.sampled_from(sorted(codes.load(message.authority, item.code).codes))
    return numbers(item) if item.kind == "N" else texts(item)


@st.composite
def full(draw: st.DrawFn, message: MessageSpec) -> Tree:
    """A message in which every segment stands and every field is filled."""
    made = Tree(message.type, {name: filled("0", 36 if name == "guid" else 10) for name in message.attributes})

    def add(segment: Segment, parent: int) -> None:
        rows = made.rows.setdefault(segment.tag, [])
        row = Row(parent, {item.tag: draw(values(message, item)) for item in segment.fields})
        if segment.any:
            row.values[CONTENT] = "\U00020bb7０0"
        rows.append(row)
        at = len(rows) - 1
        for tag in segment.contains:
            add(message.segments[tag], at)

    for tag in message.root:
        if not message.segments[tag].signature:
            add(message.segments[tag], 0)
    return made


@pytest.mark.parametrize("message_type", TYPES)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_extremes_of_every_field_come_back(message_type: str, data: st.DataObject) -> None:
    message = spec.load(message_type)
    made = data.draw(full(message))
    body = tree.write(made)
    root = etree.fromstring(body)
    if any(s.signature and s.least for s in message.segments.values()):
        root.append(etree.fromstring(SIGNATURE))
    schema.validator(message_type).assertValid(root)
    assert not tree.check(made)
    reading = reader.read(body)
    for segment, item in message.walk():
        written = [row.values[item.tag] for row in made.rows[segment.tag]]
        assert reading.groups[segment.tag][item.tag] == written, item.tag
        if item.kind == "N":
            assert [Decimal(v) for v in reading.groups[segment.tag][item.tag]] == [Decimal(v) for v in written]
    for again in (tree.read(body), structured.loads(structured.dumps(made))):
        assert again.same(made)
        assert tree.write(again) == body


@pytest.mark.parametrize("message_type", TYPES)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_workbook_keeps_the_extremes(message_type: str, data: st.DataObject) -> None:
    made = data.draw(full(spec.load(message_type)))
    assert sheets.loads(sheets.dumps(made)).same(made)


@pytest.mark.parametrize("message_type", TYPES)
def test_one_character_more_than_a_field_takes_is_found(message_type: str) -> None:
    """The extremes are extremes: what is beyond them is told, with segment and row."""
    message = spec.load(message_type)
    found = next(((s, f) for s, f in message.walk() if f.kind == "C" and f.length and not f.code and not s.any), None)
    if found is None:
        pytest.skip("no text of a limited length")
    segment, item = found
    made = tree.read(tree.write(sample(message_type)))
    row = made.rows[segment.tag][0]
    row.values[item.tag] = filled("\U00020bb7", item.length or 0)
    assert not [m for m in tree.check(made) if m.segment == segment.tag]
    row.values[item.tag] += "\U00020bb7"
    assert [(m.segment, m.row) for m in tree.check(made)] == [(segment.tag, 1)]

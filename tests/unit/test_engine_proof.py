"""What the columns are said to pass, libxml2 passes too: field by field, and for whole messages with hostile values."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mappings.engine import columns, proof, schema, spec, writer
from mappings.engine.rows import Rows, escaped, is_column
from mappings.engine.schema import XS
from mappings.engine.spec import Field
from mappings.errors import DataFault
from mappings.identity import seeded
from tasks.conversion import sources
from tasks.conversion.declare import declarations, document_values, parts, rows_of
from tasks.conversion.messages import Making
from tests.factory import make_batch
from tests.unit.test_engine_writer import SENDER, waybills

MAKING = Making(seeded(1), datetime(2026, 11, 23, tzinfo=UTC))
_TYPES = [*spec.all_types("cn_ecommerce"), *spec.all_types("hk_cargo")]
FIELDS: dict[str, tuple[str, Field]] = {  # one of each notation and use
    f"{item.notation} {item.use}": (kind, item)
    for kind in _TYPES
    for segment, item in spec.load(kind).walk()
    if not segment.signature
}
_LETTERS = st.text(st.sampled_from("a ä单😀&<>\"'\r\n\t\u00a0\u0301"), max_size=8)
_NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-(10**15), 10**15, places=5).map(str),
    st.text(st.sampled_from("0019.-+eE ,１٣"), max_size=8),
    st.sampled_from(["", "-", ".", ".5", "5.", "-0", "+1", " 1", "1 ", "1\n", "007", "1e5", "NaN", "INF", "1.2.3"]),
)


def _near(item: Field) -> st.SearchStrategy[str]:
    """Texts about as long as the field allows."""
    length = item.length or 20
    return st.tuples(st.sampled_from("9単a😀"), st.integers(max(0, length - 2), length + 2)).map(lambda c: c[0] * c[1])


@cache
def alone(name: str) -> etree.XMLSchema:
    """A schema for any number of elements of one field, cut out of its message's own."""
    kind, item = FIELDS[name]
    whole = etree.fromstring(schema.xsd(kind, True))
    places = whole.iterfind(f".//{{{XS}}}element[@name='{item.tag}']/{{{XS}}}simpleType/..")
    element = next(found for found in places if _described(found) == _described_by(item))
    simple = etree.tostring(element[-1], encoding="unicode")
    return etree.XMLSchema(
        etree.fromstring(
            f'<xs:schema xmlns:xs="{XS}"><xs:element name="r"><xs:complexType><xs:sequence>'
            f'<xs:element name="e" minOccurs="0" maxOccurs="unbounded">{simple}</xs:element>'
            "</xs:sequence></xs:complexType></xs:element></xs:schema>"
        )
    )


def _described(element: etree._Element) -> set[tuple[str, str]]:
    facets = element.iterfind(f"{{{XS}}}simpleType/{{{XS}}}restriction/*")
    return {(etree.QName(facet).localname, facet.attrib["value"]) for facet in facets} - {("minLength", "1")}


def _described_by(item: Field) -> set[tuple[str, str]]:
    return set(schema.facets(item, False))


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_a_column_that_passes_passes_libxml2(name: str, data: st.DataObject) -> None:
    item = FIELDS[name][1]
    found = data.draw(st.lists(st.one_of(_NUMBERS, _LETTERS, _near(item)), min_size=1, max_size=4))
    if not proof.passes(item, columns.column(found)):
        return
    written = "".join(f"<e>{text}</e>" for raw in found for text in escaped([raw]) if text or item.use == "M")
    assert alone(name).validate(etree.fromstring(f"<r>{written}</r>")), found


@pytest.mark.parametrize("name", FIELDS)
def test_what_a_field_is_made_for_passes(name: str) -> None:
    """Without that every message would be read whole, and nobody would notice but by the time it takes."""
    item = FIELDS[name][1]
    if item.kind == "C":
        longest = "単" * (item.length or 50)
        assert proof.passes(item, longest)
        assert proof.passes(item, columns.column([longest, longest]))
        assert not item.length or not proof.passes(item, longest + "x")
        assert not item.length or not proof.passes(item, columns.column([longest, longest + "x"]))
    else:
        whole = "9" * ((item.length or 18) - (item.decimals or 0))
        longest = f"{whole}.{'9' * item.decimals}" if item.decimals else whole
        assert proof.passes(item, columns.column(["0", "-1", longest]))
        assert not proof.passes(item, columns.column(["0", longest + "9"]))
    assert proof.passes(item, columns.column(["", ""])) is (item.use != "M")
    assert proof.passes(item, columns.column([]))


def _whole(kind: str, message: writer.Written) -> bool:
    return schema.validator(kind, True).validate(etree.fromstring(message.body))


_PATHS = sorted(path for path, value in waybills(3).values.items() if isinstance(value, pd.Series))


@given(st.sampled_from(_PATHS), st.lists(st.one_of(_NUMBERS, _LETTERS, st.text()), min_size=3, max_size=3))
def test_a_message_with_a_frame_passes_whole(path: str, hostile: list[str]) -> None:
    try:
        (made,) = writer.write("CEB505Message", waybills(3).adding({path: hostile}), None, SENDER, seeded(2).guids(1))
    except DataFault:  # a character that no message can hold
        return
    assert not made.frame or _whole("CEB505Message", made)


def test_a_frame_is_the_message_with_its_first_document() -> None:
    for message in declarations(make_batch(3, 2.0), MAKING):
        assert message.framed is not None
        whole, frame = etree.fromstring(message.body), etree.fromstring(message.framed.frame)
        document = f"{{*}}{spec.load(message.type).document}"
        assert len(frame.findall(document)) == 1
        assert [etree.tostring(e) for e in frame if e in frame.findall(document)] == [
            etree.tostring(whole.find(document))  # type: ignore[arg-type]
        ]
        for more in whole.findall(document)[1:]:
            whole.remove(more)
        assert etree.tostring(whole) == etree.tostring(frame)


def _orders(lines: list[int], listing: bool = True, **changes: object) -> writer.Written:
    """CEB303: so many lines for each of two orders, all like the first."""
    batch = make_batch(2, 1.0)
    ((_, part),) = parts(batch, ("CEB303Message",))
    rows, lists = rows_of(part, "CEB303Message", document_values(part, "CEB303Message", MAKING))
    below, owner = lists["OrderList"], np.repeat(np.arange(2), lines)
    like = {
        path: pd.Series(value).iloc[np.zeros(len(owner), dtype=int)].reset_index(drop=True)
        if is_column(value)
        else value
        for path, value in below.values.items()
    }
    listed = {"OrderList": Rows(like | changes, len(owner), owner)} if listing else {}
    sender = sources.sender_values(batch.truck, "seller")
    (made,) = writer.write("CEB303Message", rows, listed, sender, seeded(2).guids(1))
    return made


def test_lines_too_few_or_too_many_leave_no_frame() -> None:
    segment = spec.load("CEB303Message").segments["OrderList"]
    assert segment.most
    good = _orders([1, segment.most])
    assert good.frame
    assert _whole("CEB303Message", good)
    for lines in ([1, 0], [1, segment.most + 1]):
        bad = _orders(lines)
        assert not bad.frame
        assert not _whole("CEB303Message", bad)


def test_a_bad_cell_of_a_line_leaves_no_frame() -> None:
    price = next(f.source for f in spec.load("CEB303Message").segments["OrderList"].fields if f.tag == "price")
    assert _orders([1, 2], **{price: ["1", "1", "1.12345"]}).frame
    bad = _orders([1, 2], **{price: ["1", "1", "1.123456"]})
    assert not bad.frame
    assert not _whole("CEB303Message", bad)


def test_a_list_that_is_wanted_and_not_there_leaves_no_frame() -> None:
    bad = _orders([1, 1], listing=False)
    assert not bad.frame
    assert not _whole("CEB303Message", bad)

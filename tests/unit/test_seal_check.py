"""Nothing leaves that its own schema refuses: every element is named."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from mappings.engine import schema
from mappings.errors import DataFault
from mappings.identity import seeded
from tasks.conversion.declare import declarations
from tasks.conversion.messages import Framed, Making, OutMessage
from tasks.submission.seal import check, passes, seal_messages
from tests.factory import make_batch


@pytest.fixture(scope="module")
def messages() -> list[OutMessage]:
    return declarations(make_batch(3, 2.0), Making(seeded(1), datetime(2026, 11, 23, tzinfo=UTC)))


def _with(message: OutMessage, old: bytes, new: bytes) -> OutMessage:
    assert old in message.body
    return replace(message, body=message.body.replace(old, new))


def test_what_the_writer_makes_passes(messages: list[OutMessage]) -> None:
    for message in messages:
        check(message)


def test_of_what_was_seen_to_pass_the_frame_is_read(messages: list[OutMessage]) -> None:
    """Root, constants and first document: a frame that fails is not believed."""
    for message in messages:
        assert message.framed is not None
        assert message.to_check == message.framed.frame
        bad = replace(message, framed=Framed(message.body, message.framed.frame.replace(b' guid="', b' guid="x', 1)))
        assert not passes(bad)
        changed = replace(message, body=message.body + b"\n")  # another body: read whole
        assert changed.to_check == changed.body


def test_every_fault_is_named_with_element_and_line(messages: list[OutMessage]) -> None:
    order = next(m for m in messages if m.type == "CEB303Message")
    bad = _with(_with(order, b"<ceb:orderType>E", b"<ceb:orderType>EEE"), b"<ceb:gnum>1<", b"<ceb:gnum>one<")
    with pytest.raises(DataFault, match=r"OrderHead/orderType \(line 1 行\).*OrderList/gnum") as caught:
        check(bad)
    assert {fault["element"] for fault in caught.value.faults} == {"OrderHead/orderType", "OrderList/gnum"}  # type: ignore[index]


def test_a_mandatory_text_left_empty_is_refused(messages: list[OutMessage]) -> None:
    order = next(m for m in messages if m.type == "CEB303Message")
    start = order.body.index(b"<ceb:ebpName>") + len(b"<ceb:ebpName>")
    end = order.body.index(b"</ceb:ebpName>")
    with pytest.raises(DataFault, match="OrderHead/ebpName"):
        check(replace(order, body=order.body[:start] + order.body[end:]))


def test_nothing_is_sealed_when_one_message_fails(messages: list[OutMessage]) -> None:
    bad = _with(messages[0], b"<ceb:orderType>E", b"<ceb:orderType>EEE")
    truck = make_batch(3, 2.0).truck
    with pytest.raises(DataFault):
        seal_messages([bad], truck, None, None)  # type: ignore[arg-type]


_WRONG = {
    "an element of no schema": (rb"<ceb:orderNo>(.*?)</ceb:orderNo>", rb"<ceb:no>\1</ceb:no>"),
    "an element out of order": (rb"(<ceb:gnum>.*?</ceb:gnum>)(<ceb:\w+>.*?</ceb:\w+>)", rb"\2\1"),
    "a mandatory element left out": (rb"<ceb:orderNo>.*?</ceb:orderNo>", b""),
    "too long a text": (rb"<ceb:orderNo>", b"<ceb:orderNo>" + b"9" * 80),
    "too many decimals": (rb"<ceb:price>[\d.]+", b"<ceb:price>1.234567"),
    "no attribute": (rb' guid="[^"]*"', b""),
    "a strange attribute": (rb' guid="', b' strange="1" guid="'),
    "a strange root": (rb"ceb:CEB303Message", b"ceb:CEB399Message"),
    "text between elements": (rb"<ceb:OrderHead>", b"x<ceb:OrderHead>"),
    "a document too many": (rb"(<ceb:Order>.*?</ceb:Order>)", rb"\1" * 101),
}


@pytest.mark.parametrize("what", _WRONG)
def test_reading_past_the_schema_is_as_strict_as_checking_a_tree(messages: list[OutMessage], what: str) -> None:
    order = next(m for m in messages if m.type == "CEB303Message")
    pattern, into = _WRONG[what]
    bad = replace(order, body=re.sub(pattern, into, order.body))
    assert bad.body != order.body
    assert not schema.validator(order.type, True).validate(etree.fromstring(bad.body))
    with pytest.raises(DataFault):
        check(bad)
    check(order)  # and what one message has done wrong is not held against the next

"""Every type, broken in every way that its message file knows: the fault names the element, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
from lxml import etree

from deployments.opened import opened
from mappings.engine import explain, spec, tree
from mappings.engine.spec import Field
from tests.golden.samples import sample

ODD = "surprise"
SIGNATURE = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'
Change = Callable[[etree._Element], object]


def good(message_type: str) -> bytes:
    """A valid message, with an element for the signature that some types may not be without."""
    root = etree.fromstring(tree.write(sample(message_type)))
    if "unsigned" in {p.code for p in explain.check(etree.tostring(root))}:
        root.append(etree.fromstring(SIGNATURE))
    return etree.tostring(root)


def _text(value: str) -> Change:
    return lambda element: setattr(element, "text", value)


def _remove(element: etree._Element) -> None:
    element.getparent().remove(element)


def ways(item: Field, namespace: str) -> Iterator[tuple[str, Change]]:
    """What can be wrong with a field: the tag that must be named, and how to make it so."""
    if item.use == "M":
        yield item.tag, _remove
    if item.length:
        yield item.tag, _text(("x" if item.kind == "C" else "1") * (item.length + 1))
    if item.kind == "N":
        yield item.tag, _text("abc")
    if item.code:
        yield item.tag, _text("~" * min(item.length or 2, 2))
    yield item.tag, lambda element: element.addnext(deepcopy(element))
    yield ODD, lambda element: element.addnext(element.makeelement(f"{{{namespace}}}{ODD}"))


@pytest.mark.parametrize("message_type", spec.all_types())
def test_each_fault_of_each_field_names_its_element(message_type: str) -> None:
    body, message = good(message_type), spec.load(message_type)
    assert explain.check(body) == []
    tried = 0
    for segment, item in message.walk():
        path = f"//*[local-name()='{segment.tag}']/*[local-name()='{item.tag}']"
        for wanted, change in ways(item, message.namespace):
            root = etree.fromstring(body)
            for element in root.xpath(path)[:1]:
                change(element)
                found = explain.check(etree.tostring(root))
                assert any(wanted in f"{p.element} {p.message_en}" for p in found), (segment.tag, item.tag, wanted)
                assert all(p.message_zh and p.message_en for p in found)
                tried += 1
    assert tried >= len(list(message.walk()))


@pytest.mark.parametrize("message_type", spec.all_types())
def test_prefix_encoding_and_mark_are_the_senders_own(message_type: str) -> None:
    """As authorities and relays write: another prefix, a default namespace, a byte order mark, GB2312."""
    text, space = good(message_type).decode(), spec.load(message_type).namespace
    prefix = re.search(rf'xmlns:(\w+)="{re.escape(space)}"', text)
    plain = text
    if prefix:
        plain = re.sub(rf"(</?){prefix[1]}:", r"\1", text).replace(f"xmlns:{prefix[1]}=", "xmlns=")
        other = re.sub(rf"(</?){prefix[1]}:", r"\1zz:", text).replace(f"xmlns:{prefix[1]}=", "xmlns:zz=")
        assert explain.check(other.encode()) == []
    gb = '<?xml version="1.0" encoding="GB2312"?>' + plain
    for variant in (plain.encode(), b"\xef\xbb\xbf" + text.encode(), gb.encode("gb18030")):
        assert explain.check(opened(variant)) == []
    (problem,) = explain.check(plain.replace(f' xmlns="{space}"', "").encode())
    assert space in problem.message_en
    assert space in problem.message_zh

"""Documents read by pattern are judged as libxml2 judges them: same cells, same canonical form, never less strict."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sandbox.cn_customs import plain, reading, verify
from adapters.sandbox.cn_customs import settings as data
from mappings.engine import spec
from mappings.engine.spec import Field, Segment

CEB = "http://www.chinaport.gov.cn/ceb"
DS = "http://www.w3.org/2000/09/xmldsig#"
TYPES = sorted(data.declared())
TEXTS = ["", "x", " x ", "杯子", "a&amp;b", "&lt;&gt;", "x\ny", "é", "…", "\U0001f69a", "9", "x" * 300]
NUMBERS = ["0", "1", "-1", "007", "1.5", "0.00001", "-0", "99999999999999.99999", "123456789"]
ODD = ["", "+1", " 1", "1.", ".5", "1e3", "1.1234567", "9" * 19, "9" * 25, "٣", "x"]
CUTS = [
    "<!--x-->", "<![CDATA[x]]>", "<?p x?>", "&#65;", "&#xD;", "&quot;", "&amp;", "&lt;", "&x;", " ", "\n", "\t", "\r\n",
    ">", "<", "]]>", "/>", "/", '"', "=", ' a="b"', ' xsi:nil="true"', ' xmlns:q="urn:q"', f' xmlns="{CEB}"', "\x00",
    "\x0b", "\x85", "\ufffe", "\ue000", "\ue010", "\ud800", "ceb:", "9" * 30, "x" * 40,
]  # fmt: skip


def value(item: Field, filled: bool, draw, odd: bool) -> str:
    if item.kind == "N":
        most = (item.length or 18) - (item.decimals or 0)
        fitting = [n for n in NUMBERS if len(n.split(".")[0]) <= most and (item.decimals or "." not in n)]
        return draw(st.sampled_from(fitting + (ODD if odd else [])))
    exact = "x" * (item.length or 1)
    choices = [exact] if item.fixed else [exact, *(t for t in TEXTS if filled <= len(t) <= (item.length or 9))]
    return draw(st.sampled_from(choices + (TEXTS if odd else [])))


def element(name: str, inner: str, gap: str) -> str:
    return f"<{name}>{inner}</{name}>{gap}"


def segment(own: spec.MessageSpec, part: Segment, prefix: str, gap: str, draw, odd: bool) -> str:
    fields = [
        element(prefix + item.tag, value(item, own.filled and item.use == "M", draw, odd), gap)
        for item in part.fields
        if item.use == "M" or draw(st.booleans())
    ]
    inner = [group(own, own.segments[tag], prefix, gap, draw, odd) for tag in part.contains]
    return element(prefix + part.tag, gap + "".join([*fields, *inner]), gap)


def group(own: spec.MessageSpec, part: Segment, prefix: str, gap: str, draw, odd: bool) -> str:
    count = draw(st.integers(part.least, min(part.most or 3, part.least + 2)))
    return "".join(segment(own, part, prefix, gap, draw, odd) for _ in range(count))


@st.composite
def messages(draw, odd: bool = False):
    """Type and text of a message made from its message file; with `odd` some texts break the schema."""
    type_ = draw(st.sampled_from(TYPES))
    own = spec.load(type_)
    prefix, gap = draw(st.sampled_from(["ceb:", "", "q:"])), draw(st.sampled_from(["", "\n  "]))
    named = f'xmlns:{prefix[:-1]}="{CEB}"' if prefix else f'xmlns="{CEB}"'
    parts = [group(own, own.segments[own.root[0]], prefix, gap, draw, odd)]
    for tag in own.root[1:]:
        if tag == "ds:Signature":
            parts.append(f'<ds:Signature xmlns:ds="{DS}"><ds:X a="b"/></ds:Signature>{gap}')
        elif own.segments[tag].least:
            parts.append(group(own, own.segments[tag], prefix, gap, draw, False))
    root = f'<{prefix}{type_} {named} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    declaration = draw(st.sampled_from(["", '<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0"?>\n']))
    head = f'{declaration}{root} guid="{"g" * 36}" version="1.0">{gap}'
    return type_, f"{head}{''.join(parts)}</{prefix}{type_}>"


def without_signature(business: reading.Business) -> bytes:
    for signature in business.root.findall(f"{{{DS}}}Signature"):
        verify._take_out(signature)
    return business.canonical()


def same_as_whole(body: bytes, type_: str) -> bool:
    """Whether it is read by pattern; asserts that reading it whole tells the same."""
    quick = reading._plainly(body, type_)
    if quick is None:
        return False
    whole = reading._whole(body, type_)  # raises Unreadable where the schema says otherwise
    assert [document.head for document in quick.documents] == [document.head for document in whole.documents]
    assert [[list(line) for line in d.lines] for d in quick.documents] == [d.lines for d in whole.documents]
    assert (quick.guid, quick.cop_code, quick.dxp_id) == (whole.guid, whole.cop_code, whole.dxp_id)
    assert without_signature(quick) == without_signature(whole)
    return True


FREE = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@FREE
@given(messages())
def test_what_is_written_plainly_is_read_by_pattern_and_tells_the_same(message):
    type_, text = message
    try:
        reading._whole(text.encode(), type_)
    except reading.Unreadable as unreadable:
        assert "缺少必填项" in unreadable.text, unreadable.text  # the rest fits the schema
        return
    assert same_as_whole(text.encode(), type_)


@FREE
@given(messages(odd=True))
def test_what_breaks_the_schema_is_never_taken(message):
    type_, text = message
    same_as_whole(text.encode(), type_)


@FREE
@given(messages(), st.data())
def test_what_was_cut_or_written_otherwise_is_never_taken_for_what_it_is_not(message, data):
    type_, text = message
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 0, 1, 5, 40])))
        text = text[:start] + data.draw(st.sampled_from(CUTS)) + text[end:]
    same_as_whole(text.encode("utf-8", "surrogatepass"), type_)


def _order(head: str = "", name: str = "杯子", after: str = "") -> bytes:
    fields = {"guid": "g" * 36, "appType": "1", "appTime": "20261123120000", "appStatus": "2", "orderType": "E",
              "orderNo": "N1", "ebpCode": "P", "ebpName": "p", "ebcCode": "S", "ebcName": "s", "goodsValue": "1",
              "freight": "0", "currency": "142"}  # fmt: skip
    line = {"gnum": "1", "itemNo": "A", "itemName": name, "unit": "007", "currency": "142", "qty": "1", "price": "1",
            "totalPrice": "1"}  # fmt: skip
    cells = ["".join(f"<ceb:{n}>{v}</ceb:{n}>" for n, v in row.items()) for row in (fields, line)]
    document = (
        f"<ceb:Order><ceb:OrderHead>{cells[0]}</ceb:OrderHead><ceb:OrderList>{cells[1]}</ceb:OrderList></ceb:Order>"
    )
    transfer = {"copCode": "P", "copName": "p", "dxpMode": "DXP", "dxpId": "DXPENT9900000000"}
    end = "".join(f"<ceb:{n}>{v}</ceb:{n}>" for n, v in transfer.items())
    return (
        f'<ceb:CEB303Message xmlns:ceb="{CEB}" guid="{"g" * 36}" version="1.0">{head}{document * 2}{after}'
        f"<ceb:BaseTransfer>{end}</ceb:BaseTransfer></ceb:CEB303Message>"
    ).encode()


@pytest.mark.parametrize("name", ["杯子", "a&amp;b", "&lt;&gt;&amp;amp;", " x\n", ""])
def test_a_text_means_what_it_means_to_a_parser(name):
    assert same_as_whole(_order(name=name), "CEB303Message")
    assert same_as_whole(_order(name=name, after="<!--x--> <?p x?>"), "CEB303Message"), (
        "the rest may be written as it likes"
    )


@pytest.mark.parametrize(
    "body",
    [
        _order(head="<!--x-->"), _order(name="&#65;"), _order(name="&quot;"),
        _order(name="x>y"), _order(name="<![CDATA[x]]>"), _order(name="x\ry"), _order(name="\ue005"),
        _order().replace(b"</ceb:itemName>", b"</ceb:itemName >"),
        _order().replace(b"<ceb:OrderHead>", b'<ceb:OrderHead xmlns:q="urn:q">'), b"\xef\xbb\xbf" + _order(),
        _order().replace(b"<ceb:gnum>1<", b"<ceb:gnum>+1<"), _order().decode().encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_read_whole(body):
    assert reading._plainly(body, "CEB303Message") is None
    assert len(reading.business(body, "CEB303Message").documents) == 2


def test_documents_that_hide_behind_another_are_not_lost():
    """The pattern would take two orders; a third, written otherwise, follows: all three count."""
    third = b'<ceb:Order xmlns:q="urn:q">' + _order().split(b"<ceb:Order>")[1]
    body = _order().replace(b"<ceb:BaseTransfer>", third + b"<ceb:BaseTransfer>")
    assert len(reading.business(body, "CEB303Message").documents) == 3
    assert len(reading.business(body.replace(third, third * 3), "CEB303Message").documents) == 5


def test_a_message_of_too_many_documents_is_judged_by_the_schema():
    document = _order().split(b"<ceb:Order>")[1]
    body = _order().replace(b"<ceb:BaseTransfer>", (b"<ceb:Order>" + document) * 99 + b"<ceb:BaseTransfer>")
    assert plain.read(body, "CEB303Message") is None
    with pytest.raises(reading.Unreadable):
        reading.business(body, "CEB303Message")


def test_the_pattern_can_be_switched_off(monkeypatch):
    monkeypatch.setitem(data.profile(), "read_plainly", False)
    assert reading._plainly(_order(), "CEB303Message") is None
    assert len(reading.business(_order(), "CEB303Message").documents) == 2


def test_every_type_has_a_pattern():
    assert [type_ for type_ in TYPES if plain.form(type_, "ceb:") is None] == []

"""The DXP envelopes: DxpMsg (terminal), DxpMsgSv (transfer) and DxpRep (answer), version 1.0 of 202205.

Strict out: the default namespace, the elements in the schema's order and spelling (CreatTime, RecevierId). Lenient in:
any prefix, a byte order mark, gb2312 or a wrong declaration, blanks in the base64; a DOCTYPE is refused outright.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from xml.sax.saxutils import escape

import pybase64
from lxml import etree

from adapters.contract import Opened
from adapters.reach import unpacked
from mappings.clock import CHINA
from mappings.errors import DataFault

DXP = "http://www.chinaport.gov.cn/dxp"
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_LONG = 2000  # bytes of base64 from which an envelope is parsed without them
_CHINESE = {"gb2312", "gbk", "gb18030", "gb_2312-80"}
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def write(business: bytes, type: str, sender: str, receiver: str, cop_msg_id: str, at: datetime) -> bytes:
    """A DxpMsg around a business message; `at` is shown in China time without a zone, as the samples have it."""
    created = at.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M:%S")
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<DxpMsg xmlns="{DXP}" ver="1.0"><TransInfo>'
        f"<CopMsgId>{escape(cop_msg_id)}</CopMsgId><SenderId>{escape(sender)}</SenderId>"
        f"<ReceiverIds><ReceiverId>{escape(receiver)}</ReceiverId></ReceiverIds>"
        f"<CreatTime>{created}</CreatTime><MsgType>{escape(type)}</MsgType></TransInfo><Data>"
    )
    return b"".join((head.encode(), pybase64.b64encode(business), b"</Data></DxpMsg>"))


def transfer(terminal: bytes, node: str, end_node: str, serial: int, at: datetime) -> bytes:
    """A DxpMsgSv around a DxpMsg, for a third-party platform: MsgId is node, time and a serial of 10 digits."""
    local = at.astimezone(CHINA)
    ident = f"{node}{local:%Y%m%d%H%M%S}{serial:010d}"
    inner = _DECLARATION.sub("", terminal.decode(), count=1).strip()
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<DxpMsgSv xmlns="{DXP}" ver="1.0"><SvNo Ver="1.0">'
        f"<MsgId>{ident}</MsgId><SendTime>{local:%Y-%m-%dT%H:%M:%S}</SendTime><EndNode>{escape(end_node)}</EndNode>"
        f"<StaNode>{escape(node)}</StaNode></SvNo>{inner}</DxpMsgSv>"
    ).encode()


def refusal(code: str, info: str, sender: str, type: str, cop_msg_id: str, at: datetime) -> bytes:
    """A DxpRep as the platform writes it, for a channel whose refusal comes in another form (a folder)."""
    local = at.astimezone(CHINA)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<DxpRep xmlns="{DXP}" ver="1.0">'
        f"<RecevierId>{escape(sender)}</RecevierId><Response><NodeId>00000000</NodeId><ResponseCode>{escape(code)}</ResponseCode>"
        f"<ResponseInfo>{escape(info[:300])}</ResponseInfo><NoticeTime>{local:%Y-%m-%d}</NoticeTime><OriHead>"
        f"<CopMsgId>{escape(cop_msg_id)}</CopMsgId><SenderId>{escape(sender)}</SenderId>"
        f"<MsgType>{escape(type)}</MsgType></OriHead></Response></DxpRep>"
    ).encode()


def _utf8(raw: bytes) -> bool:
    """Whether bytes that claim a Chinese encoding are UTF-8: so read they hold Chinese signs, as those never would."""
    try:
        return any(sign >= "\u2e80" for sign in raw.decode())
    except UnicodeDecodeError:
        return False


def decoded(raw: bytes) -> str:
    """The text of an XML document whatever its mark, declared or real encoding, without its declaration."""
    mark = next((encoding for start, encoding in _MARKS.items() if raw.startswith(start)), "")
    declared = _ENCODING.search(raw[:200])
    name = declared[1].decode().lower() if declared else "utf-8"
    chinese = name in _CHINESE and not _utf8(raw)
    tries = [mark] if mark else ["gb18030"] if chinese else ["utf-8", "gb18030"]
    for encoding in tries:
        try:
            text = raw.decode(encoding)
            head = _DECLARATION.match(text)
            return (text[head.end() :] if head else text).lstrip("\ufeff \t\r\n")
        except UnicodeDecodeError:
            continue
    raise DataFault(f"The message is text in no known encoding ({name} declared) / 报文编码无法识别")


def parse(raw: bytes) -> etree._Element:
    """The root of a document. Raises DataFault when it is broken, or has a DOCTYPE."""
    return parse_text(decoded(raw))


def parse_text(text: str) -> etree._Element:
    """The root of a document already decoded, without its declaration. Raises DataFault as `parse`."""
    if "<!" in text and re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise DataFault("The message has a DOCTYPE and is refused / 报文含有 DOCTYPE，拒绝接收")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        return etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise DataFault(f"The message is not well-formed XML: {error} / 报文不是合法的 XML") from error


def name(node: etree._Element) -> str:
    """An element's name without its namespace."""
    return etree.QName(node).localname


def find(node: etree._Element, tag: str) -> etree._Element | None:
    """The first descendant of that name in any namespace."""
    return next(iter(node.iter(f"{{*}}{tag}")), None)


def text(node: etree._Element | None, tag: str) -> str:
    """The text of the first descendant of that name, '' when there is none."""
    found = None if node is None else find(node, tag)
    return "" if found is None else (found.text or "").strip()


class _Cut(NamedTuple):
    """A DxpMsg parsed without its base64: its root, the element that it was cut out of, and the base64 as it came."""

    root: etree._Element
    data: etree._Element
    packed: bytes


def open_message(raw: bytes) -> Opened:
    """What is inside: a bare CEB message, a DxpMsg, a DxpMsg in a DxpMsgSv, or a DxpRep. Raises DataFault."""
    cut = _around(raw)
    root = parse(raw) if cut is None else cut.root
    found = _OPENERS.get(name(root))
    if found:
        return found(root, cut)
    if re.fullmatch(r"CEB\d{3}Message", name(root)):
        return Opened("business", name(root), raw)
    raise DataFault(f"<{name(root)}> is no DXP envelope and no CEB message / 不是 DXP 信封或 CEB 报文")


def _around(raw: bytes) -> _Cut | None:
    """A long DxpMsg, the rest of which alone is parsed; None where it is not as plain as that."""
    start = raw.find(b"Data>") + 5
    end = raw.find(b"<", start)
    if start < 5 or end - start < _LONG or raw[end : end + 2] != b"</" or raw.find(b"&", start, end) >= 0:
        return None
    packed = raw[start:end]
    try:
        root = parse(raw[:start] + raw[end:])
    except DataFault:  # then the whole is judged, as it came
        return None
    data = find(root, "Data")
    if not packed.isascii() or data is None or data.text or len(data):
        return None
    return _Cut(root, data, packed)


def _transfer(root: etree._Element, cut: _Cut | None) -> Opened:
    inner = find(root, "DxpMsg")
    if inner is None:
        raise DataFault("DxpMsgSv holds no DxpMsg / DxpMsgSv 中没有 DxpMsg")
    return _terminal(inner, cut)


def _terminal(root: etree._Element, cut: _Cut | None) -> Opened:
    info, data = find(root, "TransInfo"), find(root, "Data")
    packed = None if data is None else cut.packed if cut and cut.data is data else (data.text or "").encode()
    if packed is None or not packed.strip():
        raise DataFault("DxpMsg holds no Data / DxpMsg 没有 Data")
    try:
        business = unpacked(packed)
    except ValueError as error:  # binascii.Error is one
        raise DataFault(f"Data is not base64: {error} / Data 不是 base64") from error
    receivers = () if info is None else tuple((r.text or "").strip() for r in info.iter("{*}ReceiverId"))
    return Opened(
        "business", text(info, "MsgType"), business, text(info, "SenderId"), receivers, text(info, "CopMsgId")
    )


@dataclass(frozen=True)
class Reply:
    """A DxpRep: its first response."""

    code: str
    text: str
    cop_msg_id: str


def read_reply(root: etree._Element) -> Reply:
    """The answer in a DxpRep. Raises DataFault when it has no code."""
    response = find(root, "Response")
    code = text(response, "ResponseCode")
    if not code:
        raise DataFault("DxpRep has no ResponseCode / DxpRep 没有 ResponseCode")
    return Reply(code, text(response, "ResponseInfo"), text(find(root, "OriHead"), "CopMsgId"))


def _reply(root: etree._Element, _cut: _Cut | None) -> Opened:
    reply = read_reply(root)
    receiver = text(root, "RecevierId")
    return Opened(
        "refusal", "DxpRep", b"", "", (receiver,) if receiver else (), reply.cop_msg_id, reply.code, reply.text
    )


_OPENERS = {"DxpMsg": _terminal, "DxpMsgSv": _transfer, "DxpRep": _reply}

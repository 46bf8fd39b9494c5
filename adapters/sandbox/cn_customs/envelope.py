"""The E-Port's envelope: DxpMsg and DxpMsgSv in, DxpMsg and DxpRep out (transport_signature.md, section 1)."""

from __future__ import annotations

import binascii
import threading
from dataclasses import dataclass, replace
from datetime import datetime
from xml.sax.saxutils import escape

import pybase64
from lxml import etree

from adapters.sandbox.cn_customs import settings
from mappings import clock

DXP = "http://www.chinaport.gov.cn/dxp"
_NS = {"d": DXP}
_of_thread = threading.local()
_DATA, _SPACE = b"Data>", b" \r\n\t"
# Each required text of TransInfo and its longest form, from the DxpMsg schema.
LENGTHS = {"CopMsgId": 255, "SenderId": 16, "CreatTime": 40, "MsgType": 30}
RECEIVERS = 5
RECEIVER_LENGTH = 16


@dataclass(frozen=True)
class Envelope:
    """One message as the E-Port received it."""

    cop_msg_id: str = ""
    sender: str = ""
    receivers: tuple[str, ...] = ()
    type: str = ""
    created: str = ""
    business: bytes = b""


class Faulty(Exception):
    """The envelope cannot be taken: a code of the list `dxp_error`, a text, and what could be read."""

    def __init__(self, code: str, text: str, envelope: Envelope | None = None) -> None:
        super().__init__(text)
        self.code, self.text, self.envelope = code, text, envelope or Envelope()


def parser() -> etree.XMLParser:
    """A parser that loads nothing from outside, expands no entity and stops at unreasonable depth or size."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=False
    )


def _own_parser() -> etree.XMLParser:
    """This thread's: making one costs more than a small message takes to parse."""
    found: etree.XMLParser | None = getattr(_of_thread, "parser", None)
    if found is None:
        found = _of_thread.parser = parser()
    return found


def safe_root(data: bytes) -> etree._Element:
    """The root element. Raises ValueError where the bytes are no XML or bring a DOCTYPE."""
    try:
        root = etree.fromstring(data, _own_parser())
    except (etree.XMLSyntaxError, LookupError) as error:
        raise ValueError(f"不是XML not well-formed: {str(error)[:200]}") from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise ValueError("不允许DOCTYPE a DOCTYPE is not allowed")
    return root


def opened(raw: bytes) -> Envelope:
    """What the envelope says and holds. Raises Faulty."""
    start = raw.find(_DATA) + len(_DATA)
    end = raw.find(b"<", start)
    if start >= len(_DATA) and end > start:
        # The parser need not carry megabytes of base64, nor limit them: it gets the envelope around an empty Data.
        try:
            return _opened(raw[:start] + raw[end:], raw[start:end])
        except Faulty:
            pass  # judged again, whole: a comment may hold what looks like Data
    return _opened(raw, b"")


def _opened(raw: bytes, data: bytes) -> Envelope:
    try:
        root = safe_root(raw)
    except ValueError as error:
        raise Faulty("0001", f"报文格式错误 {error}") from error
    if root.tag == f"{{{DXP}}}DxpMsgSv":
        inner = root.find("d:DxpMsg", _NS)
        root = root if inner is None else inner
    if root.tag != f"{{{DXP}}}DxpMsg":
        raise Faulty("0001", "报文格式错误 not a DxpMsg")
    head = _head(root)
    _check(head)
    return replace(head, business=_business(root, data, head))


def _head(root: etree._Element) -> Envelope:
    def text(name: str) -> str:
        return (root.findtext(f"d:TransInfo/d:{name}", "", _NS) or "").strip()

    receivers = root.findall("d:TransInfo/d:ReceiverIds/d:ReceiverId", _NS)
    names = tuple((receiver.text or "").strip() for receiver in receivers)
    return Envelope(text("CopMsgId"), text("SenderId"), names, text("MsgType"), text("CreatTime"))


def _check(head: Envelope) -> None:
    given = {"CopMsgId": head.cop_msg_id, "SenderId": head.sender, "CreatTime": head.created, "MsgType": head.type}
    for name, longest in LENGTHS.items():
        if not 0 < len(given[name]) <= longest:
            raise Faulty("0002", f"不能通过schema验证 {name} must have 1 to {longest} characters", head)
    if not 1 <= len(head.receivers) <= RECEIVERS or any(len(name) > RECEIVER_LENGTH for name in head.receivers):
        raise Faulty("0002", "不能通过schema验证 1 to 5 ReceiverId", head)
    _date_time(head)
    if settings.receiver(head.type) not in head.receivers:
        raise Faulty("2001", f"接收方不存在 unknown receiver {head.receivers[0]}", head)


def _date_time(head: Envelope) -> None:
    try:
        datetime.fromisoformat(head.created)
    except ValueError as error:
        raise Faulty("0002", "不能通过schema验证 CreatTime is no xs:dateTime", head) from error


def _business(root: etree._Element, cut: bytes, head: Envelope) -> bytes:
    """The bytes in Data: its own text, or what was cut out of it before."""
    inside = root.findtext("d:Data", None, _NS)
    if cut and inside != "":
        raise Faulty("0001", "报文格式错误 Data is not where it seemed", head)
    data = cut or (inside or "").encode()
    try:
        business = pybase64.b64decode(
            data.translate(None, _SPACE) if any(c in data for c in _SPACE) else data, validate=True
        )
    except (binascii.Error, ValueError) as error:
        raise Faulty("0001", "报文格式错误 Data is no base64", head) from error
    if not business:
        raise Faulty("0002", "不能通过schema验证 Data is empty", head)
    return business


def _trans_info(envelope: Envelope, tag: str) -> str:
    receivers = "".join(f"<dxp:ReceiverId>{escape(name)}</dxp:ReceiverId>" for name in envelope.receivers or ("",))
    return (
        f"<dxp:{tag}><dxp:CopMsgId>{escape(envelope.cop_msg_id)}</dxp:CopMsgId>"
        f"<dxp:SenderId>{escape(envelope.sender)}</dxp:SenderId><dxp:ReceiverIds>{receivers}</dxp:ReceiverIds>"
        f"<dxp:CreatTime>{escape(envelope.created)}</dxp:CreatTime><dxp:MsgType>{escape(envelope.type)}</dxp:MsgType></dxp:{tag}>"
    )


def reply(code: str, text: str, original: Envelope) -> bytes:
    """The DxpRep that answers `original`."""
    today = clock.now().astimezone(clock.CHINA).date().isoformat()
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<dxp:DxpRep xmlns:dxp="{DXP}" ver="1.0">'
        f"<dxp:RecevierId>{escape(original.sender)}</dxp:RecevierId><dxp:Response><dxp:NodeId>00000002</dxp:NodeId>"
        f"<dxp:ResponseCode>{code}</dxp:ResponseCode><dxp:ResponseInfo>{escape(text[:300])}</dxp:ResponseInfo>"
        f"<dxp:NoticeTime>{today}</dxp:NoticeTime>{_trans_info(original, 'OriHead')}</dxp:Response></dxp:DxpRep>"
    ).encode()


def terminal(head: Envelope, business: bytes) -> bytes:
    """A business message in its DxpMsg, as the E-Port client makes it."""
    start = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<dxp:DxpMsg xmlns:dxp="{DXP}" ver="1.0">'
        f"{_trans_info(head, 'TransInfo')}<dxp:Data>"
    )
    return start.encode() + pybase64.b64encode(business) + b"</dxp:Data></dxp:DxpMsg>"


def wrapped(type_: str, receiver: str, cop_msg_id: str, at: datetime, business: bytes) -> bytes:
    """A receipt message in its DxpMsg."""
    created = at.astimezone(clock.CHINA).replace(tzinfo=None).isoformat(timespec="seconds")
    head = Envelope(cop_msg_id, settings.receiver(type_), (receiver,), type_, created)
    start = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<dxp:DxpMsg xmlns:dxp="{DXP}" ver="1.0">'
        f"{_trans_info(head, 'TransInfo')}<dxp:Data>"
    )
    end = (
        '</dxp:Data><dxp:AddInfo><dxp:BizKey><dxp:Key name="DealFlag">1</dxp:Key>'
        '<dxp:Key name="RetType">1</dxp:Key></dxp:BizKey></dxp:AddInfo></dxp:DxpMsg>'
    )
    return b"".join((start.encode(), pybase64.b64encode(business), end.encode()))

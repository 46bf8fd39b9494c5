"""What the E-Port client does for a company: puts a bare business message into its envelope, and takes one off."""

from __future__ import annotations

import base64
import re
from xml.sax.saxutils import escape

from lxml import etree

from adapters.sandbox.cn_customs import envelope, settings
from adapters.sandbox.cn_customs.plan import moment
from mappings import clock

NODE, COMPANY_NODE = "00000002", "46000002"  # transport_signature.md, section 1: nodes of a real message
_SENDER = re.compile(rb"<(?:\w+:)?dxpId>\s*([^<\s]+)\s*<")
_ROOT = re.compile(rb"<(?:\w+:)?([A-Z]\w+)[\s>]")
_GUID = re.compile(rb"<(?:\w+:)?CEB\w+[^>]*\bguid=[\"']([^\"']+)[\"']")


def is_enveloped(data: bytes) -> bool:
    """Whether a file or post is a DxpMsg or DxpMsgSv already."""
    root = _ROOT.search(data)
    return bool(root and root[1].startswith(b"DxpMsg"))


def enveloped(business: bytes, cop_msg_id: str = "", sender: str = "") -> bytes:
    """A business message in its DxpMsg: CopMsgId is its guid unless given. What cannot be told stays empty."""

    def said(pattern: re.Pattern[bytes]) -> str:
        found = pattern.search(business)
        return found[1].decode("utf-8", "replace") if found else ""

    head = envelope.Envelope(
        cop_msg_id or said(_GUID), said(_SENDER) or sender, (settings.receiver(said(_ROOT)),), said(_ROOT),
        clock.now().astimezone(clock.CHINA).strftime("%Y-%m-%dT%H:%M:%S"),
    )  # fmt: skip
    return envelope.terminal(head, business)


def transferred(terminal: bytes, published: int) -> bytes:
    """A DxpMsg in the DxpMsgSv of the transfer node."""
    at = moment(published).astimezone(clock.CHINA)
    ident = f"{NODE}{at:%Y%m%d%H%M%S}{published % 10**10:010d}"
    inner = terminal.split(b"?>", 1)[-1].strip()
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<DxpMsgSv xmlns="{envelope.DXP}" ver="1.0"><SvNo Ver="1.0">'
        f"<MsgId>{ident}</MsgId><SendTime>{at:%Y-%m-%dT%H:%M:%S}</SendTime><EndNode>{escape(COMPANY_NODE)}</EndNode>"
        f"<StaNode>{NODE}</StaNode></SvNo>"
    )
    return head.encode() + inner + b"</DxpMsgSv>"


def bare(terminal: bytes) -> tuple[str, bytes]:
    """Type and business message of a receipt that customs wrapped."""
    root = etree.fromstring(terminal, envelope.parser())
    names = {"d": envelope.DXP}
    type_ = root.findtext("d:TransInfo/d:MsgType", "", names)
    return type_, base64.b64decode(root.findtext("d:Data", "", names))

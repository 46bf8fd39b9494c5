"""The local port's post: a JSON head and the signed message in base64 (transport_signature.md, section 2, Haikou)."""

from __future__ import annotations

import binascii
import json
from typing import Any

import pybase64

from adapters.cn_ecommerce import envelope
from adapters.contract import Opened
from mappings.errors import DataFault

_START = b'{"Message":'


def is_post(raw: bytes) -> bool:
    """Whether these bytes are such a post."""
    return raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_START)


def write(business: bytes, head: dict[str, str]) -> bytes:
    """The post; `head` in the published order."""
    body = {"data": pybase64.b64encode(business).decode()}
    message = {"Message": {"MessageHead": head, "MessageBody": body}}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def opened(raw: bytes) -> Opened:
    """The message inside. Raises DataFault."""
    try:
        message: Any = json.loads(raw.decode("utf-8-sig"))["Message"]
        head, data = message["MessageHead"], message["MessageBody"]["data"]
        business = pybase64.b64decode(data, validate=True)
        type_, ident = str(head["MessageType"]), str(head["MessageId"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise DataFault(f"This is no post of a local port: {error!r} / 不是地方口岸报文") from error
    inner = envelope.open_message(business)
    return Opened("business", type_.removesuffix(".xml"), business, inner.peer, (), ident)

"""The envelope of a message to or from Hong Kong: JSON of our own (unverified), the message in it as base64."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from adapters.contract import Opened
from mappings.canonical.model import Party
from mappings.engine import reader
from mappings.errors import ConfigurationError, DataFault


def sender(party: Party) -> str:
    """What a party is known by on this wire: its code, else its DXP id, else its name."""
    known = party.code or party.dxp_id or party.name
    if not known:
        raise ConfigurationError("Who lodges in Hong Kong has neither code nor name / 香港递交人没有代码也没有名称")
    return known


def write(body: bytes, message_type: str, guid: str, party: Party, signature: dict[str, str] | None) -> bytes:
    """The envelope around a message; the same message gives the same bytes."""
    content = {
        "messageId": guid,
        "sender": sender(party),
        "type": message_type,
        "payload": base64.b64encode(body).decode(),
        "signature": signature,
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def parse(raw: bytes) -> dict[str, Any]:
    """The envelope's members. Raises DataFault when it is none."""
    try:
        found = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise DataFault(f"The envelope is not JSON: {error} / 信封不是 JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("payload"), str):
        raise DataFault("The envelope holds no payload / 信封中没有报文")
    return found


def open_message(raw: bytes) -> Opened:
    """The message in an envelope, or a bare one. Raises DataFault."""
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return Opened("business", reader.read(raw).type, raw)
    found = parse(raw)
    try:
        business = base64.b64decode(found["payload"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataFault(f"The payload is not base64: {error} / 报文不是 base64") from error
    receiver = str(found.get("receiver") or "")
    return Opened(
        kind="business",
        type=str(found.get("type") or ""),
        business=business,
        peer=str(found.get("sender") or ""),
        receivers=(receiver,) if receiver else (),
        cop_msg_id=str(found.get("messageId") or ""),
    )


def reference(raw: bytes) -> tuple[str, str]:
    """Type and functional reference of the message in an envelope. Raises DataFault."""
    reading = reader.read(open_message(raw).business)
    return reading.type, reading.groups[reading.spec.document]["FunctionalReferenceID"][0]

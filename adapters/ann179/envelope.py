"""The forms that travel: openReq from customs, payExInfoStr to customs (transport_signature.md, section 5).

The head and the list are written once, as compact JSON; the same text goes into the signed text and into the payload,
so that no number can be written in two ways.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote_to_bytes

from adapters.ann179.signature import Signed
from mappings.ann179.message import load, plain
from mappings.errors import DataFault

ASKED, SENT = "openReq", "payExInfoStr"
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_DIGITS = re.compile(r"\d{1,20}")


@dataclass(frozen=True)
class Asked:
    """One request of customs; `service_time` in ms, as it was written."""

    order_no: str
    session_id: str
    service_time: str


@dataclass(frozen=True)
class Draft:
    """A payload without its signature, each part as the text that is signed and sent."""

    session_id: str
    head: str
    lists: str
    service_time: str

    def signed_text(self) -> str:
        """The text that is signed: first-level members in double quotes, inner quotes as they are, joined by ||."""
        parts = {
            "sessionID": self.session_id,
            "payExchangeInfoHead": self.head,
            "payExchangeInfoLists": self.lists,
            "serviceTime": self.service_time,
        }
        return "||".join(f'"{name}":"{text}"' for name, text in parts.items())

    def payload(self, signed: Signed) -> str:
        """The whole JSON object, member by member in the order of mappings/ann179/payload.yaml."""
        texts = {
            "sessionID": compact(self.session_id),
            "payExchangeInfoHead": self.head,
            "payExchangeInfoLists": self.lists,
            "serviceTime": compact(self.service_time),
            "certNo": compact(signed.certificate_no),
            "signValue": compact(signed.value),
        }
        message = load("payload")
        return "{" + ",".join(f'"{m.tag}":{texts[m.tag]}' for m in message.segments[message.root]) + "}"


def compact(value: Any) -> str:
    """JSON without a space; decimals as plain digits, no float ever; characters as they are, not escaped."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{compact(str(k))}:{compact(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(compact(v) for v in value) + "]"
    if isinstance(value, float):
        raise TypeError("A float has no exact text: money and quantities are decimals")
    return json.dumps(value, ensure_ascii=False)


def form(draft: Draft, signed: Signed) -> bytes:
    """The body to post: application/x-www-form-urlencoded, UTF-8."""
    return f"{SENT}={quote_plus(draft.payload(signed))}".encode()


def parameter(body: bytes, name: str) -> str | None:
    """A form parameter's text, UTF-8 or else GB18030; a body that is a JSON object itself counts as the parameter."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text[:1] == b"{":
        return _decoded(text)
    pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    found = next((value for key, value in pairs if key == name), None)
    return None if found is None else _decoded(found.encode("latin-1"))


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataFault(f"{ASKED} is neither UTF-8 nor GB18030 编码无法识别")


def read_request(body: bytes, session_length: int) -> Asked:
    """The request in a form. Raises DataFault whose text may go back to customs: it repeats no value."""
    text = parameter(body, ASKED)
    if text is None:
        raise DataFault(f"缺少参数 {ASKED} parameter {ASKED} is missing")
    found = _object(text)
    members = load("request").segments[ASKED]
    given = {m.tag: _text(found.get(m.tag)) for m in members}
    wrong = [tag for tag, value in given.items() if value is None or not value or _CONTROL.search(value)]
    wrong += [] if _DIGITS.fullmatch(given["serviceTime"] or "") or "serviceTime" in wrong else ["serviceTime"]
    limits = {m.tag: m.parts[1] or session_length for m in members}
    wrong += [tag for tag, limit in limits.items() if len(given[tag] or "") > limit]
    if wrong:
        raise DataFault(f"参数有误 wrong or missing: {', '.join(wrong)}")
    return Asked(given["orderNo"] or "", given["sessionID"] or "", given["serviceTime"] or "")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise DataFault(f"{ASKED} 不是有效的JSON is no JSON") from error
    if not isinstance(found, dict):
        raise DataFault(f"{ASKED} 不是JSON对象 is no JSON object")
    return found


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) else None


def posted(sealed: bytes) -> str:
    """The payload in a body that we made: for reading our own, and for showing that it did not change."""
    return unquote_to_bytes(sealed.partition(b"=")[2].replace(b"+", b" ")).decode()

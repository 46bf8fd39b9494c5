"""Java map text, as local ports answer: "[{org_id=1, returnstatus=2, returninfo=...[...], ...}, {...}]", not JSON.

Names are the receipt's tags in lower case; returntime counts milliseconds since 1970, returntime2 has 14 digits of
China's time, re_elist_guid is a guid (transport_signature.md, section 2). Values may hold commas, brackets and "=".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

from adapters.cn_ecommerce import envelope, receipts
from adapters.contract import Opened, ReceiptRow
from mappings.clock import CHINA
from mappings.engine import spec
from mappings.errors import DataFault, Unsupported

_START = b'{"asked":'
_NAME = re.compile(r"(?:^|,\s*)([a-z_][a-z0-9_]*)\s*=\s*")
_BETWEEN = re.compile(r"\}\s*,\s*\{(?=\s*[a-z_][a-z0-9_]*\s*=)")
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")  # what JSON can say, and neither a database nor XML can hold
_STRANGE = {"guid": ("guid", "re_elist_guid", "re_guid"), "returnTime": ("returntime2", "returntime")}


def says_something(content: bytes) -> bool:
    """Whether an answer holds anything but an empty list."""
    return re.sub(rb"[\s\[\]{}\"]|\xef\xbb\xbf|null", b"", content) != b""


def kept(asked: str, dxp_id: str, answer: bytes) -> bytes:
    """An answer with what was asked, as it is kept raw: the answer does not say which receipts it holds."""
    said = {"asked": asked, "dxpId": dxp_id, "answer": base64.b64encode(answer).decode()}
    return json.dumps(said, separators=(",", ":")).encode()


def is_kept(raw: bytes) -> bool:
    """Whether these bytes are such an answer."""
    return raw.startswith(_START)


def opened(raw: bytes) -> Opened:
    """The answer that was kept. Raises DataFault."""
    asked, dxp_id, _ = _parts(raw)
    return Opened("business", asked, raw, "", (dxp_id,))


def _parts(raw: bytes) -> tuple[str, str, bytes]:
    try:
        said: Any = json.loads(raw)
        return str(said["asked"]), str(said["dxpId"]), base64.b64decode(said["answer"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise DataFault(f"This is no answer of a local port: {error!r} / 不是地方口岸应答") from error


def records(text: str) -> list[dict[str, str]]:
    """The maps in a text: real JSON where it is, Java map text else; without any, none."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return _maps(text.strip())
    rows = found if isinstance(found, list) else [found]
    return [{str(k): "" if v is None else str(v) for k, v in row.items()} for row in rows if isinstance(row, dict)]


def _maps(text: str) -> list[dict[str, str]]:
    inner = re.sub(r"^\[\s*|\s*\]$", "", text) if text.startswith("[") else text
    if not (inner.startswith("{") and inner.endswith("}")):
        return []
    return [_map(part) for part in _BETWEEN.split(inner[1:-1])]


def _map(text: str) -> dict[str, str]:
    found = list(_NAME.finditer(text.strip()))
    ends = [*(m.start() for m in found[1:]), len(text.strip())]
    values = (text.strip()[m.end() : end].strip() for m, end in zip(found, ends, strict=True))
    return {m[1]: "" if v == "null" else v for m, v in zip(found, values, strict=True)}


def rows(raw: bytes) -> list[ReceiptRow]:
    """The receipts in an answer. Their keys may be incomplete: the ledger knows the documents. Raises DataFault."""
    asked, _, answer = _parts(raw)
    found = records(envelope.decoded(answer))
    if not found:
        raise DataFault("The answer is neither JSON nor Java map text / 应答不是 JSON 或 Map 文本")
    if asked not in receipts.answers() and asked != receipts.table()["unreadable"]:
        raise Unsupported(f"{asked} is no receipt that we know / {asked} 不是已知回执")
    message = spec.load(asked)
    tags = [field.tag for field in message.segments[message.document].fields]
    columns = {tag: [_value(row, tag) for row in found] for tag in tags}
    return receipts.of_columns(asked, columns, whole_keys=False)


def _value(row: dict[str, str], tag: str) -> str:
    names = _STRANGE.get(tag, (tag.lower(),))
    value = _UNKEEPABLE.sub("\ufffd", next((row[name] for name in names if row.get(name)), ""))
    return _local(value) if tag == "returnTime" else re.sub(r"\n\s*", "", value)


def _local(text: str) -> str:
    """A time as receipts have it; 13 digits are milliseconds since 1970."""
    if not re.fullmatch(r"\d{13}", text):
        return text
    at = datetime.fromtimestamp(int(text) / 1000, UTC).astimezone(CHINA)
    return at.strftime("%Y%m%d%H%M%S") + f"{int(text) % 1000:03d}"

"""The wire: POST realTimeDataUpload as a form, answered with JSON (transport_signature.md, section 5).

There is no question "did it arrive": a lost answer stays unknown until the same bytes may be sent again.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
import requests

from adapters.contract import Answer
from adapters.reach import NOT_TAKEN, SET_UP, UNCERTAIN, Reach
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, OutcomeUnknown

HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
VERDICT = re.compile(r"10000|2\d{4}")  # a code of the interface; another one is of some server in between


class Refused(AuthorityRejected):
    """Customs refused an upload; `raw` is its answer as it came."""

    def __init__(self, message: str, code: str, raw: bytes) -> None:
        super().__init__(message, code)
        self.raw = raw


class Wire(Reach):
    """The way to customs' upload address."""

    def post(self, sealed: bytes, recovery: bool = False) -> Answer:
        """Posts once; only a connection that never came about is tried again, within seconds."""
        return self._judge(self.posted(str(self.profile.value("upload_path")), sealed, HEADERS, recovery))

    def _judge(self, response: requests.Response) -> Answer:
        status, reply = response.status_code, _reply(response)
        if status in NOT_TAKEN:
            raise AuthorityUnavailable(f"HTTP {status}: {NOT_TAKEN[status]}")
        code, text = str(reply.get("code") or ""), str(reply.get("message") or "")
        if not VERDICT.fullmatch(code):
            raise _unread(status, response.content)
        if code in self.profile.value("accepted_codes"):
            return Answer(code, text, response.content)
        raise Refused(f"[{code}] {text} / 支付数据被退回", code, response.content)


def _reply(response: requests.Response) -> dict[str, Any]:
    """The JSON answer, {} where it is none."""
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _unread(status: int, content: bytes) -> Exception:
    """What an answer without a code of the interface means."""
    if status in UNCERTAIN or 200 <= status < 300:
        return OutcomeUnknown(f"HTTP {status} without a readable answer / 应答无法识别")
    if status in SET_UP or 300 <= status < 400:
        return ConfigurationError(f"HTTP {status}: address or access for the upload is wrong / 上传地址或访问权限有误")
    return Refused(f"HTTP {status} / 支付数据被退回", f"HTTP-{status}", content)

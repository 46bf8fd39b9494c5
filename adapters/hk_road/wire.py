"""The wire to Hong Kong: HTTP of our own (profile.yaml, "wire", unverified): POST, question by reference, notices.

Unlike China, an unknown outcome is settled by asking: what the authority has, it says; what it never had is sent again.
"""

from __future__ import annotations

from typing import Any

import orjson
import requests

from adapters.contract import Answer, Polled
from adapters.hk_road import envelope
from adapters.reach import NOT_TAKEN, SET_UP, UNCERTAIN, Reach, listed
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, OutcomeUnknown

HEADERS = {"Content-Type": "application/json; charset=utf-8"}
PATHS = {"HKRoadACI": "/aci", "HKRoadBundle": "/bundles"}


class Wire(Reach):
    """The way to Hong Kong's road cargo system at one address."""

    def post(self, sealed: bytes, message_type: str, recovery: bool = False) -> Answer:
        """Posts once; only a connection that never came about is tried again, within seconds."""
        return self.judged(self.posted(PATHS[message_type], sealed, HEADERS, recovery), _judge)

    def ask(self, message_type: str, reference: str) -> Polled | None:
        """What became of the message with this reference: its answers so far, or None if it never arrived."""
        response = self._get(PATHS[message_type], {"reference": reference})
        found = (_json(response) or {}).get("found")
        if not isinstance(found, bool):
            raise AuthorityUnavailable("The answer to our question is unreadable / 查询结果无法读取")
        return _polled(response) if found else None

    def get(self, sender: str, since: str) -> Polled:
        """One page of notices since a cursor or ISO instant. Raises AuthorityUnavailable, ConfigurationError."""
        return _polled(
            self._get("/notices", {"sender": sender, "since": since, "limit": self.profile.value("notices_per_poll")})
        )

    def _get(self, path: str, asked: dict[str, Any]) -> requests.Response:
        response = self.asked(path, asked)
        if response.status_code in UNCERTAIN or response.status_code in NOT_TAKEN:
            raise AuthorityUnavailable(f"No answer: HTTP {response.status_code} / 未收到应答")
        if not response.ok:
            raise ConfigurationError(f"Refused: HTTP {response.status_code} {response.text[:200]} / 查询被拒绝")
        return response


def _json(response: requests.Response) -> dict[str, Any] | None:
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _judge(response: requests.Response) -> Answer:
    reply, status = _json(response) or {}, response.status_code
    said = str(reply.get("status") or "")
    if response.ok and said in ("received", "duplicate"):
        return Answer(said, str(reply.get("text") or ""), response.content, said == "duplicate")
    if status in NOT_TAKEN:
        raise AuthorityUnavailable(f"HTTP {status}: {NOT_TAKEN[status]}")
    if 300 <= status < 400 or (status in SET_UP and not said):
        raise ConfigurationError(
            f"HTTP {status}: address of Hong Kong Customs or access to it is wrong / 香港海关地址或访问权限有误"
        )
    if status in UNCERTAIN or response.ok:
        raise OutcomeUnknown(f"HTTP {status} without a readable answer / 应答无法识别")
    text = reply.get("text") or response.text[:200]
    raise AuthorityRejected(f"HTTP {status}: {text} / 报文被拒绝", str(reply.get("code") or f"HTTP-{status}"))


def _polled(response: requests.Response) -> Polled:
    page = _json(response) or {}
    messages = listed(page, response, "The page of notices is unreadable / 通知列表无法读取")
    return Polled(messages, str(page.get("next") or ""))


def type_of(sealed: bytes) -> str:
    """The type of the message in a sealed envelope. Raises DataFault."""
    return str(envelope.parse(sealed).get("type") or "")

"""The wire: DxpMsg by HTTP POST, receipts by GET (profile.yaml, setting "wire": one unverified binding of several).

What matters is telling apart what surely was not sent (connection refused, no such host, connect timeout) from what
may have arrived (any failure after the request was on its way): the one is tried again, the other never blindly.
"""

from __future__ import annotations

import orjson
import requests

from adapters.cn_ecommerce import envelope
from adapters.contract import Answer, Polled, Profile
from adapters.reach import NOT_TAKEN, SET_UP, UNCERTAIN, Reach, listed
from mappings.engine import codes
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, DataFault, OutcomeUnknown

HEADERS = {"Content-Type": "application/xml; charset=utf-8"}


class Wire(Reach):
    """The way to one China Customs access point."""

    def post(self, sealed: bytes, recovery: bool = False) -> Answer:
        """Posts once; only a connection that never came about is tried again, within seconds."""
        return self.judged(self.posted("/dxp/messages", sealed, HEADERS, recovery), self._judge)

    def get(self, dxp_id: str, since: str) -> Polled:
        """One page of receipts since a cursor or ISO instant. Raises AuthorityUnavailable, ConfigurationError."""
        asked = {"dxpId": dxp_id, "since": since, "limit": self.profile.value("answers_per_poll")}
        response = self.asked("/dxp/receipts", asked)
        if response.status_code in UNCERTAIN or response.status_code in NOT_TAKEN:
            raise AuthorityUnavailable(f"No receipts: HTTP {response.status_code} / 无法取得回执")
        if not response.ok:
            raise ConfigurationError(
                f"Receipts refused: HTTP {response.status_code} {response.text[:200]} / 回执查询被拒绝"
            )
        return _page(response)

    def _judge(self, response: requests.Response) -> Answer:
        said = reply(response.content)
        if said is None:
            raise unread(response)
        return judged(said, self.profile, response.content)


def judged(reply: envelope.Reply, profile: Profile, raw: bytes) -> Answer:
    """What an envelope-level answer means, whatever channel brought it. Raises OutcomeUnknown, AuthorityRejected."""
    accepted, duplicate = taken(reply.code, reply.text, profile)
    if accepted or duplicate:
        return Answer(reply.code, reply.text, raw, duplicate)
    said = explain(reply.code, reply.text)
    if reply.code in profile.value("unknown_codes"):
        raise OutcomeUnknown(said)
    raise AuthorityRejected(said, reply.code)


def taken(code: str, text: str, profile: Profile) -> tuple[bool, bool]:
    """Whether an answer says that the message was accepted; else whether it proves that it had come before."""
    accepted = code in profile.value("accepted_codes")
    return accepted, not accepted and any(word in text.lower() for word in profile.value("duplicate_texts"))


def explain(code: str, text: str) -> str:
    """An envelope-level answer in both languages, with the authority's own text."""
    known = codes.load("cn_ecommerce", "dxp_error").codes.get(code)
    names = f"{known.name_zh} / {known.name_en}" if known else "未知代码 / unknown code"
    return f"[{code}] {names}" + (f": {text}" if text else "")


def reply(content: bytes) -> envelope.Reply | None:
    """The DxpRep in an answer, None where it is none."""
    try:
        root = envelope.parse(content)
        return envelope.read_reply(root) if envelope.name(root) == "DxpRep" else None
    except DataFault:
        return None


def unread(response: requests.Response) -> Exception:
    """What an answer without a DxpRep means."""
    status = response.status_code
    if status in NOT_TAKEN:
        return AuthorityUnavailable(f"HTTP {status}: {NOT_TAKEN[status]}")
    if status in UNCERTAIN or 200 <= status < 300:
        return OutcomeUnknown(f"HTTP {status} without a readable DxpRep / 应答无法识别")
    if status in SET_UP or 300 <= status < 400:
        return ConfigurationError(
            f"HTTP {status}: address or access to the authority is wrong / 海关地址或访问权限有误"
        )
    return AuthorityRejected(f"HTTP {status}: {response.text[:200]} / 报文被拒绝", f"HTTP-{status}")


def _page(response: requests.Response) -> Polled:
    try:
        page = orjson.loads(response.content)
    except ValueError:
        page = None
    messages = listed(page, response, "The page of receipts is unreadable / 回执列表无法读取")
    return Polled(messages, str(page.get("next") or ""))

"""The wire: DxpMsg by HTTP POST, receipts by GET (profile.yaml, setting "wire": one unverified binding of several).

What matters is telling apart what surely was not sent (connection refused, no such host, connect timeout) from what
may have arrived (any failure after the request was on its way): the one is tried again, the other never blindly.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from adapters.cn_ecommerce import envelope
from adapters.contract import Answer, Polled, Profile
from adapters.guard import Breaker, RateLimit
from mappings import clock
from mappings.engine import codes
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, DataFault, OutcomeUnknown

RECOVERY = "X-Tongguan-Recovery"
HEADERS = {"Content-Type": "application/xml; charset=utf-8"}
NOT_TAKEN = {408: "the request took too long 请求超时", 429: "too many requests 请求过多"}  # before anything is kept
SET_UP = {401, 403, 404, 405, 407}  # no message is at fault: the address or the access is
UNCERTAIN = range(500, 600)


class Wire:
    """The way to one China Customs access point."""

    def __init__(self, base_url: str, profile: Profile, session: requests.Session | None = None) -> None:
        self.base_url, self.profile = base_url.rstrip("/"), profile
        self.session = session or requests.Session()
        self.timeout = (profile.value("connect_timeout_seconds"), profile.value("read_timeout_seconds"))
        self.rate = RateLimit(profile.value("messages_per_second"))
        self.breaker = Breaker(profile.name, profile.value("breaker_failures"), profile.value("breaker_pause_seconds"))

    def post(self, sealed: bytes, recovery: bool = False) -> Answer:
        """Posts once; only a connection that never came about is tried again, within seconds."""
        headers = HEADERS | ({RECOVERY: "1"} if recovery else {})
        self.rate.wait()
        response = self._connected(
            lambda: self.session.post(
                f"{self.base_url}/dxp/messages",
                data=sealed,
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
            ),
            OutcomeUnknown,
        )
        return self._judge(response)

    def get(self, dxp_id: str, since: str) -> Polled:
        """One page of receipts since a cursor or ISO instant. Raises AuthorityUnavailable, ConfigurationError."""
        asked = {"dxpId": dxp_id, "since": since, "limit": self.profile.value("answers_per_poll")}
        response = self._connected(
            lambda: self.session.get(f"{self.base_url}/dxp/receipts", params=asked, timeout=self.timeout),
            AuthorityUnavailable,
        )
        if response.status_code in UNCERTAIN or response.status_code in NOT_TAKEN:
            raise AuthorityUnavailable(f"No receipts: HTTP {response.status_code} / 无法取得回执")
        if not response.ok:
            raise ConfigurationError(
                f"Receipts refused: HTTP {response.status_code} {response.text[:200]} / 回执查询被拒绝"
            )
        return _page(response)

    def _connected(self, call: Callable[[], requests.Response], lost: type[Exception]) -> requests.Response:
        self.breaker.check()
        attempts = Retrying(
            retry=retry_if_exception_type(AuthorityUnavailable),
            stop=stop_after_attempt(self.profile.value("connect_attempts")),
            wait=wait_exponential(multiplier=self.profile.value("connect_wait_seconds")),
            sleep=lambda seconds: clock.clock().sleep(float(seconds)),
            reraise=True,
        )
        try:
            response = attempts(_once, call, lost)
        except (AuthorityUnavailable, OutcomeUnknown):
            self.breaker.failed()
            raise
        (self.breaker.failed if response.status_code in UNCERTAIN else self.breaker.passed)()
        return response

    def _judge(self, response: requests.Response) -> Answer:
        reply = _reply(response.content)
        if reply is None:
            raise _unread(response)
        accepted = reply.code in self.profile.value("accepted_codes")
        duplicate = not accepted and any(t in reply.text.lower() for t in self.profile.value("duplicate_texts"))
        if accepted or duplicate:
            return Answer(reply.code, reply.text, response.content, duplicate)
        said = explain(reply.code, reply.text)
        if reply.code in self.profile.value("unknown_codes"):
            raise OutcomeUnknown(said)
        raise AuthorityRejected(said, reply.code)


def explain(code: str, text: str) -> str:
    """An envelope-level answer in both languages, with the authority's own text."""
    known = codes.load("cn_ecommerce", "dxp_error").codes.get(code)
    names = f"{known.name_zh} / {known.name_en}" if known else "未知代码 / unknown code"
    return f"[{code}] {names}" + (f": {text}" if text else "")


def _once(call: Callable[[], requests.Response], lost: type[Exception]) -> requests.Response:
    try:
        return call()
    except (requests.exceptions.MissingSchema, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as e:
        raise ConfigurationError(f"The authority's address is wrong: {e} / 海关地址配置有误") from e
    except requests.RequestException as error:
        if never_sent(error):
            raise AuthorityUnavailable(f"Not reached: {error} / 无法连接") from error
        raise lost(f"No answer: {error} / 未收到应答") from error


def never_sent(error: requests.RequestException) -> bool:
    """Whether the request surely never left: no connection came about."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause: Any = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


def _reply(content: bytes) -> envelope.Reply | None:
    try:
        root = envelope.parse(content)
        return envelope.read_reply(root) if envelope.name(root) == "DxpRep" else None
    except DataFault:
        return None


def _unread(response: requests.Response) -> Exception:
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
        page = response.json()
        messages = [base64.b64decode(text) for text in page["messages"]]
        return Polled(messages, str(page.get("next") or ""))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise AuthorityUnavailable(f"The page of receipts is unreadable: {error} / 回执列表无法读取") from error

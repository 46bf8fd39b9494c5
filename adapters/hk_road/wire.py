"""The wire to Hong Kong: HTTP of our own (profile.yaml, "wire", unverified): POST, question by reference, notices.

Unlike China, an unknown outcome is settled by asking: what the authority has, it says; what it never had is sent again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

import orjson
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from adapters.contract import Answer, Polled, Profile
from adapters.guard import Breaker, RateLimit
from adapters.hk_road import envelope
from mappings import clock
from mappings.errors import AuthorityRejected, AuthorityUnavailable, ConfigurationError, OutcomeUnknown

RECOVERY = "X-Tongguan-Recovery"
HEADERS = {"Content-Type": "application/json; charset=utf-8"}
PATHS = {"HKRoadACI": "/aci", "HKRoadBundle": "/bundles"}
NOT_TAKEN = 429
_WRONG_ADDRESS = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)


class Wire:
    """The way to Hong Kong's road cargo system at one address."""

    def __init__(self, base_url: str, profile: Profile, session: requests.Session | None = None) -> None:
        self.base_url, self.profile = base_url.rstrip("/"), profile
        self.session = session or requests.Session()
        self.timeout = (profile.value("connect_timeout_seconds"), profile.value("read_timeout_seconds"))
        self.rate = RateLimit(profile.value("messages_per_second"))
        self.breaker = Breaker(profile.name, profile.value("breaker_failures"), profile.value("breaker_pause_seconds"))

    def post(self, sealed: bytes, message_type: str, recovery: bool = False) -> Answer:
        """Posts once; only a connection that never came about is tried again, within seconds."""
        headers = HEADERS | ({RECOVERY: "1"} if recovery else {})
        self.rate.wait()
        url = f"{self.base_url}{PATHS[message_type]}"
        response = self._connected(
            lambda: self.session.post(url, data=sealed, headers=headers, timeout=self.timeout, allow_redirects=False),
            OutcomeUnknown,
        )
        return _judge(response)

    def ask(self, message_type: str, reference: str) -> Polled | None:
        """What became of the message with this reference: its answers so far, or None if it never arrived."""
        page = self._get(PATHS[message_type], {"reference": reference})
        if not isinstance(page.get("found"), bool):
            raise AuthorityUnavailable("The answer to our question is unreadable / 查询结果无法读取")
        return _polled(page) if page["found"] else None

    def get(self, sender: str, since: str) -> Polled:
        """One page of notices since a cursor or ISO instant. Raises AuthorityUnavailable, ConfigurationError."""
        return _polled(
            self._get("/notices", {"sender": sender, "since": since, "limit": self.profile.value("notices_per_poll")})
        )

    def _get(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        response = self._connected(
            lambda: self.session.get(f"{self.base_url}{path}", params=asked, timeout=self.timeout),
            AuthorityUnavailable,
        )
        if response.status_code >= 500 or response.status_code == NOT_TAKEN:
            raise AuthorityUnavailable(f"No answer: HTTP {response.status_code} / 未收到应答")
        if not response.ok:
            raise ConfigurationError(f"Refused: HTTP {response.status_code} {response.text[:200]} / 查询被拒绝")
        return _json(response) or {}

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
        self.breaker.passed()
        return response


def _once(call: Callable[[], requests.Response], lost: type[Exception]) -> requests.Response:
    try:
        return call()
    except _WRONG_ADDRESS as error:
        raise ConfigurationError(f"Hong Kong's address is wrong: {error} / 香港海关地址配置有误") from error
    except requests.RequestException as error:
        if _never_sent(error):
            raise AuthorityUnavailable(f"Not reached: {error} / 无法连接") from error
        raise lost(f"No answer: {error} / 未收到应答") from error


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause: Any = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


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
    if status == NOT_TAKEN:
        raise AuthorityUnavailable(f"HTTP {status}: too many requests / 请求过多")
    if 300 <= status < 400:
        raise ConfigurationError(f"HTTP {status}: Hong Kong's address has moved / 香港海关地址已变更")
    if status >= 500 or response.ok:
        raise OutcomeUnknown(f"HTTP {status} without a readable answer / 应答无法识别")
    text = reply.get("text") or response.text[:200]
    raise AuthorityRejected(f"HTTP {status}: {text} / 报文被拒绝", str(reply.get("code") or f"HTTP-{status}"))


def _polled(page: dict[str, Any]) -> Polled:
    try:
        messages = [base64.b64decode(text, validate=True) for text in page["messages"]]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise AuthorityUnavailable(f"The page of notices is unreadable: {error} / 通知列表无法读取") from error
    return Polled(messages, str(page.get("next") or ""))


def type_of(sealed: bytes) -> str:
    """The type of the message in a sealed envelope. Raises DataFault."""
    return str(envelope.parse(sealed).get("type") or "")

"""Reaching an authority by HTTP: what surely was not sent is told from what may have arrived.

A connection that never came about (refused, no such host, connect timeout) is tried again within seconds; any failure
after the request was on its way never is (DESIGN, "Who retries what"). Each authority's wire builds on this.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import pybase64
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from adapters.contract import Answer, Profile
from adapters.guard import Breaker, RateLimit
from mappings import clock
from mappings.errors import AuthorityUnavailable, ConfigurationError, OutcomeUnknown, TongguanError

RECOVERY = "X-Tongguan-Recovery"
NOT_TAKEN = {408: "the request took too long 请求超时", 429: "too many requests 请求过多"}  # before anything is kept
SET_UP = {401, 403, 404, 405, 407}  # no message is at fault: the address or the access is
UNCERTAIN = range(500, 600)
_PIECE = 1 << 20  # bytes
_WRONG_ADDRESS = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)


def carried(item: Any) -> bytes:
    """One message of a page. What is no base64 is handed on as it came: kept, then parked; the others are not held up.

    Line breaks in base64, as mail has them, are no fault.
    """
    if not isinstance(item, str):
        return json.dumps(item, ensure_ascii=False).encode()
    try:
        return unpacked(item)
    except (ValueError, binascii.Error):
        return item.encode("utf-8", "surrogatepass")


def unpacked(text: str | bytes) -> bytes:
    """Base64, with or without white space in it. Raises ValueError (binascii.Error is one).

    The fast reader takes what is as it should be; the standard library judges the rest, with more indulgence.
    """
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        blank = "".join(text.split()) if isinstance(text, str) else text.translate(None, b" \t\r\n")
        return base64.b64decode(blank, validate=True)


def listed(page: Any, response: requests.Response, what: str) -> list[bytes]:
    """The messages of a page, each as it came. Raises AuthorityUnavailable, with the answer, for what is no page."""
    if isinstance(page, dict) and isinstance(found := page.get("messages"), list):
        return [carried(item) for item in found]
    error = AuthorityUnavailable(what)
    error.raw = response.content
    raise error


class Reach:
    """The way to one authority, with the timeouts, rate limit and circuit breaker of its profile."""

    def __init__(self, base_url: str, profile: Profile, session: requests.Session | None = None) -> None:
        self.base_url, self.profile = base_url.rstrip("/"), profile
        self.session = session or requests.Session()
        self._around: dict[str, Any] | None = None
        self.timeout = (profile.value("connect_timeout_seconds"), profile.value("read_timeout_seconds"))
        self.rate = RateLimit(profile.value("messages_per_second"))
        self.breaker = Breaker(profile.name, profile.value("breaker_failures"), profile.value("breaker_pause_seconds"))

    def posted(self, path: str, sealed: bytes, headers: dict[str, str], recovery: bool) -> requests.Response:
        """The answer to a message posted once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown."""
        marked = headers | ({RECOVERY: "1"} if recovery else {})
        self.rate.wait()
        request = requests.Request("POST", f"{self.base_url}{path}", headers=marked, data=sealed)
        return self._connected(lambda: self._sent(request, allow_redirects=False), OutcomeUnknown)

    def judged(self, response: requests.Response, judge: Callable[[requests.Response], Answer]) -> Answer:
        """What the answer to a message means; an error carries the answer's bytes, so that they can be kept."""
        try:
            return judge(response)
        except TongguanError as error:
            error.raw = response.content
            raise

    def asked(self, path: str, asked: dict[str, Any]) -> requests.Response:
        """The answer to a question, which changes nothing there. Raises AuthorityUnavailable."""

        request = requests.Request("GET", f"{self.base_url}{path}", params=asked)
        return self._connected(lambda: _whole(self._sent(request, stream=True)), AuthorityUnavailable)

    def _sent(self, request: requests.Request, **how: Any) -> requests.Response:
        """As the session's own `request`, but that proxies and certificates of the environment are looked up once."""
        if self._around is None:
            self._around = dict(self.session.merge_environment_settings(self.base_url, {}, None, None, None))
        prepared = self.session.prepare_request(request)
        return self.session.send(prepared, timeout=self.timeout, **{"allow_redirects": True, **self._around, **how})

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
            response = attempts(self._once, call, lost)
        except (AuthorityUnavailable, OutcomeUnknown):
            self.breaker.failed()
            raise
        (self.breaker.failed if response.status_code in UNCERTAIN else self.breaker.passed)()
        return response

    def _once(self, call: Callable[[], requests.Response], lost: type[Exception]) -> requests.Response:
        try:
            return call()
        except _WRONG_ADDRESS as error:
            raise ConfigurationError(
                f"The address of {self.profile.title_en} is wrong: {error} / {self.profile.title_zh} 地址配置有误"
            ) from error
        except requests.RequestException as error:
            if never_sent(error):
                raise AuthorityUnavailable(f"Not reached: {error} / 无法连接") from error
            raise lost(f"No answer: {error} / 未收到应答") from error


def _whole(response: requests.Response) -> requests.Response:
    """A response whose content has been read, in large pieces: a page of receipts has megabytes."""
    response._content = b"".join(response.iter_content(_PIECE))  # what .content does, in pieces of 10 kB
    return response


def never_sent(error: requests.RequestException) -> bool:
    """Whether the request surely never left: no connection came about."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause: Any = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))

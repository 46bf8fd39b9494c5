"""RabbitMQ (AMQP 0-9-1): persistent messages to one out-queue, receipts from a queue per company (<dxpId>_HZ).

Sent is what the broker confirmed. A confirm that never came is an unknown outcome; no connection, or no such queue, is
surely not sent. A receipt is acknowledged once it is in the ledger, so it comes again after any accident, and the
ledger knows it. What no ledger can keep (empty, far too large, delivered again and again) is parked on a dead queue.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import (
    AMQPError,
    ChannelClosedByBroker,
    NackError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    UnroutableError,
)

from adapters.cn_ecommerce import envelope
from adapters.cn_ecommerce.channels.protocol import Head
from adapters.cn_ecommerce.channels.sender import ENVELOPE
from adapters.cn_ecommerce.channels.settings import AmqpSettings
from adapters.contract import Answer, NoPlace, Polled, Profile
from adapters.guard import Breaker, RateLimit
from adapters.reach import RECOVERY
from mappings import clock
from mappings.errors import AuthorityUnavailable, ConfigurationError, OutcomeUnknown

log = logging.getLogger(__name__)
logging.getLogger("pika").setLevel(logging.CRITICAL)  # it logs each failure five times over, and we say it once
CONFIRMED = "0000"
_ACCESS, _TOO_LARGE = 403, 406
_LOST = (AMQPError, OSError)


@dataclass
class _Line:
    """A thread's connection, and the channel whose receipts are not acknowledged yet."""

    connection: BlockingConnection
    process: int
    out: BlockingChannel | None = None
    held: BlockingChannel | None = None


class Amqp:
    """A Channel over one broker. A connection belongs to the thread that opened it."""

    name, form = "amqp", ENVELOPE

    def __init__(self, settings: AmqpSettings, profile: Profile) -> None:
        self.settings, self.profile = settings, profile
        self.rate = RateLimit(profile.value("messages_per_second"))
        self.breaker = Breaker(profile.name, profile.value("breaker_failures"), profile.value("breaker_pause_seconds"))
        self._mine = threading.local()
        try:
            self._address = pika.URLParameters(settings.url)
        except (ValueError, TypeError) as error:
            raise ConfigurationError("The address of the broker cannot be read / 消息队列地址有误") from error
        self._address.socket_timeout = self._address.stack_timeout = float(profile.value("connect_timeout_seconds"))
        self._address.blocked_connection_timeout = float(profile.value("read_timeout_seconds"))
        self._address.heartbeat = settings.heartbeat_seconds

    def wrap(self, business: bytes, head: Head) -> bytes:
        """In a DxpMsg, or that in a DxpMsgSv."""
        terminal = head.terminal(business)
        if self.settings.envelope == "DxpMsg":
            return terminal
        serial = int.from_bytes(hashlib.sha256(head.cop_msg_id.encode()).digest()[:8], "big") % 10**10
        return envelope.transfer(terminal, self.settings.node, self.settings.end_node, serial, head.at)

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Publishes once and waits for the broker's confirm."""
        self.rate.wait()
        with self._guarded():
            out = self._out()
            self._published(out, sealed, cop_msg_id, recovery)
        return Answer(CONFIRMED, "confirmed by the broker 消息队列已确认", b"")

    def _published(self, out: BlockingChannel, sealed: bytes, cop_msg_id: str, recovery: bool) -> None:
        queue = self.settings.out_queue
        try:
            out.basic_publish("", queue, sealed, _properties(cop_msg_id, recovery), mandatory=True)
        except UnroutableError as error:
            raise NoPlace(f"There is no queue {queue} / 发送队列不存在") from error
        except NackError as error:
            raise OutcomeUnknown(f"The broker did not confirm a message to {queue} / 消息队列未确认") from error
        except ChannelClosedByBroker as error:
            self._drop()
            if error.reply_code in (_ACCESS, _TOO_LARGE):
                raise ConfigurationError(
                    f"The broker refuses a message to {queue}: {error.reply_text} / 消息队列拒收"
                ) from error
            raise OutcomeUnknown(f"The channel was closed: {error.reply_text} / 通道被关闭") from error
        except _LOST as error:
            self._drop()
            raise OutcomeUnknown(f"No confirm came: {error!r} / 未收到确认") from error

    def poll(self, dxp_id: str, since: str) -> Polled:
        """What lies in the company's queue, a page of it; it leaves the queue when `stored` is called."""
        queue, most = self.settings.receipt_queue.format(dxp_id=dxp_id), int(self.profile.value("answers_per_poll"))
        with self._guarded():
            line = self._line()
            try:
                held = line.held = self._fresh(line)
                found = list(self._got(held, queue, most))
            except ChannelClosedByBroker as error:
                line.held = None
                raise NoPlace(f"No receipts from {queue}: {error.reply_text} / 无法取得回执") from error
            except _LOST as error:
                self._drop()
                raise AuthorityUnavailable(f"The broker was lost: {error!r} / 与消息队列断开") from error
        tags, bodies = [tag for tag, _ in found], [body for _, body in found]
        return Polled(bodies, more=len(found) >= most, channel=self.name, stored=lambda: self._acknowledge(held, tags))

    def _fresh(self, line: _Line) -> BlockingChannel:
        """A new channel; what an earlier one held without an acknowledgement goes back to its queue."""
        if line.held is not None and line.held.is_open:
            line.held.close()
        return line.connection.channel()

    def _got(self, channel: BlockingChannel, queue: str, most: int) -> Iterator[tuple[int, bytes]]:
        for _ in range(most):
            method, properties, body = channel.basic_get(queue)
            if method is None:
                return
            tag = int(method.delivery_tag or 0)
            times = int(((properties and properties.headers) or {}).get("x-delivery-count", 0))
            why = self._poison(body or b"", times)
            if not why:
                yield tag, body or b""
            else:
                self._park(channel, queue, tag, body or b"", why)

    def _poison(self, body: bytes, times: int) -> str:
        if not body:
            return "empty"
        if len(body) > self.settings.receipt_bytes:
            return f"{len(body)} bytes, the limit is {self.settings.receipt_bytes}"
        return f"delivered {times} times" if times >= self.settings.most_deliveries else ""

    def _park(self, channel: BlockingChannel, queue: str, tag: int, body: bytes, why: str) -> None:
        """To the dead queue, confirmed, before it leaves its own; where that fails it stays."""
        dead = self.settings.dead_queue.format(queue=queue)
        log.warning("parked a message of %s on %s: %s", queue, dead, why)
        out = self._out()
        out.queue_declare(dead, durable=True)
        properties = pika.BasicProperties(delivery_mode=2, headers={"x-tongguan-reason": why})
        out.basic_publish("", dead, body, properties, mandatory=True)
        channel.basic_ack(tag)

    def _acknowledge(self, held: BlockingChannel, tags: list[int]) -> None:
        """What is stored leaves the queue; where the broker is lost it comes again, and is known."""
        try:
            for tag in tags:
                held.basic_ack(tag)
            held.close()
        except _LOST as error:
            log.warning("the broker was lost before an acknowledgement: %r", error)
            self._drop()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self.breaker.check()
        try:
            yield
        except NoPlace:
            raise  # the broker is there
        except (AuthorityUnavailable, OutcomeUnknown):
            self.breaker.failed()
            raise
        self.breaker.passed()

    def _out(self) -> BlockingChannel:
        """The thread's channel for publishing, with confirms. Raises AuthorityUnavailable."""
        line = self._line()
        try:
            if line.out is None or not line.out.is_open:
                line.out = line.connection.channel()
                line.out.confirm_delivery()
        except _LOST as error:
            self._drop()
            raise AuthorityUnavailable(f"No channel to the broker: {error!r} / 无法打开通道") from error
        return line.out

    def _line(self) -> _Line:
        """The thread's living connection, made anew where it died or the process forked."""
        line: _Line | None = getattr(self._mine, "line", None)
        if line is not None and line.process == os.getpid() and _alive(line.connection):
            return line
        self._mine.line = _Line(self._connected(), os.getpid())
        return self._mine.line

    def _connected(self) -> BlockingConnection:
        self._address.connection_attempts = int(self.profile.value("connect_attempts"))
        self._address.retry_delay = clock.clock().real_seconds(float(self.profile.value("connect_wait_seconds")))
        where = f"{self._address.host}:{self._address.port}"
        try:
            return BlockingConnection(self._address)
        except (ProbableAuthenticationError, ProbableAccessDeniedError) as error:
            raise ConfigurationError(f"The broker at {where} refuses this user / 消息队列拒绝登录") from error
        except _LOST as error:
            raise AuthorityUnavailable(f"No broker at {where}: {error!r} / 无法连接消息队列") from error

    def _drop(self) -> None:
        line: _Line | None = getattr(self._mine, "line", None)
        self._mine.line = None
        if line is None or not line.connection.is_open:
            return
        try:
            line.connection.close()
        except _LOST as error:
            log.debug("closing a lost connection: %r", error)


def _alive(connection: BlockingConnection) -> bool:
    """Whether a connection is there still: what the broker said meanwhile (heartbeats, a close) is heard first."""
    try:
        if connection.is_open:
            connection.process_data_events(0)
    except _LOST:
        return False
    return bool(connection.is_open)


def _properties(cop_msg_id: str, recovery: bool) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="text/xml", content_encoding="UTF-8", delivery_mode=2, message_id=cop_msg_id,
        headers={RECOVERY: "1"} if recovery else None,
    )  # fmt: skip

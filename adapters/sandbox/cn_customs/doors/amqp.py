"""Queues (RabbitMQ): declarations from one queue, receipts and refusals into <dxpId>_HZ of each company.

A message that the broker delivers again (the line was cut before its acknowledgement) and that is in the book already
is no second sending by the company.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.customs import Customs, wrap
from adapters.sandbox.cn_customs.doors import client
from adapters.sandbox.cn_customs.doors.door import Door
from adapters.sandbox.cn_customs.incoming import Incoming
from mappings.errors import ConfigurationError

logging.getLogger("pika").setLevel(logging.CRITICAL)  # a cut line is told once, by the door
RECOVERY = "x-tongguan-recovery"
PERSISTENT = pika.BasicProperties(content_type="text/xml", content_encoding="UTF-8", delivery_mode=2)


class Queues(Door):
    """The door to a broker; the line is opened again whenever it breaks."""

    name = "amqp"

    def __init__(self, customs: Customs, url: str, out_queue: str, receipt_queue: str = "{dxp_id}_HZ") -> None:
        super().__init__(customs)
        try:
            self._address = pika.URLParameters(url)
        except (ValueError, TypeError) as error:
            raise ConfigurationError("The address of the broker cannot be read") from error
        self._address.heartbeat, self._address.socket_timeout = 30, 5
        self._out_queue, self._receipt_queue = out_queue, receipt_queue
        self._connection: BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._known: set[str] = set()

    def once(self) -> None:
        """Take what came, publish what is due."""
        try:
            channel = self._line()
            for _ in range(50):
                method, properties, body = channel.basic_get(self._out_queue)
                if method is None:
                    break
                if not self._take(channel, properties, body or b"", bool(method.redelivered)):
                    channel.basic_nack(method.delivery_tag)
                    break
                channel.basic_ack(method.delivery_tag)
            for row in self.deliveries():
                self._say(channel, row["dxp"], self._form(row))
                self.gone(row)
        except AMQPError as error:
            self._connection = None
            raise OSError(f"the line broke: {error!r}") from error

    def close(self) -> None:
        """Stop and hang up."""
        super().close()
        if self._connection is not None and self._connection.is_open:
            self._connection.close()

    def _line(self) -> BlockingChannel:
        if self._connection is None or not self._connection.is_open or self._channel is None:
            self._connection = BlockingConnection(self._address)
            self._channel = self._connection.channel()
            self._channel.confirm_delivery()
            self._channel.queue_declare(self._out_queue, durable=True)
            self._known.clear()
        self._connection.process_data_events(0)
        return self._channel

    def _take(self, channel: BlockingChannel, properties: Any, body: bytes, redelivered: bool) -> bool:
        marks = {str(name).lower(): str(value) for name, value in ((properties and properties.headers) or {}).items()}
        incoming = self.customs.read(body, marks.get(RECOVERY, "") not in ("", "0"))
        if redelivered and self._booked(incoming):
            return True
        outcome = self.customs.book(incoming)
        if "http" in outcome.rules:
            return False
        if incoming.fault and incoming.envelope.sender:
            self._say(channel, incoming.envelope.sender, outcome.body)
        elif incoming.envelope.sender:
            self._declared(channel, incoming.envelope.sender)
        return True

    def _booked(self, incoming: Incoming) -> bool:
        same = hashlib.sha256(incoming.raw).hexdigest(), incoming.envelope.cop_msg_id
        return self.store.value("SELECT 1 FROM message WHERE sha256 = ? AND cop_msg_id = ? LIMIT 1", *same) is not None

    def _form(self, row: Any) -> bytes:
        terminal = wrap(row)
        transfer = settings.profile()["amqp_envelope"] == "DxpMsgSv"
        return client.transferred(terminal, row["published"]) if transfer else terminal

    def _declared(self, channel: BlockingChannel, dxp: str) -> str:
        queue = self._receipt_queue.format(dxp_id=dxp)
        if queue not in self._known:
            channel.queue_declare(queue, durable=True)
            self._known.add(queue)
        return queue

    def _say(self, channel: BlockingChannel, dxp: str, body: bytes) -> None:
        channel.basic_publish("", self._declared(channel, dxp), body, PERSISTENT, mandatory=True)

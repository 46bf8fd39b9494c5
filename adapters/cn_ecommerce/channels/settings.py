"""What tongguan.yaml may say of a channel. The authority gives the names of queues and folders; ours are defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Given = str | Mapping[str, Any] | None


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class HttpSettings(_Settings):
    """Our own binding; `url` is by default the authority's address."""

    kind: Literal["http"] = "http"
    url: str


class LocalPortSettings(_Settings):
    """A local port's HTTP as one of them published it (transport_signature.md, section 2, Haikou)."""

    kind: Literal["local_port"] = "local_port"
    url: str
    send_path: str = "/cebcmsg"
    receipts_path: str = "/ceb{number}msg"
    receipts: list[str] | None = None  # receipt types to ask for; None: those of the messages that we send
    sender_id: str = "SHOP"
    receiver_id: str = "PORT"
    first_look_seconds: float = 86400


class AmqpSettings(_Settings):
    """RabbitMQ queues; names with {dxp_id} are per company. `node` and `end_node` are SvNo's, for a DxpMsgSv."""

    kind: Literal["amqp"] = "amqp"
    url: str = Field(pattern=r"^amqps?://")
    out_queue: str
    receipt_queue: str = "{dxp_id}_HZ"
    dead_queue: str = "{queue}_DEAD"
    envelope: Literal["DxpMsg", "DxpMsgSv"] = "DxpMsg"
    node: str = ""
    end_node: str = ""
    heartbeat_seconds: int = 30
    receipt_bytes: int = 64 * 1024 * 1024
    most_deliveries: int = 10

    @model_validator(mode="after")
    def _nodes(self) -> AmqpSettings:
        if self.envelope == "DxpMsgSv" and not all(len(node) == 8 for node in (self.node, self.end_node)):
            raise ValueError("a DxpMsgSv needs node and end_node, 8 characters each / 需要8位的 node 和 end_node")
        return self


class FolderSettings(_Settings):
    """The folders of the E-Port client; {dxp_id} in `path` where every company has a client of its own."""

    kind: Literal["folder"] = "folder"
    path: str = Field(min_length=1)
    envelope: Literal["none", "DxpMsg"] = "none"
    send: str = "send"
    sent: str = "sent"
    failed: str = "failed"
    receive: str = "receive"
    taken: str = "taken"
    quiet_seconds: float = 2.0  # a file that changed less long ago is not read
    whole_seconds: float = 600.0  # nor one that is no whole XML document, for this long


KINDS: dict[str, type[_Settings]] = {
    "http": HttpSettings,
    "local_port": LocalPortSettings,
    "amqp": AmqpSettings,
    "folder": FolderSettings,
}

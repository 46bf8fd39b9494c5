"""Whose message it is: read from the sealed bytes, whatever envelope they are in."""

from __future__ import annotations

from adapters.cn_ecommerce import envelope
from adapters.cn_ecommerce.channels import posts


def sender_of(sealed: bytes) -> str:
    """The DXP id that sends: SenderId of the envelope, else BaseTransfer's. Raises DataFault."""
    opened = posts.opened(sealed) if posts.is_post(sealed) else envelope.open_message(sealed)
    return opened.peer or envelope.text(envelope.parse(opened.business), "dxpId")


def message_of(sealed: bytes) -> tuple[str, str]:
    """Its type and message id: CopMsgId of the envelope, else the guid of the message itself. Raises DataFault."""
    opened = envelope.open_message(sealed)
    return opened.type, opened.cop_msg_id or envelope.parse(opened.business).get("guid", "")

"""Whose message it is and in which form: read from the sealed bytes, whatever envelope they are in."""

from __future__ import annotations

from adapters.cn_ecommerce import envelope
from adapters.cn_ecommerce.channels import posts

POST, ENVELOPE, BARE = "post", "envelope", "bare"


def form_of(sealed: bytes) -> str:
    """The form in which a message was sealed: a local port's post, in an envelope, or bare."""
    if posts.is_post(sealed):
        return POST
    return ENVELOPE if b"DxpMsg" in sealed[:200] else BARE


def sender_of(sealed: bytes) -> str:
    """The DXP id that sends: SenderId of the envelope, else BaseTransfer's. Raises DataFault."""
    opened = posts.opened(sealed) if posts.is_post(sealed) else envelope.open_message(sealed)
    return opened.peer or envelope.text(envelope.parse(opened.business), "dxpId")


def message_of(sealed: bytes) -> tuple[str, str]:
    """Its type and message id: CopMsgId of the envelope, else the guid of the message itself. Raises DataFault."""
    opened = envelope.open_message(sealed)
    return opened.type, opened.cop_msg_id or envelope.parse(opened.business).get("guid", "")

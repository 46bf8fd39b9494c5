"""What a channel is: it carries sealed messages one way and brings raw receipts the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.cn_ecommerce import envelope
from adapters.contract import Answer, Polled


@dataclass(frozen=True)
class Head:
    """What an envelope says of the message in it."""

    type: str
    sender: str
    receiver: str
    cop_msg_id: str
    at: datetime

    def terminal(self, business: bytes) -> bytes:
        """The business message in its DxpMsg."""
        return envelope.write(business, self.type, self.sender, self.receiver, self.cop_msg_id, self.at)


class Channel(Protocol):
    """One way to the authority."""

    name: str
    form: str  # the form that `wrap` gives (sender.form_of)

    def wrap(self, business: bytes, head: Head) -> bytes:
        """The very bytes that will leave, so that a recovery sends the same ones."""
        ...

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Sends once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown, AuthorityRejected."""
        ...

    def poll(self, dxp_id: str, since: str) -> Polled:
        """What lies ready; it is taken off the channel only by `Polled.stored`. Raises AuthorityUnavailable."""
        ...

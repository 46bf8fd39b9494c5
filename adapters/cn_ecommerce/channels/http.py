"""Our own HTTP binding as a channel: DxpMsg by POST, receipts by GET (see `wire`)."""

from __future__ import annotations

import requests

from adapters.cn_ecommerce.channels.protocol import Head
from adapters.cn_ecommerce.channels.sender import ENVELOPE
from adapters.cn_ecommerce.channels.settings import HttpSettings
from adapters.cn_ecommerce.wire import Wire
from adapters.contract import Answer, Polled, Profile


class Http:
    """A Channel over `Wire`."""

    name, form = "http", ENVELOPE

    def __init__(self, settings: HttpSettings, profile: Profile, session: requests.Session | None = None) -> None:
        self.wire = Wire(settings.url, profile, session)

    def wrap(self, business: bytes, head: Head) -> bytes:
        """In a DxpMsg."""
        return head.terminal(business)

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Posts once."""
        return self.wire.post(sealed, recovery)

    def poll(self, dxp_id: str, since: str) -> Polled:
        """One page of receipts."""
        return self.wire.get(dxp_id, since)

"""Hong Kong Customs, road cargo (ROCARS, Trade Single Window); profile.yaml says what is known and what is not."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import requests

from adapters.contract import Answer, Opened, OutMessageLike, Polled, Profile, ReceiptRow, load_profile
from adapters.hk_road import envelope, receipts, signature
from adapters.hk_road.envelope import sender
from adapters.hk_road.wire import PATHS, Wire, type_of
from adapters.keys.provider import KeyProvider
from mappings.canonical.model import Party
from mappings.errors import ConfigurationError, Unsupported

NAME = "hk_road"
__all__ = ["NAME", "HongKongRoad", "profile", "sender"]


@lru_cache
def profile() -> Profile:
    """This adapter's profile.yaml."""
    return load_profile(Path(__file__).parent / "profile.yaml")


class HongKongRoad:
    """An Authority: Hong Kong's road cargo system at one address ('' in a dry run: no network)."""

    name = NAME

    def __init__(self, base_url: str = "", session: requests.Session | None = None) -> None:
        self.profile = profile()
        self._wire = Wire(base_url, self.profile, session) if base_url else None

    @property
    def wire(self) -> Wire:
        """The way to the authority. Raises ConfigurationError when no address is set."""
        if self._wire is None:
            raise ConfigurationError("Hong Kong Customs has no address set / 未配置香港海关地址")
        return self._wire

    def sender(self, party: Party) -> str:
        """What a company is known by on this wire: its code, else its DXP id, else its name."""
        return sender(party)

    def channel(self, dxp_id: str) -> str:
        """There is one."""
        return "http"

    def seal(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> bytes:
        """The message in its envelope, signed if the party has a code; the message id is the message's guid."""
        if message.type not in self.profile.messages:
            raise Unsupported(f"{message.type} is not sent to Hong Kong / 不支持发送 {message.type}")
        signed = signature.detached(message.body, party, keys)
        return envelope.write(message.body, message.type, message.guid, party, signed)

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Posts once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown, AuthorityRejected."""
        message_type = type_of(sealed)
        if message_type not in PATHS:
            raise Unsupported(f"{message_type} is not sent to Hong Kong / 不支持发送 {message_type}")
        return self.wire.post(sealed, message_type, recovery)

    def ask(self, sealed: bytes) -> Polled | None:
        """What became of a message sent: the answers to it so far; None when the authority surely never had it."""
        return self.wire.ask(*envelope.reference(sealed))

    def poll(self, dxp_id: str, since: str) -> Polled:
        """One page of raw answers and notices for a sender (see `sender`) since a cursor or ISO instant."""
        return self.wire.get(dxp_id, since)

    def open(self, raw: bytes) -> Opened:
        """The message inside an envelope. Raises DataFault."""
        return envelope.open_message(raw)

    def receipts(self, business: bytes) -> list[ReceiptRow]:
        """The receipt in an answer or notice, normalised. Raises DataFault, Unsupported."""
        return receipts.rows(business)

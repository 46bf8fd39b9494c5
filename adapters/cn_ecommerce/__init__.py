"""China Customs, cross-border e-commerce export; profile.yaml says what it can do and what is unverified."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import requests

from adapters.cn_ecommerce import envelope, receipts, signature
from adapters.cn_ecommerce.wire import Wire
from adapters.contract import Answer, Opened, OutMessageLike, Polled, Profile, ReceiptRow, load_profile
from adapters.keys.provider import KeyProvider
from mappings import clock
from mappings.canonical.model import Party
from mappings.errors import ConfigurationError, Unsupported

NAME = "cn_ecommerce"


@lru_cache
def profile() -> Profile:
    """This adapter's profile.yaml."""
    return load_profile(Path(__file__).parent / "profile.yaml")


class ChinaEcommerce:
    """An Authority: China Customs' e-commerce interface at one address ('' in a dry run: no network)."""

    name = NAME

    def __init__(self, base_url: str = "", session: requests.Session | None = None) -> None:
        self.profile = profile()
        self._wire = Wire(base_url, self.profile, session) if base_url else None

    @property
    def wire(self) -> Wire:
        """The way to the authority. Raises ConfigurationError when no address is set."""
        if self._wire is None:
            raise ConfigurationError("China Customs has no address set / 未配置中国海关地址")
        return self._wire

    def sender(self, party: Party) -> str:
        """A company's DXP id. Raises ConfigurationError when it has none."""
        if not party.dxp_id:
            raise ConfigurationError(f"{party.name} has no DXP id / {party.name} 没有 DXP 编号")
        return party.dxp_id

    def seal(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> bytes:
        """The message signed by the party's key, in its DxpMsg; CopMsgId is the message's guid."""
        if message.type not in self.profile.messages:
            raise Unsupported(f"{message.type} is not sent to China Customs / 不支持发送 {message.type}")
        sender = self.sender(party)
        if not party.code:
            raise ConfigurationError(f"{party.name} has no company code to sign under / {party.name} 没有企业代码")
        signed = signature.sign(message.body, party.code, keys)
        receiver = self.profile.receivers["export"]
        sealed = envelope.write(signed, message.type, sender, receiver, message.guid, clock.now())
        if len(sealed) > (limit := self.profile.value("message_bytes")):
            raise Unsupported(f"{message.type} has {len(sealed)} bytes, the limit is {limit} / 报文超过大小限制")
        return sealed

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Posts once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown, AuthorityRejected."""
        return self.wire.post(sealed, recovery)

    def poll(self, dxp_id: str, since: str) -> Polled:
        """One page of raw receipts for a DXP id since a cursor or ISO instant."""
        return self.wire.get(dxp_id, since)

    def open(self, raw: bytes) -> Opened:
        """The message inside an envelope. Raises DataFault."""
        return envelope.open_message(raw)

    def receipts(self, business: bytes) -> list[ReceiptRow]:
        """The receipts in a business message, normalised. Raises DataFault, Unsupported."""
        return receipts.rows(business)

    def ask(self, sealed: bytes) -> Polled | None:
        """Cannot be asked by key (capability query_by_key): raises Unsupported."""
        raise Unsupported("China Customs cannot be asked what became of a message / 海关不支持按报文查询")

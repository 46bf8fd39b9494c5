"""China Customs, cross-border e-commerce; profile.yaml says what it can do and what is unverified."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import requests

from adapters.cn_ecommerce import channels, envelope, javamap, receipts, signature, wire
from adapters.cn_ecommerce.channels import Head, posts
from adapters.cn_ecommerce.channels.http import Http
from adapters.cn_ecommerce.channels.settings import Given
from adapters.cn_ecommerce.wire import Wire
from adapters.contract import Answer, Opened, OutMessageLike, Polled, Profile, ReceiptRow, load_profile
from adapters.keys.provider import KeyProvider
from mappings import clock
from mappings.canonical.model import Party
from mappings.engine import spec
from mappings.errors import ConfigurationError, Unsupported

NAME = "cn_ecommerce"


@lru_cache
def profile() -> Profile:
    """This adapter's profile.yaml."""
    return load_profile(Path(__file__).parent / "profile.yaml")


class ChinaEcommerce:
    """An Authority: China Customs' e-commerce interface, by the channel that `channel` names (docs/channels.md).

    Without one it is HTTP at `base_url`, and that is '' in a dry run: no network.
    """

    name = NAME

    def __init__(self, base_url: str = "", session: requests.Session | None = None, channel: Given = None) -> None:
        self.profile = profile()
        self.channels = channels.open_channels(channel, base_url, self.profile, session)

    @property
    def wire(self) -> Wire:
        """The installation's way by HTTP. Raises ConfigurationError when no address is set, or it is not HTTP."""
        found = self.channels.of("")
        if not isinstance(found, Http):
            raise ConfigurationError(f"China Customs is reached by {found.name} / 中国海关通道为 {found.name}")
        return found.wire

    def channel(self, dxp_id: str) -> str:
        """The name of the channel by which a company's messages leave."""
        return self.channels.label(dxp_id)

    def sender(self, party: Party) -> str:
        """A company's DXP id. Raises ConfigurationError when it has none."""
        if not party.dxp_id:
            raise ConfigurationError(f"{party.name} has no DXP id / {party.name} 没有 DXP 编号")
        return party.dxp_id

    def seal(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> bytes:
        """The message signed by the party's key, as its channel carries it; CopMsgId is the message's guid."""
        if message.type not in self.profile.messages:
            raise Unsupported(f"{message.type} is not sent to China Customs / 不支持发送 {message.type}")
        sender = self.sender(party)
        if not party.code:
            raise ConfigurationError(f"{party.name} has no company code to sign under / {party.name} 没有企业代码")
        signed = signature.sign(message.body, party.code, keys)
        receiver = self.profile.receivers[spec.load(message.type).traffic]
        sealed = self.channels.wrap(signed, Head(message.type, sender, receiver, message.guid, clock.now()))
        if len(sealed) > (limit := self.profile.value("message_bytes")):
            raise Unsupported(f"{message.type} has {len(sealed)} bytes, the limit is {limit} / 报文超过大小限制")
        return sealed

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Posts once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown, AuthorityRejected."""
        return self.channels.send(sealed, cop_msg_id, recovery)

    def poll(self, dxp_id: str, since: str) -> Polled:
        """One page of raw receipts for a DXP id since a cursor or ISO instant."""
        return self.channels.poll(dxp_id, since)

    def open(self, raw: bytes) -> Opened:
        """The message inside an envelope or a local port's form. Raises DataFault."""
        if javamap.is_kept(raw):
            return javamap.opened(raw)
        opened = posts.opened(raw) if posts.is_post(raw) else envelope.open_message(raw)
        if opened.kind == "refusal" and any(wire.taken(opened.code, opened.text, self.profile)):
            return replace(opened, kind="accepted")
        return opened

    def receipts(self, business: bytes) -> list[ReceiptRow]:
        """The receipts in a business message, normalised. Raises DataFault, Unsupported."""
        return javamap.rows(business) if javamap.is_kept(business) else receipts.rows(business)

    def ask(self, sealed: bytes) -> Polled | None:
        """Cannot be asked by key (capability query_by_key): raises Unsupported."""
        raise Unsupported("China Customs cannot be asked what became of a message / 海关不支持按报文查询")

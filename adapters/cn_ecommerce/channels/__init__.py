"""The channels to China Customs, behind one interface (transport_signature.md, sections 1 and 2).

http: our own binding; local_port: the published JSON head and base64 body; amqp: RabbitMQ queues; folder: the E-Port
client's folders. One is picked in tongguan.yaml, for the installation or for one company (docs/channels.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from pydantic import ValidationError

from adapters.cn_ecommerce.channels import settings as kinds
from adapters.cn_ecommerce.channels.folder import Folder
from adapters.cn_ecommerce.channels.http import Http
from adapters.cn_ecommerce.channels.local_port import LocalPort
from adapters.cn_ecommerce.channels.protocol import Channel, Head
from adapters.cn_ecommerce.channels.sender import form_of, sender_of
from adapters.cn_ecommerce.channels.settings import AmqpSettings, FolderSettings, HttpSettings, LocalPortSettings
from adapters.contract import Answer, Polled, Profile
from mappings.errors import ConfigurationError

__all__ = ["Channel", "Channels", "Head", "open_channels"]


class Channels:
    """Passes each message on to its company's own one, else to the installation's."""

    def __init__(self, installation: Channel | None, companies: Mapping[str, Channel]) -> None:
        self._installation, self._companies = installation, dict(companies)

    def of(self, dxp_id: str) -> Channel:
        """A company's channel. Raises ConfigurationError when nothing is set."""
        found = self._companies.get(dxp_id, self._installation)
        if found is None:
            raise ConfigurationError("China Customs has no address set / 未配置中国海关地址")
        return found

    def label(self, dxp_id: str) -> str:
        """The name of a company's channel, also where none can be reached (a dry run)."""
        found = self._companies.get(dxp_id, self._installation)
        return found.name if found else Http.name

    def wrap(self, business: bytes, head: Head) -> bytes:
        """The message as its sender's channel carries it; without any, in a DxpMsg."""
        found = self._companies.get(head.sender, self._installation)
        return found.wrap(business, head) if found else head.terminal(business)

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Sends once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown, AuthorityRejected.

        What was sealed for another channel leaves by none: its bytes must not change. Raises ConfigurationError.
        """
        found = self.of(sender_of(sealed) if self._companies else "")
        if form_of(sealed) != found.form:
            raise ConfigurationError(
                f"Message {cop_msg_id} was sealed for another channel than {found.name}: set that channel again until "
                f"it is sent / 报文是为其他通道封装的，请先恢复原通道 ({found.name})"
            )
        return found.send(sealed, cop_msg_id, recovery)

    def poll(self, dxp_id: str, since: str) -> Polled:
        """What lies ready for a company. Raises AuthorityUnavailable."""
        return self.of(dxp_id).poll(dxp_id, since)


def open_channels(
    given: kinds.Given, base_url: str, profile: Profile, session: requests.Session | None = None
) -> Channels:
    """The channels that the settings name; nothing is connected yet. Raises ConfigurationError."""
    whole = {"kind": given} if isinstance(given, str) else dict(given or {})
    companies = whole.pop("companies", None) or {}
    if not isinstance(companies, Mapping):
        raise ConfigurationError("channels: companies must be DXP id: channel 应为 DXP 编号: 通道")
    own = {str(dxp): _one(mine, base_url, profile, session) for dxp, mine in companies.items()}
    installation = _one(whole, base_url, profile, session)
    found = {dxp: channel for dxp, channel in own.items() if channel is not None}
    return Channels(installation, found)


def _one(given: Any, base_url: str, profile: Profile, session: requests.Session | None) -> Channel | None:
    row = {"kind": given} if isinstance(given, str) else given
    if not isinstance(row, Mapping):
        raise ConfigurationError("A channel is a name, or a mapping with a kind / 通道应为名称或带 kind 的映射")
    row = {"kind": Http.name, **row}
    if row["kind"] in (Http.name, LocalPort.name) and not row.get("url"):
        if not base_url:
            return None
        row = {**row, "url": base_url}
    return _made(_checked(row), profile, session)


def _checked(row: Mapping[str, Any]) -> Any:
    model = kinds.KINDS.get(str(row["kind"]))
    if model is None:
        known = ", ".join(kinds.KINDS)
        raise ConfigurationError(f"There is no channel {row['kind']!r} 没有该通道; known 已有: {known}")
    try:
        return model.model_validate(row)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(f"The channel {row['kind']} is not set up well 通道设置有误: {said}") from error


def _made(settings: Any, profile: Profile, session: requests.Session | None) -> Channel:
    if isinstance(settings, AmqpSettings):
        from adapters.cn_ecommerce.channels.amqp import Amqp  # noqa: PLC0415 55 ms that only its users need

        return Amqp(settings, profile)
    if isinstance(settings, FolderSettings):
        return Folder(settings, profile)
    if isinstance(settings, LocalPortSettings):
        return LocalPort(settings, profile, session)
    return Http(settings if isinstance(settings, HttpSettings) else HttpSettings(url=""), profile, session)

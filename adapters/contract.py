"""What every authority adapter is and answers: the contract between tasks and the authorities.

An adapter is a package with profile.yaml (what it can do, its dated settings, what nobody could verify), envelope.py,
signature.py, wire.py and receipts.py. A new authority that keeps this contract gets tests/contract for free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import yaml
from pydantic import BaseModel, ConfigDict

from adapters.keys.provider import KeyProvider
from mappings import yamls
from mappings.canonical.model import Party
from mappings.errors import AuthorityUnavailable, ConfigurationError


class Setting(BaseModel):
    """A dated, referenced value; `unverified` when nobody could check it against the live authority."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Any
    since: date
    source: str
    unverified: bool = False
    note: str = ""


class Profile(BaseModel):
    """An authority's profile.yaml: the README's table of authorities is made from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title_zh: str
    title_en: str
    specification: str
    messages: list[str] = []
    capabilities: dict[str, bool]
    receivers: dict[str, str] = {}
    settings: dict[str, Setting]
    facts: dict[str, Setting] = {}  # what is known, or guessed, of the authority and no code reads

    def value(self, name: str, default: Any = None) -> Any:
        """The value of a setting, or `default`. Raises ConfigurationError when there is neither."""
        if name not in self.settings:
            if default is not None:
                return default
            raise ConfigurationError(f"The profile of {self.name} has no setting {name} / 配置缺少 {name}")
        return self.settings[name].value

    def unverified(self) -> dict[str, Setting]:
        """The settings that nobody could check against the live authority."""
        return {name: s for name, s in self.settings.items() if s.unverified}


def load_profile(file: Path) -> Profile:
    """The profile in a YAML file. Raises ConfigurationError when it does not hold together."""
    try:
        return Profile.model_validate(yamls.load(file.read_text("utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{file.name} of {file.parent.name} is no profile: {error}") from error


class OutMessageLike(Protocol):
    """What an adapter needs to know of an outgoing message (tasks/conversion has the whole of it)."""

    @property
    def type(self) -> str: ...
    @property
    def guid(self) -> str: ...
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True)
class Answer:
    """The authority's answer to a send: `duplicate` when it says that it had this message before."""

    code: str
    text: str
    raw: bytes
    duplicate: bool = False


@dataclass(frozen=True)
class Opened:
    """A message out of its envelopes. `kind` is "business", or "refusal" or "accepted" for an envelope-level answer."""

    kind: str
    type: str
    business: bytes
    peer: str = ""
    receivers: tuple[str, ...] = ()
    cop_msg_id: str = ""
    code: str = ""
    text: str = ""


class BillRow(NamedTuple):
    """A tax bill as told: money scaled by 100,000, None where only its status was told; `lines` as JSON has them."""

    tax_no: str
    invt_no: str
    customs_tax: int | None = None
    value_added_tax: int | None = None
    consumption_tax: int | None = None
    lines: tuple[dict[str, Any], ...] = ()
    duty_no: str = ""
    assure_code: str = ""


class ReceiptRow(NamedTuple):
    """One receipt, normalised. `type` is the declared type that it answers, `time` aware UTC.

    `declared_guid` is the declared document's guid where the text gives it back; `cop_msg_id` is set when the receipt
    speaks of a whole message (CEB900) instead of a business key; `problem` says why a row cannot be applied.
    """

    authority: str
    type: str
    business_key: str
    guid: str
    status: str
    return_time: datetime | None
    info: str
    pre_no: str = ""
    invt_no: str = ""
    declared_guid: str = ""
    cop_msg_id: str = ""
    receipt_type: str = ""
    problem: str = ""
    bill: BillRow | None = None  # of a receipt that tells of a tax bill


class NoPlace(AuthorityUnavailable):
    """One company's queue or folder is not there; surely not sent, and other companies' may be there."""


def _nothing() -> None:
    """An authority whose cursor is all there is needs no word that a page was kept."""


@dataclass(frozen=True)
class Polled:
    """What a poll brought: raw envelopes, and the cursor to go on from ('' when the authority gave none).

    `stored` is to be called once they are in the ledger: only then are they taken off a queue or a folder. `more` says
    that more lies ready without a cursor, `channel` what brought them.
    """

    messages: list[bytes]
    next: str = ""
    more: bool = False
    channel: str = "poll"
    stored: Callable[[], None] = _nothing


class Authority(Protocol):
    """One authority, as tasks see it."""

    name: str
    profile: Profile

    def sender(self, party: Party) -> str:
        """What a company is known by on this wire, and polls its receipts under. Raises ConfigurationError."""
        ...

    def channel(self, dxp_id: str) -> str:
        """The name of the channel by which a company's messages leave."""
        ...

    def seal(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> bytes:
        """The signed and enveloped bytes, ready to post; sent again they stay the same bytes."""
        ...

    def send(self, sealed: bytes, cop_msg_id: str, recovery: bool = False) -> Answer:
        """Posts once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown, AuthorityRejected."""
        ...

    def poll(self, dxp_id: str, since: str) -> Polled:
        """One page of what lies ready for `dxp_id` since that cursor or ISO instant. Raises AuthorityUnavailable."""
        ...

    def open(self, raw: bytes) -> Opened:
        """The message inside, whatever its prefix, mark or encoding. Raises DataFault."""
        ...

    def receipts(self, business: bytes) -> list[ReceiptRow]:
        """The receipts in a business message, normalised. Raises DataFault."""
        ...

    def ask(self, sealed: bytes) -> Polled | None:
        """What became of a message: the answers so far, None when the authority surely never had it.

        Raises Unsupported without the capability query_by_key, AuthorityUnavailable.
        """
        ...

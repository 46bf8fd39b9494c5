"""China Customs, payment data on demand (announcement 179): customs asks, we answer, then upload what we gathered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import requests

from adapters.ann179 import envelope, signature
from adapters.ann179.envelope import Asked
from adapters.ann179.wire import Wire
from adapters.contract import Answer, Profile, load_profile
from adapters.keys.provider import KeyProvider
from mappings import clock
from mappings.errors import ConfigurationError

__all__ = ["NAME", "PaymentDataOnDemand", "profile"]

NAME = "ann179"


@lru_cache
def profile() -> Profile:
    """This adapter's profile.yaml."""
    return load_profile(Path(__file__).parent / "profile.yaml")


class PaymentDataOnDemand:
    """Customs' side of announcement 179 at one address ('' where none is set: requests can still be read)."""

    name = NAME

    def __init__(self, base_url: str = "", session: requests.Session | None = None) -> None:
        self.profile = profile()
        self._wire = Wire(base_url, self.profile, session) if base_url else None

    @property
    def wire(self) -> Wire:
        """The way to customs. Raises ConfigurationError when no address is set."""
        if self._wire is None:
            raise ConfigurationError(f"No address is set for {NAME} / 未配置支付数据上传地址 (authorities: {NAME})")
        return self._wire

    def open(self, body: bytes) -> Asked:
        """What customs asks for. Raises DataFault."""
        return envelope.read_request(body, self.profile.value("session_id_length"))

    def reply(self, error: str = "") -> dict[str, Any]:
        """Our answer at once: 10000, or 20000 with what is wrong with the request."""
        code = "20000" if error else "10000"
        return {"code": code, "message": error, "serviceTime": milliseconds()}

    def seal(
        self,
        session_id: str,
        head: Mapping[str, Any],
        orders: Sequence[Mapping[str, Any]],
        company_code: str,
        keys: KeyProvider,
    ) -> bytes:
        """The signed payload as the form that is posted. Raises ConfigurationError (no key), BadSignature."""
        draft = envelope.Draft(session_id, envelope.compact(head), envelope.compact(orders), str(milliseconds()))
        signed = signature.sign(draft.signed_text(), company_code, keys)
        return envelope.form(draft, signed)

    def send(self, sealed: bytes, recovery: bool = False) -> Answer:
        """Posts once. Raises AuthorityUnavailable (surely not sent), OutcomeUnknown, AuthorityRejected."""
        return self.wire.post(sealed, recovery)


def milliseconds() -> int:
    """The time now as both sides write it."""
    return int(clock.now().timestamp() * 1000)

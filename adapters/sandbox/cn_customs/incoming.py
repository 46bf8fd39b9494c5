"""A posted message before it is booked: envelope, schema and signature, which need no book. Runs in any thread."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from adapters.sandbox.cn_customs import envelope, reading, settings, verify
from adapters.sandbox.cn_customs.envelope import Envelope, Faulty
from adapters.sandbox.cn_customs.reading import Business, Unreadable
from adapters.sandbox.cn_customs.verdict import Verdict

SIGNATURE, OWNER = "-301020", "-621015"


@dataclass(frozen=True)
class Incoming:
    """A message before it is booked: all that can be known without the book."""

    raw: bytes
    recovery: bool
    envelope: Envelope
    fault: Faulty | None = None
    unreadable: Unreadable | None = None
    business: Business | None = None
    refusal: Verdict | None = None


class Reader:
    """Reads what is posted, believing the certificates of one authority."""

    def __init__(self, authority: x509.Certificate) -> None:
        profile = settings.profile()
        self._trust = verify.Trust(authority, profile["sm2_user_id"].encode(), bool(profile["check_key_name"]))

    def read(self, raw: bytes, recovery: bool = False) -> Incoming:
        """Everything that needs no book: envelope, schema, signature. Safe in several threads."""
        try:
            opened = envelope.opened(raw)
        except Faulty as fault:
            return Incoming(raw, recovery, fault.envelope, fault=fault)
        try:
            business = reading.business(opened.business, opened.type)
        except Unreadable as unreadable:
            return Incoming(raw, recovery, opened, unreadable=unreadable)
        if business.dxp_id != opened.sender:
            differs = Faulty("2999", "其他业务逻辑错误 SenderId differs from BaseTransfer.dxpId", opened)
            return Incoming(raw, recovery, opened, fault=differs, business=business)
        return Incoming(raw, recovery, opened, business=business, refusal=self._signed(business))

    def _signed(self, business: Business) -> Verdict | None:
        try:
            owners = verify.owners(business.root, self._trust, business.canonical)
        except verify.Refused as refused:
            return Verdict("refused", SIGNATURE, f"验签失败 {refused}")
        if not owners:
            declares = any(document.head["appStatus"] != "1" for document in business.documents)
            return Verdict("refused", SIGNATURE, "验签失败 无签名 not signed") if declares else None
        names = {
            business.cop_code,
            *(d.head[business.declared.owner] for d in business.documents if business.declared.owner),
        }
        strangers = names - owners
        if strangers:
            return Verdict(
                "refused",
                OWNER,
                f"与卡不符，无权限 certificate of {sorted(owners)} does not belong to {sorted(strangers)[:3]}"[:900],
            )
        return None

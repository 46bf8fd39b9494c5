"""A made-up company for the sandbox's tests: builds, signs and wraps messages with nothing of ours but the schema."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from adapters.sandbox import ca
from adapters.sandbox.cn_customs.customs import Customs
from mappings import clock
from tests.contract.cn_sandbox_documents import (
    AGENT,
    CARRIER,
    CEB,
    PLATFORM,
    SELLER,
    YARD,
    arrival,
    departure,
    group,
    guid,
    inventory,
    master,
    order,
    payment,
    waybill,
)

__all__ = [
    "AGENT",
    "C14N",
    "CARRIER",
    "CEB",
    "DS",
    "IMPORTS",
    "KEY",
    "OWNERS",
    "PAYER",
    "PLATFORM",
    "SELLER",
    "SPKI",
    "YARD",
    "Company",
    "arrival",
    "certificate",
    "code_of",
    "company",
    "declare",
    "departure",
    "dxp_of",
    "ends",
    "enveloped",
    "group",
    "guid",
    "inventory",
    "master",
    "message",
    "new",
    "order",
    "payment",
    "reviewed",
    "rows_of",
    "signed",
    "waybill",
]

DS = "http://www.w3.org/2000/09/xmldsig#"


C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 the published samples' size


SPKI = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def dxp_of(code: str) -> str:
    return f"DXP{code}"


def message(type_: str, documents: list[str], owner: str, dxp: str = "", subscribe: str = "") -> bytes:
    """An unsigned message."""
    transfer = group(
        "BaseTransfer", {"copCode": owner, "copName": "公司", "dxpMode": "DXP", "dxpId": dxp or dxp_of(owner)}
    )
    if subscribe:
        transfer += group("BaseSubscribe", {"status": "RET", "dxpMode": "DXP", "dxpAddress": subscribe})
    return (
        f'<ceb:{type_}Message xmlns:ceb="{CEB}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="{guid()}" '
        f'version="1.0">\n{"".join(documents)}{transfer}\n</ceb:{type_}Message>'
    ).encode()


def certificate(customs: Customs, owner: str, public_key: bytes = SPKI) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ca.issue(customs.authority, owner, public_key).encode())


def signed(body: bytes, company: x509.Certificate, sign=None, sm2: bool = False) -> bytes:
    """The message with its Signature before the root's end tag."""
    uri = "http://www.chinaport.gov.cn/2022/04/xmldsig#" if sm2 else DS
    digest = hashlib.new("sm3" if sm2 else "sha1", etree.tostring(etree.fromstring(body), method="c14n")).digest()
    info = (
        f'<ds:SignedInfo{{}}><ds:CanonicalizationMethod Algorithm="{C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{uri}{"sm2-sm3" if sm2 else "rsa-sha1"}"></ds:SignatureMethod>'
        f'<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform>'
        f"</ds:Transforms>"
        f'<ds:DigestMethod Algorithm="{uri}{"sm3" if sm2 else "sha1"}"></ds:DigestMethod>'
        f"<ds:DigestValue>{base64.b64encode(digest).decode()}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    names = f' xmlns:ceb="{CEB}" xmlns:ds="{DS}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    sign = sign or (lambda data: KEY.sign(data, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303 the authority's algorithm
    value = base64.b64encode(sign(info.format(names).encode())).decode()
    der = base64.b64encode(company.public_bytes(serialization.Encoding.DER)).decode()
    signature = (
        f'<ds:Signature xmlns:ds="{DS}">{info.format("")}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>'
        f"<ds:KeyName>{company.serial_number:x}</ds:KeyName><ds:X509Data><ds:X509Certificate>{der}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></ds:Signature>"
    ).encode()
    at = body.rindex(b"</ceb:")
    return body[:at] + signature + body[at:]


def enveloped(business: bytes, type_: str, sender: str, cop_msg_id: str = "", receiver: str = "") -> bytes:
    receiver = receiver or ("DXPEDCCEB0000002" if type_ in IMPORTS else "DXPEDCCEB0000003")
    return (
        '<?xml version="1.0" encoding="UTF-8"?><dxp:DxpMsg xmlns:dxp="http://www.chinaport.gov.cn/dxp" ver="1.0">'
        f"<dxp:TransInfo><dxp:CopMsgId>{cop_msg_id or guid()}</dxp:CopMsgId><dxp:SenderId>{sender}</dxp:SenderId>"
        f"<dxp:ReceiverIds><dxp:ReceiverId>{receiver}</dxp:ReceiverId></dxp:ReceiverIds>"
        f"<dxp:CreatTime>2026-11-23T12:00:00</dxp:CreatTime><dxp:MsgType>{type_}Message</dxp:MsgType></dxp:TransInfo>"
        f"<dxp:Data>{base64.b64encode(business).decode()}</dxp:Data></dxp:DxpMsg>"
    ).encode()


PAYER = "PAYCOMPANY"


IMPORTS = ("CEB311", "CEB411", "CEB511", "CEB513", "CEB621", "CEB623", "CEB625", "CEB711")


OWNERS = {
    "CEB311": PLATFORM,
    "CEB411": PAYER,
    "CEB511": CARRIER,
    "CEB513": CARRIER,
    "CEB621": AGENT,
    "CEB711": YARD,
    "CEB623": AGENT,
    "CEB625": AGENT,
    "CEB605": AGENT,
    "CEB213": AGENT,
    "CEB215": YARD,
    "CEB701": AGENT,
    "CEB303": PLATFORM,
    "CEB403": PLATFORM,
    "CEB505": CARRIER,
    "CEB603": AGENT,
    "CEB607": AGENT,
    "CEB507": YARD,
    "CEB509": CARRIER,
}


class Company:
    """Sends to a customs in process and reads what it publishes, moving the clock as far as needed."""

    def __init__(self, customs: Customs, monkeypatch) -> None:
        self.customs, self._monkeypatch = customs, monkeypatch
        self._certificates: dict[str, x509.Certificate] = {}
        self.since: dict[str, object] = {}

    def sealed(self, type_: str, *documents: str, owner: str = "", signer: str = "", cop_msg_id: str = "") -> bytes:
        owner = owner or OWNERS[type_]
        signer = signer or owner
        if signer not in self._certificates:
            self._certificates[signer] = certificate(self.customs, signer)
        body = signed(message(type_, list(documents), owner), self._certificates[signer])
        return enveloped(body, type_, dxp_of(owner), cop_msg_id)

    def send(self, type_: str, *documents: str, recovery: bool = False, **how: str) -> str:
        return self.post(self.sealed(type_, *documents, **how), recovery)

    def post(self, sealed: bytes, recovery: bool = False) -> str:
        return code_of(self.customs.receive(sealed, recovery).body)

    def wait(self, seconds: float) -> None:
        start = clock.now() + timedelta(seconds=seconds)
        self._monkeypatch.setenv(clock.VARIABLE, clock.starting(start, 1.0).variable())

    def hear(self, owner: str, wait: float = 3600) -> list[dict[str, str]]:
        """New receipts of a company after `wait` seconds, in the order in which they were published."""
        self.wait(wait)
        found = []
        while True:
            messages, after = self.customs.receipts(dxp_of(owner), self.since.get(owner), 2)
            if not messages:
                return found
            self.since[owner] = after
            found += [row for raw in messages for row in rows_of(raw)]

    def statuses(self, owner: str, wait: float = 3600) -> list[tuple[str, str]]:
        """(order, waybill or document number, status) of each new receipt."""
        names = ("orderNo", "logisticsNo", "copNo")
        return [(next(row[n] for n in names if n in row), row["returnStatus"]) for row in self.hear(owner, wait)]


def code_of(reply: bytes) -> str:
    root = etree.fromstring(reply)
    return root.findtext("{*}Response/{*}ResponseCode")


def rows_of(raw: bytes) -> list[dict[str, str]]:
    """The receipts of a DxpMsg, held against the schema of their type."""
    from mappings.engine import schema

    root = etree.fromstring(raw)
    business = etree.fromstring(base64.b64decode(root.findtext("{*}Data")))
    type_ = etree.QName(business).localname
    assert type_ == root.findtext("{*}TransInfo/{*}MsgType")
    schema.validator(type_).assertValid(business)
    return [_cells(row) | {"type": type_} for row in business]


def _cells(row) -> dict:
    """The texts of a receipt; of one with head and lines those of the head, and the lines as a list."""
    if not len(row[0]):
        return {etree.QName(cell).localname: cell.text or "" for cell in row}
    head, *lines = [{etree.QName(cell).localname: cell.text or "" for cell in part} for part in row]
    return head | {"lines": lines}


def new(home: Path, seed: int = 1) -> Customs:
    return Customs(home, seed)


@contextmanager
def company(home: Path, monkeypatch) -> Iterator[Company]:
    """A company before a customs of its own."""
    found = Company(new(home), monkeypatch)
    found.wait(0)
    yield found
    found.customs.store.close()


def declare(company: Company, *numbers: str) -> None:
    assert company.send("CEB303", *map(order, numbers)) == "0000"
    assert company.send("CEB403", *map(payment, numbers)) == "0000"
    assert company.send("CEB505", *map(waybill, numbers)) == "0000"
    assert company.send("CEB603", *map(inventory, numbers)) == "0000"


def ends(company: Company, owner: str = AGENT) -> dict[str, str]:
    return dict(company.statuses(owner))


def reviewed(company: Company, *numbers: str) -> None:
    declare(company, *numbers)
    assert set(ends(company).values()) == {"399"}
    ends(company, PLATFORM)
    ends(company, CARRIER)

"""Keys: who signs for a company. A certificate belongs to one company; its public key decides the algorithm.

The provider is an interface because real users have cards, E-Port clients and remote signers. One of those is plugged
in by name, "package.module:factory"; the factory is called with Tongguan's home directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, PublicKeyAlgorithmOID

from mappings.errors import BadSignature

ALGORITHMS = {"RSA": "rsa-sha1", "SM2": "sm2-sm3"}
SM2_CURVE = bytes.fromhex("06082a811ccf5501822d")  # OID 1.2.156.10197.1.301, as it stands in a public key


@dataclass(frozen=True)
class Certificate:
    """A company's certificate: `number` is its serial in lower-case hex, `algorithm` a value of ALGORITHMS.

    `owner_codes` are the codes of the company that it belongs to (credit code, customs code), from its subject.
    """

    number: str
    der: bytes
    algorithm: str
    owner_codes: tuple[str, ...]


class KeyProvider(Protocol):
    """Signs for companies, by their code."""

    def certificate(self, company_code: str) -> Certificate:
        """The certificate that the company signs with. Raises ConfigurationError when it has none."""
        ...

    def sign(self, company_code: str, data: bytes) -> bytes:
        """The signature value over `data` (the key hashes by itself): RSA PKCS#1 v1.5, or SM2 r||s."""
        ...


def read_certificate(pem: bytes) -> Certificate:
    """A certificate from PEM or DER. Its owner's codes are the subject's serialNumbers. Raises BadSignature."""
    try:
        load = x509.load_pem_x509_certificate if pem.lstrip().startswith(b"-----") else x509.load_der_x509_certificate
        parsed = load(pem)
        owners = parsed.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    except ValueError as error:
        raise BadSignature(f"This is no certificate: {error} / 不是有效的证书") from error
    der = parsed.tbs_certificate_bytes
    kind = "SM2" if parsed.public_key_algorithm_oid == PublicKeyAlgorithmOID.EC_PUBLIC_KEY else "RSA"
    if kind == "SM2" and SM2_CURVE not in der:
        raise BadSignature("The certificate's key is neither RSA nor SM2 / 证书密钥既非 RSA 也非 SM2")
    codes = tuple(str(owner.value) for owner in owners)
    return Certificate(serial_text(parsed.serial_number), parsed.public_bytes(Encoding.DER), ALGORITHMS[kind], codes)


def serial_text(serial: int) -> str:
    """A certificate number as KeyName gives it: lower-case hex of whole bytes (01691fe9)."""
    text = f"{serial:x}"
    return text.zfill(len(text) + len(text) % 2)

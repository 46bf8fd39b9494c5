"""The signature of an upload: the company's own key over the signed text (transport_signature.md, section 5).

SHA1withRSA or SM3withSM2, as the key is, in base64. Customs' answer 10000 proves nothing about it (profile.yaml,
`answer_is_no_proof`), so what can be checked here is: an RSA value is verified with its certificate before it leaves.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.keys.provider import Certificate, KeyProvider
from mappings.errors import BadSignature


@dataclass(frozen=True)
class Signed:
    """certNo and signValue."""

    certificate_no: str
    value: str


def sign(text: str, company_code: str, keys: KeyProvider) -> Signed:
    """The company's signature over the signed text (UTF-8). Raises ConfigurationError without a key, BadSignature."""
    certificate = keys.certificate(company_code)
    data = text.encode()
    value = keys.sign(company_code, data)
    if not holds(certificate, data, value):
        raise BadSignature("The signature does not fit its certificate: key and certificate differ / 签名与证书不符")
    return Signed(certificate.number, base64.b64encode(value).decode())


def holds(certificate: Certificate, data: bytes, value: bytes) -> bool:
    """Whether the value was made by the certificate's key. SM2 cannot be checked here: only its length is."""
    if certificate.algorithm != "rsa-sha1":
        return len(value) == 64
    public = x509.load_der_x509_certificate(certificate.der).public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    try:
        public.verify(value, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - the interface asks for SHA-1
    except InvalidSignature:
        return False
    return True

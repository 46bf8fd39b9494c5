"""XML signature of a business message (interface specification 202205; reference transport_signature.md, section 4).

The writer emits canonical bytes, so the digest is the hash of the body as it stands: nothing is parsed. SignedInfo is
emitted canonical as well, with the namespace declarations that inclusive C14N pulls in from the root (ceb, xsi).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from adapters.keys.provider import Certificate, KeyProvider
from mappings.errors import BadSignature

CEB = b"http://www.chinaport.gov.cn/ceb"
DS = b"http://www.w3.org/2000/09/xmldsig#"
XSI = b"http://www.w3.org/2001/XMLSchema-instance"
C14N = b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
CHINAPORT = b"http://www.chinaport.gov.cn/2022/04/xmldsig#"


@dataclass(frozen=True)
class Suite:
    """The identifiers of a signature algorithm and its hash."""

    signature: bytes
    digest: bytes
    hash: str


SUITES = {
    "rsa-sha1": Suite(DS + b"rsa-sha1", DS + b"sha1", "sha1"),
    "sm2-sm3": Suite(CHINAPORT + b"sm2-sm3", CHINAPORT + b"sm3", "sm3"),
}
# An import message closes with ExtendMessage?, Signature; an export message with Signature?, ExtendMessage.
EXTENSION_FIRST = re.compile(rb"CEB(311|411|511|513|621|623|625|711)Message")
_ROOT = re.compile(
    rb'<ceb:(CEB\d{3}Message) xmlns:ceb="' + re.escape(CEB) + rb'" xmlns:xsi="' + re.escape(XSI) + rb'"[ >]'
)
_EXTENSION, _EXTENSION_END = b"<ceb:ExtendMessage", b"</ceb:ExtendMessage>"
_NEAR = 200
_NAMESPACES = b' xmlns:ceb="' + CEB + b'" xmlns:ds="' + DS + b'" xmlns:xsi="' + XSI + b'"'


def digest(body: bytes, algorithm: str) -> bytes:
    """DigestValue of a canonical body, in base64."""
    return base64.b64encode(hashlib.new(SUITES[algorithm].hash, body).digest())


def signed_info(digest_value: bytes, algorithm: str, namespaces: bytes = _NAMESPACES) -> bytes:
    """SignedInfo: with its namespaces it is the canonical text that is signed, without them it fits the document."""
    suite = SUITES[algorithm]
    return (
        b"<ds:SignedInfo%b>"
        b'<ds:CanonicalizationMethod Algorithm="%b"></ds:CanonicalizationMethod>'
        b'<ds:SignatureMethod Algorithm="%b"></ds:SignatureMethod>'
        b'<ds:Reference URI=""><ds:Transforms>'
        b'<ds:Transform Algorithm="%benveloped-signature"></ds:Transform></ds:Transforms>'
        b'<ds:DigestMethod Algorithm="%b"></ds:DigestMethod>'
        b"<ds:DigestValue>%b</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    ) % (namespaces, C14N, suite.signature, DS, suite.digest, digest_value)


def place(body: bytes) -> int:
    """Where the signature goes in a message. Raises BadSignature when its root is not as the writer makes it."""
    root = _ROOT.match(body)
    if not root:
        raise BadSignature(
            "The message's root is not canonical: it declares xmlns:ceb and xmlns:xsi only / 报文根节点不规范"
        )
    end = body.rfind(b"</ceb:" + root[1] + b">")
    if end < 0:
        raise BadSignature("The message has no end tag / 报文不完整")
    if EXTENSION_FIRST.fullmatch(root[1]):
        return end
    closed = body[max(0, end - _NEAR) : end].rstrip().endswith(_EXTENSION_END)  # the root's last child, or none
    return body.rfind(_EXTENSION, 0, end) if closed else end


def element(body: bytes, certificate: Certificate, sign_bytes: bytes, digest_value: bytes) -> bytes:
    """The ds:Signature element."""
    return (
        b'<ds:Signature xmlns:ds="%b">%b<ds:SignatureValue>%b</ds:SignatureValue>'
        b"<ds:KeyInfo><ds:KeyName>%b</ds:KeyName>"
        b"<ds:X509Data><ds:X509Certificate>%b</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    ) % (
        DS,
        signed_info(digest_value, certificate.algorithm, b""),
        base64.b64encode(sign_bytes),
        certificate.number.encode(),
        base64.b64encode(certificate.der),
    )


def sign(body: bytes, company_code: str, keys: KeyProvider) -> bytes:
    """The canonical message with its signature, by the company's key. Raises BadSignature, ConfigurationError."""
    certificate = keys.certificate(company_code)
    at = place(body)
    value = digest(body, certificate.algorithm)
    signature = keys.sign(company_code, signed_info(value, certificate.algorithm))
    whole = memoryview(body)  # whose slices are no copies: a message has up to a megabyte
    return b"".join((whole[:at], element(body, certificate, signature, value), whole[at:]))

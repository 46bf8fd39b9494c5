"""Whether a declared message is signed, and by whom: XML signature of transport_signature.md, section 4.

An implementation apart from the one that signs: the digest is taken over the real canonical form (inclusive C14N of the
received document without its Signature), and SM2 is checked by our own arithmetic.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import NameOID
from lxml import etree

from adapters.sandbox import der
from adapters.sandbox.cn_customs import sm2
from mappings import clock

DS = "http://www.w3.org/2000/09/xmldsig#"
CHINAPORT = "http://www.chinaport.gov.cn/2022/04/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = DS + "enveloped-signature"
_UNBELIEVABLE = (ValueError, IndexError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion)
_NS = {"ds": DS}


class Refused(Exception):
    """The signature does not hold; the text says why, in both languages."""


@dataclass(frozen=True)
class Trust:
    """Whose certificates are believed, and how strictly."""

    authority: x509.Certificate
    user_id: bytes = b"1234567812345678"
    check_key_name: bool = True


@dataclass(frozen=True)
class Certificate:
    """What a company certificate says."""

    owners: frozenset[str]
    serial: int
    public_key: bytes
    start: datetime
    end: datetime


_loaded = lru_cache(maxsize=1000)(load_der_public_key)


def _rsa_sha1(key: bytes, data: bytes, signature: bytes, trust: Trust) -> bool:
    try:
        public = _loaded(key)
        if not isinstance(public, rsa.RSAPublicKey):
            return False
        public.verify(signature, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 the authority's algorithm
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _sm2_sm3(key: bytes, data: bytes, signature: bytes, trust: Trust) -> bool:
    point = key[-65:]
    return point[:1] == b"\x04" and sm2.verify(point[1:], data, signature, trust.user_id)


Check = Callable[[bytes, bytes, bytes, Trust], bool]
ALGORITHMS: dict[str, tuple[str, str, Check]] = {
    DS + "rsa-sha1": (DS + "sha1", "sha1", _rsa_sha1),
    CHINAPORT + "sm2-sm3": (CHINAPORT + "sm3", "sm3", _sm2_sm3),
}


def owners(root: etree._Element, trust: Trust, canonical: Callable[[], bytes] | None = None) -> frozenset[str]:
    """The company codes of the signer, none where nothing is signed. Takes Signature out of `root`. Raises Refused.

    `canonical` gives the canonical form of the signed message, without its Signature, where it is more than `root`.
    """
    found = root.findall("ds:Signature", _NS)
    if not found:
        return frozenset()
    if len(found) > 1:
        raise Refused("多个签名 more than one signature")
    signature = found[0]
    signed_info = signature.find("ds:SignedInfo", _NS)
    if signed_info is None:
        raise Refused("缺少SignedInfo no SignedInfo")
    digest, check = _algorithms(signed_info)
    certificate = _certificate(signature, trust)
    info = _formed(partial(_c14n, signed_info))
    if not check(certificate.public_key, info, _base64(signature, "ds:SignatureValue"), trust):
        raise Refused("签名与数据不符 signature does not fit SignedInfo")
    claimed = _base64(signed_info, "ds:Reference/ds:DigestValue")
    _take_out(signature)
    if hashlib.new(digest, _formed(canonical or partial(_c14n, root))).digest() != claimed:
        raise Refused("摘要与数据不符 digest does not fit the data")
    return certificate.owners


def _c14n(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n")


def _formed(canonical: Callable[[], bytes]) -> bytes:
    try:
        return canonical()
    except etree.LxmlError as error:
        raise Refused("不能规范化 no canonical form") from error


def _algorithms(info: etree._Element) -> tuple[str, Check]:
    method = _attribute(info, "ds:SignatureMethod", "Algorithm")
    if method not in ALGORITHMS:
        raise Refused(f"签名算法不支持 unknown SignatureMethod {method[:80]}")
    digest_uri, digest, check = ALGORITHMS[method]
    needed = {
        "C14N": (_attribute(info, "ds:CanonicalizationMethod", "Algorithm"), C14N),
        "Transform": ([transform.get("Algorithm") for transform in info.iter(f"{{{DS}}}Transform")], [ENVELOPED]),
        "Reference": ([r.get("URI") for r in info.findall("ds:Reference", _NS)], [""]),
        "DigestMethod": (_attribute(info, "ds:Reference/ds:DigestMethod", "Algorithm"), digest_uri),
    }  # fmt: skip
    for what, (given, wanted) in needed.items():
        if given != wanted:
            raise Refused(f"签名格式不符 {what} is {str(given)[:80]}, not {wanted}")
    return digest, check


def _attribute(parent: etree._Element, path: str, name: str) -> str:
    found = parent.find(path, _NS)
    return "" if found is None else found.get(name, "")


def _base64(parent: etree._Element, path: str) -> bytes:
    text = "".join((parent.findtext(path, "", _NS) or "").split())
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(f"不是Base64 {path} is no base64") from error


def _certificate(signature: etree._Element, trust: Trust) -> Certificate:
    data = _base64(signature, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")
    certificate = _believed(data, trust.authority)
    now = clock.now()
    if not certificate.start <= now <= certificate.end:
        raise Refused("证书不在有效期 certificate is not valid now")
    name = (signature.findtext("ds:KeyInfo/ds:KeyName", "", _NS) or "").strip().lower().lstrip("0")
    if trust.check_key_name and name != f"{certificate.serial:x}":
        raise Refused("证书编号不符 KeyName is not the certificate's serial number")
    return certificate


@lru_cache(maxsize=1000)
def _believed(data: bytes, authority: x509.Certificate) -> Certificate:
    try:
        certificate = x509.load_der_x509_certificate(data)
        owners_ = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        found = Certificate(
            frozenset(str(owner.value) for owner in owners_), certificate.serial_number, der.public_key_of(data),
            certificate.not_valid_before_utc, certificate.not_valid_after_utc,
        )  # fmt: skip
        _issued_by(authority, certificate)
    except _UNBELIEVABLE as error:
        raise Refused("证书不可信 certificate is unreadable or of an unknown issuer") from error
    return found


def _issued_by(authority: x509.Certificate, certificate: x509.Certificate) -> None:
    key, algorithm = authority.public_key(), certificate.signature_hash_algorithm
    if not isinstance(key, rsa.RSAPublicKey) or algorithm is None or certificate.issuer != authority.subject:
        raise ValueError("another issuer")
    key.verify(certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)


def _take_out(signature: etree._Element) -> None:
    """Remove the element, keeping the white space after it, as the enveloped-signature transform does."""
    parent, before = signature.getparent(), signature.getprevious()
    if parent is None:
        raise Refused("签名位置错误 Signature is the root")
    if signature.tail:
        if before is None:
            parent.text = (parent.text or "") + signature.tail
        else:
            before.tail = (before.tail or "") + signature.tail
    parent.remove(signature)

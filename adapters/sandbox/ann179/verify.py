"""Whether an upload is signed by the company whose certificate it names: apart from the code that signs.

The signed text is rebuilt from the payload's own bytes: each first-level member as it stands there, so that a number
written in another way, or a member in another place, shows.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import NameOID

from adapters.sandbox import der
from adapters.sandbox.ann179 import settings
from adapters.sandbox.cn_customs import sm2
from mappings.errors import DataFault

SIGNED = ("sessionID", "payExchangeInfoHead", "payExchangeInfoLists", "serviceTime")
GOOD = "good"
_SPACE = " \t\r\n"


def slices(text: str) -> dict[str, str]:
    """The first-level members of a JSON object, each as the text that stands there. Raises DataFault."""
    decoder, found, at = json.JSONDecoder(), dict[str, str](), _after(text, 0, "{")
    try:
        while True:
            name, end = decoder.raw_decode(text, _skip(text, at))
            start = _skip(text, _after(text, end, ":"))
            _, end = decoder.raw_decode(text, start)
            if not isinstance(name, str) or name in found:
                raise DataFault("成员重复 a member stands twice")
            found[name] = text[start:end]
            at = _skip(text, end)
            if text[at : at + 1] == "}":
                return found
            at = _after(text, at, ",")
    except (ValueError, RecursionError) as error:
        raise DataFault("不是有效的JSON payExInfoStr is no JSON") from error


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _SPACE:
        at += 1
    return at


def _after(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise DataFault(f"不是JSON对象 {sign} is missing")
    return at + 1


def signed_text(parts: dict[str, str]) -> str:
    """The text that has to be signed: texts without their quotes, all else as it stands."""
    return "||".join(f'"{name}":"{_bare(parts[name])}"' for name in SIGNED)


def _bare(part: str) -> str:
    return json.loads(part) if part.startswith('"') else part


def owners(certificate: bytes) -> tuple[str, str]:
    """Number (hexadecimal, whole bytes) and codes of the company of a DER certificate. Raises DataFault."""
    try:
        found = x509.load_der_x509_certificate(certificate)
        named = found.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    except ValueError as error:
        raise DataFault("证书无法读取 the certificate cannot be read") from error
    number = f"{found.serial_number:x}"
    return number.zfill(len(number) + len(number) % 2), ",".join(str(owner.value) for owner in named)


def verdict(parts: dict[str, str], platform: str, certificate: Any) -> str:
    """GOOD, or why the signature does not hold. `certificate` is the row of certNo, None where nobody has it."""
    if certificate is None:
        return "证书未知 the certificate is not known"
    if platform not in certificate["owners"].split(","):
        return "证书不属于该平台 the certificate belongs to another company"
    try:
        value = base64.b64decode(_bare(parts["signValue"]), validate=True)
    except (binascii.Error, ValueError, TypeError):
        return "signValue 不是Base64 signValue is no base64"
    try:
        data = signed_text(parts).encode()
    except UnicodeEncodeError:
        return "含有无法写出的字符 the text cannot be written"
    key = der.public_key_of(certificate["der"])
    check = _sm2_sm3 if der.oid("1.2.156.10197.1.301") in key else _rsa_sha1
    return GOOD if check(key, data, value) else "签名与数据不符 the signature does not fit the data"


Check = Callable[[bytes, bytes, bytes], bool]


def _rsa_sha1(key: bytes, data: bytes, value: bytes) -> bool:
    try:
        public = load_der_public_key(key)
        if not isinstance(public, rsa.RSAPublicKey):
            return False
        public.verify(value, data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 the authority's algorithm
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _sm2_sm3(key: bytes, data: bytes, value: bytes) -> bool:
    point = key[-65:]
    user = str(settings.profile()["sm2_user_id"]).encode()
    return point[:1] == b"\x04" and sm2.verify(point[1:], data, value, user)

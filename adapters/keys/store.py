"""Key files: <company code>.key.pem and <company code>.cert.pem in one directory that only its owner reads.

RSA and SM2 private keys are PKCS#8 (RFC 5208) as OpenSSL writes them; SM2 also as SEC 1 (RFC 5915).
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.keys import sm2
from mappings.errors import ConfigurationError

PrivateKey = rsa.RSAPrivateKey | int
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_PKCS8 = bytes.fromhex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420")
_POINT = bytes.fromhex("a144034200")
_SCALAR = bytes.fromhex("0201010420")
_CODE = re.compile(r"[0-9A-Za-z]{1,30}")


def _pem(label: str, der: bytes) -> bytes:
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return b"\n".join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""])


def private_pem(key: PrivateKey) -> bytes:
    """A private key as unencrypted PKCS#8 PEM; an SM2 key is an integer."""
    if isinstance(key, int):
        der = _PKCS8 + key.to_bytes(32, "big") + _POINT + sm2.public_bytes(key)
        return _pem("PRIVATE KEY", der)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: PrivateKey) -> str:
    """A public key as SubjectPublicKeyInfo PEM."""
    if isinstance(key, int):
        return _pem("PUBLIC KEY", _SPKI + sm2.public_bytes(key)).decode()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def read_private(pem: bytes, passphrase: bytes | None = None, known: bool = False) -> PrivateKey:
    """A private key from PEM: RSA, or SM2 as an integer. Raises ConfigurationError.

    `known` spares the primality checks (a tenth of a second) for a key that was checked when it was filed.
    """
    body = b"".join(re.findall(rb"-----BEGIN (?:EC )?PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END", pem))
    der = base64.b64decode(body)
    at = der.find(_SCALAR)
    if sm2_curve(der) and at >= 0:
        start = at + len(_SCALAR)
        return int.from_bytes(der[start : start + 32], "big")
    try:
        key = serialization.load_pem_private_key(pem, passphrase, unsafe_skip_rsa_key_validation=known)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"The private key cannot be read: {error} / 无法读取私钥") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError("The private key is neither RSA nor SM2 / 私钥既非 RSA 也非 SM2")
    return key


def sm2_curve(der: bytes) -> bool:
    """Whether a key's DER names the SM2 curve."""
    return _SPKI[13:23] in der


def path(folder: Path, company_code: str, kind: str) -> Path:
    """Where a company's `kind` ("key" or "cert") lies. Raises ConfigurationError for a code that is none."""
    if not _CODE.fullmatch(company_code):
        raise ConfigurationError(f"{company_code!r} is no company code / 企业代码无效")
    return folder / f"{company_code}.{kind}.pem"


def write_private(target: Path, data: bytes) -> None:
    """Writes a file that its owner alone can read, whole or not at all."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    part.replace(target)

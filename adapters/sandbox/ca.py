"""The sandbox's certificate authority: gives companies the certificates whose keys sign their declarations.

X.509 by RFC 5280. The subject's serialNumber attributes hold the company's codes, which is how the sandboxes know the
owner of a signature. An SM2 key (GB/T 32918, curve OID 1.2.156.10197.1.301) gets a certificate signed by the RSA key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from adapters.sandbox import der
from mappings import clock
from mappings.errors import ConfigurationError, DataFault

VALID_FOR = timedelta(days=3650)
KEY_BITS = 2048
_SHA256_RSA = der.element(der.SEQUENCE, der.oid("1.2.840.113549.1.1.11"), der.element(der.NULL))
_SM2_KEY = der.element(der.SEQUENCE, der.oid("1.2.840.10045.2.1"), der.oid("1.2.156.10197.1.301"))


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificate and, where it issues, its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | None

    @property
    def pem(self) -> str:
        """Its certificate as PEM text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def make_ca(home: Path) -> Authority:
    """The authority that lives in `home` (ca.pem, ca.key), made on first use."""
    certificate = home / "ca.pem"
    if not certificate.exists():
        home.mkdir(parents=True, exist_ok=True)
        _create(certificate)
    return load(certificate)


def load(certificate: Path) -> Authority:
    """The authority whose certificate is in this PEM file, its key beside it (.key) if it issues."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"No CA certificate can be read from {certificate}: {error}") from error
    key_file = certificate.with_suffix(".key")
    key = serialization.load_pem_private_key(key_file.read_bytes(), None) if key_file.exists() else None
    return Authority(found, key if isinstance(key, rsa.RSAPrivateKey) else None)


def _create(certificate: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tongguan Sandbox CA 通关沙箱根证书")])
    start, end = _validity()
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file = certificate.with_suffix(".key")
    key_file.touch(mode=0o600)
    key_file.write_bytes(private)
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))


def _validity() -> tuple[datetime, datetime]:
    now = clock.now().replace(microsecond=0)
    return now - timedelta(days=1), now + VALID_FOR


def issue(
    authority: Authority, owner_code: str, public_key: bytes, name: str = "", others: tuple[str, ...] = ()
) -> str:
    """A certificate (PEM) for the company that has these codes. `public_key` is a DER SubjectPublicKeyInfo."""
    if authority.key is None:
        raise ConfigurationError("This CA has no key beside its certificate, so it cannot issue")
    if not owner_code:
        raise DataFault("A certificate needs the code of the company that owns it")
    serial = int.from_bytes(hashlib.sha256(owner_code.encode() + public_key).digest()[:8], "big") | 1
    tbs = der.element(
        der.SEQUENCE, der.integer(serial), _SHA256_RSA, authority.certificate.subject.public_bytes(),
        der.element(der.SEQUENCE, *(_time(at) for at in _validity())),
        _subject(name or owner_code, (owner_code, *others)), _checked(public_key),
    )  # fmt: skip
    signature = authority.key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    whole = der.element(der.SEQUENCE, tbs, _SHA256_RSA, der.element(der.BIT_STRING, b"\0", signature))
    return x509.load_der_x509_certificate(whole).public_bytes(serialization.Encoding.PEM).decode()


def _time(at: datetime) -> bytes:
    if at.year < 2050:
        return der.element(der.UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    return der.element(der.GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode())


def _subject(name: str, codes: tuple[str, ...]) -> bytes:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]
    attributes += [x509.NameAttribute(NameOID.SERIAL_NUMBER, code) for code in dict.fromkeys(codes) if code]
    return x509.Name(attributes).public_bytes()


def _checked(public_key: bytes) -> bytes:
    try:
        algorithm, bits = (whole for _, _, whole in der.children(der.only(public_key, der.SEQUENCE)))
        der.only(algorithm, der.SEQUENCE)
        der.only(bits, der.BIT_STRING)
    except ValueError as error:
        raise DataFault("The public key is no SubjectPublicKeyInfo") from error
    return public_key


def key_from_pem(pem: str) -> bytes:
    """The DER inside a PEM public key. Raises DataFault."""
    body = "".join(line for line in pem.splitlines() if "-----" not in line)
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise DataFault("The public key is no PEM text") from error


def key_from_sm2_hex(text: str) -> bytes:
    """The SubjectPublicKeyInfo of an SM2 point given as 128 hexadecimal digits (x then y), "04" before or not."""
    try:
        point = bytes.fromhex(text)[-64:]
    except ValueError as error:
        raise DataFault("The SM2 public key is not hexadecimal") from error
    if len(point) != 64:
        raise DataFault("An SM2 public key has 128 hexadecimal digits")
    return der.element(der.SEQUENCE, _SM2_KEY, der.element(der.BIT_STRING, b"\0\x04", point))

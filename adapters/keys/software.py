"""Software keys in files: RSA with SHA-1 and SM2 with SM3, as the interface specification 202205 names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.keys import sm2, store
from adapters.keys.provider import Certificate, read_certificate
from mappings import yamls
from mappings.canonical.model import Party
from mappings.errors import ConfigurationError

Issuer = Callable[[Party, str], bytes]  # (company, its public key as PEM) -> certificate as PEM


@lru_cache
def settings() -> dict[str, Any]:
    """The values of settings.yaml."""
    table = yamls.load((Path(__file__).parent / "settings.yaml").read_text("utf-8"))
    return {name: row["value"] for name, row in table.items()}


class SoftwareKeys:
    """A KeyProvider over a directory of key files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys: dict[str, store.PrivateKey] = {}
        self._certificates: dict[str, Certificate] = {}

    def certificate(self, company_code: str) -> Certificate:
        """The company's certificate. Raises ConfigurationError when there is none or it is another company's."""
        if company_code not in self._certificates:
            found = read_certificate(self._read(company_code, "cert"))
            _check_owner(found, company_code)
            self._certificates[company_code] = found
        return self._certificates[company_code]

    def sign(self, company_code: str, data: bytes) -> bytes:
        """The signature value over `data`, by the company's key."""
        if company_code not in self._keys:
            self._keys[company_code] = store.read_private(self._read(company_code, "key"), known=True)
        key = self._keys[company_code]
        if isinstance(key, int):
            return sm2.sign(key, sm2.public_bytes(key), data, settings()["sm2_user_id"].encode())
        return key.sign(data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - the interface asks for SHA-1

    def has(self, company_code: str) -> bool:
        """Whether the company has both key and certificate here."""
        return all(store.path(self.folder, company_code, kind).exists() for kind in ("key", "cert"))

    def add(self, company_code: str, key_pem: bytes, certificate_pem: bytes, passphrase: bytes | None = None) -> None:
        """Imports a live key with its certificate. Raises ConfigurationError when they do not belong together."""
        key, found = store.read_private(key_pem, passphrase), read_certificate(certificate_pem)
        if _public_bytes(key) not in found.der:
            raise ConfigurationError("Key and certificate do not belong together / 私钥与证书不匹配")
        _check_owner(found, company_code)
        store.write_private(store.path(self.folder, company_code, "key"), store.private_pem(key))
        store.write_private(store.path(self.folder, company_code, "cert"), certificate_pem)
        self._keys.pop(company_code, None)
        self._certificates.pop(company_code, None)

    def _read(self, company_code: str, kind: str) -> bytes:
        file = store.path(self.folder, company_code, kind)
        if not file.exists():
            raise ConfigurationError(
                f"Company {company_code} has no {kind} in {file.parent} / 该企业没有签名密钥或证书"
            )
        return file.read_bytes()


def _check_owner(found: Certificate, company_code: str) -> None:
    if company_code not in found.owner_codes:
        owners = ", ".join(found.owner_codes) or "nobody"
        raise ConfigurationError(f"The certificate for {company_code} belongs to {owners} / 证书不属于该企业")


def _public_bytes(key: store.PrivateKey) -> bytes:
    if isinstance(key, int):
        return sm2.public_bytes(key)
    modulus = key.public_key().public_numbers().n
    return modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")


def new_private(algorithm: str) -> store.PrivateKey:
    """A new private key for "rsa-sha1" or "sm2-sm3"."""
    if algorithm == "sm2-sm3":
        return sm2.new_key()
    return rsa.generate_private_key(settings()["rsa_public_exponent"], settings()["rsa_bits"])


def make_keys(
    parties: Iterable[Party], folder: Path, issuer: Issuer, algorithm: str = "rsa-sha1", renew: bool = False
) -> SoftwareKeys:
    """Keys and certificates for every party with a code that has none yet (or for all with `renew`); sandbox use."""
    keys = SoftwareKeys(folder)
    for party in parties:
        if party.code and (renew or not keys.has(party.code)):
            key = new_private(algorithm)
            keys.add(party.code, store.private_pem(key), issuer(party, store.public_pem(key)))
    return keys

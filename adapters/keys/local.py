"""Keys for a dry run: the installation's own where it has them, else self-signed ones that no authority trusts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adapters.keys.provider import KeyProvider
from adapters.keys.software import Issuer, SoftwareKeys, make_keys
from mappings import clock
from mappings.canonical.model import Party

FOLDER = "keys-dry-run"
VALID = timedelta(days=3650)


def _issuer() -> Issuer:
    """An authority of our own that certifies whatever it is given."""
    signer = rsa.generate_private_key(65537, 2048)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tongguan dry run")])

    def issue(party: Party, public_key_pem: str) -> bytes:
        subject = x509.Name([
            x509.NameAttribute(NameOID.COMMON_NAME, party.name[:64]),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, party.code),
        ])  # fmt: skip
        start = clock.now() - timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(serialization.load_pem_public_key(public_key_pem.encode()))  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + VALID)
            .sign(signer, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    return issue


def local_keys(parties: Iterable[Party], home: Path) -> tuple[KeyProvider, bool]:
    """A provider for these companies, and whether its keys are only good for a dry run."""
    companies = [p for p in parties if p.code and p.dxp_id]
    real = SoftwareKeys(home / "keys")
    if all(real.has(p.code) for p in companies):
        return real, False
    return make_keys(companies, home / FOLDER, _issuer()), True

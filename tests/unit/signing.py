"""What the tests of signing share: a certificate authority of their own, and an independent verifier (OpenSSL)."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adapters.keys import Issuer, SoftwareKeys, make_keys
from mappings.canonical.model import Party

SELLER = Party(code="91440400CTUMR415DG", customs_code="4404113472", name="示例商贸", dxp_id="DXPENT0850668293")
AGENT = Party(code="91440400Y3D43QQLMU", customs_code="4404170964", name="示例报关", dxp_id="DXPENT5809675032")

HEAD = (
    b'<ceb:CEB303Message xmlns:ceb="http://www.chinaport.gov.cn/ceb"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="0E1B7C9E-0000-4000-8000-000000000001" version="1.0">'
)
ORDER = "<ceb:Order><ceb:OrderHead><ceb:orderNo>A&amp;B 订单-1</ceb:orderNo></ceb:OrderHead></ceb:Order>".encode()
TAIL = b"</ceb:CEB303Message>"
BODY = HEAD + ORDER + b"\n  " + TAIL
EXTENDED = HEAD + ORDER + b"<ceb:ExtendMessage><ceb:name>x</ceb:name></ceb:ExtendMessage>" + TAIL


def rsa_authority() -> Issuer:
    """Issues certificates for RSA keys, signed by an authority made on the spot."""
    key = rsa.generate_private_key(65537, 2048)
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    serials = iter(range(0x01691FE9, 0x01692FE9))

    def issue(party: Party, public_pem: str) -> bytes:
        names = [x509.NameAttribute(NameOID.COMMON_NAME, party.name)]
        names += [x509.NameAttribute(NameOID.SERIAL_NUMBER, code) for code in (party.code, party.customs_code) if code]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(names))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")]))
            .public_key(serialization.load_pem_public_key(public_pem.encode()))
            .serial_number(next(serials))
            .not_valid_before(day)
            .not_valid_after(day + datetime.timedelta(days=3650))
        )
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    return issue


def sm2_authority(folder: Path) -> Issuer:
    """Issues certificates for SM2 keys with the OpenSSL command."""
    ca_key, ca = folder / "ca.key", folder / "ca.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", ca_key)
    openssl("req", "-x509", "-new", "-key", ca_key, "-sm3", "-days", "3650", "-subj", "/CN=test CA", "-out", ca)

    def issue(party: Party, public_pem: str) -> bytes:
        public, request, made = folder / "public.pem", folder / "request.pem", folder / "made.pem"
        public.write_text(public_pem)
        openssl("genpkey", "-algorithm", "RSA", "-out", folder / "other.key")
        subject = f"/CN={party.name}/serialNumber={party.code}/serialNumber={party.customs_code}"
        openssl("req", "-new", "-utf8", "-key", folder / "other.key", "-subj", subject, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-sm3", "-force_pubkey", public,
                "-set_serial", "0x03000000000cde6f", "-days", "3650", "-out", made)  # fmt: skip
        return made.read_bytes()

    return issue


def openssl(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Runs the openssl command."""
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=check)


def der_signature(value: bytes) -> bytes:
    """r||s as the DER sequence that OpenSSL wants."""

    def integer(part: bytes) -> bytes:
        part = part.lstrip(b"\0") or b"\0"
        part = b"\0" + part if part[0] & 0x80 else part
        return b"\x02" + bytes([len(part)]) + part

    body = integer(value[:32]) + integer(value[32:])
    return b"\x30" + bytes([len(body)]) + body


def sm2_holds(
    folder: Path, public_pem: bytes, data: bytes, signature: bytes, user_id: str = "1234567812345678"
) -> bool:
    """Whether OpenSSL finds an SM2 signature (r||s) over `data` good."""
    (folder / "v.pem").write_bytes(public_pem)
    (folder / "v.data").write_bytes(data)
    (folder / "v.sig").write_bytes(der_signature(signature))
    done = openssl("pkeyutl", "-verify", "-pubin", "-inkey", folder / "v.pem", "-rawin", "-digest", "sm3",
                   "-in", folder / "v.data", "-sigfile", folder / "v.sig",
                   "-pkeyopt", f"distid:{user_id}", check=False)  # fmt: skip
    return done.returncode == 0


def rsa_keys(folder: Path, *parties: Party) -> SoftwareKeys:
    """RSA keys and certificates for these companies."""
    return make_keys(parties or (SELLER, AGENT), folder / "keys", rsa_authority())


def sm2_keys(folder: Path, *parties: Party) -> SoftwareKeys:
    """SM2 keys and certificates for these companies."""
    return make_keys(parties or (SELLER,), folder / "keys", sm2_authority(folder), "sm2-sm3")

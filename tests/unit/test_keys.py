"""Keys: made, stored for their owner alone, imported, refused when not the company's; remote signers plug in."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import requests
import requests_mock
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from adapters.keys import SoftwareKeys, make_keys, provider, read_certificate, sandbox_issuer, sm2, store
from adapters.keys.provider import serial_text
from mappings.canonical.model import Party
from mappings.errors import AuthorityUnavailable, BadSignature, ConfigurationError
from tests.unit import signing


def test_key_files_are_their_owners_alone(tmp_path: Path) -> None:
    signing.rsa_keys(tmp_path, signing.SELLER)
    modes = {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "keys").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert len(list((tmp_path / "keys").iterdir())) == 2


def test_keys_once_made_stay(tmp_path: Path) -> None:
    issuer = signing.rsa_authority()
    first = make_keys([signing.SELLER], tmp_path, issuer).certificate(signing.SELLER.code)
    again = make_keys([signing.SELLER, Party(name="no code")], tmp_path, issuer).certificate(signing.SELLER.code)
    renewed = make_keys([signing.SELLER], tmp_path, issuer, renew=True).certificate(signing.SELLER.code)
    assert first == again != renewed
    assert renewed.owner_codes == (signing.SELLER.code, signing.SELLER.customs_code)


def test_openssl_reads_our_sm2_key_and_we_read_its(tmp_path: Path) -> None:
    key = sm2.new_key()
    (tmp_path / "ours.pem").write_bytes(store.private_pem(key))
    assert signing.openssl("pkey", "-in", tmp_path / "ours.pem", "-pubout").stdout.decode() == store.public_pem(key)
    for kind in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"],
                 ["ecparam", "-name", "SM2", "-genkey", "-noout"]):  # fmt: skip
        signing.openssl(*kind, "-out", tmp_path / "theirs.pem")
        read = store.read_private((tmp_path / "theirs.pem").read_bytes())
        public = signing.openssl("pkey", "-in", tmp_path / "theirs.pem", "-pubout").stdout.decode()
        assert store.public_pem(read) == public


def test_sm2_signs_the_example_of_the_standard() -> None:
    """GB/T 32918.5, annex A: the recommended curve, user id 1234567812345678, message 'message digest'."""
    key = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
    x = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    y = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    assert sm2.public_bytes(key).hex().upper() == "04" + x + y
    e = sm2.digest(sm2.public_bytes(key), b"message digest", b"1234567812345678")
    assert f"{e:064X}" == "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"


def test_sm2_multiplies_as_the_group_does() -> None:
    assert sm2.multiply(1) == sm2.G
    assert sm2.multiply(sm2.N - 1) == (sm2.G[0], sm2.P - sm2.G[1])
    for scalar in (2, 15, 16, 17, 2**255 + 3, sm2.N - 2):
        x, y = sm2.multiply(scalar)
        assert (y * y - x * x * x - sm2.A * x - sm2.B) % sm2.P == 0
    five = sm2._affine(sm2._add(sm2._add((*sm2.multiply(2), 1), sm2.multiply(2)), sm2.G))
    assert sm2.multiply(5) == five
    negative = (sm2.G[0], sm2.P - sm2.G[1])
    assert sm2._add((*sm2.G, 1), negative)[2] == 0


def test_live_keys_are_imported_with_their_passphrase(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    certificate = signing.rsa_authority()(signing.SELLER, store.public_pem(key))
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    keys = SoftwareKeys(tmp_path)
    with pytest.raises(ConfigurationError):
        keys.add(signing.SELLER.code, locked, certificate)
    keys.add(signing.SELLER.code, locked, certificate, b"secret")
    assert keys.has(signing.SELLER.code)
    assert len(keys.sign(signing.SELLER.code, b"x")) == 256
    keys.add(signing.SELLER.customs_code, locked, certificate, b"secret")
    with pytest.raises(ConfigurationError, match="belongs to"):
        keys.add(signing.AGENT.code, locked, certificate, b"secret")
    other = store.private_pem(rsa.generate_private_key(65537, 2048))
    with pytest.raises(ConfigurationError, match="belong together"):
        keys.add(signing.SELLER.code, other, certificate)


def test_a_swapped_certificate_is_noticed(tmp_path: Path) -> None:
    keys = signing.rsa_keys(tmp_path)
    folder = tmp_path / "keys"
    (folder / f"{signing.SELLER.code}.cert.pem").write_bytes((folder / f"{signing.AGENT.code}.cert.pem").read_bytes())
    with pytest.raises(ConfigurationError, match="belongs to"):
        SoftwareKeys(keys.folder).certificate(signing.SELLER.code)


@pytest.mark.parametrize("junk", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_junk_is_no_certificate_and_no_key(junk: bytes) -> None:
    with pytest.raises(BadSignature):
        read_certificate(junk)
    with pytest.raises(ConfigurationError):
        store.read_private(junk)


def test_other_curves_are_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(ConfigurationError, match="neither RSA nor SM2"):
        store.read_private(pem)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadSignature, match="neither RSA nor SM2"):
        read_certificate(signing.rsa_authority()(signing.SELLER, public.decode()))


@pytest.mark.parametrize("code", ["", "../x", "a/b", "x" * 31])
def test_a_company_code_is_no_path(tmp_path: Path, code: str) -> None:
    with pytest.raises(ConfigurationError, match="no company code"):
        SoftwareKeys(tmp_path).sign(code, b"")


def test_certificate_numbers_are_whole_bytes() -> None:
    assert [serial_text(n) for n in (1, 0x1691FE9, 0x03000000000CDE6F)] == ["01", "01691fe9", "03000000000cde6f"]


class Card:
    """A remote signer as a user would plug it in."""

    def __init__(self, home: Path) -> None:
        self.home = home


def test_providers_plug_in_by_name(tmp_path: Path) -> None:
    assert isinstance(provider("software", tmp_path), SoftwareKeys)
    card = provider(f"{__name__}:Card", tmp_path)
    assert isinstance(card, Card)
    assert card.home == tmp_path
    for name in ("nowhere:x", f"{__name__}:nothing", "", ":"):
        with pytest.raises(ConfigurationError, match="key provider"):
            provider(name, tmp_path)


def test_the_sandbox_issues_certificates(tmp_path: Path, requests_mock: requests_mock.Mocker) -> None:
    authority = signing.rsa_authority()

    def answer(request: requests.Request, _: object) -> dict[str, str]:
        asked = request.json()
        party = Party(code=asked["owner_code"], customs_code=asked["other_codes"][0], name=asked["name"])
        return {"certificate_pem": authority(party, asked["public_key_pem"]).decode()}

    requests_mock.post("http://sandbox/admin/certificates", json=answer)
    keys = make_keys([signing.SELLER], tmp_path, sandbox_issuer("http://sandbox/"))
    assert keys.certificate(signing.SELLER.code).owner_codes[1] == signing.SELLER.customs_code
    for reply in ({"status_code": 500, "text": "no"}, {"json": {}}, {"json": []}):
        requests_mock.post("http://sandbox/admin/certificates", **reply)
        with pytest.raises(ConfigurationError, match="No certificate"):
            make_keys([signing.AGENT], tmp_path, sandbox_issuer("http://sandbox"))
    requests_mock.post("http://sandbox/admin/certificates", exc=requests.ConnectionError)
    with pytest.raises(AuthorityUnavailable):
        make_keys([signing.AGENT], tmp_path, sandbox_issuer("http://sandbox"))

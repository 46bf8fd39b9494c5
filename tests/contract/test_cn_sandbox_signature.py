"""Signatures before the China Customs sandbox (transport_signature.md, section 4), and its certificate authority."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from gmssl import sm2, sm3
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox import ca, der
from adapters.sandbox.cn_customs import sm2 as judge
from mappings.errors import ConfigurationError, DataFault
from tests.contract import cn_sandbox_company as make
from tests.contract.cn_sandbox_company import AGENT, CARRIER, PLATFORM

SECOND = b'</ds:Signature><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'
PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)


@pytest.fixture
def company(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company:
        yield company


def sm2_sign(data: bytes, asn1: bool = False) -> bytes:
    """As another implementation signs (gmssl), with the identity prefix worked out there."""
    signer = sm2.CryptSM2(private_key=PRIVATE, public_key=PUBLIC, asn1=asn1)
    return bytes.fromhex(signer.sign_with_sm3(data))


def refusal(company, sealed: bytes, owner: str = PLATFORM) -> tuple[str, str]:
    assert company.post(sealed) == "0000"
    (receipt,) = company.hear(owner)
    return receipt["returnStatus"], receipt["returnInfo"]


def post_signed(company, body: bytes, **how) -> bytes:
    certificate = make.certificate(company.customs, PLATFORM)
    return make.enveloped(make.signed(body, certificate, **how), "CEB303", make.dxp_of(PLATFORM))


def test_an_unsigned_declaration_is_refused_but_saved_data_needs_no_signature(company):
    body = make.message("CEB303", [make.order("O1")], PLATFORM)
    status, info = refusal(company, make.enveloped(body, "CEB303", make.dxp_of(PLATFORM)))
    assert status == "-301020" and "验签失败" in info
    body = make.message("CEB303", [make.order("O1", appStatus="1")], PLATFORM)
    assert refusal(company, make.enveloped(body, "CEB303", make.dxp_of(PLATFORM)))[0] == "1"


def test_changed_data_does_not_fit_its_signature(company):
    sealed = make.signed(
        make.message("CEB303", [make.order("O1")], PLATFORM), make.certificate(company.customs, PLATFORM)
    )
    changed = sealed.replace(b"<ceb:freight>5<", b"<ceb:freight>6<")
    assert changed != sealed
    status, info = refusal(company, make.enveloped(changed, "CEB303", make.dxp_of(PLATFORM)))
    assert status == "-301020" and "digest" in info


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"xmldsig#rsa-sha1", b"xmldsig#rsa-sha9", "SignatureMethod"),
        (b"xml-c14n-20010315", b"xml-c14n-20010315#WithComments", "C14N"),
        (b"enveloped-signature", b"enveloped", "Transform"),
        (b'Reference URI=""', b'Reference URI="#x"', "Reference"),
        (b"2000/09/xmldsig#sha1", b"2000/09/xmldsig#sha2", "DigestMethod"),
        (b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA", "does not fit SignedInfo"),
        (b"<ds:SignatureValue>", b"<ds:SignatureValue>!", "base64"),
        (b"<ds:KeyName>", b"<ds:KeyName>f", "KeyName"),
        (b"<ds:X509Certificate>", b"<ds:X509Certificate>AAAA", "unreadable"),
        (b"ds:SignedInfo", b"ds:OtherInfo", "SignedInfo"),
        (b"</ds:Signature>", SECOND, "more than one"),
    ],
)  # fmt: skip
def test_a_signature_that_departs_from_the_reference_is_refused(company, old, new, words):
    sealed = make.signed(
        make.message("CEB303", [make.order("O1")], PLATFORM), make.certificate(company.customs, PLATFORM)
    )
    assert old in sealed
    result = company.customs.read(make.enveloped(sealed.replace(old, new), "CEB303", make.dxp_of(PLATFORM)))
    text = result.refusal.text if result.refusal else result.unreadable.text
    assert words in text or (words == "more than one" and "schema" in text)


def test_a_certificate_of_another_company_has_no_right(company):
    sealed = company.sealed("CEB303", make.order("O1"), signer=CARRIER)
    status, info = refusal(company, sealed)
    assert status == "-621015" and PLATFORM in info


def test_an_inventory_is_signed_by_its_declarant(company):
    sealed = company.sealed("CEB603", make.inventory("O1"), owner=CARRIER)
    assert refusal(company, sealed, CARRIER)[0] == "-621015"


def test_a_certificate_of_an_unknown_authority_is_refused(company, tmp_path):
    other = ca.make_ca(tmp_path / "other")
    certificate = x509.load_pem_x509_certificate(ca.issue(other, PLATFORM, make.SPKI).encode())
    body = make.signed(make.message("CEB303", [make.order("O1")], PLATFORM), certificate)
    status, info = refusal(company, make.enveloped(body, "CEB303", make.dxp_of(PLATFORM)))
    assert status == "-301020" and "issuer" in info


def test_an_expired_certificate_is_refused(company):
    sealed = company.sealed("CEB303", make.order("O1"))
    company.wait(11 * 365 * 86400)
    status, info = refusal(company, sealed)
    assert status == "-301020" and "not valid now" in info


@pytest.mark.parametrize("asn1", [False, True])
def test_sm2_signatures_of_another_implementation_are_accepted_raw_or_der(company, asn1):
    key = ca.key_from_sm2_hex(PUBLIC)
    certificate = make.certificate(company.customs, PLATFORM, key)
    body = make.message("CEB303", [make.order("O1")], PLATFORM)
    sealed = make.signed(body, certificate, sign=lambda data: sm2_sign(data, asn1), sm2=True)
    assert refusal(company, make.enveloped(sealed, "CEB303", make.dxp_of(PLATFORM)))[0] == "2"


def test_sm2_refuses_changed_data_a_wrong_point_and_odd_signatures():
    public, data = bytes.fromhex(PUBLIC), b"data"
    good = sm2_sign(data)
    identity = b"1234567812345678"
    assert judge.verify(public, data, good, identity)
    assert not judge.verify(public, b"Data", good, identity)
    assert not judge.verify(public, data, good, b"another")
    assert not judge.verify(b"\1" * 64, data, good, identity)
    for odd in (b"", b"\0" * 64, b"\xff" * 64, good[:40], b"\x30\x03\x02\x01\x01"):
        assert not judge.verify(public, data, odd, identity)


def test_sm3_here_is_sm3_there():
    import hashlib

    assert hashlib.new("sm3", b"abc").hexdigest() == sm3.sm3_hash(list(b"abc"))


def test_a_certificate_names_its_owner_and_other_codes(tmp_path):
    authority = ca.make_ca(tmp_path)
    pem = ca.issue(authority, "CODE1", make.SPKI, "公司", ("CODE2", "CODE1", ""))
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)] == ["CODE1", "CODE2"]
    certificate.verify_directly_issued_by(authority.certificate)
    assert ca.make_ca(tmp_path).certificate == authority.certificate
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0


def test_an_authority_without_key_does_not_issue_and_a_missing_one_is_said(tmp_path):
    ca.make_ca(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(ConfigurationError, match="no key"):
        ca.issue(ca.load(tmp_path / "ca.pem"), "CODE", make.SPKI)
    with pytest.raises(ConfigurationError, match="No CA"):
        ca.load(tmp_path / "none.pem")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: ca.issue(a, "", make.SPKI),
        lambda a: ca.issue(a, "CODE", b"junk"),
        lambda a: ca.issue(a, "CODE", b""),
        lambda a: ca.key_from_pem("!!"),
        lambda a: ca.key_from_sm2_hex("xyz"),
        lambda a: ca.key_from_sm2_hex("04"),
    ],
)
def test_what_is_no_key_gets_no_certificate(tmp_path, wrong):
    with pytest.raises(DataFault):
        wrong(ca.make_ca(tmp_path))


def test_the_command_issues(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    command = [
        "-m",
        "adapters.sandbox",
        "issue",
        "--home",
        tmp_path,
        "--owner",
        AGENT,
        "--public-key",
        tmp_path / "key.pem",
    ]
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, check=True)
    assert x509.load_pem_x509_certificate(done.stdout.encode()).public_key() == key


@given(st.binary(max_size=60))
def test_der_reading_takes_any_bytes(data):
    try:
        list(der.children(data))
        der.public_key_of(data)
    except (ValueError, IndexError):
        pass


@given(st.integers(min_value=0, max_value=2**70), st.binary(max_size=300))
def test_der_reads_what_it_writes(number, content):
    whole = der.element(der.SEQUENCE, der.integer(number), der.element(der.OCTET_STRING, content))
    (_, first, _), (_, second, _) = der.children(der.only(whole, der.SEQUENCE))
    assert int.from_bytes(first, "big") == number
    assert second == content


def test_an_element_without_a_canonical_form_is_refused(company):
    body = make.message("CEB303", [make.order("O1")], PLATFORM)
    relative = b"<ceb:ExtendMessage><ceb:name>x</ceb:name><ceb:version>1</ceb:version>"
    relative += b'<ceb:Message><y xmlns="here"/></ceb:Message>'
    sealed = make.signed(body, make.certificate(company.customs, PLATFORM))
    at = sealed.rindex(b"</ceb:")
    sealed = sealed[:at] + relative + b"</ceb:ExtendMessage>" + sealed[at:]
    status, info = refusal(company, make.enveloped(sealed, "CEB303", make.dxp_of(PLATFORM)))
    assert status == "-301020" and "canonical" in info


def test_white_space_after_the_signature_stays_in_the_digest(company):
    body = make.message("CEB303", [make.order("O1")], PLATFORM)
    sealed = make.signed(body, make.certificate(company.customs, PLATFORM))
    spaced = sealed.replace(b"</ds:Signature>", b"</ds:Signature>\n")
    assert "digest" in refusal(company, make.enveloped(spaced, "CEB303", make.dxp_of(PLATFORM)))[1]


def test_an_rsa_certificate_does_not_sign_sm2_nor_the_other_way(company):
    body = make.message("CEB303", [make.order("O1")], PLATFORM)
    rsa_certificate = make.certificate(company.customs, PLATFORM)
    sealed = make.signed(body, rsa_certificate, sign=sm2_sign, sm2=True)
    assert refusal(company, make.enveloped(sealed, "CEB303", make.dxp_of(PLATFORM)))[0] == "-301020"
    sm2_certificate = make.certificate(company.customs, PLATFORM, ca.key_from_sm2_hex(PUBLIC))
    sealed = make.signed(make.message("CEB303", [make.order("O2")], PLATFORM), sm2_certificate)
    assert refusal(company, make.enveloped(sealed, "CEB303", make.dxp_of(PLATFORM)))[0] == "-301020"


def test_a_third_implementation_agrees_that_the_accepted_form_is_xmldsig(company):
    """signxml takes what the sandbox takes, so the sandbox judges by the standard and not by our signer."""
    from signxml import XMLVerifier
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.verifier import SignatureConfiguration

    certificate = make.certificate(company.customs, PLATFORM)
    sealed = make.signed(make.message("CEB303", [make.order("O1")], PLATFORM), certificate)
    config = SignatureConfiguration(
        signature_methods=frozenset({SignatureMethod.RSA_SHA1}), digest_algorithms=frozenset({DigestAlgorithm.SHA1})
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    assert XMLVerifier().verify(sealed, x509_cert=pem, expect_config=config)
    assert refusal(company, make.enveloped(sealed, "CEB303", make.dxp_of(PLATFORM)))[0] == "2"

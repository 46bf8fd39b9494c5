"""The XML signature holds for verifiers that are not ours, and nothing else does."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier
from signxml.exceptions import InvalidDigest, InvalidSignature

from adapters.cn_ecommerce import signature
from adapters.keys import SoftwareKeys
from mappings.errors import BadSignature, ConfigurationError
from tests.unit import signing

DS = "{http://www.w3.org/2000/09/xmldsig#}"
ALLOWED = SignatureConfiguration(
    signature_methods=frozenset({SignatureMethod.RSA_SHA1}), digest_algorithms=frozenset({DigestAlgorithm.SHA1})
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SoftwareKeys:
    return signing.rsa_keys(tmp_path_factory.mktemp("rsa"))


@pytest.fixture(scope="module")
def sm2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SoftwareKeys]:
    folder = tmp_path_factory.mktemp("sm2")
    return folder, signing.sm2_keys(folder)


def canonical(node: etree._Element) -> bytes:
    return etree.tostring(node, method="c14n")


def verify(signed: bytes, keys: SoftwareKeys) -> etree._Element:
    pem = x509.load_der_x509_certificate(keys.certificate(signing.SELLER.code).der)
    verified = XMLVerifier().verify(signed, x509_cert=pem, expect_config=ALLOWED)
    return verified.signed_xml


def test_signxml_verifies_rsa_and_sees_the_whole_message(keys: SoftwareKeys) -> None:
    signed = signature.sign(signing.BODY, signing.SELLER.code, keys)
    assert canonical(verify(signed, keys)) == signing.BODY


def test_signed_message_is_canonical_itself(keys: SoftwareKeys) -> None:
    for body in (signing.BODY, signing.EXTENDED):
        signed = signature.sign(body, signing.SELLER.code, keys)
        assert canonical(etree.fromstring(signed)) == signed


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"A&amp;B", b"A&amp;C"), (b"</ceb:Order>\n  ", b"</ceb:Order>\n "), (b'version="1.0"', b'version="1.1"')],
)
def test_tampering_is_detected(keys: SoftwareKeys, before: bytes, after: bytes) -> None:
    signed = signature.sign(signing.BODY, signing.SELLER.code, keys)
    assert before in signed
    with pytest.raises(InvalidDigest):
        verify(signed.replace(before, after), keys)


def test_another_companys_certificate_does_not_verify(keys: SoftwareKeys) -> None:
    signed = signature.sign(signing.BODY, signing.AGENT.code, keys)
    with pytest.raises(InvalidSignature):
        verify(signed, keys)


def test_key_name_is_the_certificate_number(keys: SoftwareKeys) -> None:
    root = etree.fromstring(signature.sign(signing.BODY, signing.SELLER.code, keys))
    certificate = keys.certificate(signing.SELLER.code)
    assert certificate.number == "01691fe9"
    assert root.findtext(f".//{DS}KeyName") == certificate.number
    assert base64.b64decode(root.findtext(f".//{DS}X509Certificate", "")) == certificate.der


def test_signature_stands_before_the_extension_of_an_export_and_after_that_of_an_import(keys: SoftwareKeys) -> None:
    tags = [
        etree.QName(n).localname for n in etree.fromstring(signature.sign(signing.EXTENDED, signing.SELLER.code, keys))
    ]
    assert tags == ["Order", "Signature", "ExtendMessage"]
    imported = signing.EXTENDED.replace(b"CEB303", b"CEB311")
    tags = [etree.QName(n).localname for n in etree.fromstring(signature.sign(imported, signing.SELLER.code, keys))]
    assert tags == ["Order", "ExtendMessage", "Signature"]


def test_digest_is_the_sample_of_the_specification() -> None:
    """The algorithm of a public sample: base64 of SHA-1 over inclusive C14N of the unsigned document."""
    for algorithm, name in (("rsa-sha1", "sha1"), ("sm2-sm3", "sm3")):
        expected = hashlib.new(name, canonical(etree.fromstring(signing.BODY))).digest()
        assert base64.b64decode(signature.digest(signing.BODY, algorithm)) == expected


def test_openssl_verifies_sm2(sm2: tuple[Path, SoftwareKeys]) -> None:
    folder, keys = sm2
    signed = signature.sign(signing.BODY, signing.SELLER.code, keys)
    root = etree.fromstring(signed)
    value = base64.b64decode(root.findtext(f".//{DS}SignatureValue", ""))
    info = canonical(root.find(f".//{DS}SignedInfo"))
    (folder / "cert.der").write_bytes(base64.b64decode(root.findtext(f".//{DS}X509Certificate", "")))
    public = signing.openssl("x509", "-inform", "DER", "-in", folder / "cert.der", "-pubkey", "-noout").stdout
    assert len(value) == 64
    assert signing.sm2_holds(folder, public, info, value)
    assert not signing.sm2_holds(folder, public, info + b" ", value)
    assert not signing.sm2_holds(folder, public, info, value, "8765432187654321")
    assert keys.certificate(signing.SELLER.code).number == "03000000000cde6f"
    assert b"http://www.chinaport.gov.cn/2022/04/xmldsig#sm2-sm3" in info
    assert b"http://www.chinaport.gov.cn/2022/04/xmldsig#sm3" in info
    unsigned = etree.fromstring(signed)
    found = unsigned.find(f".//{DS}Signature")
    tail = found.tail
    assert tail is None
    found.getparent().remove(found)
    assert canonical(unsigned) == signing.BODY.replace(b"</ceb:Order>\n  ", b"</ceb:Order>\n  ")


@pytest.mark.parametrize(
    "body",
    [
        b"<a/>",
        b'<ceb:CEB303Message xmlns:ceb="http://www.chinaport.gov.cn/ceb"></ceb:CEB303Message>',
        signing.HEAD + signing.ORDER,
        b'<?xml version="1.0"?>' + signing.BODY,
    ],
)
def test_only_a_canonical_message_is_signed(keys: SoftwareKeys, body: bytes) -> None:
    with pytest.raises(BadSignature):
        signature.sign(body, signing.SELLER.code, keys)


def test_a_company_without_key_is_told(keys: SoftwareKeys) -> None:
    with pytest.raises(ConfigurationError, match="91440400000000000X"):
        signature.sign(signing.BODY, "91440400000000000X", keys)

"""What arrives: the envelope (JSON, ours), the message in it, its signature. Junk is refused."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from mappings.engine import reader
from mappings.engine.reader import Reading
from mappings.errors import DataFault, Unsupported

TYPES = {"/aci": "HKRoadACI", "/bundles": "HKRoadBundle"}


class Unreadable(Exception):
    """The message is refused at the door; `code` is one of codes/error.csv."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Arrived:
    """A message as read; `values` are the first texts of each element, by segment/tag."""

    sender: str
    message_id: str
    type: str
    payload: bytes
    reading: Reading
    values: dict[str, str] = field(default_factory=dict)

    @property
    def function(self) -> str:
        return self.values["Declaration/FunctionCode"]

    @property
    def reference(self) -> str:
        return self.values["Declaration/FunctionalReferenceID"]

    @property
    def ccrn(self) -> str:
        return self.values["Declaration/ID"]

    @property
    def vehicle(self) -> str:
        return self.values.get("BorderTransportMeans/ID", "")


def read(path: str, raw: bytes, issuer: x509.Certificate | None = None) -> Arrived:
    """The message in a request. Raises Unreadable."""
    found = _envelope(raw)
    try:
        payload = base64.b64decode(found["payload"], validate=True)
        reading = reader.read(payload)
    except (binascii.Error, ValueError, DataFault, Unsupported) as error:
        raise Unreadable("HKR051", str(error)) from error
    if reading.type != TYPES[path]:
        raise Unreadable("HKR051", f"{reading.type} does not belong to {path}")
    _check_signature(found, payload, issuer)
    values = {
        f"{segment}/{tag}": next(iter(column), "").strip()
        for segment, group in reading.groups.items()
        for tag, column in group.items()
    }
    if not values["Declaration/FunctionalReferenceID"]:
        raise Unreadable("HKR051", "The message has no FunctionalReferenceID")
    return Arrived(found["sender"], found["messageId"], reading.type, payload, reading, values)


def _envelope(raw: bytes) -> dict[str, str]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Unreadable("HKR051", f"The envelope is not JSON: {error}") from error
    wanted = ("sender", "messageId", "payload")
    if not isinstance(found, dict) or not all(isinstance(found.get(n), str) and found[n] for n in wanted):
        raise Unreadable("HKR051", f"The envelope needs {', '.join(wanted)}")
    return found


def _check_signature(found: dict[str, str], payload: bytes, issuer: x509.Certificate | None) -> None:
    """A signature given has to hold, and to be the sender's own; none is needed (unverified)."""
    given = found.get("signature")
    if given is None:
        return
    try:
        _verify(given, found["sender"], payload, issuer)  # type: ignore[arg-type]
    except (InvalidSignature, ValueError, TypeError, KeyError, binascii.Error) as error:
        raise Unreadable("HKR052", f"The signature does not hold: {error}") from error


def _verify(given: dict[str, str], sender: str, payload: bytes, issuer: x509.Certificate | None) -> None:
    certificate = x509.load_der_x509_certificate(base64.b64decode(given["certificate"], validate=True))
    key = certificate.public_key()
    if given["algorithm"] != "rsa-sha1" or not isinstance(key, rsa.RSAPublicKey):
        raise ValueError(f"{given['algorithm']} is not known here")
    owners = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
    if sender not in owners:
        raise ValueError("the certificate belongs to another")
    if issuer is not None:
        certificate.verify_directly_issued_by(issuer)
    signature = base64.b64decode(given["value"], validate=True)
    key.verify(signature, payload, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 what the key in use makes

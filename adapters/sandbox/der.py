"""The few lines of DER (ITU-T X.690) that certificates need: SM2 public keys are unknown to the usual library."""

from __future__ import annotations

from collections.abc import Iterator

SEQUENCE, SET, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, UTC_TIME, GENERALIZED_TIME = (
    0x30, 0x31, 0x02, 0x03, 0x04, 0x05, 0x06, 0x17, 0x18,
)  # fmt: skip


def element(tag: int, *parts: bytes) -> bytes:
    """One DER element whose content is `parts` joined."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def integer(value: int) -> bytes:
    """A non-negative INTEGER."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER such as "1.2.840.113549.1.1.1"."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return element(OID, *(_base128(arc) for arc in [first * 40 + second, *rest]))


def _base128(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | (value & 0x7F))
    return bytes(reversed(digits))


def children(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each element of `data` as (tag, content, whole element). Raises ValueError where it is not DER."""
    at = 0
    while at < len(data):
        tag, content_at, end = _header(data, at)
        yield tag, data[content_at:end], data[at:end]
        at = end


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    if at + 2 > len(data):
        raise ValueError("DER element is cut off")
    tag, size, content = data[at], data[at + 1], at + 2
    if size & 0x80:
        width = size & 0x7F
        size, content = int.from_bytes(data[content : content + width], "big"), content + width
    if content + size > len(data):
        raise ValueError("DER element is cut off")
    return tag, content, content + size


def only(data: bytes, tag: int) -> bytes:
    """The content of the first element of `data`, which must have this tag. Raises ValueError."""
    for found, content, _ in children(data):
        if found != tag:
            raise ValueError(f"DER tag {found:#x} where {tag:#x} is needed")
        return content
    raise ValueError("DER element is missing")


def public_key_of(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo element of an X.509 certificate (RFC 5280, 4.1)."""
    tbs = only(only(certificate, SEQUENCE), SEQUENCE)
    fields = [whole for tag, _, whole in children(tbs) if tag != 0xA0]
    return fields[5]  # serial, algorithm, issuer, validity, subject, key

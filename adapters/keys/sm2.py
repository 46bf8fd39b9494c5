"""SM2 signatures with SM3 (GB/T 32918.2), r||s as 64 bytes: what a chinaport key gives.

Arithmetic of our own because the alternatives do not serve: cryptography has no SM2, and gmssl takes 14 ms a signature
(this: below 1 ms), draws its nonce from a predictable source and strips leading 0 and 4 digits from public keys.
Python integers are not constant-time: software keys suit a sandbox; a live key belongs into a card or a remote signer.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
Affine = tuple[int, int]
Jacobian = tuple[int, int, int]
INFINITY: Jacobian = (1, 1, 0)


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point
    delta, gamma = z * z % P, y * y % P
    beta, alpha = x * gamma % P, 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, ((y + z) ** 2 - gamma - delta) % P


def _add(point: Jacobian, other: Affine) -> Jacobian:
    x1, y1, z1 = point
    x2, y2 = other
    if not z1:
        return x2, y2, 1
    zz = z1 * z1 % P
    h, r = (x2 * zz - x1) % P, (y2 * zz * z1 - y1) % P
    if not h:
        return INFINITY if r else _double(point)
    hh = h * h % P
    hhh, v = h * hh % P, x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _affine(point: Jacobian) -> Affine:
    inverse = pow(point[2], -1, P)
    square = inverse * inverse % P
    return point[0] * square % P, point[1] * square * inverse % P


@lru_cache(maxsize=1)
def _table() -> list[list[Affine]]:
    """For each of the 64 nibbles of a scalar, its 15 multiples of G."""
    table, base = [], G
    for _ in range(64):
        row, point = [base], _add(_double((*base, 1)), base)
        row.append(_affine(_double((*base, 1))))
        for _ in range(13):
            row.append(_affine(point))
            point = _add(point, base)
        table.append(row)
        base = _affine(point)
    return table


def multiply(scalar: int) -> Affine:
    """`scalar` times the base point; the scalar lies in 1..N-1."""
    point = INFINITY
    for row in _table():
        if nibble := scalar & 15:
            point = _add(point, row[nibble - 1])
        scalar >>= 4
    return _affine(point)


def new_key() -> int:
    """A new private key."""
    return secrets.randbelow(N - 2) + 1


@lru_cache(maxsize=256)
def public_bytes(key: int) -> bytes:
    """The public key as an uncompressed point, 65 bytes."""
    x, y = multiply(key)
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def digest(public: bytes, data: bytes, user_id: bytes) -> int:
    """SM3(Z || data), where Z binds the signer's user id and public key (65 bytes)."""
    curve = b"".join(v.to_bytes(32, "big") for v in (A, B, *G))
    z = hashlib.new("sm3", (8 * len(user_id)).to_bytes(2, "big") + user_id + curve + public[1:]).digest()
    return int.from_bytes(hashlib.new("sm3", z + data).digest(), "big")


def sign(key: int, public: bytes, data: bytes, user_id: bytes) -> bytes:
    """The signature of `data`, r||s in 64 bytes."""
    e = digest(public, data, user_id)
    while True:
        k = new_key()
        r = (e + multiply(k)[0]) % N
        s = pow(1 + key, -1, N) * (k - r * key) % N
        if r and s and r + k != N:
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

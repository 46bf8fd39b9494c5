"""SM2 signature verification (GB/T 32918.2, recommended curve) in plain integers: the second opinion on our signer."""

from __future__ import annotations

import hashlib

from adapters.sandbox import der

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
Point = tuple[int, int, int]  # Jacobian
_INFINITY: Point = (0, 1, 0)


def verify(public: bytes, data: bytes, signature: bytes, user_id: bytes) -> bool:
    """Whether `signature` (raw r||s, or DER) over `data` was made by the key whose public point is x||y."""
    x, y = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
    parts = _r_and_s(signature)
    if parts is None or not _on_curve(x, y):
        return False
    r, s = parts
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N and t):
        return False
    e = int.from_bytes(_sm3(_identity(public, user_id) + data), "big")
    x1 = _affine_x(_two_multiples(s, (GX, GY, 1), t, (x, y, 1)))
    return x1 is not None and (e + x1) % N == r


def _sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def _identity(public: bytes, user_id: bytes) -> bytes:
    curve = b"".join(number.to_bytes(32, "big") for number in (A, B, GX, GY))
    return _sm3((len(user_id) * 8).to_bytes(2, "big") + user_id + curve + public)


def _r_and_s(signature: bytes) -> tuple[int, int] | None:
    if len(signature) == 64:
        return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        numbers = [content for tag, content, _ in der.children(der.only(signature, der.SEQUENCE)) if tag == der.INTEGER]
    except ValueError:
        return None
    return (int.from_bytes(numbers[0], "big"), int.from_bytes(numbers[1], "big")) if len(numbers) == 2 else None


def _on_curve(x: int, y: int) -> bool:
    return x < P and y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def _double(point: Point) -> Point:
    x, y, z = point
    if not y or not z:
        return _INFINITY
    zz, yy = z * z % P, y * y % P
    s = 4 * x * yy % P
    m = 3 * (x - zz) * (x + zz) % P  # because A = -3
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(left: Point, right: Point) -> Point:
    if not left[2]:
        return right
    if not right[2]:
        return left
    (x1, y1, z1), (x2, y2, z2) = left, right
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    h, r = (u2 - u1) % P, (s2 - s1) % P
    if not h:
        return _double(left) if not r else _INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def _two_multiples(s: int, g: Point, t: int, p: Point) -> Point:
    """s*G + t*P, both walked at once."""
    table = (_INFINITY, g, p, _add(g, p))
    total = _INFINITY
    for bit in range(max(s.bit_length(), t.bit_length()) - 1, -1, -1):
        total = _double(total)
        choice = (s >> bit & 1) | (t >> bit & 1) << 1
        if choice:
            total = _add(total, table[choice])
    return total


def _affine_x(point: Point) -> int | None:
    x, _, z = point
    return x * pow(z, -2, P) % P if z else None

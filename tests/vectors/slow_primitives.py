"""The published algorithms under CSA-1 once more, in plain integers: slow, not in constant time, for checking only.

References:
    RFC 5869 (HKDF), RFC 7748 (X25519), RFC 8032 (Ed25519), FIPS 197 (AES), NIST SP 800-38A (counter mode).
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache, reduce
from typing import TypeAlias

Point: TypeAlias = tuple[int, int]

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
NEUTRAL: Point = (0, 1)


class Refused(Exception):  # noqa: N818  a word of the vectors
    """Bytes or steps that must be refused; the word is the one in the vectors."""


def hkdf_extract(salt: bytes, secret: bytes) -> bytes:
    return hmac.new(salt, secret, hashlib.sha256).digest()


def hkdf_expand_once(key: bytes, info: bytes) -> bytes:
    """The first 32 bytes: T(1) alone."""
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()


# X25519: the Montgomery ladder of RFC 7748, section 5.


def x25519(secret: bytes, public: bytes) -> bytes:
    """The shared bytes; refuses a result of zero, and keys of another length."""
    if len(public) != 32:
        raise Refused("exchange key")
    shared = _ladder(_clamped(secret), int.from_bytes(public, "little") % 2**255 % PRIME)
    if not shared:
        raise Refused("exchange key")
    return shared.to_bytes(32, "little")


def x25519_public(secret: bytes) -> bytes:
    return x25519(secret, (9).to_bytes(32, "little"))


def _clamped(secret: bytes) -> int:
    return int.from_bytes(secret, "little") % 2**254 // 8 * 8 + 2**254


def _ladder(factor: int, u: int) -> int:
    low, high = (1, 0), (u, 1)
    for place in range(254, -1, -1):
        bit = factor >> place & 1
        if bit:
            low, high = high, low
        low, high = _ladder_step(low, high, u)
        if bit:
            low, high = high, low
    return low[0] * pow(low[1], PRIME - 2, PRIME) % PRIME


def _ladder_step(low: Point, high: Point, u: int) -> tuple[Point, Point]:
    a, b = (low[0] + low[1]) % PRIME, (low[0] - low[1]) % PRIME
    da, cb = (high[0] - high[1]) * a % PRIME, (high[0] + high[1]) * b % PRIME
    aa, bb = a * a % PRIME, b * b % PRIME
    e = aa - bb
    doubled = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    return doubled, (pow(da + cb, 2, PRIME), u * pow(da - cb, 2, PRIME) % PRIME)


# Ed25519: affine points and the addition law of RFC 8032, section 5.1, one inversion an addition.


def ed25519_public(seed: bytes) -> bytes:
    return _packed(_times(_secret(seed)[0], _base()))


def ed25519_sign(seed: bytes, content: bytes) -> bytes:
    factor, prefix = _secret(seed)
    nonce = _sha512(prefix, content) % ORDER
    first = _packed(_times(nonce, _base()))
    challenge = _sha512(first, ed25519_public(seed), content) % ORDER
    return first + ((nonce + challenge * factor) % ORDER).to_bytes(32, "little")


def ed25519_verify(public: bytes, signature: bytes, content: bytes) -> None:
    """Nothing, if the signature is valid in the one spelling there is."""
    if len(public) != 32 or len(signature) != 64:
        raise Refused("signature")
    first, last = signature[:32], int.from_bytes(signature[32:], "little")
    point = _unpacked(public)
    challenge = _sha512(first, public, content) % ORDER
    expected = _add(_times(last, _base()), _times(challenge, (-point[0] % PRIME, point[1])))
    if last >= ORDER or _packed(expected) != first:
        raise Refused("signature")


def is_of_small_order(public: bytes) -> bool:
    """Whether everybody can sign for a key: eight times the point is nothing, or it is no point at all."""
    try:
        return _times(8, _unpacked(public)) == NEUTRAL
    except Refused:
        return True


def _secret(seed: bytes) -> tuple[int, bytes]:
    held = hashlib.sha512(seed).digest()
    return _clamped(held[:32]), held[32:]


def _sha512(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


@cache
def _base() -> Point:
    return _unpacked((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))


def _add(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    product = CURVE_D * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


@cache
def _times(factor: int, point: Point) -> Point:
    total = NEUTRAL
    while factor:
        if factor & 1:
            total = _add(total, point)
        point, factor = _add(point, point), factor >> 1
    return total


def _packed(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def _unpacked(held: bytes) -> Point:
    number = int.from_bytes(held, "little")
    sign, y = number >> 255, number % 2**255
    if y >= PRIME:
        raise Refused("signature")
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if x * x % PRIME != square or (not x and sign):
        raise Refused("signature")
    return (x if x & 1 == sign else PRIME - x), y


# AES-256: the cipher of FIPS 197, byte by byte.


def aes_ctr_zeros(key: bytes, n_bytes: int) -> bytes:
    """What AES-256 in counter mode, counting from zero, makes of zeros."""
    rounds = _round_keys(key)
    blocks = -(-n_bytes // 16)
    return b"".join(_block(rounds, number.to_bytes(16, "big")) for number in range(blocks))[:n_bytes]


def _block(rounds: list[bytes], held: bytes) -> bytes:
    state = _xor(held, rounds[0])
    for key in rounds[1:-1]:
        state = _xor(_mixed(_shifted(_substituted(state))), key)
    return _xor(_shifted(_substituted(state)), rounds[-1])


def _round_keys(key: bytes) -> list[bytes]:
    words = [key[place : place + 4] for place in range(0, 32, 4)]
    for number in range(8, 60):
        word = words[-1]
        if number % 8 == 0:
            word = _xor(_substituted(word[1:] + word[:1]), bytes([1 << number // 8 - 1, 0, 0, 0]))
        elif number % 8 == 4:
            word = _substituted(word)
        words.append(_xor(words[-8], word))
    return [b"".join(words[place : place + 4]) for place in range(0, 60, 4)]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _substituted(held: bytes) -> bytes:
    return held.translate(_box())


def _shifted(held: bytes) -> bytes:
    return bytes(held[(place + 4 * (place % 4)) % 16] for place in range(16))


def _mixed(held: bytes) -> bytes:
    return b"".join(_mixed_column(held[place : place + 4]) for place in range(0, 16, 4))


@cache
def _mixed_column(column: bytes) -> bytes:
    a, b, c, d = column
    rows = ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c))
    return bytes(_product(2, w) ^ _product(3, x) ^ y ^ z for w, x, y, z in rows)


@cache
def _product(one: int, other: int) -> int:
    """In GF(2^8) modulo x^8 + x^4 + x^3 + x + 1."""
    total = 0
    while one:
        total ^= other * (one & 1)
        one, other = one >> 1, (other << 1) ^ (0x11B if other & 0x80 else 0)
    return total


@cache
def _box() -> bytes:
    inverses = [reduce(_product, [value] * 254) for value in range(256)]
    turned = [[(value << by | value >> 8 - by) & 255 for by in range(5)] for value in inverses]
    return bytes(reduce(lambda one, other: one ^ other, each, 0x63) for each in turned)

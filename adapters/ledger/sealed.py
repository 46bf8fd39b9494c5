"""Encryption at rest: the vault and the column types that go through it (DESIGN, "People's data").

A sealed value is: form (1 byte: plain or zstd), key id (4 bytes), nonce (12), AES-256-GCM ciphertext with its tag.
The key id lets keys rotate: the first key of the file seals, every key in it opens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import JSON, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from mappings.errors import ConfigurationError

KEY_FILE = "vault.key"
PLAIN, ZSTD = b"\x01", b"\x02"
_ID, _NONCE, _TAG = 4, 12, 16
_HEAD = 1 + _ID + _NONCE
_COMPRESS_FROM = 256
_FRESH = 48 << 20  # bytes: two trucks' messages
_LEVEL = 1  # as small as level 3 for messages in base64, in two thirds of the time


def key_id(key: bytes) -> bytes:
    """The four bytes by which a sealed value names its key."""
    return hashlib.sha256(b"tongguan vault" + key).digest()[:_ID]


class Ready(NamedTuple):
    """A value that was sealed before its transaction began: a writer holds up the others for less long."""

    sealed: bytes


class Vault:
    """Seals and opens bytes with the keys of one home; the first key is the one that seals."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise ConfigurationError(
                "保险库密钥须为32字节。The vault needs keys of 32 bytes; restore vault.key from your backup."
            )
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._id = key_id(keys[0])
        self._cipher = self._ciphers[self._id]
        self._heads = {form: form + self._id for form in (PLAIN, ZSTD)}
        self._oldest = hmac.digest(keys[-1], b"tongguan pseudonyms", "sha256")
        self._fresh = _Fresh(_FRESH)

    def seal(self, value: bytes, compress: bool = False) -> bytes:
        """`value` encrypted; compressed before when asked for and long enough to gain."""
        form = PLAIN
        if compress and len(value) >= _COMPRESS_FROM:
            form, value = ZSTD, _compressor().compress(value)
        nonce = os.urandom(_NONCE)
        return self._heads[form] + nonce + self._cipher.encrypt(nonce, value, None)

    def ready(self, value: bytes, soon: bool = False) -> Ready:
        """Bytes as a SealedBytes column keeps them; `soon`: this process opens them, and finds them at hand, once."""
        sealed = self.seal(value, compress=True)
        if soon:
            self._fresh.keep(sealed[1 + _ID : _HEAD], value)
        return Ready(sealed)

    def seal_all(self, values: Sequence[bytes | None]) -> list[bytes | None]:
        """Many short values, each sealed by itself, none compressed; None stays None."""
        head, encrypt, noise = self._heads[PLAIN], self._cipher.encrypt, os.urandom(_NONCE * len(values))
        nonces = (noise[at : at + _NONCE] for at in range(0, len(noise), _NONCE))
        return [
            None if value is None else head + nonce + encrypt(nonce, value, None)
            for value, nonce in zip(values, nonces, strict=True)
        ]

    def pseudonym(self, value: str) -> str:
        """A name for `value` that only who has the key can make, always the same: of the oldest key, which stays."""
        return hmac.digest(self._oldest, value.encode(), "sha256").hex()

    def open_all(self, sealed: Sequence[bytes]) -> list[bytes]:
        """Many values, none of which was sealed just now. Raises ConfigurationError as `open` does."""
        ciphers, decompress, opened = self._ciphers, _decompressor().decompress, list[bytes]()
        for value in sealed:
            try:
                found = ciphers[value[1 : 1 + _ID]].decrypt(value[1 + _ID : _HEAD], value[_HEAD:], None)
            except (KeyError, InvalidTag, ValueError):
                found = self.open(value)  # which says what is the matter
            else:
                found = decompress(found) if value[:1] == ZSTD else found
            opened.append(found)
        return opened

    def open(self, sealed: bytes) -> bytes:
        """What `seal` was given. Raises ConfigurationError when no key of this vault fits."""
        cipher = self._ciphers.get(sealed[1 : 1 + _ID])
        if cipher is None or len(sealed) < _HEAD + _TAG:
            raise ConfigurationError(
                f"没有编号为 {sealed[1:5].hex()} 的密钥。The ledger holds values sealed with key {sealed[1:5].hex()}, "
                f"which is not in {KEY_FILE}: restore the {KEY_FILE} that was used with this ledger from your backup."
            )
        if (known := self._fresh.take(sealed[1 + _ID : _HEAD])) is not None:
            return known
        try:
            value = cipher.decrypt(sealed[1 + _ID : _HEAD], sealed[_HEAD:], None)
        except InvalidTag as error:
            raise ConfigurationError(
                "账本中的密文已损坏。A sealed value of the ledger is damaged: restore the ledger from your backup."
            ) from error
        return _decompressor().decompress(value) if sealed[:1] == ZSTD else value


class _Fresh:
    """Values that were sealed just now, by their nonce: what is stored first and then sent, or read, is opened at once.

    The oldest go where there are more than so many bytes.
    """

    def __init__(self, room: int) -> None:
        self._values: dict[bytes, bytes] = {}
        self._room = room
        self._lock = threading.Lock()

    def keep(self, nonce: bytes, value: bytes) -> None:
        """Until it is taken, or there is no room."""
        with self._lock:
            self._values[nonce] = value
            self._room -= len(value)
            while self._room < 0:
                self._room += len(self._values.pop(next(iter(self._values))))

    def take(self, nonce: bytes) -> bytes | None:
        """The value, which is not kept any longer; None where it is not at hand."""
        with self._lock:
            value = self._values.pop(nonce, None)
            self._room += len(value or b"")
        return value


_mine = threading.local()


def _compressor() -> zstandard.ZstdCompressor:
    """This thread's compressor: making one costs as much as compressing 30 kB, and two threads cannot share it."""
    found: zstandard.ZstdCompressor | None = getattr(_mine, "compressor", None)
    if found is None:
        found = _mine.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return found


def _decompressor() -> zstandard.ZstdDecompressor:
    """This thread's decompressor: making one costs four times what a short value takes to decompress."""
    found: zstandard.ZstdDecompressor | None = getattr(_mine, "decompressor", None)
    if found is None:
        found = _mine.decompressor = zstandard.ZstdDecompressor()
    return found


def create_key(path: Path) -> None:
    """Write a key file with one new key, readable by its owner alone; leaves a file that is there as it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _publish(path, [secrets.token_bytes(32)], replace=False)


def rotate_key(path: Path) -> None:
    """Put a new key in front: new values are sealed with it, old ones can still be opened."""
    _publish(path, [secrets.token_bytes(32), *_read(path)], replace=True)


def load_vault(path: Path) -> Vault:
    """The vault of a key file. Raises ConfigurationError when it is missing, damaged or readable by others."""
    return Vault(_read(path))


def _publish(path: Path, keys: list[bytes], replace: bool) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(base64.b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    try:
        if replace:
            draft.replace(path)
        else:
            path.hardlink_to(draft)  # unlike rename it never replaces a key that another process has just made
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


def too_open(mode: int, owner: int, process: int) -> bool:
    """Whether others may read a key file of this owner, for a process of that user (numbers of users).

    One of root's may be readable by a group: so a secret is handed to a container that is not root. PostgreSQL judges
    its own key file in the same way.
    """
    refused = 0o037 if owner == 0 and process != 0 else 0o077
    return bool(stat.S_IMODE(mode) & refused)


def _read(path: Path) -> list[bytes]:
    try:
        found, text = path.stat(), path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"缺少密钥文件 {path}。The key file {path} is missing: restore it from your backup."
        ) from error
    if too_open(found.st_mode, found.st_uid, os.geteuid()):
        raise ConfigurationError(
            f"密钥文件 {path} 可被他人读取。The key file {path} can be read by others: run chmod 600 {path}"
        )
    try:
        return [base64.b64decode(line, validate=True) for line in text.split()]
    except ValueError as error:
        raise ConfigurationError(
            f"密钥文件 {path} 已损坏。The key file {path} is damaged: restore it from your backup."
        ) from error


class _Sealed(TypeDecorator[Any]):
    """A column whose values are sealed by the vault of the ledger that the statement runs on."""

    impl = LargeBinary
    cache_ok = True
    compress = False

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """The value sealed; None stays None, and so does what is Ready."""
        if isinstance(value, Ready):
            return value.sealed
        return None if value is None else dialect.vault.seal(self.pack(value), self.compress)  # type: ignore[attr-defined]

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The value opened."""
        return None if value is None else self.unpack(dialect.vault.open(bytes(value)))  # type: ignore[attr-defined]

    def pack(self, value: Any) -> bytes:
        """The value as bytes."""
        raise NotImplementedError

    def unpack(self, value: bytes) -> Any:
        """The value that `pack` was given."""
        raise NotImplementedError


class SealedText(_Sealed):
    """Text, encrypted."""

    cache_ok = True

    def pack(self, value: str) -> bytes:
        """UTF-8."""
        return value.encode()

    def unpack(self, value: bytes) -> str:
        """Text again."""
        return value.decode()


class SealedJson(_Sealed):
    """Anything JSON can hold, compressed when long, encrypted."""

    cache_ok = True
    compress = True

    def pack(self, value: Any) -> bytes:
        """Compact JSON."""
        return orjson.dumps(value)

    def unpack(self, value: bytes) -> Any:
        """The value again."""
        return orjson.loads(value)


class SealedLine(TypeDecorator[str]):
    """A line that a person typed, encrypted in a text column; one written before this was sealed reads as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The line sealed; '' and None stay."""
        return _MARK + _armoured(dialect, value.encode()) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """The line again."""
        return _opened(dialect, value[len(_MARK) :]).decode() if value and value.startswith(_MARK) else value


class SealedDetail(TypeDecorator[Any]):
    """An event's detail, encrypted in a JSON column: people's words are in it. One written before reads as it is."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The detail sealed; an empty one stays."""
        return {_MARK: _armoured(dialect, orjson.dumps(value))} if value else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The detail again."""
        sealed = isinstance(value, dict) and value.keys() == {_MARK}
        return orjson.loads(_opened(dialect, value[_MARK])) if sealed else value


_MARK = "sealed:"


def _armoured(dialect: Dialect, value: bytes) -> str:
    return base64.b64encode(dialect.vault.seal(value, compress=True)).decode()  # type: ignore[attr-defined]


def _opened(dialect: Dialect, text: str) -> bytes:
    return bytes(dialect.vault.open(base64.b64decode(text)))  # type: ignore[attr-defined]


class SealedBytes(_Sealed):
    """Bytes, compressed with zstd, encrypted."""

    cache_ok = True
    compress = True

    def pack(self, value: bytes) -> bytes:
        """As they are."""
        return bytes(value)

    def unpack(self, value: bytes) -> bytes:
        """As they are."""
        return value

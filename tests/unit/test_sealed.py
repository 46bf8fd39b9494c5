"""The vault: what is sealed opens again, with old keys too, and never without its key."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from adapters.ledger.sealed import (
    SealedBytes,
    SealedJson,
    SealedText,
    Vault,
    _Fresh,
    create_key,
    load_vault,
    rotate_key,
    too_open,
)
from mappings.errors import ConfigurationError

VAULT = Vault([b"k" * 32])


@given(st.binary(max_size=2000), st.booleans())
def test_what_is_sealed_opens_again(value: bytes, compress: bool) -> None:
    assert VAULT.open(VAULT.seal(value, compress)) == value


def test_many_are_opened_as_each_by_itself_and_one_that_is_damaged_says_so() -> None:
    old, new = b"o" * 32, b"n" * 32
    values = [b"", b"short", b"long" * 500, b"of before a rotation"]
    vault = Vault([new, old])
    sealed = [*(vault.seal(value, compress=True) for value in values[:3]), Vault([old]).seal(values[3])]
    assert vault.open_all(sealed) == values
    assert vault.open_all([vault.ready(b"at hand" * 99, soon=True).sealed]) == [b"at hand" * 99]
    for wrong, says in ((b"", "in your backup|which is not in"), (sealed[1][:-1] + b"?", "damaged")):
        with pytest.raises(ConfigurationError, match=says):
            vault.open_all([sealed[0], wrong])
    with pytest.raises(ConfigurationError, match="which is not in"):
        Vault([b"z" * 32]).open_all(sealed)


def test_the_same_value_is_never_sealed_the_same_way() -> None:
    assert VAULT.seal(b"x") != VAULT.seal(b"x")


def test_long_values_are_compressed_and_short_ones_are_not() -> None:
    assert len(VAULT.seal(b"a" * 10_000, True)) < 200
    assert len(VAULT.seal(b"a" * 10_000)) > 10_000
    assert VAULT.seal(b"a" * 20, True)[:1] == VAULT.seal(b"a" * 20)[:1]


def test_another_key_and_a_changed_byte_are_refused() -> None:
    sealed = VAULT.seal(b"secret")
    with pytest.raises(ConfigurationError, match=r"restore the vault\.key"):
        Vault([b"z" * 32]).open(sealed)
    with pytest.raises(ConfigurationError, match="damaged"):
        VAULT.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(ConfigurationError):
        VAULT.open(b"")


def test_a_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "home" / "vault.key"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create_key, [path] * 8))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["vault.key"], "no draft is left behind"
    first = path.read_bytes()
    create_key(path)
    assert path.read_bytes() == first


def test_after_a_rotation_old_values_open_and_new_ones_need_the_new_key(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    create_key(path)
    before = load_vault(path)
    old = before.seal(b"old")
    rotate_key(path)
    after = load_vault(path)
    assert after.open(old) == b"old"
    with pytest.raises(ConfigurationError):
        before.open(after.seal(b"new"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (None, 0, "missing"),
        (b"AAAA", 0o644, "chmod 600"),
        (b"AAAA", 0o640, "chmod 600"),
        (b"!!!", 0o600, "damaged"),
        (b"AAAA\n", 0o600, "32 bytes"),
        (b"", 0o600, "32 bytes"),
    ],
)
def test_a_bad_key_file_says_what_to_do(tmp_path: Path, content: bytes | None, mode: int, says: str) -> None:
    path = tmp_path / "vault.key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigurationError, match=says):
        load_vault(path)


@pytest.mark.parametrize(
    ("mode", "owner", "process", "open_"),
    [
        (0o600, 1000, 1000, False), (0o640, 1000, 1000, True), (0o604, 1000, 1000, True), (0o620, 1000, 1000, True),
        (0o440, 0, 10001, False), (0o640, 0, 10001, False), (0o644, 0, 10001, True), (0o660, 0, 10001, True),
        (0o640, 0, 0, True), (0o600, 0, 0, False), (0o100440, 0, 10001, False), (0o100444, 0, 10001, True),
    ],
)  # fmt: skip
def test_a_key_file_that_others_can_read(mode: int, owner: int, process: int, open_: bool) -> None:
    assert too_open(mode, owner, process) == open_


def test_column_types_seal_on_the_way_in_and_open_on_the_way_out() -> None:
    engine = sa.create_engine("sqlite://")
    engine.dialect.vault = VAULT  # type: ignore[attr-defined]
    table = sa.Table(
        "t", sa.MetaData(), sa.Column("a", SealedText), sa.Column("b", SealedJson), sa.Column("c", SealedBytes)
    )
    values = {"a": "张三", "b": {"name": ["张三"] * 100}, "c": b"\x00" * 500}
    with engine.begin() as tx:
        table.create(tx)
        tx.execute(table.insert().values(values))
        tx.execute(table.insert().values(a=None, b=None, c=None))
        assert [tuple(r) for r in tx.execute(sa.select(table))] == [
            tuple(values.values()),
            (None,) * 3,
        ]
        stored = tx.exec_driver_sql("SELECT a, b, c FROM t").first()
    assert stored is not None
    assert all("张三".encode() not in value for value in stored)


# ---- what was sealed just now ----------------------------------------------------------------------------------------
def test_what_was_made_ready_is_at_hand_once_and_opens_by_its_key_afterwards() -> None:
    vault = Vault([b"k" * 32])
    sealed = vault.ready(b"message" * 100, soon=True).sealed
    assert [vault.open(sealed), vault.open(sealed)] == [b"message" * 100] * 2
    assert Vault([b"k" * 32]).open(sealed) == b"message" * 100
    with pytest.raises(ConfigurationError, match="damaged"):
        vault.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_no_more_is_kept_at_hand_than_there_is_room_for() -> None:
    fresh = _Fresh(10)
    for nonce, value in ((b"1", b"aaaa"), (b"2", b"bbbb"), (b"3", b"cccc"), (b"4", b"x" * 11)):
        fresh.keep(nonce, value)
    assert [fresh.take(nonce) for nonce in (b"1", b"2", b"3", b"4")] == [None] * 4, "the last was too large by itself"
    fresh.keep(b"5", b"dddddd")
    fresh.keep(b"6", b"eeee")
    assert [fresh.take(b"6"), fresh.take(b"5"), fresh.take(b"5")] == [b"eeee", b"dddddd", None]
    fresh.keep(b"7", b"0123456789")
    assert fresh.take(b"7") == b"0123456789", "what is taken gives its room back"

"""GUIDs: 36 characters, upper case, one from another different; repeatable under a seed, random otherwise."""

from __future__ import annotations

import re
import uuid

from mappings.identity import Identities, seeded

FORM = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


def test_form_is_the_authorities() -> None:
    for guid in Identities().guids(500):
        assert FORM.fullmatch(guid)


def test_each_is_another() -> None:
    identities = Identities()
    assert len(set(identities.guids(2000)) | {identities.guid()}) == 2001


def test_a_seed_repeats_and_another_does_not() -> None:
    first, again, other = seeded(5), seeded(5), seeded(6)
    assert first.guids(3) + first.guids(2) == again.guids(3) + again.guids(2)
    assert seeded(5).guids(3) != other.guids(3)


def test_bytes_become_their_hexadecimal_digits() -> None:
    fixed = Identities(lambda count: bytes(range(count)))
    assert fixed.guids(2) == [str(uuid.UUID(bytes=bytes(range(i, i + 16)))).upper() for i in (0, 16)]


def test_none_wanted_none_given() -> None:
    assert Identities().guids(0) == []

"""Base64 as it comes: the fast reader takes nothing that the standard library refuses, and refuses nothing it takes."""

from __future__ import annotations

import base64

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.reach import unpacked

SIGNS = st.text(alphabet="ABab019+/=-_ \n\té", max_size=24)


def _judged(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


def _read(text: str | bytes) -> bytes | None:
    try:
        return unpacked(text)
    except ValueError:
        return None


@given(SIGNS)
@example("e1DA=")  # more padding than it needs
@example("QUJD\nREVG")
@example("QUJ=")
def test_as_the_standard_library_without_white_space(text: str) -> None:
    assert _read(text) == _judged(text)
    assert _read(text.encode()) == _judged(text)


@given(st.binary(max_size=200))
def test_what_was_packed_comes_back(body: bytes) -> None:
    packed = base64.b64encode(body)
    assert unpacked(packed) == unpacked(packed.decode()) == body

"""What the sandbox does in a shorter way says what the longer way says."""

from __future__ import annotations

import fnmatch
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.sandbox.cn_customs import behaviours, checks, plain, reading, receipts
from tests.contract.test_cn_sandbox_plain import FREE, _order, messages, without_signature

AMOUNTS = st.decimals(min_value=-10, max_value=10**9, places=5).map(str) | st.sampled_from(
    ["", "0", "-0", "0.01", "0.010000000000000001", "1e3", "+1", " 1", "99999999999999.99999", "x"]
)


def read_both_ways(body: bytes, type_: str) -> list[reading.Business | None]:
    with pytest.MonkeyPatch.context() as patched:
        found = [reading._plainly(body, type_)]
        patched.setattr(plain, "_simple", lambda *_: False)
        return [*found, reading._plainly(body, type_)]


@settings(FREE, max_examples=30)
@given(messages(), st.booleans())
def test_the_quick_pattern_tells_what_the_full_one_tells(message, odd):
    type_, text = message
    body = (text.replace("</", " </", 1) if odd else text).encode()
    quick, full = read_both_ways(body, type_)
    assert (quick is None) == (full is None)
    if quick is not None and full is not None:
        assert quick.documents == full.documents
        assert without_signature(quick) == without_signature(full)


@pytest.mark.parametrize("text", ["x>y", "\ufffe", "\uffff", "x\x01", "a\tb"])
def test_a_text_with_what_it_may_not_hold_is_not_simple(text):
    body = _order(name=text)
    at = body.index(b"<ceb:Order>")
    assert not plain._simple(body, slice(at, body.rindex(b"</ceb:Order>") + 12))
    assert plain._simple(_order(name="，杯子"), slice(at, None))
    quick, full = read_both_ways(body, "CEB303Message")
    assert (quick is None) == (full is None)


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.sampled_from(["0", "0.01", "1"]))
def test_what_surely_adds_up_does(qty, price, total, tolerance):
    within = float(tolerance) * (1 - checks._ROUGHLY)
    for told in (total, _product(qty, price)):
        if checks.surely_adds_up(qty, price, told, within):
            exact = [checks.number(text) for text in (qty, price, told)]
            assert exact[1] > 0 < exact[2]
            assert abs(exact[0] * exact[1] - exact[2]) <= Decimal(tolerance)


def _product(qty: str, price: str) -> str:
    return str(checks.number(qty) * checks.number(price))


def test_a_common_line_surely_adds_up():
    assert checks.surely_adds_up("3", "7.85", "23.55", 0.01)
    assert not checks.surely_adds_up("3", "7.85", "23.57", 0.01)


@given(st.text("ab-*?[]X1\n"), st.sampled_from(["*", "*-X1", "*[a]", "a*", "*a?", "a", "**"]))
def test_a_glob_fits_what_fnmatch_says(text, glob):
    assert bool(behaviours._fit(glob)(text)) == fnmatch.fnmatchcase(text, glob)


@pytest.mark.parametrize("info", ["[Code:1800;Desc:逻辑校验通过]", "a<b&c", "x" * 1200])
def test_receipts_that_say_the_same_are_written_as_those_that_do_not(info):
    faces = [(f"<ceb:orderNo>N{n}</ceb:orderNo>", info) for n in range(3)]
    guids = [f"{n:036d}" for n in range(6)]
    alike = receipts.message("CEB303Message", guids[0], faces, iter(guids[1:]), "120", 10**15)
    mixed = receipts.message("CEB303Message", guids[0], [*faces, ("", "other")], iter(guids[1:]), "120", 10**15)
    assert len(etree.fromstring(alike)) == 3
    assert mixed.startswith(alike[: -len("</ceb:CEB304Message>")])

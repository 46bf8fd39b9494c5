"""States of documents: every return status that the reference knows leads somewhere, and nothing is said twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from mappings import states
from mappings.engine import codes, spec
from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError

AUTHORITIES = sorted(p.parent.name for p in MAPPINGS.glob("*/states.yaml"))
SENT = [f"CEB{n}Message" for n in (303, 403, 505, 603, 607, 507, 509)]


def china(kind: str, status: str) -> states.State | None:
    return states.rank_table("cn_ecommerce").get((kind, status))


def test_both_authorities_have_states() -> None:
    assert {"cn_ecommerce", "hk_road"} <= set(AUTHORITIES)


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_tables_are_complete_and_unambiguous(authority: str) -> None:
    for kind, table in states.document_states(authority).items():
        given = Counter(status for state in table.values() for status in state.statuses)
        assert max(given.values(), default=1) == 1, f"{authority} {kind}: a status leads into two states"
        for name, state in table.items():
            assert state.state == name
            assert state.zh and state.en, (kind, name)
            assert state.follow <= set(given), (kind, name)
            assert state.final or not state.follow, (kind, name)
            assert all(isinstance(status, str) for status in state.statuses), (kind, name)


@pytest.mark.parametrize("kind", SENT)
def test_every_document_we_send_goes_from_prepared_to_customs(kind: str) -> None:
    table = states.document_states("cn_ecommerce")[kind]
    ranks = [table[name].rank for name in ("prepared", "claimed", "unknown", "sent", "accepted", "at_customs")]
    assert ranks == sorted(ranks)
    assert kind in spec.all_types("cn_ecommerce")


@pytest.mark.parametrize("kind", SENT)
def test_any_status_below_zero_is_a_failure_but_the_duplicate(kind: str) -> None:
    failed, duplicate = (china(kind, s) for s in ("-301010", "-304001"))
    assert failed is not None
    assert failed.state == "failed"
    assert failed.final
    assert duplicate is not None
    assert duplicate.state == "duplicate"
    assert not duplicate.final


def test_an_inventory_s_life_goes_upwards() -> None:
    life = [china("CEB603Message", s) for s in ("2", "3", "120", "300", "399", "500", "800", "899")]
    assert [s.state for s in life if s] == [
        "accepted", "at_customs", "stored", "officer", "reviewed", "inspection", "released", "closed",
    ]  # fmt: skip
    ranks = [s.rank for s in life if s]
    assert ranks == sorted(set(ranks))
    assert [s.final for s in life if s] == [False] * 7 + [True]


def test_detained_may_still_be_sent_back_and_nothing_else() -> None:
    detained = china("CEB603Message", "501")
    assert detained is not None
    assert detained.final
    assert detained.follow == {"700"}
    closed = china("CEB603Message", "899")
    assert closed is not None
    assert closed.follow == frozenset()


@pytest.mark.parametrize("status", ["4711", "", "x", "+100"])
def test_a_status_that_nobody_knows_has_no_state(status: str) -> None:
    assert china("CEB603Message", status) is None


def test_every_published_status_of_an_inventory_is_known() -> None:
    listed = codes.load("cn_ecommerce", "return_status").codes
    unknown = {c for c in listed if china("CEB603Message", c) is None}
    assert unknown == {"99", "505"}, "99 was seen in test code only, 505 (handed over) is said of 214 alone: parked"


def test_an_authority_without_states_is_a_fault_of_the_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        states.document_states("nowhere")
    (tmp_path / "made_up").mkdir()
    table = {"A": {"states": {"one": {"rank": 1, "zh": "一", "en": "one", "status": "7"},
                              "end": {"rank": 2, "zh": "终", "en": "end", "final": True}},
                   "next": {"one": ["end"], "end": ["one"]}}}  # fmt: skip
    (tmp_path / "made_up" / "states.yaml").write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    monkeypatch.setattr(states, "MAPPINGS", tmp_path)
    made = states.document_states("made_up")["A"]
    assert made["one"].statuses == ("7",)
    assert made["one"].follow == frozenset()
    assert made["end"].follow == {"7"}
    assert states.rank_table("made_up")["A", "7"] is made["one"]
    assert states.rank_table("made_up").get(("A", "-1")) is None

"""A whole truck through both sandboxes: every kind of end, corrections on further lists, clean books on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import home as homes
from adapters.ledger import faults
from deployments.demo_flaws import cancelled, weight
from mappings import clock
from mappings.errors import AuthorityUnavailable
from mappings.procedures import load
from tasks.clearing import hearing
from tasks.clearing.hongkong import BUNDLE
from tests.chaos import trucks
from tests.chaos.sandboxes import Sandboxes
from tests.contract.conftest import postgres_url
from tests.flows.whole import Whole, marked

pytestmark = pytest.mark.slow
NONE_TWICE = {"cn_ecommerce": 0, "hk_road": 0}


def reject(order: str) -> dict[str, Any]:
    return {"match": {"type": "CEB603Message", "order_no": order}, "action": "reject", "code": "1300", "times": 1}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def ledger(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the ledger is: in the home, or a schema of its own."""
    if request.param == "sqlite":
        yield ""
    else:
        yield from postgres_url()


def test_every_parcel_ends_in_exactly_one_place(
    fresh: Sandboxes, home_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: str
) -> None:
    made, named = marked(trucks.made(fresh, 30), refused="X100", inspected="X500", detained="X501", silent="X000")
    heavy, gone, by_file, by_hand = made.orders()[4:8]
    made = cancelled(weight(made, heavy), gone)
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    here = Whole(tmp_path, home_template, fresh, made, ledger)
    fresh.behave("cn_ecommerce", reject(by_file), reject(by_hand))
    here.take_in()

    here.until(lambda at: len(at.in_state("declared")) == 1 and at.in_state("rejected"))
    assert here.states()[named["silent"]] == "declared"
    assert {o for o, s in here.states().items() if s == "rejected"} == {named["refused"], by_file, by_hand}
    assert here.listed("CEB607Message") == [], "one has no answer yet"

    here.happens("arrived")
    here.until(lambda at: at.named("CEB507Message"))
    clean = set(made.orders()) - {*named.values(), heavy, f"C{gone}", by_file, by_hand}
    (first,) = here.listed("CEB607Message")
    looked_at = {named["inspected"], named["detained"]}
    assert clean <= first <= clean | looked_at

    here.deliver("waybills-2.jsonl", here.waybill(by_file, grossWeight=9.5))
    assert here.correct([by_hand], "declare again") == 1
    here.until(lambda at: len(at.filed("CEB507Message")) > 1 and len(at.in_state("released")) == len(clean) + 3)
    later = here.listed("CEB607Message")[1:]
    assert {by_file, by_hand} <= set().union(*later) <= {by_file, by_hand} | looked_at - first
    assert sum(map(len, later)) == len(set().union(*later)), "nobody is on two lists"

    here.happens("departed")
    here.until(lambda at: at.named("CEB509Message"))
    here.cross()
    here.until(lambda at: at.state() == "closed")
    ended = here.states()
    assert {o for o, s in ended.items() if s == "closed"} == clean | {by_file, by_hand, named["inspected"]}
    assert {o: s for o, s in ended.items() if s != "closed"} == {
        named["refused"]: "rejected", named["detained"]: "detained", named["silent"]: "declared", heavy: "held",
        f"C{gone}": "excluded",
    }  # fmt: skip
    assert set(ended) == set(made.orders())

    assert [f for f in here.audit() if named["silent"] not in f] == []
    assert fresh.second_receipts() == NONE_TWICE
    attempts = [d.attempt for d in here.standing().documents["CEB603Message"].values()]
    assert sorted(set(attempts)) == [1, 2]
    assert attempts.count(2) == 2
    changes = [row for row in fresh.received("cn_ecommerce", type="CEB505Message") if row["app_type"] == "2"]
    assert len(changes) == 1, "only the corrected waybill was changed"
    assert len(fresh.received("cn_ecommerce", type="CEB303Message")) == 28, "no order is sent a second time"
    found = faults.faults(here.office.ledger, here.id)
    told = found[found["order_no"] == named["refused"]]
    assert set(told["stage"]) == {"authority:cn_ecommerce"}
    assert set(told["severity"]) == {"error"}
    here.office.ledger.close()


def test_held_back_after_the_bundling_is_unbundled_amended_and_bundled_again(
    fresh: Sandboxes, home_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trucks.made(fresh, 8)
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    here = Whole(tmp_path, home_template, fresh, made)
    late = made.orders()[2]
    rule = {"match": {"type": "CEB603Message", "order_no": late}, "action": "inspect", "result": None}
    fresh.behave("cn_ecommerce", rule)
    here.take_in()
    here.until(lambda at: at.state() == "awaiting_arrival")
    here.happens("arrived")
    here.until(lambda at: at.in_state("inspection") and len(at.in_state("released")) == 7)
    assert here.hong_kong() == [("ACI", "9")], "the bundling waits for the load"

    margin = {"value": 100 * 60}  # minutes: it may be bundled now, and a slow machine is still in time
    monkeypatch.setitem(load("export", "9610").settings, "bundle_margin_minutes", margin)
    crossing = clock.now() + timedelta(hours=80)
    here.deliver("truck-2.json", here.sheet(crossing=crossing.replace(microsecond=0).isoformat()))
    here.until(lambda at: [d for d in at.filed(BUNDLE) if d.state == "bundled"])
    fresh.call("cn_ecommerce", "POST", "/admin/inspections", {"order_no": late, "result": "501"})
    here.until(lambda at: at.in_state("detained"))
    here.until(lambda at: [d.state for d in at.filed(BUNDLE)][2:] == ["bundled"])
    amended, taken_back = ("ACI", "5"), ("Bundle", "1")
    assert here.hong_kong() == [
        ("ACI", "9"), amended, ("Bundle", "9"),  # amended for the new plan
        taken_back, amended, ("Bundle", "9"),
    ]  # fmt: skip
    assert clock.now() <= crossing - timedelta(minutes=30)

    here.happens("departed")
    here.until(lambda at: at.named("CEB509Message"))
    here.cross()
    here.until(lambda at: at.state() == "closed")
    assert {o: s for o, s in here.states().items() if s != "closed"} == {late: "detained"}
    assert here.audit() == []
    assert fresh.second_receipts() == NONE_TWICE
    here.office.ledger.close()


def test_one_authority_out_of_reach_silences_no_other_and_a_lost_answer_is_found_out(
    fresh: Sandboxes, home_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "home"))
    here = Whole(tmp_path, home_template, fresh, trucks.made(fresh, 4))
    fresh.behave("cn_ecommerce", {"match": {"type": "CEB603Message"}, "action": "lose_answer", "times": 1})
    here.take_in()
    assert here.round().state() == "outcome_unknown"
    fresh.stop("hk_road")
    try:
        here.until(lambda at: len(at.in_state("reviewed")) == 4)
        with pytest.raises(AuthorityUnavailable):
            hearing.hear(here.office)
    finally:
        fresh.start("hk_road")
    here.until(lambda at: at.state() == "awaiting_arrival")
    assert len(fresh.received("cn_ecommerce", type="CEB603Message")) == 4
    assert fresh.second_receipts() == NONE_TWICE
    here.office.ledger.close()

"""The procedure as a table: complete, in order, and honest about what nobody could verify."""

from __future__ import annotations

import pytest
import yaml

from adapters.ledger.events import PHYSICAL
from mappings import states
from mappings.engine import spec
from mappings.engine.spec import MAPPINGS
from mappings.errors import ConfigurationError, Unsupported
from mappings.procedures import Procedure, every, load, parcel_table
from tasks.clearing.facts import FACTS

TABLE = load("export", "9610")


def test_steps_send_messages_that_there_are_in_the_order_of_the_trade() -> None:
    sent = [kind for step in TABLE.steps for kind in step.sends]
    assert len(sent) == len(set(sent))
    assert [kind for kind in sent if kind.startswith("CEB")] == [
        f"CEB{n}Message" for n in (303, 403, 505, 603, 607, 507, 509)
    ]
    assert {spec.load(kind).authority for kind in sent} == {"cn_ecommerce", "hk_road"}
    assert all(step.zh and step.en for step in TABLE.steps)


def test_states_are_named_in_both_languages_and_end_in_one_that_always_holds() -> None:
    assert all(w.zh and w.en for w in TABLE.states)
    assert len({w.state for w in TABLE.states}) == len(TABLE.states)
    assert len({w.en for w in TABLE.states}) == len(TABLE.states)
    assert TABLE.states[-1].state == "closed"
    assert TABLE.states[-1].when == "always"
    named = {w.when for p in every() for w in p.states} | {need for p in every() for s in p.steps for need in s.needs}
    assert set(FACTS) - named == {"load_settled"}, "which Hong Kong's bundling asks for"
    assert named <= set(FACTS)


def test_a_legal_act_needs_approval_and_a_state_comes_after_those_that_go_before() -> None:
    for step in ("declare", "hong_kong", "list"):
        assert "approved" in TABLE.step(step).needs
    order = [w.state for w in TABLE.states]
    for earlier, later in (("held", "awaiting_approval"), ("nothing_to_declare", "awaiting_approval"),
                           ("outcome_unknown", "declaring"), ("declaring", "awaiting_receipts"),
                           ("awaiting_arrival", "awaiting_release"), ("under_inspection", "awaiting_release"),
                           ("awaiting_departure", "awaiting_crossing"), ("awaiting_crossing", "closed")):  # fmt: skip
        assert order.index(earlier) < order.index(later)


def test_settings_are_dated_and_unverified() -> None:
    assert TABLE.value("list_waits_minutes") > 0
    for setting in TABLE.settings.values():
        assert setting["since"] and setting["note"]
        assert setting["unverified"] is True
    raw = yaml.safe_load((MAPPINGS / "procedures" / "export_9610.yaml").read_text("utf-8"))
    assert raw["unverified"] is True


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(Unsupported, match="import 9710"):
        load("import", "9710")
    with pytest.raises(ConfigurationError, match="fly"):
        TABLE.step("fly")
    assert TABLE.waiting("of another procedure").en == "of another procedure"


def test_the_table_of_parcels_is_whole() -> None:
    table = TABLE.table
    states = set(table["states"])
    assert set(table["lead"].values()) | set(table["going"]) <= states
    claimed = [state for row in table["claims"] for state in row["states"]]
    assert sorted(claimed) == sorted(states), "every state claims something, once"
    assert {row["place"] for row in table["states"].values()} == {"working", "person", "end"}
    assert all(row["zh"] and row["en"] for row in table["states"].values())
    for rules in table["follow"].values():
        assert set(rules) == {"none", "dead", "open", "done"}
    assert set(table["dead"]) <= set(table["lead"])
    assert set(table["done"]) <= set(table["lead"])


@pytest.mark.parametrize("procedure", every(), ids=lambda p: p.name)
def test_every_procedure_holds_together(procedure: Procedure) -> None:
    sent = [kind for step in procedure.steps for kind in step.sends]
    assert procedure.lead in procedure.parcel_types
    assert procedure.lead not in procedure.supporting
    assert set(procedure.parcel_types) | set(procedure.lists) <= set(sent)
    assert procedure.authority == "cn_ecommerce"
    assert procedure.states[-1].when == "always"
    names = [w.state for w in procedure.states]
    assert len(names) == len(set(names)) == len({w.en for w in procedure.states})
    assert set(procedure.final) | set(procedure.waits_for_person) <= set(names)
    assert set(procedure.events) <= set(PHYSICAL)
    assert all(
        setting["since"] and setting["note"] and setting["unverified"] for setting in procedure.settings.values()
    )
    assert procedure.port["zh"] and procedure.port["en"]


@pytest.mark.parametrize("procedure", every(), ids=lambda p: p.name)
def test_the_table_of_parcels_of_every_procedure_is_whole(procedure: Procedure) -> None:
    table, documents = procedure.table, states.document_states(procedure.authority)[procedure.lead]
    known = set(table["states"])
    assert set(documents) | {"refused"} <= set(table["lead"]), "every state of the leading document makes a parcel's"
    assert set(table["lead"].values()) <= known
    for gathered in ("going", "undecided", "came_in", "delivered"):
        assert set(table.get(gathered, ())) <= known
    assert set(table["follow"]) == set(procedure.parcel_types)
    claimed = [state for row in table["claims"] for state in row["states"]]
    assert sorted(claimed) == sorted(known)


def test_one_that_is_like_another_differs_in_what_it_says_alone() -> None:
    whole, zone = load("import", "9610"), load("import", "1210")
    assert [step.name for step in whole.steps] == ["declare", "warehouse_in", "delivered"]
    assert [step.name for step in zone.steps] == ["declare", "delivered"]
    assert (whole.list_of("warehouse_in"), zone.list_of("warehouse_in")) == ("CEB711Message", "")
    assert {w.state for w in whole.states} - {w.state for w in zone.states} == {"list_refused", "awaiting_arrival"}
    assert "list_refused" not in zone.waits_for_person
    assert zone.settings == whole.settings
    for regime in ("9710", "9810", "1210"):
        like = load("export", regime)
        assert (like.steps, like.states, like.settings, like.table) == (
            TABLE.steps, TABLE.states, TABLE.settings, TABLE.table,
        )  # fmt: skip
    goes_to_hong_kong = {p.name for p in every() if any(step.name == "hong_kong" for step in p.steps)}
    assert goes_to_hong_kong == {f"export_{regime}" for regime in ("9610", "9710", "9810", "1210")}


def test_a_setting_that_a_procedure_has_not() -> None:
    assert TABLE.value("listen_days", 0) == 0
    with pytest.raises(KeyError):
        TABLE.value("listen_days")
    with pytest.raises(ConfigurationError, match="parcel_nowhere"):
        parcel_table("cn_ecommerce", "parcel_nowhere")

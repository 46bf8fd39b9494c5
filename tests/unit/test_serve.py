"""The list of deployments: every flow is there, schedules follow the clock but never faster than a run can start."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, get_args

import pytest

from deployments import serve
from flows.approve import Approval
from flows.approve_applications import Permission
from flows.correct_parcels import Correction
from mappings import clock
from mappings.applications import reasons
from mappings.errors import ConfigurationError


def test_every_deployment_of_the_list_can_be_served() -> None:
    made = {entry["name"]: serve.deployment(entry) for entry in serve.entries()}
    assert {
        "clear-shipment", "clear-folder", "receive-receipts", "sweep-waiting", "approve", "correct-parcels",
        "answer-payment-requests", "cancel-parcels", "return-parcels", "summarise-month", "redeclare-parcels",
        "approve-applications",
    } == set(made)  # fmt: skip
    assert made["clear-shipment"].entrypoint == "flows.clear_shipment.clear_shipment"
    assert not made["clear-shipment"].schedules
    assert len(made["sweep-waiting"].schedules) == 1
    assert all(d.description for d in made.values())
    assert made["clear-shipment"].tags == ["truck"], "its port, authorities and state come with each truck"


def test_every_parameter_of_a_form_is_explained() -> None:
    for entry in serve.entries():
        schema = serve.deployment(entry)._parameter_openapi_schema
        for name, found in schema.properties.items():
            assert found.get("description"), (entry["name"], name)


def test_a_form_calls_its_fields_as_people_do_in_both_languages() -> None:
    for entry in serve.entries():
        for name, found in serve.deployment(entry)._parameter_openapi_schema.properties.items():
            assert re.fullmatch(r"[\u4e00-\u9fff]+ [A-Z][a-z ]+", found["title"]), (entry["name"], name, found["title"])


@pytest.mark.parametrize(("form", "field"), [(Approval, "answer"), (Permission, "answer"), (Correction, "action")])
def test_nothing_is_chosen_beforehand_and_every_choice_is_told_in_both_languages(form: Any, field: str) -> None:
    """What a person approves is a legal act: to press the button alone must not be enough."""
    asked = form.model_fields[field]
    assert asked.is_required()
    for choice in get_args(asked.annotation):
        assert re.search(rf"{choice} [\u4e00-\u9fff]", asked.description), choice


@pytest.mark.parametrize("name", ["cancel-parcels", "return-parcels"])
def test_a_reason_is_chosen_and_told_in_both_languages(name: str) -> None:
    entry = next(entry for entry in serve.entries() if entry["name"] == name)
    found = serve.deployment(entry)._parameter_openapi_schema.properties["reason"]
    assert found["default"] == ""
    for choice in filter(None, found["enum"]):
        assert f"{choice} {reasons()[choice]['zh']}" in " ".join(found["description"].split()), choice


def test_schedules_follow_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"every": 300, "at_least": 60}
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    assert serve.interval(entry) == timedelta(seconds=300)
    monkeypatch.setenv(clock.VARIABLE, "2026-11-23T08:00:00+08:00@2@0")
    assert serve.interval(entry) == timedelta(seconds=150)
    monkeypatch.setenv(clock.VARIABLE, "2026-11-23T08:00:00+08:00@600@0")
    assert serve.interval(entry) == timedelta(seconds=60)
    assert serve.interval({}) is None


@pytest.mark.parametrize("flow", ["flows.no_such:flow", "flows.clear_shipment:no_such"])
def test_a_flow_that_there_is_not_is_named(flow: str) -> None:
    with pytest.raises(ConfigurationError, match=flow):
        serve.flow_of({"flow": flow})

"""The list of deployments: every flow is there, schedules follow the clock but never faster than a run can start."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deployments import serve
from mappings import clock
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

"""The REST client: it waits out a busy server, and says what to do when there is none."""

from __future__ import annotations

import pytest

from deployments.prefect_api import Prefect
from mappings.errors import ConfigurationError
from tests.unit.prefect_double import prefect_server


def test_a_run_is_started_with_parameters_tags_name_and_key() -> None:
    with prefect_server() as server:
        prefect = Prefect(server.base)
        run = prefect.start("clear-shipment/clear-shipment", {"shipment": "1"}, ["a"], "粤ZX1", "k")
        assert server.runs == [
            {"parameters": {"shipment": "1"}, "tags": ["a"], "name": "粤ZX1", "idempotency_key": "k"}
        ]
        assert prefect.page(run) == f"{server.base}/runs/flow-run/run1"
        assert prefect.run(run)["state_name"] == "Awaiting receipts"
        assert [d["name"] for d in prefect.deployments()] == ["clear-shipment"]
        assert prefect.runs("shipment:1")


def test_a_busy_server_is_asked_again() -> None:
    with prefect_server() as server:
        server.busy = 2
        assert Prefect(server.base).start("clear-shipment/clear-shipment", {}) == "run1"
        assert len(server.runs) == 1


@pytest.mark.parametrize("key", ["", "k"])
def test_a_run_whose_answer_is_lost_is_started_once(key: str) -> None:
    with prefect_server() as server:
        server.lost = 2
        assert Prefect(server.base).start("clear-shipment/clear-shipment", {"shipment": "1"}, key=key) == "run1"
        assert len(server.runs) == 1
        assert Prefect(server.base).start("clear-shipment/clear-shipment", {"shipment": "2"}) == "run2"


def test_answers_that_are_lost_again_and_again_are_told() -> None:
    with prefect_server() as server, pytest.raises(ConfigurationError, match="does not answer"):
        server.lost = 100
        Prefect(server.base).start("clear-shipment/clear-shipment", {})


def test_an_unknown_deployment_is_named() -> None:
    with prefect_server() as server, pytest.raises(ConfigurationError, match="404 to /deployments/name/no/no"):
        Prefect(server.base).start("no/no", {})


def test_no_server_says_start_it() -> None:
    with prefect_server() as server:
        base = server.base
    with pytest.raises(ConfigurationError, match="tongguan up"):
        Prefect(base).deployments()

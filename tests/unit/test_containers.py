"""Compose file and Kubernetes manifest: they name programs, settings and variables that there are, and agree."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import Settings

from adapters import home as homes
from adapters.ledger.sealed import too_open
from deployments import broker, pools, up

ROOT = Path(__file__).parents[2] / "deployments"
OURS = {"gateway", "pulse", "worker", "prefect", "cn-customs", "hk-customs"}
NAMES_OF_ONE = {"HOME": homes.VARIABLE, "POOL": pools.VARIABLE}


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))


def manifest() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "kubernetes/tongguan.yaml").read_text("utf-8")))


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for d in manifest() if d["kind"] == kind}


def container(name: str) -> dict[str, Any]:
    return of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"][0]


def variables() -> dict[str, set[str]]:
    """Every variable that a service of compose.yaml, or the manifest, sets for our programs."""
    of_compose = {k for name, s in compose()["services"].items() if name in OURS for k in s["environment"]}
    maps = [d["data"] for name, d in of_kind("ConfigMap").items() if name != "tongguan-settings"]
    of_manifest = {k for data in maps for k in data} | set(of_kind("Secret")["tongguan-addresses"]["stringData"])
    return {"compose": of_compose, "kubernetes": of_manifest}


def prefect_variables() -> set[str]:
    """The variables that Prefect itself knows, by all their names."""
    known = set(
        Settings(api={"url": "http://p/api"}).to_environment_variables(
            exclude_unset=False, include_secrets=True, include_aliases=True
        )
    )
    return known | {"PREFECT_REDIS_MESSAGING_URL", *broker.WAITS}


def test_both_run_the_same_programs() -> None:
    services = compose()["services"]
    deployed = of_kind("Deployment")
    assert set(services) - {"postgres", "redis"} == set(deployed) == OURS
    for name in OURS:
        assert container(name)["command"] == services[name]["command"], name


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_program_is_a_module_that_there_is(name: str) -> None:
    python, dash, module, *_ = compose()["services"][name]["command"]
    assert (python, dash) == ("python", "-m")
    assert importlib.util.find_spec(module), module


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_every_variable_is_read_by_somebody(where: str) -> None:
    found = variables()[where]
    ours = {v for v in found if v.startswith("TONGGUAN_")}
    assert ours == {homes.VARIABLE, pools.VARIABLE, "TONGGUAN_LEDGER"}
    assert found - ours - prefect_variables() == {"DO_NOT_TRACK"}


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_prefect_is_as_quiet_as_on_one_machine(where: str) -> None:
    told = (
        compose()["x-tongguan"]["environment"]
        if where == "compose"
        else of_kind("ConfigMap")["tongguan-environment"]["data"]
    )
    by_default = {"PREFECT_RUNNER_POLL_FREQUENCY", "PREFECT_LOGGING_LEVEL"}  # of the runner there is none; INFO it is
    assert {key: told.get(key) for key in up.QUIET if key not in by_default} == {
        key: value for key, value in up.QUIET.items() if key not in by_default
    }


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_the_broker_is_told_all_that_it_needs(where: str) -> None:
    assert set(broker.environment("r", "d")) <= variables()[where]
    told = (
        compose()["services"]["prefect"]["environment"]
        if where == "compose"
        else of_kind("ConfigMap")["prefect-server"]["data"]
    )
    assert {key: told[key] for key in broker.MODULES} == broker.MODULES
    for module in broker.MODULES.values():
        assert importlib.util.find_spec(module.split(".")[0]) is None or importlib.util.find_spec(module), module


def test_ledger_and_prefect_have_a_database_each() -> None:
    server = compose()["services"]["prefect"]["environment"]
    assert server["TONGGUAN_LEDGER"].rsplit("/", 1)[1] == "tongguan"
    assert server[broker.DATABASE].rsplit("/", 1)[1] == "prefect"
    assert "CREATE DATABASE prefect" in compose()["configs"]["databases"]["content"]
    addresses = of_kind("Secret")["tongguan-addresses"]["stringData"]
    assert addresses["TONGGUAN_LEDGER"].rsplit("/", 1)[1] != addresses[broker.DATABASE].rsplit("/", 1)[1]


def test_services_reach_what_they_name() -> None:
    for name, service in of_kind("Service").items():
        [port] = service["spec"]["ports"]
        assert service["spec"]["selector"] == of_kind("Deployment")[name]["spec"]["selector"]["matchLabels"]
        assert container(name)["ports"] == [{"containerPort": port["targetPort"]}]
        assert str(port["port"]) in container(name)["command"]
    settings = yaml.safe_load(of_kind("ConfigMap")["tongguan-settings"]["data"]["tongguan.yaml"])
    hosts = {re.match(r"http://([\w-]+):(\d+)$", address)[1] for address in settings["authorities"].values()}  # type: ignore[index]
    assert hosts <= set(of_kind("Service"))
    assert settings == yaml.safe_load((ROOT / "compose-home.yaml").read_text("utf-8"))


def test_every_reference_has_its_object() -> None:
    named = {kind: set(of_kind(kind)) for kind in ("ConfigMap", "Secret", "PersistentVolumeClaim")}
    by_hand = {"tongguan-home"}
    for deployment in of_kind("Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        [one] = pod["containers"]
        for source in one["envFrom"]:
            assert source.get("configMapRef", {"name": "tongguan-environment"})["name"] in named["ConfigMap"]
            assert source.get("secretRef", {"name": "tongguan-addresses"})["name"] in named["Secret"]
        volumes = {v["name"]: v for v in pod.get("volumes", [])}
        assert {m["name"] for m in one.get("volumeMounts", [])} == set(volumes)
        for volume in volumes.values():
            secret = volume.get("secret", {}).get("secretName")
            assert secret is None or secret in by_hand
        assert one["resources"]["requests"] and one["resources"]["limits"]["memory"]
        assert not pod["enableServiceLinks"], "a Service called prefect would set PREFECT_PORT"


def test_what_serves_is_probed_and_workers_may_be_many() -> None:
    for name in set(of_kind("Service")):
        assert container(name)["readinessProbe"]["httpGet"]["path"].startswith("/")
        assert container(name)["livenessProbe"]
    assert of_kind("Deployment")["worker"]["spec"]["replicas"] > 1
    assert compose()["services"]["worker"]["deploy"]["replicas"] == "${WORKERS:-2}"
    assert of_kind("Deployment")["pulse"]["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("name", ["cn-customs", "hk-customs"])
def test_a_sandbox_is_handed_nothing_of_ours(name: str) -> None:
    command = container(name)["command"]
    home = command[command.index("--home") + 1]
    pod, service = of_kind("Deployment")[name]["spec"]["template"]["spec"], compose()["services"][name]
    (mounted,) = pod["containers"][0]["volumeMounts"]
    (volume,) = pod["volumes"]
    assert (mounted["mountPath"], volume["persistentVolumeClaim"]) == (home, {"claimName": name})
    assert name in of_kind("PersistentVolumeClaim")
    assert pod["containers"][0]["envFrom"] == [{"configMapRef": {"name": "tongguan-environment"}}]
    assert (service["volumes"], service["environment"]) == ([f"{name}:{home}"], {})
    assert name in compose()["volumes"]


def test_our_processes_on_kubernetes_take_the_key_file_that_they_are_handed() -> None:
    handed = 0
    for deployment in of_kind("Deployment").values():
        spec = deployment["spec"]["template"]["spec"]
        for volume in spec.get("volumes", []):
            if volume.get("secret", {}).get("secretName") == "tongguan-home":
                mode, user = volume["secret"]["defaultMode"], spec["securityContext"]["runAsUser"]
                assert mode & 0o040, "root's, in the group of the process: else it could not read it"
                assert not too_open(mode, 0, user)
                handed += 1
    assert handed == 3

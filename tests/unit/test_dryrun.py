"""The dry run: the same folder gives the same bytes, without a network, and the report names nobody."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
from lxml import etree

from deployments import demo_truck
from deployments.demo_flaws import weight
from mappings.engine import reader, schema
from mappings.errors import DataFault
from tasks import dryrun
from tests.unit.desk import truck

TYPES = ["CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message", "CEB607Message", "CEB507Message",
         "CEB509Message", "HKRoadACI", "HKRoadBundle"]  # fmt: skip


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError("there is no network in a dry run")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = truck(8)
    return demo_truck.write(weight(made, made.orders()[0]), tmp_path / "truck")


@pytest.mark.usefixtures("_no_network")
def test_the_same_folder_gives_the_same_bytes(folder: Path, home: Path) -> None:
    first, second = dryrun.dry_run(folder, home), dryrun.dry_run(folder, home)
    assert [(f.name, f.body) for f in first.files] == [(f.name, f.body) for f in second.files]
    assert first.report() == second.report()
    assert dryrun.faults_csv(first) == dryrun.faults_csv(second)


def test_every_message_is_there_named_by_type_and_number_and_valid(folder: Path, home: Path) -> None:
    run = dryrun.dry_run(folder, home)
    assert [f.type for f in run.files] == TYPES
    assert [f.name for f in run.files] == [f"{kind}_0001.xml" for kind in TYPES]
    assert [f.documents for f in run.files] == [7, 7, 7, 7, 1, 1, 1, 1, 1]
    for file in run.files:
        assert file.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<')
        schema.validator(file.type).assertValid(etree.fromstring(file.body))
        assert reader.read(file.body).type == file.type


def test_times_are_those_of_the_plan(folder: Path, home: Path) -> None:
    run = dryrun.dry_run(folder, home)
    bodies = {f.type: f.body for f in run.files}
    assert b"<ceb:appTime>20261123220000" in bodies["CEB303Message"]
    assert b"<ceb:appTime>20261124063000" in bodies["CEB509Message"]
    assert b"PENDING" in bodies["HKRoadBundle"]


def test_the_report_counts_and_names_nobody(folder: Path, home: Path) -> None:
    run = dryrun.dry_run(folder, home)
    report = run.report()
    assert report["parcels"] == {"total": 8, "held": 1, "ready": 7}
    assert report["reasons"] == {"WAY-003": 1}
    assert report["faults"]["WAY-003"] == 1
    assert {m["sha256"] for m in report["messages"]} and all("body" not in m for m in report["messages"])
    assert any("no authority trusts" in note for note in report["notes"])
    text = json.dumps(report, ensure_ascii=False, default=str)
    made = truck(8)
    for row in made.waybills.itertuples():
        assert not [part for part in (str(row.name), f"960{row.phone}", str(row.street)) if part in text]
    assert made.truck["driver"]["name"] not in text


def test_without_a_hong_kong_agent_there_is_only_china(tmp_path: Path, home: Path) -> None:
    made = truck(2)
    del made.truck["parties"]["hk_agent"]
    run = dryrun.dry_run(demo_truck.write(made, tmp_path / "t"), home)
    assert [f.type for f in run.files] == TYPES[:-2]


def test_what_hong_kong_lacks_is_a_note(tmp_path: Path, home: Path) -> None:
    made = truck(2)
    made.truck["hk_plate"] = "not a plate at all"
    run = dryrun.dry_run(demo_truck.write(made, tmp_path / "t"), home)
    assert [f.type for f in run.files] == TYPES[:-2]
    assert sum("Hong Kong" in note for note in run.notes) == 1


def test_nothing_ready_is_no_message(tmp_path: Path, home: Path) -> None:
    made = truck(2)
    for order in made.orders():
        made = weight(made, order)
    run = dryrun.dry_run(demo_truck.write(made, tmp_path / "t"), home)
    assert run.files == []
    assert run.report()["parcels"] == {"total": 2, "held": 2}


def test_no_whole_truck_is_a_fault(tmp_path: Path, home: Path) -> None:
    folder = demo_truck.write(truck(2), tmp_path / "t")
    (folder / "truck.json").unlink()
    with pytest.raises(DataFault):
        dryrun.dry_run(folder, home)
    with pytest.raises(DataFault):
        dryrun.dry_run(tmp_path / "nowhere", home)

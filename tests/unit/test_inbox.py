"""The inbox: a folder is ready when nobody writes into it any more, when it is complete, and once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prefect.states import Completed, Failed

from adapters import home as homes
from deployments import demo_truck
from mappings.errors import AuthorityUnavailable, ConfigurationError, DataFault
from tasks import inbox
from tests.unit.desk import Desk, truck


@pytest.fixture
def box(desk: Desk, tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    homes.write(homes.Home(desk.office.home.path, inbox=folder))
    return folder


def ready(box: Path | str = "") -> list[str]:
    return [folder.name for folder in inbox.ready_folders(str(box))]


def test_ready_when_it_looked_the_same_twice_and_taken_once(box: Path) -> None:
    folder = demo_truck.write(truck(2), box / "truck1")
    assert ready() == [], "somebody may be writing"
    assert ready() == ["truck1"]
    assert ready() == ["truck1"], "until it is taken"
    inbox.done(folder, Completed())
    assert ready() == []
    assert ready() == []


def test_a_folder_that_changes_is_waited_for(box: Path) -> None:
    folder = demo_truck.write(truck(2), box / "truck1")
    assert ready() == []
    with (folder / "waybills.jsonl").open("a") as file:
        file.write("\n")
    assert ready() == [], "it was written to since"
    assert ready() == ["truck1"]


def test_a_folder_that_is_not_complete_is_waited_for(box: Path) -> None:
    folder = demo_truck.write(truck(2), box / "truck1")
    rest = (folder / "payments.csv").read_bytes()
    (folder / "waybills.jsonl").unlink()
    (box / "empty").mkdir()
    (box / "note.txt").write_text("not a folder")
    junk = box / "junk"
    junk.mkdir()
    (junk / "x.pdf").write_bytes(b"%PDF-1.4")
    assert [ready(), ready(), ready()] == [[], [], []]
    demo_truck.write(truck(2), folder)
    assert (folder / "payments.csv").read_bytes() == rest
    assert [ready(), ready()] == [[], ["truck1"]]


def test_what_comes_after_the_look_makes_it_ready_again(box: Path) -> None:
    folder = demo_truck.write(truck(2), box / "truck1")
    ready()
    assert ready() == ["truck1"]
    (folder / "waybills2.jsonl").write_bytes((folder / "waybills.jsonl").read_bytes() + b"\n")
    inbox.done(folder, Completed())
    assert [ready(), ready()] == [[], ["truck1"]]


def test_a_touched_file_counts_as_changed(box: Path) -> None:
    folder = demo_truck.write(truck(2), box / "truck1")
    ready()
    inbox.done(folder, Completed())
    os.utime(folder / "truck.json", ns=(1, 1))
    assert [ready(), ready()] == [[], ["truck1"]]


def test_a_run_that_failed_for_no_fault_of_the_files_is_tried_again(box: Path) -> None:
    folder = demo_truck.write(truck(2), box / "truck1")
    ready()
    inbox.done(folder, Failed(data=AuthorityUnavailable("down")))
    assert ready() == ["truck1"]
    inbox.done(folder, Failed(data=DataFault("wrong")))
    assert ready() == []


def test_another_inbox_may_be_named_and_must_exist(box: Path, tmp_path: Path) -> None:
    demo_truck.write(truck(2), tmp_path / "other" / "truck2")
    assert [ready(tmp_path / "other"), ready(tmp_path / "other")] == [[], ["truck2"]]
    with pytest.raises(ConfigurationError, match="No inbox folder"):
        ready(tmp_path / "nowhere")


def test_without_a_setting_it_is_in_the_home(desk: Desk) -> None:
    assert ready() == []
    assert (desk.office.home.path / "inbox").is_dir()

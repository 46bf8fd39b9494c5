"""The inbox: a folder is ready when nobody writes into it any more, when it is complete, and once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prefect.states import Completed, Failed

from adapters import home as homes
from deployments import demo_truck
from mappings.errors import AuthorityUnavailable, ConfigurationError, DataFault
from tasks import inbox, publishing
from tests.unit.desk import Desk, truck


@pytest.fixture
def box(desk: Desk, tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    homes.write(homes.Home(desk.office.home.path, inbox=folder))
    return folder


def ready(box: Path | str = "") -> list[str]:
    return [folder.name for folder in inbox.look(str(box)).ready]


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


def waits(box: Path) -> dict[str, inbox.Waiting]:
    return {one.folder.name: one for one in inbox.look(str(box)).waiting}


def test_a_folder_that_waits_says_why(box: Path) -> None:
    folder = demo_truck.write(truck(2), box / "truck1")
    (box / "empty").mkdir()
    unknown = demo_truck.write(truck(2), box / "unknown")
    (unknown / "waybills.jsonl").write_text('{"somebody": "Wang Fang", "thing": 1}\n', "utf-8")
    first = waits(box)
    assert [first[name].reason for name in ("truck1", "empty", "unknown")] == [
        inbox.ARRIVING, inbox.EMPTY, inbox.ARRIVING]  # fmt: skip
    found = waits(box)
    assert set(found) == {"empty", "unknown"}, "the complete one is ready"
    assert found["unknown"].reason == inbox.INCOMPLETE
    assert {"CAP-001", "CAP-002"} <= set(found["unknown"].faults["code"])
    inbox.done(folder, Completed())
    assert set(waits(box)) == {"empty", "unknown"}, "what was taken waits for nothing"


def test_waiting_folders_are_told_with_their_faults(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = demo_truck.write(truck(2), box / "unknown")
    (unknown / "waybills.jsonl").unlink()
    (box / "empty").mkdir()
    waits(box)
    shown: list[tuple[list[dict[str, str]], str]] = []
    monkeypatch.setattr(publishing, "create_table_artifact", lambda rows, key, text: shown.append((rows, key)))
    waiting = inbox.look(str(box)).waiting
    publishing.inbox_waits(waiting)
    ((rows, key),) = shown
    assert key == "inbox-waiting"
    assert {row["文件夹 folder"] for row in rows} == {"empty", "unknown"}
    assert "CAP-002" in {row.get("代码 code") for row in rows}
    text = publishing.waiting_text(waiting)
    assert "unknown (CAP-002)" in text
    assert f"empty ({inbox.EMPTY})" in text

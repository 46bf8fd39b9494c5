"""The command: what it prints for people and programs, its exit codes, its errors in both languages."""

from __future__ import annotations

import base64
import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters import home as homes
from deployments import services
from deployments.cli import COMMANDS, main
from tests.contract.loopback import closed_port
from tests.unit.prefect_double import PrefectServer
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit code and what was written to standard output and standard error."""
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_in_both_languages(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert any("\u4e00" <= c <= "\u9fff" for c in out)


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys)
    assert code == 2
    assert "tongguan up" in out + err


def test_status_lists_and_shows(captured: int, capsys: pytest.CaptureFixture[str]) -> None:
    listed = answer(capsys, "status")
    assert [s["id"] for s in listed] == [captured]
    one = answer(capsys, "status", listed[0]["master_waybill"])
    assert one["state"] == "awaiting_approval"
    assert sum(one["parcels"].values()) == 60
    assert one["parcels"]["excluded"] == 3
    assert one["faults"]["MAT-001"] == 2
    code, out, _ = run(capsys, "status", one["plate"])
    assert code == 0
    assert "MAT-001" in out
    assert "等待批准" in out
    assert run(capsys, "status")[1].count(listed[0]["master_waybill"][:8]) == 1


def test_no_person_is_on_any_screen(captured: int, truck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {json.loads(line)["consignee"]["name"] for line in (truck / "waybills.jsonl").read_text().splitlines()}
    shown = run(capsys, "status", captured)[1] + json.dumps(answer(capsys, "status", captured), ensure_ascii=False)
    assert not [name for name in names if name in shown]


def test_the_senders_get_their_faults_back_in_the_clear(
    captured: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "faults.csv"
    counted = answer(capsys, "status", captured, "--faults", file)["faults"]
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert Counter(row["code"] for row in rows) == counted
    assert all(row["message_zh"] and row["remedy_en"] and row["owner"] for row in rows)
    assert file.stat().st_mode & 0o077 == 0
    assert run(capsys, "status", "--faults", file)[0] == 2
    (tmp_path / "faults-yard.csv").write_text("of another time", "utf-8")
    answer(capsys, "status", captured, "--faults", file, "--per-sender")
    of_each = {f.stem.removeprefix("faults-"): f for f in tmp_path.glob("faults-*.csv")}
    assert set(of_each) == {row["owner"] for row in rows}, "an earlier file goes"
    for owner, one in of_each.items():
        with one.open(encoding="utf-8-sig", newline="") as lines:
            assert list(csv.DictReader(lines)) == [row for row in rows if row["owner"] == owner]
        assert one.stat().st_mode & 0o077 == 0
    assert run(capsys, "status", captured, "--per-sender")[0] == 2


def test_an_unknown_shipment_is_an_error_in_both_languages(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "status", "nowhere")
    assert code == 3
    assert "找不到货运" in err
    assert "no shipment nowhere" in " ".join(err.split())
    code, out, _ = run(capsys, "status", "nowhere", "--json")
    assert code == 3
    assert json.loads(out)["title_en"] == "The set-up is wrong: correct it"


def test_hold_resume_approve_say_whether_they_changed_anything(
    captured: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("hold", "resume", "approve"):
        assert answer(capsys, command, captured) == {"shipment": captured, "changed": True}
        assert answer(capsys, command, captured)["changed"] is False
    kinds = [e["kind"] for e in answer(capsys, "status", captured)["timeline"]]
    assert {"held", "resumed", "approved"} <= set(kinds)
    assert "无变化" in run(capsys, "hold", captured)[1] + run(capsys, "hold", captured)[1]


def test_an_event_is_noted_once_with_its_time(captured: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "event", captured, "arrived", "--at", "2026-11-23T22:00")["recorded"] is True
    assert answer(capsys, "event", captured, "arrived")["recorded"] is False
    events = {e["kind"]: e["at"] for e in answer(capsys, "status", captured)["timeline"]}
    assert events["arrived"].startswith("2026-11-23T14:00:00")
    assert run(capsys, "event", captured, "vanished")[0] == 2
    code, _, err = run(capsys, "event", captured, "crossed", "--at", "yesterday")
    assert code == 3
    assert "时间格式有误" in err


def test_a_correction_brings_a_held_parcel_back(
    captured: int, truck: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = answer(capsys, "status", captured)["parcels"]
    lines = (truck / "payments.csv").read_text("gb18030").splitlines()
    orders = {line.split(",")[0] for line in (truck / "orders.csv").read_text("utf-8").splitlines()[1:]}
    unpaid = min(o for o in orders - {line.split(",")[0] for line in lines} if not o.startswith("C"))
    goods = [
        line.split(",") for line in (truck / "orders.csv").read_text("utf-8").splitlines() if line.startswith(unpaid)
    ]
    amount = sum(int(g[3]) * float(g[5]) for g in goods)
    late = f"{lines[0]}\n{unpaid},PYLATE1,{amount:.2f},英镑,2026/11/22 21:00,Alma Ashbrook\n"
    (tmp_path / "late.csv").write_bytes(late.encode("gb18030"))
    assert answer(capsys, "correct", captured, tmp_path / "late.csv")["files"] == ["late.csv"]
    office = services.office(services.homes.read())
    services.work_up(office, captured)
    after = answer(capsys, "status", captured)["parcels"]
    assert after["ready"] == before["ready"] + 1
    assert after["held"] == before["held"] - 1


def test_prepare_writes_messages_report_and_faults(
    home: Path, truck: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code, shown, err = run(capsys, "prepare", truck, "--out", out)
    assert code == 0, err
    assert "CEB603Message" in shown
    files = {f.name for f in out.iterdir()}
    assert {
        "report.json",
        "faults.csv",
        "CEB303Message_0001.xml",
        "CEB603Message_0001.xml",
        "CEB509Message_0001.xml",
    } <= files
    faults = (out / "faults.csv").read_bytes()
    assert faults.startswith(b"\xef\xbb\xbfparcel,code,severity,field,value,file,sheet,row,column,")
    assert all(f.stat().st_mode & 0o077 == 0 for f in out.glob("*.xml"))
    assert (out / "faults.csv").stat().st_mode & 0o777 == 0o600
    assert run(capsys, "validate", "--strict", *out.glob("*.xml"))[0] == 0
    earlier = json.loads((out / "report.json").read_text("utf-8"))
    earlier["messages"] += [{"name": "CEB303Message_0009.xml"}, {"name": "../outside.xml"}]
    (out / "report.json").write_text(json.dumps(earlier), "utf-8")
    for name in ("CEB303Message_0009.xml", "mine.xml", "../outside.xml"):
        (out / name).write_text("<a/>", "utf-8")
    assert answer(capsys, "prepare", truck, "--out", out)["parcels"]["total"] == 60
    assert {f.name for f in out.iterdir()} == files | {"mine.xml"}, "an earlier run's messages go, and nothing else"
    assert (out / "../outside.xml").exists()
    answer(capsys, "prepare", truck, "--out", out, "--per-sender")
    assert {f.name for f in out.iterdir()} > files | {"mine.xml", "faults-carrier.csv"}
    answer(capsys, "prepare", truck, "--out", out)
    assert not list(out.glob("faults-*.csv")), "an earlier run's go"


def test_validate_names_each_fault_with_line_and_element(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    xml = b"""<ceb:CEB404Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" guid="A" version="1.0">
<ceb:ReceiptsReturn><ceb:guid>0</ceb:guid></ceb:ReceiptsReturn></ceb:CEB404Message>"""
    (tmp_path / "bad.xml").write_bytes(xml)
    code, out, _ = run(capsys, "validate", tmp_path / "bad.xml", "--json")
    assert code == 1
    problems = json.loads(out)[str(tmp_path / "bad.xml")]
    assert problems
    assert all(p["message_zh"] and p["message_en"] for p in problems)
    assert any(p["line"] == 2 for p in problems)
    wrapped = b"<DxpMsg><Data>" + base64.b64encode(xml) + b"</Data></DxpMsg>"
    (tmp_path / "envelope.xml").write_bytes(wrapped)
    code, out, _ = run(capsys, "validate", tmp_path / "envelope.xml")
    assert code == 1
    assert "ReceiptsReturn" in out


@pytest.mark.parametrize(
    "junk", [b"", b"nonsense", b"<DxpMsg></DxpMsg>", b"<DxpMsg><Data>!</Data></DxpMsg>", b"<!DOCTYPE a><a/>", b"<a/>"]
)
def test_validate_never_breaks_on_junk(junk: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "junk.xml").write_bytes(junk)
    assert run(capsys, "validate", tmp_path / "junk.xml")[0] == 1


def test_audit_of_a_captured_truck_is_in_order(captured: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "audit")["in_order"] is True
    assert "账本无误" in run(capsys, "audit")[1]


def test_books_that_are_out_of_reach_are_told(
    captured: int, prefect: PrefectServer, capsys: pytest.CaptureFixture[str]
) -> None:
    homes.write(replace(homes.read(), authorities={"cn_ecommerce": f"http://127.0.0.1:{closed_port()}"}))
    told = answer(capsys, "audit")
    assert told["in_order"] is True
    assert [(f["code"], f["severity"]) for f in told["findings"]] == [("books-not-at-hand", "warning")]


def test_clear_takes_in_approves_and_wakes(
    home: Path, truck: Path, prefect: PrefectServer, capsys: pytest.CaptureFixture[str]
) -> None:
    status = answer(capsys, "clear", truck, "--yes", "--no-follow")
    assert status["parcels"]["ready"] > 30
    assert "approved" in [e["kind"] for e in status["timeline"]]
    assert prefect.runs[0]["parameters"] == {"shipment": str(status["id"])}
    again = answer(capsys, "clear", truck, "--no-follow")
    assert again["id"] == status["id"]


def test_clear_without_yes_waits_for_a_person(
    home: Path, truck: Path, prefect: PrefectServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "clear", truck)
    assert code == 0
    assert "等待批准" in out


def test_who_breaks_off_following_is_told_that_it_goes_on(
    home: Path, truck: Path, prefect: PrefectServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(services, "follow", interrupted)
    code, out, err = run(capsys, "clear", truck, "--yes")
    assert code == 130
    assert "It goes on: tongguan status" in out + err


def test_clear_of_an_empty_folder_says_so(
    home: Path, tmp_path: Path, prefect: PrefectServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = run(capsys, "clear", tmp_path / "empty")
    assert code in (3, 4)
    assert err


def test_pages_and_tokens(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "pages")[0] == 3
    assert run(capsys, "down")[0] == 0
    assert set(answer(capsys, "tokens")) == {"api", "push"}
    assert "push:" in run(capsys, "tokens")[1]


def test_pages_of_what_runs(prefect: PrefectServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "pages")["prefect"] == prefect.base
    assert prefect.base in run(capsys, "pages")[1]


def test_files_of_a_day_go_into_the_pool(captured: int, truck: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = truck / "more.csv"
    more.write_bytes((truck / "orders.csv").read_bytes() + b",20001,NAME,1,2026-11-22T10:00:00,1.00,1,France\n")
    [first] = answer(capsys, "take-in", more)
    assert (first["new"], first["shipments"], first["faults"]) == (True, 1, {"POOL-002": 1})
    code, out, err = run(capsys, "take-in", more, truck / "payments.csv")
    assert code == 0, err
    assert "more.csv" in out and "payments.csv" in out
    code, _, err = run(capsys, "take-in", truck / "waybills.jsonl")
    assert code == 4
    assert "POOL-003" in err
    assert "tongguan clear" in err

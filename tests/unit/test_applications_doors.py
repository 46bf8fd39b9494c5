"""Applications from outside: a file's rows, the command, the gateway; what is refused names row and column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient

from adapters.ledger import applications as ledger
from deployments import cli, services, settings
from deployments.cli import applications as cli_applications
from deployments.cli import common
from deployments.gateway import create_app
from deployments.xlsx import write as write_xlsx
from flows import cancel_parcels, return_parcels
from mappings import applications as tables
from mappings.canonical.columns import SCALE
from tasks import looks, publishing
from tasks import stages as task_stages
from tasks.applications import asking, outcomes, redeclare, sending, stages
from tasks.applications.wanted import of_file, of_records, of_text
from tests.unit.applications import approve, hear, numbered
from tests.unit.desk import Desk

CSV = "订单编号,商品序号,数量,原因\nA-1,2,1.5,货物破损\n,1,1,\nA-2,x,-1,\nA-3,,,\n\n"


def test_a_file_is_read_by_its_headings_and_its_faults_name_their_cells() -> None:
    made = of_file("chosen.csv", CSV.encode("gb18030"), "buyer_return")
    assert made.rows["given"].tolist() == ["A-1", "A-3"]
    assert made.rows.loc[0, ["gnum", "quantity", "reason", "row"]].tolist() == [2, 150_000, "货物破损", 2]
    assert made.rows["reason"].tolist()[1] == "buyer_return"
    told = [(f["code"], f["row"], f["column"], f["file"]) for f in made.faults]
    assert told == [
        ("APP-008", 3, "订单编号", "chosen.csv"), ("APP-003", 4, "商品序号", "chosen.csv"),
        ("APP-003", 4, "数量", "chosen.csv"),
    ]  # fmt: skip


def test_a_workbook_is_read_the_same(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "chosen.xlsx", [["Order Number", "Line", "QTY"], ["0007", 2, 3], ["B-1", "", ""]])
    made = of_file("chosen.xlsx", (tmp_path / "chosen.xlsx").read_bytes())
    assert made.faults == []
    assert made.rows["given"].tolist() == ["0007", "B-1"], "a number kept as text keeps its zeros"
    assert made.rows["gnum"].tolist()[0] == 2
    assert made.rows["quantity"].tolist()[0] == 3 * SCALE


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"name,qty\nx,1\n", "APP-006"), (b"", "APP-006"), (b"PK\x03\x04 broken", "APP-007"),
     (b"\xff\xfe\x00\x80", "APP-007"), (b"order_no,qty\n", "APP-008"), (b"order_no,qty\n,\n\n", "APP-008")],
)  # fmt: skip
def test_a_file_that_names_no_orders_says_so(body: bytes, code: str) -> None:
    made = of_file("x.csv", body)
    assert [f["code"] for f in made.faults] == [code]
    assert not len(made.rows)


@pytest.mark.parametrize("quantity", ["0", "-1", "1.000001", "nan", "1e99", "many"])
def test_a_quantity_that_is_none_is_refused(quantity: str) -> None:
    made = of_records([{"order_no": "A", "gnum": 1, "quantity": quantity}])
    assert [f["code"] for f in made.faults] == ["APP-003"]


def test_the_same_again_is_the_same_request() -> None:
    assert of_text("A B").request == of_text("A B").request != of_text("A C").request
    assert of_text("A, B；A\nC").rows["given"].tolist() == ["A", "B", "C"]
    assert of_text("A", request="mine").request == "mine"


@pytest.mark.parametrize(("module", "kind"), [(cancel_parcels, "cancel"), (return_parcels, "return")])
def test_a_form_offers_only_reasons_of_the_list(module: Any, kind: str) -> None:
    none, *offered = get_args(module.Reason)
    assert none == "", "none is chosen beforehand"
    assert set(offered) <= set(tables.reasons()), kind
    assert len(offered) == 4


def test_every_listed_reason_is_known_by_code_and_both_texts() -> None:
    for code, row in tables.reasons().items():
        assert {tables.reason_text(text) for text in (code, row["en"].upper(), row["zh"])} == {row["zh"]}
    assert tables.reason_text(" other words ") == "other words"


# ---- the command
@pytest.fixture
def reviewed(desk: Desk) -> Desk:
    desk.take_in()
    desk.declared()
    numbered(desk)
    return desk


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments, "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_asks_and_approves(reviewed: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = reviewed.orders()[:2]
    ident = str(reviewed.id)
    (told,) = command(capsys, "cancel", ident, one, "NOBODY")
    assert [a["state"] for a in told["applications"]] == ["asked"]
    assert [(r["order_no"], r["code"]) for r in told["refused"]] == [("NOBODY", "APP-001")]
    assert told["refused"][0]["remedy_en"]
    (again,) = command(capsys, "cancel", ident, one, "NOBODY", "--yes")
    assert [a["state"] for a in again["applications"]] == ["approved"], "the same again, approved"
    (other,) = command(capsys, "return", ident, two)
    assert [r["code"] for r in other["refused"]] == ["APP-018"]
    assert command(capsys, "status", ident)["applications"] == {"cancel": {"approved": 1}}
    assert command(capsys, "summarise", "2026-10") == []
    assert command(capsys, "redeclare", ident, one)["refused"][0]["code"] == "APP-030"


def test_parcels_and_a_file_together_are_refused(reviewed: Desk, tmp_path: Path) -> None:
    file = tmp_path / "chosen.csv"
    file.write_text("order_no\nA-1\n", "utf-8")
    with pytest.raises(SystemExit) as end:
        cli.main(["cancel", str(reviewed.id), "B-1", "--file", str(file), "--yes"])
    assert end.value.code == 2
    assert ledger.listing(reviewed.ledger, reviewed.id) == []


def test_the_help_names_every_reason_and_heading() -> None:
    assert all(code in cli_applications.WHY_HELP for code in tables.reasons())
    assert all(name in cli_applications.FILE_HELP for name in tables.headings())


def test_the_command_shows_tables(
    reviewed: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common.screen, "_width", 240)  # whatever terminal the tests were started in
    file = tmp_path / "chosen.csv"
    file.write_text(f"order\n{reviewed.orders()[0]}\nNOBODY\n", "utf-8")
    cli.app(["cancel", str(reviewed.id), "--file", str(file), "--reason", "duplicate", "--yes"], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "APP-001" in shown and "chosen.csv / 3 / order" in shown
    (row,) = ledger.listing(reviewed.ledger, reviewed.id)
    assert (row.state, row.reason) == ("approved", "重复申报")
    cli.app(["return", str(reviewed.id)], standalone_mode=False)
    assert "nothing to ask for" in capsys.readouterr().out
    cli.app(["redeclare", str(reviewed.id)], standalone_mode=False)
    assert "Declared anew: 0" in capsys.readouterr().out
    cli.app(["status", str(reviewed.id)], standalone_mode=False)
    assert "Applications" in capsys.readouterr().out


# ---- the gateway
@pytest.fixture
def caller(reviewed: Desk) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {settings.tokens(reviewed.office.home.path)['api']}"
        yield client


def test_the_gateway_asks_approves_and_lists(reviewed: Desk, caller: TestClient) -> None:
    one, two = reviewed.orders()[:2]
    at = f"/shipments/{reviewed.id}"
    wish = {"parcels": [{"order_no": one}, {"waybill_no": "W?"}], "reason": "not_loaded", "by": "shop"}
    told = caller.post(f"{at}/applications/cancel", json=wish).json()
    assert [a["order_no"] for a in told["applications"]] == [one]
    assert told["refused"][0]["code"] == "APP-001"
    file = caller.post(f"{at}/applications/cancel/file?reason=duplicate&by=shop", content=f"order\n{two}\n,\n".encode())
    assert [a["order_no"] for a in file.json()["applications"]] == [two]
    assert caller.post(f"{at}/applications-approve", json={"by": "Mei"}).json()["approved"] == 2
    assert {a["approved_by"] for a in caller.get(f"{at}/applications").json()} == {"Mei"}
    assert caller.post(f"{at}/applications-withdraw").json()["withdrawn"] == 2
    assert caller.post(f"{at}/redeclare", json={}).json()["parcels"] == 0
    assert caller.post("/summaries", json={"month": "2026-10"}).json() == []
    assert caller.post("/summaries", json={"month": "2026-13"}).status_code == 422
    assert caller.post(f"{at}/applications/sell", json=wish).status_code == 422
    del caller.headers["Authorization"]
    assert caller.post(f"{at}/applications/cancel", json=wish).status_code == 401


# ---- what is seen
def test_a_run_s_end_is_named_by_what_is_still_open(reviewed: Desk) -> None:
    one = reviewed.orders()[0]
    asked = asking.ask(reviewed.office, reviewed.id, "cancel", of_text(f"{one} NOBODY", "duplicate"), "tester")
    seen = [stages.ended("cancel", [asked]).name]
    approve(reviewed, asked)
    seen.append(stages.ended("cancel", [asked]).name)
    sending.prepare(reviewed.office, reviewed.id)
    reviewed.sent()
    seen.append(stages.ended("cancel", [asked]).name)
    hear(reviewed, "CEB605Message", "399")
    seen.append(stages.ended("cancel", [asked]).name)
    assert seen == ["Awaiting approval", "Cancel requested", "Awaiting receipts", "Cancelled"]
    table = outcomes.shown(outcomes.rows_of(reviewed.office, asked), asked.faults)
    assert table[0]["结果 outcome"] == "获准 granted"
    assert "APP-001" in table[1]["结果 outcome"]
    assert one in outcomes.timeline(outcomes.rows_of(reviewed.office, asked))
    refused = asking.ask(reviewed.office, reviewed.id, "cancel", of_text("NOBODY", "duplicate"), "tester")
    assert stages.ended("cancel", [refused]).name == "Refused"
    nothing = asking.ask(reviewed.office, reviewed.id, "cancel", of_text("", "duplicate"), "tester")
    assert stages.ended("cancel", [nothing]).name == "Nothing to ask for"


def test_a_person_is_asked_once_and_says_yes_or_no(reviewed: Desk) -> None:
    ident = str(reviewed.id)
    assert stages.question(ident) is None
    asking.ask(reviewed.office, reviewed.id, "cancel", of_text(reviewed.orders()[0], "Ada Sample"), "tester")
    question = stages.question(ident) or ""
    assert reviewed.orders()[0] in question
    assert "Ada" not in question, "what people type is shown in no form"
    assert stages.decide(ident, "no", "Mei") == 1
    assert stages.question(ident) is None
    asking.ask(reviewed.office, reviewed.id, "cancel", of_text(reviewed.orders()[0], "duplicate"), "tester")
    assert stages.decide(ident, "yes", "Mei") == 1
    assert reviewed.parcel(1)[0] == "cancelling"


def test_rejected_and_cancelled_parcels_are_declared_anew_with_their_lineage(reviewed: Desk) -> None:
    one, two, three = reviewed.orders()[:3]
    reviewed.said("CEB603Message", "rejected", 1)
    asked = asking.ask(reviewed.office, reviewed.id, "cancel", of_text(two, "duplicate"), "tester")
    approve(reviewed, asked)
    sending.prepare(reviewed.office, reviewed.id)
    reviewed.sent()
    hear(reviewed, "CEB605Message", "399")
    done = redeclare.redeclare(reviewed.office, reviewed.id, of_text(f"{one} {two} {three} NOBODY"), "tester")
    assert done.seqs == {1, 2}
    assert done.faults["code"].tolist() == ["APP-030", "APP-001"]
    assert reviewed.prepare("declare") == 1
    assert [a[0] for a in reviewed.attempts("CEB603Message", 1)] == [1, 2]
    assert [a[0] for a in reviewed.attempts("CEB603Message", 2)] == [1, 2]
    told = outcomes.lineage(reviewed.office, reviewed.id, done.seqs, "CEB603Message")
    assert [(r["包裹 parcel"], r["次数 attempt"]) for r in told] == [(one, 1), (one, 2), (two, 1), (two, 2)]
    again = redeclare.redeclare(reviewed.office, reviewed.id, of_text(f"{one} {two}"), "tester")
    assert (again.seqs, again.known) == (set(), 2), "running it again is harmless"
    assert stages.ended_anew(again).name == "Declared anew"


def test_everything_that_is_rejected_where_none_is_named(reviewed: Desk) -> None:
    reviewed.said("CEB603Message", "rejected", 2, 4)
    assert redeclare.redeclare(reviewed.office, reviewed.id, of_text(""), "tester").seqs == {2, 4}
    assert services.status(reviewed.office, reviewed.id).parcels["ready"] == 2


def test_the_run_that_asks_is_started_once_for_each_request(reviewed: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, str]] = []
    monkeypatch.setattr(
        publishing, "run_deployment", lambda name, **more: started.append((name, more["idempotency_key"]))
    )
    publishing.ask(reviewed.standing())
    assert started == []
    asked = asking.ask(reviewed.office, reviewed.id, "cancel", of_text(reviewed.orders()[0], "duplicate"), "tester")
    publishing.ask(reviewed.standing())
    publishing.ask(reviewed.standing())
    assert {name for name, _ in started} == {"approve-applications/approve-applications"}
    assert len({key for _, key in started}) == 1, "as Prefect does, a key that it knows starts nothing"
    approve(reviewed, asked)
    publishing.ask(reviewed.standing())
    assert len(started) == 2, "what is approved asks nobody"
    before = looks.mark(reviewed.id)
    assert task_stages.can_go_on([reviewed.id]) == [reviewed.id]
    sending.prepare(reviewed.office, reviewed.id)
    assert looks.mark(reviewed.id) != before, "the pulse sees that something happened"

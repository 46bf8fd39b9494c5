"""What a run of the pulse's leaves out: stages with nothing to do, and what Prefect was shown already."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from httpx import Request, Response
from prefect.exceptions import PrefectHTTPStatusError
from sqlalchemy import update

from adapters.ledger import shipments, touches
from adapters.ledger.tables import message
from mappings import clock
from tasks import artifact, looks, publishing, shown, stages
from tasks.clearing import intake, steps, timing
from tasks.submission.submit import Submitted
from tests.unit.desk import AT, Desk, files


def worth(desk: Desk) -> list[str]:
    """The stages that a run of the pulse's would take now, in their order."""
    left, names = stages.Left(desk.id), stages.steps_of(desk.id)
    plain: list[tuple[str, Any]] = [("work up", stages.work_up), ("find out", stages.find_out)]
    plain += [("hear", stages.hear), ("applications", stages.take_applications)]
    found = [name for name, stage in plain if left(stage, desk.id)]
    return found + [step for step in names if left(stages.take, desk.id, step)]


def test_a_stage_is_worth_a_task_where_it_has_something_to_do(desk: Desk) -> None:
    desk.id = intake.receive_files(desk.office, files(desk.made), "", "tester").shipment_id
    assert worth(desk) == ["work up"]
    intake.work_up(desk.office, desk.id)
    assert worth(desk) == [], "it waits for a person"
    shipments.approve(desk.ledger, desk.id, "tester")
    assert worth(desk) == ["declare"]
    desk.prepare("declare")
    assert "declare" not in worth(desk)
    for state, stage in (("prepared", "declare"), ("claimed", "find out"), ("unknown", "find out")):
        with desk.ledger.begin() as tx:
            tx.execute(update(message).values(state=state))
        assert stage in worth(desk), state
    with desk.ledger.begin() as tx:
        tx.execute(update(message).values(state="prepared"))
    shipments.hold(desk.ledger, desk.id, "why", "tester")
    assert worth(desk) == []


def test_every_step_that_would_prepare_something_is_worth_a_task(desk: Desk) -> None:
    """What a step did is what was said of it, also of Hong Kong's, whose gate is open and stays so."""
    desk.take_in()
    said, did = [], []
    for at in ("ready", "declared"):
        if at == "declared":
            desk.declared()
        for step in stages.steps_of(desk.id):
            said.append((at, step, steps.anything_to_do(desk.office, desk.standing(), step)))
            did.append((at, step, bool(desk.prepare(step))))
    assert said == did
    assert {step for _, step, some in said if some} >= {"declare", "list", "hong_kong"}
    assert desk.standing().may("hong_kong")
    assert not steps.anything_to_do(desk.office, desk.standing(), "hong_kong"), "it waits for Hong Kong's answer"


def test_what_a_stage_changed_is_looked_at_anew(desk: Desk) -> None:
    desk.take_in()
    left = stages.Left(desk.id)
    assert left(stages.take, desk.id, "declare")
    desk.prepare("declare")
    assert not left(stages.take, desk.id, "declare")


def test_what_a_step_leaves_is_what_the_next_stage_begins_with(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in()
    looked: list[int] = []
    monkeypatch.setattr(steps, "submit", lambda *_: (desk.sent(), Submitted(Counter(sent=4)))[1])
    monkeypatch.setattr(stages, "standing", lambda ident: (looked.append(ident), desk.settle())[1])
    with stages.alone(desk.id) as mine:
        assert mine
        left = stages.Left(desk.id)
        assert left(stages.take, desk.id, "declare")
        assert looked == [desk.id]
        stages.take.fn(desk.id, "declare")
        assert not left(stages.take, desk.id, "declare"), "by what it has left"
        assert {state for _, state in left.standing().messages} == {"sent"}
        assert looked == [desk.id], "nobody has looked again"
        stages.take.fn(desk.id, "list")
    stages.Left(desk.id).standing()
    assert looked == [desk.id, desk.id], "nothing is left of it once the shipment is let go"


def test_what_a_former_run_has_left_is_not_taken_for_the_present(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in()
    old = desk.standing()
    desk.prepare("declare")
    monkeypatch.setitem(stages._left_by_step, desk.id, old)
    with stages.alone(desk.id):
        assert not stages.Left(desk.id)(stages.take, desk.id, "declare")


def test_a_limit_of_time_is_part_of_what_it_looks_like(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hong Kong's gate stays open: only its limits say when there is something new to do."""
    desk.take_in()
    before, limit = looks.look(desk.id), timing.next_limit(desk.settle())
    assert limit is not None
    assert limit > AT
    assert looks.look(desk.id).mark == before.mark
    monkeypatch.setenv(clock.VARIABLE, f"{limit.isoformat()}@1e-09@1790000000")
    assert clock.now() >= limit
    after = looks.look(desk.id)
    assert after.mark != before.mark
    looks.note_run(desk.settle(), AT)
    assert looks.look(desk.id).noted != after.mark, "it came after the run began its stages: they may not have seen it"
    looks.note_run(desk.settle(), clock.now())
    assert looks.look(desk.id).noted == after.mark


def test_what_a_look_changes_says_by_whom(desk: Desk) -> None:
    """Parcels and shipment follow their documents when they are looked at: who looks need not look for that again."""
    desk.take_in()
    desk.declared()
    desk.told("CEB603Message", "rejected")
    before = touches.touched(desk.ledger)[desk.id]
    looks.look(desk.id, by="by:me")
    rows = touches.touched(desk.ledger)[desk.id]
    assert [rows[name] for name in rows.keys() - before.keys()] == ["by:me", "by:me"], "the parcels', and the state's"
    assert desk.standing().shipment.state == "awaiting_correction"


def test_which_parcels_are_in_a_state_is_part_of_what_it_looks_like(desk: Desk) -> None:
    desk.take_in()
    desk.declared()
    desk.said("CEB603Message", "released", 1)
    one = looks.look(desk.id).mark
    desk.said("CEB603Message", "reviewed", 1)
    desk.said("CEB603Message", "released", 2)
    assert looks.look(desk.id).mark != one, "as many, but others"


def test_how_it_stands_is_told_apart_from_what_documents_say(desk: Desk) -> None:
    """Parcels and shipment are what people wait for; that an order was accepted is one receipt of many."""
    desk.take_in()
    desk.declared()
    before = looks.look(desk.id)
    desk.said("CEB303Message", "accepted", 1)
    order = looks.look(desk.id)
    assert order.mark != before.mark
    assert order.stands == before.stands
    desk.said("CEB603Message", "released", 1)
    assert looks.look(desk.id).stands != order.stands
    shipments.hold(desk.office.ledger, desk.id, "why", "a person")
    held = looks.look(desk.id).stands
    shipments.resume(desk.office.ledger, desk.id, "a person")
    assert looks.look(desk.id).stands != held


class Client:
    """Prefect's, that notes the keys of the artifacts which it is given, by their ends; or cannot be reached."""

    def __init__(self, given: list[str] | None) -> None:
        self.given = given

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def request(self, method: str, path: str, json: dict[str, Any]) -> Response:
        if self.given is None:
            raise ConnectionError
        assert (method, path) == ("POST", artifact.PATH)
        assert json["type"] == ("markdown" if json["key"].endswith(("summary", "timeline")) else "table")
        self.given.append(json["key"].rsplit("-", 1)[1])
        return Response(201, json={"id": "an id"})


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The artifacts that Prefect was given, by the end of their keys."""
    given: list[str] = []
    monkeypatch.setattr(publishing, "get_client", lambda sync_client: Client(given))
    return given


def test_only_what_differs_is_shown_again(desk: Desk, artifacts: list[str]) -> None:
    desk.take_in(approve=False)
    publishing.publish(desk.settle(), again=False)
    everything = list(artifacts)
    assert {"summary", "timeline", "quality"} <= set(everything)
    publishing.publish(desk.settle(), again=False)
    assert artifacts == everything, "nothing is new"
    shipments.approve(desk.ledger, desk.id, "tester")
    publishing.publish(desk.settle(), again=False)
    assert artifacts[len(everything) :] == ["summary", "timeline"]
    artifacts.clear()
    publishing.publish(desk.settle())
    assert artifacts == everything, "anybody else's run shows all"


class Answers:
    """Prefect's client, whose calls are noted: the first word of each path; PATCH is answered with a status."""

    def __init__(self, status: int, there: list[dict[str, str]]) -> None:
        self.status, self.there, self.calls = status, there, list[str]()

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def request(self, method: str, path: str, json: dict[str, Any]) -> Any:
        self.calls.append(f"{method} {path}")
        asked = Request(method, "http://prefect/")
        if method == "PATCH" and self.status >= 400:
            raise PrefectHTTPStatusError("no", request=asked, response=Response(self.status, request=asked))
        return Response(200, request=asked, json=self.there if path == artifact.THERE else {"id": "new"})


@pytest.mark.parametrize(
    ("before", "status", "there", "calls", "now"),
    [
        ("", 204, [], ["POST /artifacts/"], "new"),
        ("old", 204, [], ["PATCH /artifacts/old"], "old"),
        ("old", 404, [], ["PATCH /artifacts/old", "POST /artifacts/"], "new"),
        (artifact.UNSURE, 204, [], ["POST /artifacts/filter", "POST /artifacts/"], "new"),
        (artifact.UNSURE, 204, [{"id": "it"}], ["POST /artifacts/filter", "PATCH /artifacts/it"], "it"),
    ],
)
def test_an_artifact_of_a_run_is_changed_where_it_has_it(
    monkeypatch: pytest.MonkeyPatch, before: str, status: int, there: list[dict[str, str]], calls: list[str], now: str
) -> None:
    client = Answers(status, there)
    monkeypatch.setattr(publishing, "get_client", lambda sync_client: client)
    assert publishing._put("text", "key", "what it is", before) == now
    assert client.calls == calls


def test_a_server_that_fails_is_not_asked_for_another_artifact(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Answers(500, [])
    monkeypatch.setattr(publishing, "get_client", lambda sync_client: client)
    with pytest.raises(PrefectHTTPStatusError):
        publishing._put("text", "key", "what it is", "old")
    assert client.calls == ["PATCH /artifacts/old"]


def test_what_was_not_shown_to_its_end_is_shown_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in()
    monkeypatch.setattr(publishing, "get_client", lambda sync_client: Client(None))
    with pytest.raises(ConnectionError):
        publishing.publish(desk.settle(), again=False)
    with shown.of(desk.ledger, desk.id, again=False) as seen:
        assert seen.differs("summary", "whatever")


def test_a_question_is_asked_once_and_a_new_one_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        publishing, "_start", lambda _standing, _deployment, _name, question, _start: asked.append(question)
    )
    desk.take_in(approve=False)
    for _ in range(2):
        publishing.ask(desk.settle(), again=False)
    desk.deliver(("later.txt", b"x"), shipment=str(desk.id))
    publishing.ask(desk.settle(), again=False)
    assert [one.rsplit(":", 1)[1] for one in asked] == ["1", "2"]
    publishing.ask(desk.settle())
    assert len(asked) == 3, "anybody else's run asks Prefect, which knows the question"


def test_tags_that_a_run_has_are_not_put_on_it_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in(approve=False)
    desk.settle()
    made: list[list[str]] = []

    class Client:
        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None:
            return

        def update_flow_run(self, _run: str, tags: list[str]) -> None:
            made.append(tags)

    class Run:
        id = "r"
        tags = ("mine", *stages.tags_of(desk.id))

    monkeypatch.setattr(publishing.runtime, "flow_run", Run)
    monkeypatch.setattr(publishing, "get_client", lambda **_: Client())
    publishing.tag_run(desk.settle())
    assert made == []
    shipments.approve(desk.ledger, desk.id, "tester")
    publishing.tag_run(desk.settle())
    [tags] = made
    assert "mine" in tags
    assert [tag for tag in tags if tag.startswith("state:")] == [f"state:{desk.settle().shipment.state}"]

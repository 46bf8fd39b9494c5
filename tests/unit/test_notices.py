"""Showing in Prefect without a run: what is put on the page of the last one, and where only a run will do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.ledger import leases, shipments
from deployments.prefect_api import Prefect
from mappings import clock
from mappings.errors import ConfigurationError, DataFault, PrefectUnavailable
from tasks import looks, notices, publishing, stages
from tasks import office as offices
from tasks.artifact import Content
from tasks.clearing import intake, settling
from tasks.clearing.alone import name_of
from tasks.notices import AWAY, HELD, LEFT, RUN, SHOWN, TAKEN, show
from tasks.reporting.summary import event_names
from tests.unit.prefect_double import PrefectServer
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@pytest.fixture
def shown(captured: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A shipment that waits for approval, as run r1 has left it."""
    offices.office.cache_clear()
    prefect.has("r1", tags=["mine", f"shipment:{captured}", "state:captured"])
    looks.note_page(captured, "r1")
    looks.note_run(settling.settle_shipment(offices.office(), captured), clock.now())
    yield captured
    offices.office.cache_clear()


def holds(shipment_id: int) -> None:
    """A person holds it: something to show, and nothing to do."""
    shipments.hold(offices.office().ledger, shipment_id, "why", "a person")


def looks_as_noted(shipment_id: int) -> bool:
    found = looks.look(shipment_id)
    return found.mark == found.noted


def test_the_last_runs_page_says_how_it_is_now(shown: int, prefect: PrefectServer) -> None:
    holds(shown)
    assert not looks_as_noted(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    assert looks_as_noted(shown)
    at = stages.standing(shown)
    run = prefect.told["r1"]
    assert (run["state_name"], run["state"]["message"]) == publishing.ending(at)
    assert prefect.set_states == [("r1", "COMPLETED")]
    assert set(run["tags"]) == {"mine", f"shipment:{shown}", *publishing.tags(at)}
    assert f"state:{at.shipment.state}" in run["tags"]
    assert "state:captured" not in run["tags"]
    by_key = {one["key"].rsplit("-", 1)[1]: one for one in prefect.artifacts}
    assert {one["flow_run_id"] for one in prefect.artifacts} == {"r1"}
    assert by_key["summary"]["type"] == "markdown"
    assert at.label in by_key["summary"]["description"]
    assert by_key["faults"]["type"] == "table"
    assert "WAY-003" in str(json.loads(by_key["faults"]["data"]))
    assert prefect.runs == [], "without a run"


def digests(shipment_id: int) -> dict[str, Any]:
    """What the ledger knows that Prefect was shown, but for where it stands there."""
    noted = json.loads(leases.get_cursor(offices.office().ledger, "shown", str(shipment_id)))
    return {what: said for what, said in noted.items() if what != "page"}


def kinds(artifacts: list[dict[str, Any]]) -> list[str]:
    """What these artifacts are: the ends of their keys."""
    return [one["key"].rsplit("-", 1)[1] for one in artifacts]


def test_only_what_differs_is_put_up_again_in_the_place_where_it_stands(shown: int, prefect: PrefectServer) -> None:
    holds(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    there = kinds(prefect.artifacts)
    assert {"summary", "timeline", "faults"} <= set(there)
    assert prefect.changed == []
    resumes(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    assert kinds(prefect.artifacts) == there, "a page has one of each"
    assert kinds(prefect.changed) == ["summary", "timeline"]
    assert "截至 as of 11-" in prefect.changed[0]["description"], "its page says only when it was made"
    assert event_names()["resumed"] in prefect.changed[1]["data"]


def test_an_artifact_that_somebody_deleted_is_made_anew(shown: int, prefect: PrefectServer) -> None:
    holds(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    prefect.artifacts[:] = [one for one in prefect.artifacts if not one["key"].endswith("summary")]
    resumes(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    assert kinds(prefect.changed) == ["timeline"]
    assert kinds(prefect.artifacts).count("summary") == 1


def test_an_artifact_whose_answer_was_lost_is_looked_for(shown: int, prefect: PrefectServer) -> None:
    prefect.forgets = ("timeline",)
    holds(shown)
    assert show(Prefect(prefect.base, patient=False), shown) == AWAY
    assert kinds(prefect.artifacts) == ["summary", "timeline"]
    prefect.forgets = ()
    resumes(shown)
    assert show(Prefect(prefect.base, patient=False), shown) == SHOWN
    assert kinds(prefect.artifacts).count("timeline") == 1
    assert kinds(prefect.changed) == ["summary", "timeline"]


def test_one_that_never_came_is_made_when_it_is_not_found(shown: int, prefect: PrefectServer) -> None:
    completed = notices.Completed()
    completed.note("r1")  # so that its artifacts are the first that Prefect is told
    holds(shown)
    assert show(Prefect("http://127.0.0.1:1", patient=False), shown, completed=completed) == AWAY
    assert show(Prefect(prefect.base), shown) == SHOWN
    assert prefect.calls.count(("POST", "/api/artifacts/filter")) == 1, "for the one that it began with"
    assert kinds(prefect.artifacts).count("summary") == 1
    assert prefect.changed == []


def test_a_run_that_was_shown_and_not_ended_leaves_everything_to_be_shown_on_the_last_page(
    shown: int, prefect: PrefectServer
) -> None:
    holds(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    prefect.has("r2", "SCHEDULED")
    prefect.later["r2"] = "CANCELLED"  # by a person, once its artifacts are there
    prefect.artifacts.clear()
    resumes(shown)
    assert show(Prefect(prefect.base), shown, "r2") == HELD
    assert digests(shown) == {}
    prefect.artifacts.clear()
    assert show(Prefect(prefect.base), shown) == SHOWN
    assert {one["flow_run_id"] for one in prefect.artifacts} == {"r1"}
    assert {"summary", "timeline", "faults"} <= set(kinds(prefect.artifacts))


def test_another_runs_page_has_artifacts_of_its_own(shown: int, prefect: PrefectServer) -> None:
    """What it has in common with the last one's is not put up again, or everything, where it is somebody's own."""
    holds(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    first = list(prefect.artifacts)
    prefect.has("r2", "SCHEDULED")
    resumes(shown)
    assert show(Prefect(prefect.base), shown, "r2") == SHOWN
    assert prefect.changed == []
    assert {one["flow_run_id"] for one in first} == {"r1"}
    assert set(kinds(prefect.artifacts[len(first) :])) == set(kinds(first))
    assert {one["flow_run_id"] for one in prefect.artifacts[len(first) :]} == {"r2"}
    prefect.states["r2"] = "COMPLETED"
    holds(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    assert {one["flow_run_id"] for one in prefect.changed} == {"r2"}


def test_a_state_that_it_is_in_is_not_told_again(shown: int, prefect: PrefectServer) -> None:
    name, message = publishing.ending(stages.standing(shown))
    prefect.has("r1", state_name=name, state={"message": message})
    leases.set_cursor(offices.office().ledger, looks.RAN, str(shown), "otherwise")
    assert show(Prefect(prefect.base), shown) == SHOWN
    assert (prefect.set_states, bool(prefect.artifacts)) == ([], True)
    assert looks_as_noted(shown)


@pytest.mark.parametrize("state", ["FAILED", "CRASHED", "CANCELLED", "RUNNING", "SCHEDULED"])
def test_the_page_of_a_run_that_came_to_no_good_end_stays_as_it_is(
    shown: int, prefect: PrefectServer, state: str
) -> None:
    prefect.has("r1", state)
    holds(shown)
    assert show(Prefect(prefect.base), shown) == RUN
    assert (prefect.artifacts, prefect.set_states) == ([], [])
    assert not looks_as_noted(shown)


def resumes(shipment_id: int) -> None:
    shipments.resume(offices.office().ledger, shipment_id, "a person")


def test_of_a_page_that_it_has_left_itself_what_changed_comes_first(shown: int, prefect: PrefectServer) -> None:
    pages, completed = Prefect(prefect.base), notices.Completed()
    holds(shown)
    assert show(pages, shown, completed=completed) == SHOWN
    prefect.told["r1"]["tags"].append("a person's own")
    prefect.calls.clear()
    resumes(shown)
    assert show(pages, shown, completed=completed) == SHOWN
    assert prefect.calls[0][0] == "PATCH"
    assert prefect.calls[0][1].startswith("/api/artifacts/")
    assert prefect.calls.count(("GET", "/api/flow_runs/r1")) == 1
    run, at = prefect.told["r1"], stages.standing(shown)
    assert (run["state_name"], run["state"]["message"]) == publishing.ending(at)
    assert set(run["tags"]) == {"mine", "a person's own", f"shipment:{shown}", *publishing.tags(at)}
    assert looks_as_noted(shown)


@pytest.mark.parametrize("state", ["SCHEDULED", "RUNNING", "FAILED"])
def test_a_page_that_is_not_as_it_was_left_needs_a_run_which_shows_everything(
    shown: int, prefect: PrefectServer, state: str
) -> None:
    pages, completed = Prefect(prefect.base), notices.Completed()
    holds(shown)
    assert show(pages, shown, completed=completed) == SHOWN
    prefect.has("r1", state)
    prefect.set_states.clear()
    resumes(shown)
    assert show(pages, shown, completed=completed) == RUN
    assert prefect.set_states == []
    assert not looks_as_noted(shown)
    assert digests(shown) == {}
    prefect.artifacts.clear()
    assert show(pages, shown, completed=completed) == RUN
    assert prefect.artifacts == [], "it is not remembered any more"


@pytest.mark.parametrize("state", ["FAILED", "gone"])
def test_what_was_put_on_a_page_that_nobody_looked_at_afterwards_is_shown_by_the_run(
    shown: int, prefect: PrefectServer, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, completed = Prefect(prefect.base), notices.Completed()
    holds(shown)
    assert show(pages, shown, completed=completed) == SHOWN
    prefect.has("r1", state)
    resumes(shown)

    def away(*_: object) -> None:
        raise PrefectUnavailable("too slow")

    known = Prefect.known
    monkeypatch.setattr(Prefect, "known", away)
    assert show(pages, shown, completed=completed) == AWAY
    assert digests(shown)
    monkeypatch.setattr(Prefect, "known", known if state != "gone" else lambda *_: None)
    again = completed if state == "gone" else notices.Completed()  # the board, or another one after it was killed
    assert show(pages, shown, completed=again) == RUN
    assert digests(shown) == {}


def test_what_is_remembered_of_pages_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices.Completed, "MOST", 3)
    completed = notices.Completed()
    for number in range(8):
        completed.note(f"r{number}")
        assert f"r{number}" in completed
        assert len(completed) <= 3


@pytest.mark.parametrize("page", ["", "gone"])
def test_without_a_page_it_needs_a_run(shown: int, prefect: PrefectServer, page: str) -> None:
    leases.set_cursor(offices.office().ledger, looks.PAGE, str(shown), page)
    holds(shown)
    assert show(Prefect(prefect.base), shown) == RUN


def test_where_something_is_left_to_do_nothing_is_shown(shown: int, prefect: PrefectServer) -> None:
    intake.receive_files(offices.office(), [("late.txt", b"x")], str(shown))
    assert show(Prefect(prefect.base), shown) == LEFT
    assert show(Prefect(prefect.base), shown, "r1") == HELD, "and that run is over"
    prefect.has("r2", "SCHEDULED")
    assert show(Prefect(prefect.base), shown, "r2") == LEFT
    assert (prefect.artifacts, prefect.set_states) == ([], [])


def test_who_has_the_shipment_is_not_disturbed(shown: int, prefect: PrefectServer) -> None:
    holds(shown)
    leases.acquire(offices.office().ledger, name_of(shown), "elsewhere:1", 60)
    assert show(Prefect(prefect.base), shown) == HELD
    leases.release(offices.office().ledger, name_of(shown), "elsewhere:1")
    assert show(Prefect(prefect.base), shown) == SHOWN


def test_where_prefect_is_away_it_is_to_be_tried_again(shown: int, prefect: PrefectServer) -> None:
    holds(shown)
    assert show(Prefect("http://127.0.0.1:1", patient=False), shown) == AWAY
    assert not looks_as_noted(shown)
    assert leases.holder(offices.office().ledger, name_of(shown)) is None
    assert show(Prefect(prefect.base), shown) == SHOWN


def test_a_server_in_trouble_is_away_and_what_it_does_not_like_is_not(
    shown: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(shown)
    prefect.down = True
    assert show(Prefect(prefect.base), shown) == AWAY
    prefect.down = False
    hasty = Prefect(prefect.base, patient=False)
    hasty.until = 0.0
    assert show(hasty, shown) == AWAY, "too slow"

    def wrong(*_: object) -> None:
        raise ConfigurationError("a setting of ours")

    monkeypatch.setattr(notices.stages, "explain", wrong)
    assert show(Prefect(prefect.base), shown) == RUN, "a run tells it"


def test_what_was_put_up_before_it_broke_off_is_not_put_up_again(
    shown: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(shown)
    pages, put = Prefect(prefect.base), Prefect.put

    def slow(self: Prefect, run_id: str, content: Content, key: str, *more: str) -> str:
        if key.endswith("timeline"):
            raise PrefectUnavailable("too slow")
        return put(self, run_id, content, key, *more)

    monkeypatch.setattr(Prefect, "put", slow)
    assert show(pages, shown) == AWAY
    assert show(pages, shown) == AWAY
    assert kinds(prefect.artifacts) == ["summary"]
    monkeypatch.setattr(Prefect, "put", put)
    assert show(pages, shown) == SHOWN
    assert kinds(prefect.artifacts).count("summary") == 1
    assert prefect.changed == []


@pytest.mark.parametrize(("run_id", "kind", "said"), [("r1", "SCHEDULED", RUN), ("r2", "CANCELLED", HELD)])
def test_a_run_that_changes_meanwhile_is_not_ended(
    shown: int, prefect: PrefectServer, run_id: str, kind: str, said: str
) -> None:
    prefect.has("r2", "SCHEDULED")
    prefect.later[run_id] = kind  # a person tries it once more, or cancels it
    holds(shown)
    assert show(Prefect(prefect.base), shown, "r2" if run_id == "r2" else "") == said
    assert (prefect.set_states, looks.page_of(shown)) == ([], "r1")
    assert not looks_as_noted(shown)


def test_somebodys_run_says_itself_that_an_authority_is_not_reached(
    shown: int, prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices.stages, "unreached", lambda: ["cn_ecommerce"])
    prefect.has("r2", "SCHEDULED")
    holds(shown)
    assert show(Prefect(prefect.base), shown, "r2") == TAKEN
    assert prefect.set_states == []


def test_a_state_that_prefect_does_not_want_needs_a_run(shown: int, prefect: PrefectServer) -> None:
    prefect.refused = True
    holds(shown)
    assert show(Prefect(prefect.base), shown) == RUN
    assert not looks_as_noted(shown)


@pytest.mark.parametrize("error", [DataFault("no"), ZeroDivisionError("a person's name")])
def test_what_it_comes_upon_a_run_is_to_tell(
    shown: int,
    prefect: PrefectServer,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(notices.stages, "explain", fails)
    holds(shown)
    assert show(Prefect(prefect.base), shown) == RUN
    assert type(error).__name__ in caplog.text
    assert "a person" not in caplog.text


@pytest.mark.parametrize("actor", ["pulse", "prefect"])
def test_a_run_that_waits_when_all_is_done_comes_to_its_end(shown: int, prefect: PrefectServer, actor: str) -> None:
    prefect.has("r2", "SCHEDULED", name="merciful-otter", parameters={"actor": actor}, tags=["theirs"])
    holds(shown)
    assert show(Prefect(prefect.base), shown) == SHOWN
    prefect.artifacts.clear()
    assert show(Prefect(prefect.base), shown, "r2") == SHOWN
    assert prefect.set_states[-1] == ("r2", "COMPLETED")
    assert prefect.told["r2"]["state_name"] == publishing.ending(stages.standing(shown))[0]
    assert {"theirs", *publishing.tags(stages.standing(shown))} == set(prefect.told["r2"]["tags"])
    named = prefect.told["r2"]["name"] == stages.run_name(str(shown))
    assert named == (actor != "pulse"), "the pulse gave its own a name"
    assert bool(prefect.artifacts) == (actor != "pulse"), "somebody's own run shows everything"
    assert looks.page_of(shown) == "r2"


@pytest.mark.parametrize(
    ("state", "said"), [("PENDING", TAKEN), ("RUNNING", TAKEN), ("COMPLETED", HELD), ("CANCELLED", HELD)]
)
def test_a_run_that_waits_no_more_goes_its_way(shown: int, prefect: PrefectServer, state: str, said: str) -> None:
    prefect.has("r2", state)
    holds(shown)
    assert show(Prefect(prefect.base), shown, "r2") == said
    assert (prefect.artifacts, prefect.set_states, looks.page_of(shown)) == ([], [], "r1")

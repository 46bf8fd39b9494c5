"""After an import declaration, against customs' sandbox: cancel, returns by both published lives, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import home as homes
from deployments.demo_import_books import GUARANTEE
from tests.chaos.sandboxes import Sandboxes
from tests.flows.after import CN, AfterImport, imported

pytestmark = pytest.mark.slow
INVENTORY, CANCEL, RETURN = "CEB621Message", "CEB623Message", "CEB625Message"


@pytest.fixture
def truck(fresh: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AfterImport]:
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "truck" / "home"))
    here = imported(tmp_path, fresh)
    yield here
    here.office.ledger.close()
    fresh.call(CN, "DELETE", "/admin/settings")


def released(here: AfterImport) -> None:
    """The goods arrive, and customs releases them."""
    here.arrive()
    here.until(lambda at: at.state() == "closed")


def test_cancelled_before_the_release_and_one_declared_anew(truck: AfterImport) -> None:
    gone, again, other = truck.orders()
    truck.until(lambda at: len(at.in_state("stored")) == 3)
    truck.ask("cancel", gone)
    truck.ask("cancel", again, after="again")
    truck.until(lambda at: at.in_state("cancelled") and len(at.in_state("stored")) == 2)
    assert truck.asked() == [(gone, "granted", "granted"), (again, "granted", "granted")]
    (first, _), (second, follows) = truck.attempts(INVENTORY, again)
    assert (first, second) == ("cancelled", "stored") and follows is not None
    released(truck)
    assert truck.states()[gone] == "cancelled"
    assert {truck.states()[o] for o in (again, other)} <= {"released", "closed"}
    truck.same_books()
    assert len(truck.sandboxes.received(CN, type=CANCEL)) == 2
    late = truck.ask("cancel", other)
    assert (late.new, late.faults["code"].tolist()) == ([], ["APP-013"])
    truck.clean()


@pytest.mark.parametrize("life", ["complete", "observed"])
def test_a_part_is_returned_and_then_the_rest(truck: AfterImport, life: str) -> None:
    truck.sandboxes.call(CN, "PUT", "/admin/settings", {"import_return": life})
    truck.until(lambda at: len(at.in_state("stored")) == 3)
    released(truck)
    order = truck.several()
    whole = next(o for o in truck.orders() if o != order)
    truck.ask("return", {"order_no": order, "gnum": min(truck.goods(order)), "quantity": "1"}, whole)
    assert truck.standing().parcels[truck.seq(order)][0] in ("released", "closed", "returning")
    truck.until(lambda at: at.state() == "closed" and not at.applications)
    assert [truck.states()[o] for o in (order, whole)] == ["partly_returned", "returned"]
    truck.same_books(cents=1)
    truck.ask("return", order)
    truck.until(lambda at: at.state() == "closed" and not at.applications)
    assert truck.states()[order] == "returned"
    said = {"complete": "399", "observed": "800"}[life]
    assert {row["status"] for row in truck.sandboxes.received(CN, type=RETURN)} == {said}
    assert [state for state, _ in truck.attempts(RETURN, order)] == ["granted", "granted"]
    assert len(truck.ask("return", order).new) == 0, "nothing is left"
    truck.same_books(cents=1)
    truck.clean()


def test_what_customs_refuses_is_told_with_its_code_and_leaves_everything(truck: AfterImport) -> None:
    window = [{"since": "2018-01-01", "import": 0, "import_back": 45, "export": 365}]
    truck.sandboxes.call(CN, "PUT", "/admin/settings", {"return_windows": window})
    truck.until(lambda at: len(at.in_state("stored")) == 3)
    released(truck)
    order = truck.orders()[0]
    before = truck.our_guarantee()
    truck.ask("return", order)
    truck.until(lambda at: not at.applications)
    assert truck.asked() == [(order, "refused", "failed")]
    assert truck.states()[order] in ("released", "closed")
    assert (order, "AUT-RETURN") in truck.faults(), "with customs' text: no officer rejected its inventory"
    assert truck.our_guarantee() == before != GUARANTEE
    truck.clean()

"""Faults, audit, fingerprint: what the ledger says of itself."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
import sqlalchemy as sa

from adapters.ledger import Ledger, claims, faults, messages, parcels, preparing, raws, shipments
from adapters.ledger import audit as audits
from adapters.ledger.audit import ERROR, Claim, audit
from adapters.ledger.events import record
from adapters.ledger.fingerprint import fingerprint
from adapters.ledger.tables import document, fault, message, metadata, parcel
from tests.contract import ledger_cases as cases
from tests.contract.ledger_cases import CN, INVENTORY, LIST, ORDER, Doc, answer, arrive, out

STATES = {
    "ready": Claim(optional=frozenset({ORDER})),
    "declared": Claim(frozenset({ORDER}), frozenset({INVENTORY})),
    "rejected": Claim(optional=frozenset({ORDER, INVENTORY})),
}


def frame(*codes: str, order: str = "o1") -> pd.DataFrame:
    rows = [
        {"order_no": order, "waybill_no": "", "code": code, "severity": "error", "field": "waybill.consignee_name",
         "value": "张三", "other_value": None, "file": "o.csv", "sheet": "", "row": 7, "column": "收件人",
         "stage": "clean"}
        for code in codes
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(faults.COLUMNS))


def test_a_stage_replaces_its_own_faults_only(ledger: Ledger) -> None:
    ident = cases.shipment(ledger)
    assert faults.replace_faults(ledger, ident, "clean", frame("A-1", "A-2")) == 2
    faults.replace_faults(ledger, ident, "match", frame("M-1").assign(row=pd.array([None], dtype="Int64")))
    assert faults.replace_faults(ledger, ident, "clean", frame("A-2")) == 1
    faults.add_faults(ledger, ident, frame("C-9", order="unknown").assign(stage="authority"))
    now = faults.faults(ledger, ident)
    assert [(f.code, f.stage) for f in now.itertuples()] == [("M-1", "match"), ("A-2", "clean"), ("C-9", "authority")]
    assert now["row"].tolist() == [pd.NA, 7, 7]
    assert now["value"].tolist() == ["张三"] * 3
    assert now["other_value"].tolist() == [""] * 3
    assert len(faults.faults(ledger, ident, current=False)) == 5
    assert faults.faults(ledger, ident, stage="clean")["code"].tolist() == ["A-2"]
    assert faults.replace_faults(ledger, ident, "clean", frame()) == 0
    assert faults.faults(ledger, ident, stage="clean").columns.tolist() == list(faults.COLUMNS)
    with ledger.read() as tx:
        linked = tx.execute(sa.select(fault.c.code, fault.c.parcel_id.is_not(None)).order_by(fault.c.id)).all()
        sealed = tx.execute(sa.select(sa.type_coerce(fault.c.value, sa.LargeBinary)).limit(1)).scalar_one()
    assert [bool(there) for _, there in linked] == [True, True, True, True, False]
    assert "张三".encode() not in bytes(sealed)


def codes(ledger: Ledger, **more: object) -> list[str]:
    found = audit(ledger, STATES, **more)
    for finding in found:
        assert finding.message_zh
        assert finding.message_en
        assert "{" not in finding.message_zh + finding.message_en
    return [finding.code for finding in found]


@pytest.fixture
def ident(ledger: Ledger) -> int:
    made = cases.shipment(ledger)
    cases.declared(ledger, made)
    parcels.set_parcel_states(ledger, made, dict.fromkeys((1, 2, 3), ("declared", "")))
    return made


def test_a_sound_ledger_has_no_findings(ledger: Ledger, ident: int) -> None:
    assert codes(ledger) == []
    assert audit(ledger) == []


@pytest.mark.parametrize("together", [1, 2, audits.TOGETHER])
def test_parcels_against_what_their_state_claims(
    ledger: Ledger, ident: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audits, "TOGETHER", together)
    parcels.sync_parcels(ledger, ident, [cases.row("o4"), cases.row("o5")])
    parcels.set_parcel_states(ledger, ident, {1: ("lost", ""), 4: ("declared", ""), 5: ("ready", "")})
    preparing.add_messages(ledger, ident, [out([Doc("A|o5", 5)], INVENTORY)])
    found = {f.code: f.message_en for f in audit(ledger, STATES)}
    assert found == {
        "unknown-state": "Parcel o1 is in a state that the tables do not know: lost",
        "missing-document": f"Parcel o4 is declared, which claims a {ORDER} that is not there",
        "unclaimed-document": f"Parcel o5 is ready, but has a live {INVENTORY}",
    }
    assert audit(ledger) == [], "without the states' claims they are not judged"


def test_parcels_are_judged_a_few_at_a_time_however_many_there_are(
    ledger: Ledger, ident: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = cases.shipment(ledger, "M2", ["p1", "p2"])
    cases.declared(ledger, other, ["p1", "p2"])
    parcels.set_parcel_states(ledger, other, dict.fromkeys((1, 2), ("lost", "")))
    monkeypatch.setattr(audits, "TOGETHER", 2)
    most, read = 0, audits._documents_of

    def counted(tx: sa.Connection, first: int) -> dict[int, dict[str, int]]:
        nonlocal most
        found = read(tx, first)
        most = max(most, len(found))
        return found

    monkeypatch.setattr(audits, "_documents_of", counted)
    assert codes(ledger) == ["unknown-state", "unknown-state"]
    assert most == 2


def test_two_live_attempts_are_an_error_but_a_change_is_not(ledger: Ledger, ident: int) -> None:
    preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1, attempt=2), Doc("P|o2", 2, attempt=2, app_type="2")])])
    assert [f.message_en for f in audit(ledger, STATES)] == [
        f"Parcel o1 has 2 live documents of type {ORDER}; there may be one"
    ]
    arrive(ledger, answer("P|o1", "100", declared_guid=messages.documents(ledger, ident)[0].guid))
    assert codes(ledger) == [], "the first attempt is rejected: the second stands alone"


def test_an_order_declared_in_two_shipments_is_found(ledger: Ledger, ident: int) -> None:
    other = cases.shipment(ledger, "M2", ["o1"])
    cases.declared(ledger, other, ["o1"], INVENTORY)
    parcels.set_parcel_states(ledger, other, {1: ("rejected", "")})
    assert codes(ledger) == ["two-places"]


def _move_document(tx: sa.Connection, other: int) -> None:
    first = sa.select(sa.func.min(document.c.id)).scalar_subquery()
    tx.execute(sa.update(document).where(document.c.id == first).values(shipment_id=other))


def _lose_document(tx: sa.Connection, other: int) -> None:
    mine = sa.select(parcel.c.id).where(parcel.c.order_no == "o1").scalar_subquery()
    tx.execute(sa.delete(document).where(document.c.parcel_id == mine))
    tx.execute(sa.update(parcel).where(parcel.c.order_no == "o1").values(state="ready"))


def _copy_key(tx: sa.Connection, other: int) -> None:
    source = tx.execute(sa.select(document).order_by(document.c.id).limit(1)).first()._mapping
    home = tx.execute(sa.select(message).limit(1)).first()._mapping
    tx.execute(sa.insert(message).values({**home, "id": 900, "shipment_id": other, "cop_msg_id": "x", "documents": 1}))
    copy = {**source, "id": 901, "message_id": 900, "shipment_id": other, "attempt": 9, "parcel_id": None}
    tx.execute(sa.insert(document).values(copy))


@pytest.mark.parametrize(
    ("damage", "found"),
    [(_move_document, ["wrong-shipment"]), (_lose_document, ["wrong-count"]), (_copy_key, ["same-key"])],
)
def test_damage_is_found(
    ledger: Ledger, ident: int, damage: Callable[[sa.Connection, int], None], found: list[str]
) -> None:
    other, _ = shipments.open_shipment(ledger, "A", "M9", {})
    with ledger.begin() as tx:
        damage(tx, other)
    assert codes(ledger) == found


def test_rows_that_refer_to_nothing_are_named_and_where_the_database_proves_it_are_refused(
    ledger: Ledger, ident: int
) -> None:
    """PostgreSQL does not look (decision 0021): whatever a table in UNCHECKED refers to is looked for by the audit."""
    lost = {"message_id": "document", "shipment_id": "document", "parcel_id": "document", "previous_id": "document",
            "raw_id": "receipt", "document_id": "receipt"}  # fmt: skip
    arrive(ledger, answer("P|o1", "2"))
    for column, name in lost.items():
        table = metadata.tables[name]
        change = sa.update(table).where(table.c.id == 1).values({column: 4711})
        if ledger.engine.dialect.name == "sqlite":
            with pytest.raises(sa.exc.IntegrityError), ledger.begin() as tx:
                tx.execute(change)
        else:
            with ledger.begin() as tx:
                tx.execute(change)
    told = [f.message_en for f in audit(ledger) if f.code == "dangling"]
    gone = "to what is gone (restore it from a backup): ids 1"
    expected = [f"1 rows of {name} refer by {column} {gone}" for column, name in lost.items()]
    assert sorted(told) == (sorted(expected) if ledger.engine.dialect.name == "postgresql" else [])


def test_a_list_that_names_a_parcel_which_is_not_there(ledger: Ledger, ident: int) -> None:
    preparing.add_messages(ledger, ident, [out([Doc("A|c|b|1", lists=(1, 3)), Doc("A|c|b|2", lists=(2, 4))], LIST)])
    assert [(f.code, f.shipment_id) for f in audit(ledger)] == [("dangling", ident)]
    assert "1 rows of list_document refer by seqs" in audit(ledger)[0].message_en
    assert audit(ledger)[0].message_en.endswith(f"ids {messages.documents(ledger, ident, type=LIST)[1].id}")


def test_a_list_that_cannot_be_read_is_named_and_ends_no_audit(ledger: Ledger, ident: int) -> None:
    preparing.add_messages(ledger, ident, [out([Doc("A|c|b|1", lists=(1, 3))], LIST)])
    with ledger.begin() as tx:
        tx.execute(sa.update(metadata.tables["list_document"]).values(seqs="1-3,x"))
    assert codes(ledger) == ["dangling"]


def test_half_way_for_long_is_found_and_warnings_come_last(ledger: Ledger, ident: int) -> None:
    (made,) = preparing.add_messages(ledger, ident, [out([Doc("P|o1", 1)], INVENTORY)]).message_ids
    claims.claim(ledger, made, "w7")
    arrive(ledger, answer("P|o2", "899", 1), answer("P|o2", "100", 2), answer("P|zz", "2"))
    raws.park(ledger, raws.store_raw(ledger, "in", CN, "push", "x", b"junk"), "no XML")
    assert codes(ledger) == ["parked-raw", "parked-receipt", "conflict"]
    (parked,) = (found for found in audit(ledger, STATES) if found.code == "parked-raw")
    (row,) = raws.parked_heads(ledger)
    assert parked.message_en.endswith(f"raw ids {row.id}")
    assert parked.message_zh.endswith(f"编号 {row.id}")
    assert (row.authority, row.channel, row.reason) == (CN, "push", "no XML")
    assert codes(ledger, claim_seconds=-1)[0] == "old-claim"
    assert audit(ledger, STATES, claim_seconds=-1)[0].severity == ERROR


def test_a_fingerprint_forgets_ids_guids_and_times_but_nothing_else(ledger: Ledger, ident: int) -> None:
    second = cases.shipment(ledger, "M2", ["x1", "x2"])
    first = fingerprint(ledger, ident)
    assert first["counts"] == {"document": 3, "parcel": 3, "message": 1, "conversion": 0, "application": 0, "fault": 0,
                               "event": 1}  # fmt: skip
    assert first["document"][0][:4] == (CN, ORDER, "P|o1", 1)
    assert fingerprint(ledger, second) != first
    record(ledger, ident, "captured", actor="a rerun")
    assert fingerprint(ledger, ident) == first
    for change in (
        lambda: parcels.set_parcel_states(ledger, ident, {1: ("held", "X")}),
        lambda: arrive(ledger, answer("P|o1", "2")),
        lambda: faults.replace_faults(ledger, ident, "clean", frame("A-1")),
        lambda: record(ledger, ident, "arrived"),
        lambda: shipments.set_state(ledger, ident, "closed"),
    ):
        before = fingerprint(ledger, ident)
        change()
        assert fingerprint(ledger, ident) != before


def test_the_same_work_twice_has_the_same_fingerprint(ledger: Ledger, tmp_path: object) -> None:
    prints = []
    for waybill in ("M1", "M2"):
        ident = cases.shipment(ledger, waybill, [f"{waybill}-o1"])
        cases.declared(ledger, ident, [f"{waybill}-o1"])
        prints.append(repr(fingerprint(ledger, ident)).replace(waybill, "M"))
    assert prints[0] == prints[1]

"""An import truck and the books, on both databases: declared, released, rejected, returned; supplies; erasure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
import sqlalchemy as sa

from adapters.ledger import Ledger, faults, parcels, shipments
from adapters.ledger.books import accounts, buyers, reading
from adapters.ledger.erasure import Person, erase_person
from adapters.ledger.leases import get_cursor, set_cursor
from adapters.ledger.sealed import Vault
from adapters.ledger.sources import save_snapshot
from adapters.ledger.tables import book_account, book_entry, metadata, parcel
from mappings import clock
from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE
from mappings.errors import ConfigurationError, DataFault
from tasks.imports import give_back, judge, reserve, returned_amounts, settle, settle_bills, try_again
from tasks.imports.showing import guarantee, masked, quota_of, stock
from tasks.imports.supplying import ARRIVAL, adjust_stock, take_in, top_up
from tests.factory import make_batch
from tests.import_factory import DAY, EMS, GUARANTOR, make_import, priced, resident, stated

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
BUYER = resident(5)
STOCK_FILE = (
    "账册编号,备案料号,数量,单位\nT4404W000001,ITEM95,50,件\nT4404W000001,ITEM69,1,件\nT4404W000001,ITEM85,50,件\n"
)


def opened(ledger: Ledger, batch: Batch, waybill: str = "M1") -> tuple[int, Batch]:
    """A shipment with the parcels of a judged batch."""
    judged = judge(batch, DAY)
    ident, _ = shipments.open_shipment(ledger, "AGENT", waybill, {"driver": {"name": ""}})
    parcels.sync_parcels(ledger, ident, parcels.rows_of(judged))
    return ident, judged


def rich(ledger: Ledger) -> None:
    assert top_up(ledger, GUARANTOR, Decimal(100_000), "letter 1", "amy", AT)


def ids(ledger: Ledger, ident: int) -> dict[int, int]:
    with ledger.read() as tx:
        query = sa.select(parcel.c.seq, parcel.c.id).where(parcel.c.shipment_id == ident)
        return {row.seq: row.id for row in tx.execute(query)}


def of(shown: tuple[pd.DataFrame, pd.DataFrame], *names: str) -> list[list[str]]:
    return shown[0][list(names)].to_numpy().tolist()


def spent(ledger: Ledger, number: str = BUYER) -> list[list[str]]:
    return of(quota_of(ledger, number, DAY), "year", "reserved", "taken", "free")


def test_a_buyers_year_in_one_truck_and_the_next(ledger: Ledger) -> None:
    rich(ledger)
    ident, batch = opened(ledger, priced(make_import(3, lines=1, buyers=[BUYER] * 3), 5000, 5000, 4000))
    assert reserve(ledger, ident, batch, AT) == {}
    assert settle(ledger, ident, {1: "released", 2: "released", 3: "released"}, AT) == {"taken": 3}
    other, more = opened(
        ledger, priced(make_import(4, lines=1, seed=2, buyers=[BUYER.lower()] * 4), 5000, 5000, 2500, 2000), "M2"
    )
    assert reserve(ledger, other, more, AT) == {3: "QUO-001"}
    assert spent(ledger) == [["2026", "12000", "14000", "0"]]
    told = faults.faults(ledger, other)
    assert told[["order_no", "code", "value", "other_value", "stage"]].to_numpy().tolist() == [
        [more.parcels["order.order_no"][2], "QUO-001", "26500", "26000", "books"],
    ]  # fmt: skip
    before = entries(ledger)
    assert reserve(ledger, other, more, AT) == {3: "QUO-001"}
    assert entries(ledger) == before
    assert len(faults.faults(ledger, other)) == 1, "told once, though asked twice"


def entries(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.read() as tx:
        assert accounts.unbalanced(tx) == []
        return [tuple(row) for row in tx.execute(sa.select(book_entry).order_by(book_entry.c.id))]


def test_the_year_is_beijings(ledger: Ledger) -> None:
    rich(ledger)
    ident, batch = opened(ledger, priced(make_import(2, lines=1, buyers=[BUYER] * 2), 5000, 5000))
    one, two = batch.select([True, False]), batch.select([False, True])
    assert reserve(ledger, ident, one, datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) == {}
    assert reserve(ledger, ident, two, datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == {}
    assert spent(ledger) == [["2026", "5000", "0", "21000"], ["2027", "5000", "0", "21000"]]
    assert settle(ledger, ident, {1: "released"}, datetime(2027, 1, 5, tzinfo=UTC)) == {"taken": 1}
    give_back(ledger, [ids(ledger, ident)[1]], "return 1", None, datetime(2027, 1, 6, tzinfo=UTC))
    assert spent(ledger)[0] == ["2026", "0", "0", "26000"], "given back to the year it was taken of"


def test_no_number_stands_in_the_books(ledger: Ledger) -> None:
    rich(ledger)
    ident, batch = opened(ledger, make_import(2, lines=1, buyers=[BUYER, resident(6)]))
    reserve(ledger, ident, batch, AT)
    with ledger.read() as tx:
        rows = [tuple(row) for t in (book_account, book_entry) for row in tx.execute(sa.select(t))]
    assert BUYER not in repr(rows) and BUYER[6:14] not in repr(rows)
    assert len({row[2] for row in rows if row[1] == "quota"}) == 2
    shown = quota_of(ledger, BUYER, DAY)
    assert BUYER not in shown[0].to_csv() + shown[1].to_csv()
    assert shown[0]["buyer"].tolist() == [f"***{BUYER[-4:]}"]
    assert (masked("123"), masked("")) == ("***", "***")


def test_states_take_and_give_back(ledger: Ledger) -> None:
    rich(ledger)
    batch = priced(make_import(5, lines=1, buyers=[BUYER] * 5), 100, 200, 300, 400, 500)
    ident, batch = opened(ledger, batch)
    reserve(ledger, ident, batch, AT)
    states = {1: "declared", 2: "released", 3: "rejected", 4: "excluded", 5: "released"}
    assert settle(ledger, ident, states, AT) == {"taken": 2, "freed": 4}
    assert spent(ledger) == [["2026", "100", "700", "25200"]]
    assert settle(ledger, ident, states, AT) == {}
    assert settle(ledger, ident, {**states, 5: "returned", 2: "cancelled"}, AT) == {"returned": 2, "freed": 2}
    assert spent(ledger) == [["2026", "100", "0", "25900"]]
    assert settle(ledger, ident, {1: "declared"}, AT) == {}
    again = batch.select(batch.parcels["parcel.seq"] == 3)
    assert reserve(ledger, ident, again, AT) == {}
    assert spent(ledger) == [["2026", "400", "0", "25600"]]
    with pytest.raises(ConfigurationError, match="does not know the parcel state"):
        settle(ledger, ident, {1: "vanished"}, AT)


def test_a_partial_return_and_the_state_after_it(ledger: Ledger) -> None:
    rich(ledger)
    take_in(ledger, "stock.csv", STOCK_FILE.encode(), "amy", AT)
    batch = priced(make_import(1, lines=1, buyers=[BUYER], ems_no=EMS), 300)
    texts = {"line.hs_code": "9503008900", "line.item_record_no": "ITEM95"}
    lines = batch.lines.assign(**texts, **{"line.quantity": pd.Series([3 * SCALE], dtype="Int64")})
    ident, batch = opened(ledger, stated(replace(batch, lines=lines)))
    assert reserve(ledger, ident, batch, AT) == {}
    assert of(stock(ledger, EMS, "ITEM95"), "total", "reserved", "taken", "free") == [["50", "3", "0", "47"]]
    settle(ledger, ident, {1: "released"}, AT)
    by_seq = ids(ledger, ident)
    back = returned_amounts(batch, {(1, 1): SCALE}, by_seq)
    for _ in range(2):
        assert give_back(ledger, list(by_seq.values()), "R1", back, AT) == []
        assert settle(ledger, ident, {1: "returned"}, AT) == {}
    assert spent(ledger) == [["2026", "0", "200", "25800"]]
    assert of(stock(ledger, EMS, "ITEM95"), "reserved", "taken", "free") == [["0", "2", "48"]]
    due = int(batch.parcels["parcel.tax_total"][0])
    assert of(guarantee(ledger, GUARANTOR), "reserved") == [[f"{(due - due // 3) / SCALE:g}"]]
    told = stock(ledger, EMS, "ITEM95")[1]
    assert told["en"].tolist() == ["in", "reserved at declaring", "out", "returned"]
    assert told["zh"].tolist()[0] == "入库"
    assert told["application"].tolist()[3] == "R1"


def test_a_guarantee_that_is_used_up_or_not_there_holds_the_parcel(ledger: Ledger) -> None:
    ident, batch = opened(ledger, priced(make_import(3, lines=1), 410, 410, 410))
    assert reserve(ledger, ident, batch, AT) == dict.fromkeys((1, 2, 3), "GUA-002")
    top_up(ledger, GUARANTOR, Decimal("80"), "letter 1", "amy", AT)
    refused = reserve(ledger, ident, batch, AT)
    assert refused == {3: "GUA-001"}
    assert faults.faults(ledger, ident)[["code", "value", "other_value"]].to_numpy().tolist() == [
        ["GUA-001", "37.31", "5.38"],
    ]  # fmt: skip
    parcels.set_parcel_states(ledger, ident, dict.fromkeys((1, 2), ("declared", "")))
    parcels.set_parcel_states(ledger, ident, {seq: ("held", code) for seq, code in refused.items()})
    assert top_up(ledger, GUARANTOR, Decimal("80"), "letter 2", "amy", AT)
    assert not top_up(ledger, GUARANTOR, Decimal("80"), "letter 2", "amy", AT)
    assert try_again(ledger, ident) == {3}
    assert try_again(ledger, ident) == set()
    assert reserve(ledger, ident, batch.select(batch.parcels["parcel.seq"] == 3), AT) == {}
    assert len(faults.faults(ledger, ident)) == 0
    by_seq = ids(ledger, ident)
    bills = {by_seq[1]: ("T1", 3731 * 1000), by_seq[2]: ("T2", 4000 * 1000)}
    assert settle_bills(ledger, bills, "1", AT) == []
    assert of(guarantee(ledger), "reserved", "taken") == [["111.93", "0"]]
    assert settle_bills(ledger, bills, "2", AT) == []
    assert of(guarantee(ledger), "total", "reserved", "taken", "free") == [["160", "37.31", "77.31", "45.38"]]
    settle_bills(ledger, {by_seq[2]: bills[by_seq[2]]}, "3", AT)
    assert of(guarantee(ledger), "taken") == [["37.31"]]
    for wrong in (("", "1", "x"), (GUARANTOR, "0", "x"), (GUARANTOR, "1", "")):
        with pytest.raises(DataFault):
            top_up(ledger, wrong[0], Decimal(wrong[1]), wrong[2], "amy", AT)


def test_warehouse_stock_by_item_record(ledger: Ledger) -> None:
    rich(ledger)
    batch = make_import(3, lines=2, ems_no=EMS, regime="1210")
    ident, batch = opened(ledger, batch)
    assert set(reserve(ledger, ident, batch, AT).values()) == {"STK-002"}
    take_in(ledger, "stock.csv", STOCK_FILE.encode(), "amy", AT)
    refused = reserve(ledger, ident, batch, AT)
    wanted = batch.lines[batch.lines["line.item_record_no"] == "ITEM69"].groupby("parcel")["line.quantity"].sum()
    assert refused == {int(n) + 1: "STK-001" for n in wanted.index if wanted[n] > SCALE}
    assert refused, "the seed has a parcel with more than one piece of the scarce item"
    (seq, _), *_ = refused.items()
    value = faults.faults(ledger, ident)[["value", "other_value"]].to_numpy().tolist()[0]
    assert value == ["ITEM69", f"{wanted[seq - 1] // SCALE} > 1"]
    assert adjust_stock(ledger, EMS, "ITEM69", "H87", Decimal(40), "stocktake", "amy", AT)
    assert reserve(ledger, ident, batch, AT) == {}
    sums = batch.lines.groupby("line.item_record_no")["line.quantity"].sum() // SCALE
    shown = dict(of(stock(ledger, EMS), "item_record_no", "reserved"))
    assert {item: int(n) for item, n in shown.items() if n != "0"} == sums.to_dict()
    other = batch.lines.assign(**{"line.unit": "KGM"})
    assert set(reserve(ledger, ident, replace(batch, lines=other), AT).values()) == {"STK-003"}


def test_a_stock_file_goes_in_once_or_says_all_that_is_wrong(ledger: Ledger) -> None:
    body = STOCK_FILE.encode("gb18030")
    assert take_in(ledger, "stock.csv", body, "amy", AT).rows == 3
    assert take_in(ledger, "stock.csv", body, "amy", AT).rows == 0
    assert len(take_in(ledger, "stock.csv", body, "amy", AT).faults) == 0
    head = "item record,QUANTITY,Unit,account book,remark\n"
    bad = (
        head
        + "\nA,1.000001,H87,E\nB,-1,H87,E\n,x,furlong,E\nC,1,H87,\nITEM95,1,KGM,T4404W000001\nD,1,H87,E\nD,1,H87,E\n"
    )
    found = take_in(ledger, "bad.csv", bad.encode(), "amy", AT)
    assert found.rows == 0
    assert found.faults[["row", "code"]].to_numpy().tolist() == [
        [3, "STK-011"], [4, "STK-011"], [5, "STK-012"], [5, "STK-011"], [5, "STK-014"], [6, "STK-012"],
        [7, "STK-015"], [7, "STK-013"], [9, "STK-013"],
    ]  # fmt: skip
    assert of(stock(ledger, "E"), "total") == []
    assert take_in(ledger, "in.csv", (head + "ITEM95,7,H87,T4404W000001\n").encode(), "amy", AT, ARRIVAL).rows == 1
    assert of(stock(ledger, EMS, "ITEM95"), "total") == [["57"]]
    assert take_in(ledger, "none.csv", "数量\n1\n".encode(), "amy", AT).faults["value"].tolist() == [
        "账册编号 ems_no", "账册备案料号 item_record_no", "单位 unit",
    ]  # fmt: skip
    with pytest.raises(DataFault, match="neither UTF-8 nor GB 18030"):
        take_in(ledger, "x.csv", b"\xff\xff", "amy", AT)


def test_many_refusals_are_each_told(ledger: Ledger) -> None:
    take_in(ledger, "stock.csv", STOCK_FILE.encode(), "amy", AT)
    top_up(ledger, GUARANTOR, Decimal(1), "letter", "amy", AT)
    batch = priced(make_import(40, lines=1, buyers=[BUYER] * 40, ems_no=EMS), *[3000] * 40)
    ident, batch = opened(ledger, batch)
    refused = reserve(ledger, ident, batch, AT)
    assert refused == dict.fromkeys(range(1, 41), "GUA-001")
    top_up(ledger, GUARANTOR, Decimal(10**6), "letter 2", "amy", AT)
    refused = reserve(ledger, ident, batch, AT)
    assert set(refused.values()) == {"QUO-001", "STK-001"}
    told = faults.faults(ledger, ident)
    orders = batch.parcels.set_index("order.order_no")["parcel.seq"]
    assert {int(orders[o]): c for o, c in zip(told["order_no"], told["code"], strict=True)} == refused
    assert len(told) == len(refused)


def test_an_export_needs_no_books(ledger: Ledger) -> None:
    assert reserve(ledger, 1, make_batch(2), AT) == {}
    assert settle(ledger, 1, {1: "declared"}, AT) == {}


def test_taxes_are_computed_where_nobody_has(ledger: Ledger) -> None:
    rich(ledger)
    batch = priced(make_import(1, lines=1), 410)
    ident, _ = opened(ledger, batch)
    assert reserve(ledger, ident, batch, AT) == {}
    assert of(guarantee(ledger), "reserved") == [["37.31"]]


def test_other_rates_change_no_content(ledger: Ledger) -> None:
    ident, judged = opened(ledger, make_import(2))
    lines = judged.lines.assign(**{"line.tax_vat": judged.lines["line.tax_vat"] + 1})
    heads = judged.parcels.assign(**{"parcel.tax_total": judged.parcels["parcel.tax_total"] + 1})
    again = parcels.sync_parcels(ledger, ident, parcels.rows_of(replace(judged, lines=lines, parcels=heads)))
    assert (len(again.unchanged), again.changed) == (2, [])
    said = judged.parcels.assign(**{"order.tax_total": judged.parcels["order.tax_total"] + 1})
    assert len(parcels.sync_parcels(ledger, ident, parcels.rows_of(replace(judged, parcels=said))).changed) == 2


def test_erasing_a_person_cuts_the_thread_and_keeps_the_books(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(AT).variable())
    rich(ledger)
    batch = make_import(2, lines=1, buyers=[BUYER, resident(6)])
    ident, batch = opened(ledger, batch)
    export = replace(batch, truck=make_batch(1).truck)
    save_snapshot(ledger, ident, "matched", export.to_bytes())
    reserve(ledger, ident, batch, AT)
    settle(ledger, ident, {1: "released", 2: "released"}, AT)
    shipments.set_state(ledger, ident, "closed")
    before = entries(ledger)
    later = AT + timedelta(days=4 * 366)
    monkeypatch.setenv(clock.VARIABLE, clock.starting(later).variable())
    assert erase_person(ledger, "amy", Person(name="Test Buyer 1")).shipments == [ident]
    assert spent(ledger) == []
    assert len(spent(ledger, resident(6))) == 1, "the other buyer's stays"
    assert entries(ledger) == before
    assert {a.key.holder[:7] for a in reading.balances(ledger, "quota")} > {"erased-"}
    give_back(ledger, list(ids(ledger, ident).values()), "late return", None, later)
    assert [a.taken for a in reading.balances(ledger, "quota")] == [0, 0]
    with ledger.begin() as tx:
        assert accounts.unbalanced(tx) == []
        assert buyers.forget(tx, ident, [batch.parcels["order.order_no"][0]], later) == 0


def test_this_years_quota_is_not_forgotten(ledger: Ledger) -> None:
    rich(ledger)
    ident, batch = opened(ledger, make_import(1, lines=1, buyers=[BUYER]))
    reserve(ledger, ident, batch, AT)
    assert buyers.forget(ledger, ident, batch.parcels["order.order_no"], AT) == 0
    assert len(spent(ledger)) == 1


def test_a_lost_key_is_noticed_before_anything_is_reserved(ledger: Ledger) -> None:
    rich(ledger)
    ident, batch = opened(ledger, make_import(1, lines=1))
    reserve(ledger, ident, batch, AT)
    set_cursor(ledger, "books", "buyers", "made by another key")
    with pytest.raises(ConfigurationError, match="restore that line"):
        reserve(ledger, ident, batch, AT)
    assert get_cursor(ledger, "books", "buyers") == "made by another key"


def test_a_pseudonym_survives_a_new_key_and_not_another_vault() -> None:
    old, new = bytes(32), bytes([1]) * 32
    assert Vault([old]).pseudonym(BUYER) == Vault([new, old]).pseudonym(BUYER)
    assert Vault([old]).pseudonym(BUYER) != Vault([new]).pseudonym(BUYER)
    assert len(Vault([old]).pseudonym(BUYER)) == 64


def test_a_damaged_account_is_found(ledger: Ledger) -> None:
    rich(ledger)
    with ledger.begin() as tx:
        assert accounts.unbalanced(tx) == []
        tx.execute(sa.update(book_account).values(reserved=-1))
        assert [why for _, why in accounts.unbalanced(tx)] == ["sum", "negative"]
        tx.execute(metadata.tables["book_entry"].delete())
        assert len(accounts.unbalanced(tx)) == 2

"""An authority's words on a screen: they help, and name nobody."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from adapters.ledger import open_ledger, sources
from mappings import faults
from tasks.clearing.batches import BATCH
from tasks.reporting.faults import MASK, explained, screen_table, sender_csv
from tasks.reporting.people import names, people
from tests.unit.customs import prepared

WORDS = "[Code:1313;Desc:收件人 李样本 Ada Sample 电话 13900000001 与订单不符]"


def said(order: str = "A1", stage: str = "authority:cn_ecommerce") -> pd.DataFrame:
    return faults.frame([{"code": "AUT-OTHER", "order_no": order, "value": WORDS, "stage": stage}])


def parcels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order.order_no": ["A1", "B1", "C1"],
            "waybill.consignee_name": ["Ada Sample", "李样本", ""],
            "waybill.consignee_phone": ["13900000001", "139", "1"],
            "waybill.consignee_address": ["Ada Sample, 1 Sample Street", "", ""],
            "payment.payer_name": ["李样本", None, ""],
            "waybill.pieces": [1, 2, 3],
        }
    )


def test_the_names_of_an_order_are_its_own_the_longest_first() -> None:
    found = names(parcels(), {"A1", "C1", "nobody"})
    assert found == {"A1": ["Ada Sample, 1 Sample Street", "13900000001", "Ada Sample", "李样本"], "C1": []}


def test_an_authority_s_words_are_shown_without_them() -> None:
    known = names(parcels(), {"A1"})
    shown = explained(said(), people=known)[0]
    for told in (str(shown), str(screen_table(said(), people=known))):
        assert MASK in told
        assert not any(name in told for name in ("Ada", "李样本", "13900000001"))
    assert "*" not in str(screen_table(said(), people=known)), "Prefect reads a cell as Markdown"
    assert "1313" in shown["message_en"]
    assert "与订单不符" in shown["message_zh"]
    assert "Ada Sample" in explained(said(), clear=True, people=known)[0]["value"]
    assert "李样本" in sender_csv(said()).decode("utf-8-sig")


def test_another_order_s_words_stay() -> None:
    assert explained(said("B1"), people=names(parcels(), {"A1"}))[0]["value"] == WORDS


def test_the_ledger_knows_whom_an_order_names(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ident, batch = prepared(ledger, 2)
    order, name = (batch.parcels[path].iloc[1] for path in ("order.order_no", "waybill.consignee_name"))
    assert name
    assert people(ledger, ident, said(order)) == {}, "nothing was worked up yet"
    sources.save_snapshot(ledger, ident, BATCH, batch.to_bytes())
    known = people(ledger, ident, said(order))
    assert list(known) == [order]
    assert name in known[order]
    assert people(ledger, ident, said(order, stage="clean")) == {}
    ledger.close()

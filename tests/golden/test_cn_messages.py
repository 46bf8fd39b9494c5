"""Golden pairs: a tiny fixed truck and the very bytes of every message it gives China Customs.

A change here is a change of what an authority receives. To accept one: TONGGUAN_GOLDEN=write pytest tests/golden.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mappings.canonical.batch import Batch
from mappings.identity import seeded
from tasks.conversion.declare import declarations
from tasks.conversion.lists import listing
from tasks.conversion.messages import Making, OutMessage
from tests.factory import START, make_batch

HERE = Path(__file__).parent / "cn_ecommerce"
WRITE = os.environ.get("TONGGUAN_GOLDEN") == "write"
TYPES = ("CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message")
LISTS = ("CEB607Message", "CEB507Message", "CEB509Message")


def tiny() -> Batch:
    """Three parcels, two lines each, with what is awkward among their values."""
    batch = make_batch(3, 2, seed=7)
    lines, parcels = batch.lines, batch.parcels
    lines.loc[0, "line.item_name"] = "T-light <50%> \"A&B\" '\U00020bb7' 全角０１"
    lines.loc[1, "line.quantity"] = 1
    parcels.loc[1, "waybill.big_bag_no"] = ""
    parcels.loc[2, "order.order_no"] = "000TEST7"
    return batch


def messages() -> list[OutMessage]:
    making = Making(seeded(7), START)
    return declarations(tiny(), making) + [m for kind in LISTS for m in listing(tiny(), kind, making, START)]


@pytest.mark.parametrize("message", messages(), ids=lambda m: f"{m.type}-{m.seq}")
def test_message_is_as_it_was(message: OutMessage) -> None:
    path = HERE / f"{message.type}-{message.seq}.xml"
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(message.body)
    assert path.is_file(), f"{path.name} is missing: TONGGUAN_GOLDEN=write makes it"
    assert message.body.decode() == path.read_bytes().decode()


def test_documents_are_as_they_were() -> None:
    """Who signs, what counts as whose key: one line a document."""
    lines = [
        "\t".join([m.type, m.owner_role, d.business_key, str(d.parcel_seq), str(d.attempt), d.app_type, str(d.lists)])
        for m in messages()
        for d in m.documents
    ]
    path = HERE / "documents.tsv"
    if WRITE:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "\n".join(lines) + "\n" == path.read_text(encoding="utf-8")


def test_every_golden_file_has_its_message() -> None:
    assert {p.stem for p in HERE.glob("*.xml")} == {f"{m.type}-{m.seq}" for m in messages()}

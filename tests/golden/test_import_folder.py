"""A golden folder: the files of a small import truck as companies send them, and the very bytes of every message of it.

A change here is a change of what an authority receives. To accept one: TONGGUAN_GOLDEN=write pytest tests/golden. The
files were made by `deployments.demo_import` and stay as they are: other layouts or values are another folder. The taxes
that their orders state are those of the shipped table of rates, but for one order that is wrong on purpose: WRONG_TAX.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from mappings.canonical.batch import Batch
from mappings.engine import schema
from mappings.identity import seeded
from mappings.imports import rates
from tasks import dryrun, matching
from tasks.conversion.declare import declarations, parcel_types, reports
from tasks.conversion.lists import list_types, listing
from tasks.conversion.messages import Making, OutMessage
from tasks.imports import judge

HERE = Path(__file__).parent
WRITE = os.environ.get("TONGGUAN_GOLDEN") == "write"
FOLDERS = ("import_9610", "import_1210")
WRONG_TAX = "{regime}0007000000"  # its stated taxes leave out what falls on the freight: it waits, and is told so
DAY = date(2026, 11, 23)
SIGNATURE = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>'


def messages(batch: Batch) -> list[OutMessage]:
    """All messages of the ready parcels, at the planned arrival, as the dry run makes them."""
    ready, at = batch.ready(), batch.truck.planned.arrival_at_yard
    making = Making(seeded(7), at)
    lists = [m for kind in list_types(batch.truck) for m in listing(ready, kind, making)]
    return declarations(ready, making) + lists + declarations(ready, making, reports(batch.truck))


def judged(folder: str) -> Batch:
    """The folder's parcels as intake has them: matched, and judged by the table of rates that ships."""
    return judge(matching.prepare(HERE / folder / "files"), DAY, rates.shipped())


def told(batch: Batch) -> str:
    """States and faults of the folder, one line each; no fault here has a person's value in it."""
    columns = ("order.order_no", "parcel.state", "parcel.reason")
    lines = ["\t".join(row) for row in zip(*(batch.parcels[c].tolist() for c in columns), strict=True)]
    names = ("order_no", "code", "field", "value", "other_value", "file", "row", "column", "other_place")
    lines += ["\t".join(map(str, row)) for row in zip(*(batch.faults[n].tolist() for n in names), strict=True)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folder_gives_the_same_messages(folder: str) -> None:
    batch = judged(folder)
    made = messages(batch)
    assert list(dict.fromkeys(m.type for m in made))[:4] == list(parcel_types(batch.truck))
    for message in made:
        path = HERE / folder / "messages" / f"{message.type}-{message.seq}.xml"
        if WRITE:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(message.body)
        assert message.body.decode() == path.read_bytes().decode(), message.type
        root = etree.fromstring(message.body)
        root.append(etree.fromstring(SIGNATURE))  # the signature comes with the sealing
        schema.validator(message.type).assertValid(root)
    kept = {path.stem for path in (HERE / folder / "messages").glob("*.xml")}
    assert kept == {f"{m.type}-{m.seq}" for m in made}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folder_is_judged_the_same(folder: str) -> None:
    found = told(judged(folder))
    path = HERE / folder / "told.tsv"
    if WRITE:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_stated_taxes_are_those_of_the_shipped_table_but_for_the_one_that_is_wrong_on_purpose(folder: str) -> None:
    batch = judged(folder)
    stated, ours = batch.parcels["order.tax_total"], batch.parcels["parcel.tax_total"]
    wrong = batch.parcels["order.order_no"][(stated != ours).to_numpy()].tolist()
    assert wrong == ["SP" + WRONG_TAX.format(regime=folder.removeprefix("import_"))]
    taxed = batch.faults[batch.faults["code"].str.startswith("TAX-")]
    assert list(zip(taxed["code"], taxed["order_no"], strict=True)) == [("TAX-001", wrong[0])]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_dry_run_of_the_folder_judges_it_and_writes_every_type(folder: str, tmp_path: Path) -> None:
    run = dryrun.dry_run(HERE / folder / "files", tmp_path)
    assert told(run.batch) == (HERE / folder / "told.tsv").read_text("utf-8")
    # no delivery (513) is planned: it is told when it has happened
    assert {file.type for file in run.files} | {"CEB513Message"} == {
        path.stem[:13] for path in (HERE / folder / "messages").glob("*.xml")
    }

"""A golden folder: the files of a small import truck as companies send them, and the very bytes of every message of it.

A change here is a change of what an authority receives. To accept one: TONGGUAN_GOLDEN=write pytest tests/golden. The
files were made by `deployments.demo_import` and stay as they are: other layouts or values are another folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from mappings.canonical.batch import Batch
from mappings.engine import schema
from mappings.identity import seeded
from tasks import dryrun, matching
from tasks.conversion.declare import declarations, parcel_types, reports
from tasks.conversion.lists import list_types, listing
from tasks.conversion.messages import Making, OutMessage

HERE = Path(__file__).parent
WRITE = os.environ.get("TONGGUAN_GOLDEN") == "write"
FOLDERS = ("import_9610", "import_1210")
SIGNATURE = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>'


def messages(batch: Batch) -> list[OutMessage]:
    """All messages of the ready parcels, at the planned arrival, as the dry run makes them."""
    ready, at = batch.ready(), batch.truck.planned.arrival_at_yard
    making = Making(seeded(7), at)
    lists = [m for kind in list_types(batch.truck) for m in listing(ready, kind, making)]
    return declarations(ready, making) + lists + declarations(ready, making, reports(batch.truck))


def told(batch: Batch) -> str:
    """States and faults of the folder, one line each; no fault here has a person's value in it."""
    columns = ("order.order_no", "parcel.state", "parcel.reason")
    lines = ["\t".join(row) for row in zip(*(batch.parcels[c].tolist() for c in columns), strict=True)]
    names = ("order_no", "code", "field", "value", "other_value", "file", "row", "column", "other_place")
    lines += ["\t".join(map(str, row)) for row in zip(*(batch.faults[n].tolist() for n in names), strict=True)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folder_gives_the_same_messages(folder: str) -> None:
    batch = matching.prepare(HERE / folder / "files")
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
    found = told(matching.prepare(HERE / folder / "files"))
    path = HERE / folder / "told.tsv"
    if WRITE:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_dry_run_of_the_folder_judges_it_and_writes_every_type(folder: str, tmp_path: Path) -> None:
    """Its buyers are possible people; where its stated taxes are not ours, the parcel waits and is told so."""
    run = dryrun.dry_run(HERE / folder / "files", tmp_path)
    assert not [code for code in run.batch.faults["code"] if code.startswith("BUY-")]
    states = dict(zip(run.batch.parcels["order.order_no"], run.batch.parcels["parcel.state"], strict=True))
    untaxed = set(run.batch.faults.query("code == 'TAX-001'")["order_no"])
    for line in (HERE / folder / "told.tsv").read_text("utf-8").splitlines()[: len(states)]:
        order, state, _ = line.split("\t")
        assert states[order] == ("held" if state == "ready" and order in untaxed else state)
    # no delivery (513) is planned: it is told when it has happened
    assert {file.type for file in run.files} | {"CEB513Message"} == {
        path.stem[:13] for path in (HERE / folder / "messages").glob("*.xml")
    }

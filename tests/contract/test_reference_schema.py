"""What we write, held against a schema made from the shared reference alone; and our message files against its rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from lxml import etree

from deployments.demo_import import make_import
from deployments.demo_import_files import write
from mappings import applications
from mappings.canonical.batch import Batch
from mappings.canonical.columns import SCALE
from mappings.engine import spec
from mappings.engine.spec import Field
from mappings.identity import seeded
from tasks.applications.messages import Applied, written
from tasks.conversion.declare import declarations
from tasks.conversion.fit import hold_misfits
from tasks.conversion.lists import listing
from tasks.conversion.messages import Making, OutMessage
from tasks.matching import prepare
from tasks.submission.seal import as_signed
from tests.contract import reference
from tests.factory import START, make_batch
from tests.golden import test_import_folder as imports

HERE = reference.REFERENCE
pytestmark = pytest.mark.skipif(not HERE.is_dir(), reason="the shared reference is not beside this repository")
SUMMARY = "CEB701Message"  # its inventories come out of a ledger: tests/unit/test_applications_summary.py
LISTS = ("CEB607Message", "CEB507Message", "CEB509Message")
TRUCK = HERE.parents[1] / "data" / "export_truck"
TYPES = spec.all_types("cn_ecommerce")


def every_message(batch: Batch) -> list[OutMessage]:
    making = Making(seeded(1), START)
    lists = [m for kind in LISTS for m in listing(batch, kind, making, START)]
    return declarations(batch, making) + lists


def assert_valid(messages: list[OutMessage]) -> None:
    """Each as it leaves: with an element for its signature, which some types may not be without."""
    for message in messages:
        validator = reference.validator(message.type)
        assert validator.validate(etree.fromstring(as_signed(message.type, message.body))), (
            message.type,
            validator.error_log.last_error,
        )


def test_made_up_truck_passes() -> None:
    messages = every_message(make_batch(250, 2.5))
    assert [m.type for m in messages].count("CEB603Message") == 3
    assert_valid(messages)


@pytest.mark.skipif(not TRUCK.is_dir(), reason="the real truck is not beside this repository")
def test_real_truck_passes() -> None:
    making = Making(seeded(1), START)
    ready = hold_misfits(prepare(TRUCK), making).ready()
    assert len(ready.parcels) > 1000
    assert_valid(every_message(ready))


@pytest.mark.parametrize("folder", imports.FOLDERS)
def test_import_messages_pass(folder: str) -> None:
    made = imports.messages(prepare(Path(imports.__file__).parent / folder / "files"))
    bonded = folder.endswith("1210")
    sent = {311, 411, 511, 513, 621} | (set() if bonded else {711})
    assert {m.type for m in made} == {f"CEB{number}Message" for number in sent}
    assert_valid(made)


@pytest.mark.parametrize("regime", ["9610", "1210"])
def test_an_import_of_several_messages_passes(regime: str, tmp_path: Path) -> None:
    ready = prepare(write(make_import(120, regime), tmp_path)).ready()
    made = declarations(ready, Making(seeded(1), START))
    assert [m.type for m in made].count("CEB621Message") == 2
    assert_valid(made)


def applied(kind: str, direction: str) -> list[OutMessage]:
    """An application for two parcels, the first line of each, as the stage writes it."""
    folder = Path(imports.__file__).parent / "import_9610" / "files"
    batch = prepare(folder).ready() if direction == "import" else make_batch(3, 2)
    seqs = batch.parcels["parcel.seq"].tolist()[:2]
    asked = pd.DataFrame({
        "seq": seqs, "number": ["C0000000000001-1", "C0000000000002-1"], "attempt": [1, 1],
        "reason": ["订购人退货"] * 2, "invt_no": ["57882026I000000001", "57882026I000000002"],
        "detail": [{}, {"location": "A01"}],
    })  # fmt: skip
    lines = pd.DataFrame([(seq, 1, SCALE) for seq in seqs], columns=["seq", "gnum", "quantity"])
    return written(Applied(batch, applications.rule(kind, direction), asked, lines), seeded(1), START)


APPLICATIONS = {
    "CEB605Message": partial(applied, "cancel", "export"), "CEB623Message": partial(applied, "cancel", "import"),
    "CEB213Message": partial(applied, "return", "export"), "CEB625Message": partial(applied, "return", "import"),
    "CEB215Message": partial(applied, "tally", "export"),
}  # fmt: skip


@pytest.mark.parametrize("message_type", APPLICATIONS)
def test_applications_pass(message_type: str) -> None:
    made = APPLICATIONS[message_type]()
    assert {m.type for m in made} == {message_type}
    assert sum(len(m.documents) for m in made) == 2
    assert_valid(made)


def test_no_type_that_we_fill_escapes_the_reference() -> None:
    """The types above are all that a message file fills from canonical data."""
    exports = {m.type for m in every_message(make_batch(1, 1))}
    folders = {
        p.stem[:13] for folder in imports.FOLDERS for p in (Path(imports.__file__).parent / folder).rglob("*.xml")
    }
    assert exports | folders | set(APPLICATIONS) | {SUMMARY} == {t for t in TYPES if spec.load(t).direction == "send"}


def test_schema_of_the_reference_refuses_what_is_wrong() -> None:
    """The judge must be able to say no: order, length, a missing element, an unknown attribute's length."""
    good = every_message(make_batch(1, 1))[0].body
    for wrong in (
        good.replace(b"<ceb:orderType>E</ceb:orderType>", b""),
        good.replace(b"<ceb:orderType>E<", b"<ceb:orderType>EE<"),
        good.replace(b'version="1.0"', b""),
        good.replace(b"<ceb:appStatus>2</ceb:appStatus><ceb:orderType>E</ceb:orderType>",
                     b"<ceb:orderType>E</ceb:orderType><ceb:appStatus>2</ceb:appStatus>"),
    ):  # fmt: skip
        assert wrong != good
        assert not reference.validator("CEB303Message").validate(etree.fromstring(wrong))
    assert reference.validator("CEB303Message").validate(etree.fromstring(good))


def ours(message_type: str) -> list[tuple[str, str, str, str]]:
    """Segment, tag, type and use of every field, in our order; a group's type is how often it occurs."""
    message = spec.load(message_type)
    found = [(message.type, tag, occurs(message, tag), "") for tag in message.root]
    for segment in message.segments.values():
        found += [(segment.tag, item.tag, item.notation, item.use) for item in segment.fields]
        found += [(segment.tag, tag, occurs(message, tag), "") for tag in segment.contains]
    return found


def occurs(message: spec.MessageSpec, tag: str) -> str:
    segment = message.segments[tag]
    return f"{segment.least}..{'*' if segment.most is None else segment.most}"


def theirs(message_type: str) -> list[tuple[str, str, str, str]]:
    """The same of the reference."""
    found = []
    for segment, rows in reference.messages()[message_type].items():
        for row in rows:
            if row.type == "group":
                found.append((segment, row.field, f"{row.least}..{'*' if row.most is None else row.most}", ""))
            elif row.type != "any" and not row.field.startswith("@"):
                found.append((segment, row.field, row.notation, row.use))
    return found


def test_all_types_of_the_reference_are_ours() -> None:
    assert sorted(reference.messages()) == sorted(TYPES)


@pytest.mark.parametrize("message_type", TYPES)
def test_attributes_are_the_reference_s(message_type: str) -> None:
    rows = reference.messages()[message_type][message_type]
    assert [r.field[1:] for r in rows if r.field.startswith("@")] == list(spec.load(message_type).attributes)


@pytest.mark.parametrize("message_type", TYPES)
def test_order_is_the_reference_s(message_type: str) -> None:
    mine, reference_ = ours(message_type), theirs(message_type)
    for segment in {s for s, *_ in reference_}:
        assert [t for s, t, *_ in mine if s == segment] == [t for s, t, *_ in reference_ if s == segment], segment
    assert {s for s, *_ in mine} == {s for s, *_ in reference_}


@pytest.mark.parametrize("message_type", TYPES)
def test_types_and_use_are_the_reference_s_but_where_sources_differ(message_type: str) -> None:
    known = reference.contradictions()
    theirs_by_place = {(s, t): rest for s, t, *rest in theirs(message_type)}
    for segment, tag, *rest in ours(message_type):
        if rest != theirs_by_place[segment, tag]:
            where = (message_type, tag)
            assert where in known, (segment, tag, rest, theirs_by_place[segment, tag])
            notation, use = rest
            row = known[where]
            assert notation in (row["pdf_format"].replace("18..20", "..20"), row["xsd_format"]), (segment, tag)
            assert (use == "M") in (row["pdf_required"] == "是", row["xsd_minOccurs"] == "1"), (segment, tag)


@pytest.mark.parametrize("message_type", TYPES)
def test_every_difference_between_sources_is_noted(message_type: str) -> None:
    noted = {(segment.tag, item.tag): item.differs for segment, item in spec.load(message_type).walk()}
    for (message, tag), row in reference.contradictions().items():
        if message == message_type and row["kind"] == "differs":
            assert noted[row["segment"], tag], f"{message} {tag}: the message file does not say that sources differ"


def test_notation_is_read_as_written() -> None:
    assert Field("x", "N", 19, False, 5, "M").notation == "N19,5"
    assert Field("x", "C", 4, True, None, "M").notation == "C4"
    assert Field("x", "C", 4, False, None, "M").notation == "C..4"

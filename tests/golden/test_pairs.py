"""A golden pair of every message type: a tiny made-up message as XML, and as `tongguan convert` makes JSON of it.

A change here changes what a message type is. To accept one: TONGGUAN_GOLDEN=write pytest tests/golden.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mappings.engine import reader, schema, sheets, spec, structured, tree
from tests.golden.samples import sample

HERE = Path(__file__).parent / "pairs"
WRITE = os.environ.get("TONGGUAN_GOLDEN") == "write"
TYPES = spec.all_types()


def pair(message_type: str) -> tuple[Path, Path]:
    path = HERE / spec.load(message_type).authority / f"{message_type}.xml"
    return path, path.with_suffix(".json")


@pytest.mark.parametrize("message_type", TYPES)
def test_pair_is_as_it_was(message_type: str) -> None:
    xml, text = pair(message_type)
    if WRITE:
        made = sample(message_type)
        xml.parent.mkdir(parents=True, exist_ok=True)
        xml.write_bytes(tree.write(made))
        text.write_bytes(structured.dumps(made))
    assert xml.is_file() and text.is_file(), f"{xml.name} is missing: TONGGUAN_GOLDEN=write makes the pair"
    read = tree.read(xml.read_bytes())
    assert structured.dumps(read).decode() == text.read_text("utf-8")
    assert tree.write(structured.loads(text.read_bytes())) == xml.read_bytes()
    assert tree.write(sheets.loads(sheets.dumps(read))) == xml.read_bytes()


@pytest.mark.parametrize("message_type", TYPES)
def test_pair_is_valid_and_full(message_type: str) -> None:
    """No fault by schema or code list, every element there, and the columns that the engine's other reader finds."""
    data = pair(message_type)[0].read_bytes()
    read = tree.read(data)
    assert not tree.check(read), [m.problem.message_en for m in tree.check(read)]
    assert not read.dropped
    reading = reader.read(data)
    for segment, item in read.spec.walk():
        column = reading.groups[segment.tag][item.tag]
        assert column == [row.values.get(item.tag, "") for row in read.rows[segment.tag]]
        assert any(item.tag in row.values for row in read.rows[segment.tag]), f"{segment.tag}/{item.tag} never stands"
    signed = any(s.signature and s.least for s in read.spec.segments.values())
    assert schema.validator(message_type).validate(reader.parse(data)) != signed


def test_every_file_has_its_type() -> None:
    wanted = {path for t in TYPES for path in pair(t)}
    assert set(HERE.rglob("*.*")) == wanted

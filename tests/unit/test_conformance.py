"""The table of conformance: no cell without a fact or a reason, and its facts are found, not claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments import conformance, docs
from mappings.engine import spec

TYPES = spec.all_types()


@pytest.mark.parametrize("message_type", TYPES)
def test_no_cell_is_empty(message_type: str) -> None:
    for column, cell in conformance.row(message_type).items():
        assert cell.zh and cell.en, (message_type, column)
    assert conformance.cell(message_type, "schema").there
    assert conformance.cell(message_type, "golden").there


def test_the_facts_of_the_export_are_found() -> None:
    for number in (303, 403, 505, 603, 607, 507, 509):
        row = conformance.row(f"CEB{number}Message")
        assert all(row[c].there for c in ("written", "schema", "flow", "golden", "sandbox")), number
        receipt = spec.load(f"CEB{number}Message").receipt
        assert all(conformance.cell(receipt, c).there for c in ("read", "flow", "golden", "sandbox")), receipt
    assert conformance.cell("CEB303Message", "written").mark == "✓"
    assert conformance.cell("CEB304Message", "written").mark == "○"


def test_reasons_are_known_and_about_known_types() -> None:
    given = conformance._reasons()
    named = {reason for columns in given["types"].values() for reason in columns.values()}
    named |= {reason for by_direction in given["default"].values() for reason in by_direction.values()}
    assert named == set(given["reasons"]), "a reason that nothing uses, or one that is not there"
    assert all(set(reason) - {"works"} == {"zh", "en"} for reason in given["reasons"].values())
    assert set(given["types"]) <= set(TYPES)
    assert all(set(columns) <= set(conformance.COLUMNS) for columns in given["types"].values())


def test_a_type_named_only_in_an_explanation_is_no_fact(tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text('"""Of CEB1."""\nx = "a"\n"also explains"\ny = {"b": f"c{x}"}\n')
    assert sorted(conformance._strings(program)) == ["a", "b", "c"]
    assert conformance._TYPE.findall("see CEB303Message, HKRoadACI and CEB3Message") == ["CEB303Message", "HKRoadACI"]


def test_the_page_has_a_row_a_type() -> None:
    page = docs.conformance_page()
    for name in TYPES:
        assert f"[{name}](messages/{name}.md)" in page
    assert "|  |" not in page
    assert docs.pages()[docs.ROOT / "docs/conformance.md"] == page

"""Generated pages: current in this tree, told when they are not, and written again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from deployments import docs
from deployments.cli import app
from mappings import faults
from mappings.engine import spec


def test_every_fault_message_and_authority_has_its_place() -> None:
    pages = {file.name: text for file, text in docs.pages().items()}
    assert all(f"| {code} |" in pages["faults.md"] for code in faults.table())
    assert {f"{kind}.md" for kind in spec.all_types()} <= set(pages)
    assert "## cn_ecommerce" in pages["authorities.md"]
    assert "unverified" in pages["authorities.md"]


def test_what_is_not_current_is_told_and_then_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "adapters").symlink_to(docs.ROOT / "adapters")
    (tmp_path / "docs/messages").mkdir(parents=True)
    (tmp_path / "docs/messages/Gone.md").write_text("of a message that there is no longer")
    (tmp_path / "README.md").write_text(f"a\n{docs.BEGIN}\nold\n{docs.END}\nz\n")
    (tmp_path / "README.zh.md").write_text("no table here\n")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    assert docs.main(["--check"]) == 1
    told = capsys.readouterr().out
    assert "docs/faults.md" in told
    assert "Gone.md" in told
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    assert not (tmp_path / "docs/messages/Gone.md").exists()
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("a\n")
    assert readme.endswith("\nz\n")
    assert "China Customs" in readme
    assert (tmp_path / "README.zh.md").read_text() == "no table here\n"


def test_a_table_escapes_what_would_break_it() -> None:
    assert docs.table(["a|b"], [["1\n2"]]) == "| a\\|b |\n| --- |\n| 1 2 |"


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_names_every_command(name: str) -> None:
    rows = [line for line in (docs.ROOT / name).read_text("utf-8").splitlines() if line.startswith("| `tongguan ")]
    named = set(re.findall(r"[a-z]+(?:-[a-z]+)*", " ".join(row.split("|")[1] for row in rows)))
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) <= named

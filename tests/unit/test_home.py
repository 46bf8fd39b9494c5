"""The home folder's settings: defaults, what is wrong with them, and who may read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from adapters import home as homes
from mappings import clock
from mappings.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TONGGUAN_LEDGER", raising=False)


def settings(folder: Path, text: str) -> Path:
    (folder / homes.SETTINGS).write_text(text, encoding="utf-8")
    return folder


def test_without_settings_everything_has_its_default(tmp_path: Path) -> None:
    assert homes.read(tmp_path / "none") == homes.Home(tmp_path / "none")
    assert homes.read(settings(tmp_path, "")) == homes.Home(tmp_path)
    assert homes.Home(tmp_path).mode == "sandbox"


def test_what_is_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    made = homes.Home(
        tmp_path / "a" / "b", "live", {"cn_ecommerce": "https://c.example"}, "sqlite:///x", "cards:provider",
        tmp_path / "profiles", tmp_path / "收件",
    )  # fmt: skip
    homes.write(made)
    assert homes.read(made.path) == made
    assert stat.S_IMODE((made.path / homes.SETTINGS).stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    homes.write(homes.Home(made.path))
    assert homes.read(made.path) == homes.Home(made.path)
    assert [p.name for p in made.path.iterdir()] == [homes.SETTINGS]


def test_the_folder_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path / "here"))
    assert homes.folder() == tmp_path / "here"
    assert homes.read().path == tmp_path / "here"
    monkeypatch.setenv(homes.VARIABLE, "")
    assert homes.folder() == Path.home() / ".tongguan"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(homes.VARIABLE, "relative")
    assert homes.folder() == tmp_path / "relative"


def test_the_ledger_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGGUAN_LEDGER", "sqlite:///e")
    assert homes.read(tmp_path).ledger == "sqlite:///e"
    assert homes.read(settings(tmp_path, "ledger: sqlite:///f")).ledger == "sqlite:///f"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mode: production", "production"),
        ("colour: red\nmood: good", "colour, mood"),
        ("[1, 2]", "not a mapping"),
        ("just words", "not a mapping"),
        ("mode: [", "cannot be read"),
        ("authorities: [a, b]", "authorities"),
        ("authorities: {cn_ecommerce: 5}", "authorities"),
        ("authorities: {cn_ecommerce: [a]}", "authorities"),
        ("inbox: {a: b}", "inbox"),
        ("ledger: 5", "ledger"),
        ("keys: [x]", "keys"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        homes.read(settings(tmp_path, text))


def test_empty_settings_are_none_at_all(tmp_path: Path) -> None:
    assert homes.read(settings(tmp_path, "authorities:\ninbox:\nkeys:\nmode:\n")) == homes.Home(tmp_path)


def test_settings_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / homes.SETTINGS).write_bytes(b"\xff\xfe\x00mode")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        homes.read(tmp_path)

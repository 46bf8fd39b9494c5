"""What an installation knows of itself: its mode, what runs, its tokens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapters import home as homes
from deployments import settings, up
from mappings import clock
from mappings.errors import ConfigurationError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path))
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    return tmp_path


def test_live_must_be_asked_for_by_name(home: Path) -> None:
    assert settings.installation().mode == "sandbox"
    with pytest.raises(ConfigurationError, match="sandbox"):
        settings.installation(live=True)
    (home / homes.SETTINGS).write_text("mode: live\n")
    with pytest.raises(ConfigurationError, match="--live"):
        settings.installation()
    assert settings.installation(live=True).mode == "live"


def test_a_live_installation_refuses_a_clock_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, clock.starting(clock.now(), 60.0).variable())
    assert settings.installation().mode == "sandbox"
    (home / homes.SETTINGS).write_text("mode: live\n")
    with pytest.raises(ConfigurationError, match=f"unset {clock.VARIABLE}"):
        settings.installation(live=True)


def test_what_runs_is_known_until_its_process_ends(home: Path) -> None:
    assert settings.running(home) is None
    now = settings.Running(os.getpid(), "sandbox", "http://p", "http://g", {"cn_ecommerce": "http://c"}, "")
    now.write(home)
    assert settings.running(home) == now
    assert now.api == "http://p/api"
    settings.Running(2**22 + 5, "sandbox", "http://p", "http://g").write(home)
    assert settings.running(home) is None
    (home / settings.RUNNING).write_text("{")
    assert settings.running(home) is None


def test_the_clock_of_what_runs_is_shared(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "")
    monkeypatch.delenv(clock.VARIABLE)
    settings.share_clock(None)
    assert clock.VARIABLE not in os.environ
    settings.share_clock(settings.Running(1, "sandbox", "", "", {}, "2026-11-23T08:00:00+08:00@2@0"))
    assert os.environ[clock.VARIABLE].startswith("2026-11-23")
    monkeypatch.delenv(clock.VARIABLE)


def test_tokens_stay_and_only_their_owner_reads_them(home: Path) -> None:
    made = settings.tokens(home)
    assert made == settings.tokens(home)
    assert made["api"] != made["push"]
    assert (home / settings.TOKENS).stat().st_mode & 0o777 == 0o600


def test_nothing_leaves_the_machine(home: Path) -> None:
    environment = up.prefect_environment(home, "http://127.0.0.1:1")
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert environment["DO_NOT_TRACK"] == "1"
    assert environment["PREFECT_HOME"] == str(home / "prefect")
    assert environment["PREFECT_API_URL"] == "http://127.0.0.1:1/api"


def test_live_needs_every_address(home: Path) -> None:
    live = homes.Home(home, mode="live", authorities={"cn_ecommerce": "https://customs.example"})
    with pytest.raises(ConfigurationError, match="hk_road"):
        up.addresses(live, {})
    both = homes.Home(
        home, mode="live", authorities={"cn_ecommerce": "https://a.example", "hk_road": "https://b.example"}
    )
    assert up.addresses(both, {}) == both.authorities
    assert up.addresses(homes.Home(home), {"hk_road": 7}) == {"hk_road": "http://127.0.0.1:7"}


def test_it_does_not_start_twice(home: Path) -> None:
    settings.Running(os.getpid(), "sandbox", "http://p", "http://g").write(home)
    with pytest.raises(ConfigurationError, match="runs already"), up.started(homes.read()):
        pass

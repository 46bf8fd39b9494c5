"""The pulse as a process: one beat's trouble is logged and is not the last; a signal ends it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import home as homes
from deployments import pulse
from tasks import office as offices


@pytest.fixture
def _signals() -> Iterator[None]:
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("settings", ["mode: wrong", "ledger: sqlite:////proc/nowhere/ledger.sqlite"])
def test_trouble_is_logged_and_the_next_beat_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: str
) -> None:
    monkeypatch.setenv(homes.VARIABLE, str(tmp_path))
    (tmp_path / homes.SETTINGS).write_text(settings, "utf-8")
    offices.office.cache_clear()
    told: list[str] = []

    class Count(logging.Handler):
        """Ends the pulse by a signal after its third trouble."""

        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())
            if len(told) == 3:
                threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM)).start()

    handler = Count()
    pulse.log.addHandler(handler)
    try:
        pulse.main()
    finally:
        pulse.log.removeHandler(handler)
        offices.office.cache_clear()
    assert len(told) >= 3
    assert len(set(told)) == 1

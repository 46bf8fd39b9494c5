"""The ear: it hears until its pipe is closed, whatever goes wrong; one that died is replaced."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection

import pytest

from deployments import listener
from deployments.listener import Listener
from deployments.pools import FEW
from mappings.errors import AuthorityUnavailable, ConfigurationError
from tasks import office, stages  # Prefect, which they import, sets logging up: before a test listens to it
from tasks.clearing import hearing
from tasks.clearing.pace import Pace


def waits(ours: Connection) -> None:
    """An ear that hears nothing."""
    while not ours.poll(60):
        pass


def test_another_begins_where_it_died_and_it_ends_with_its_pipe(caplog: pytest.LogCaptureFixture) -> None:
    ear = Listener(waits)
    first = ear.pid
    try:
        ear.look()
        assert ear.pid == first, "it is alive"
        os.kill(first, signal.SIGKILL)
        ear.process.join(60)
        ear.look()
        assert ear.process.is_alive()
        assert ear.pid != first
        assert "another begins" in caplog.text
    finally:
        ear.end(30)
    assert ear.process.exitcode == 0


def test_it_goes_on_hearing_after_any_trouble(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    troubles, heard = [ConfigurationError("设置有误 wrong setting"), ZeroDivisionError("secret")], threading.Event()

    def hear(_heard: object, pace: Pace) -> None:
        assert pace.many == FEW
        if not troubles:
            heard.set()
            return
        raise troubles.pop(0)

    monkeypatch.setattr(listener, "hear", hear)
    monkeypatch.setattr(listener, "POLL", 0.01)
    monkeypatch.setattr(os, "setsid", lambda: None)
    ours, theirs = multiprocessing.Pipe()
    thread = threading.Thread(target=listener.listen, args=(theirs,))
    with caplog.at_level(logging.WARNING):
        thread.start()
        assert heard.wait(60)
        ours.close()
        thread.join(60)
    assert not thread.is_alive()
    assert "wrong setting" in caplog.text


def test_an_authority_that_is_not_reached_keeps_nothing_else_from_being_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def not_reached(*_: object) -> None:
        raise AuthorityUnavailable("海关无应答 customs does not answer")

    done: list[str] = []
    monkeypatch.setattr(office, "office", lambda: None)
    monkeypatch.setattr(hearing, "hear", not_reached)
    monkeypatch.setattr(stages, "anything_parked", lambda: done.append("parked") or False)
    monkeypatch.setattr(stages, "offer_room", lambda: done.append("room"))
    listener.hear(done.append)
    assert done == ["海关无应答 customs does not answer", "parked", "room"]
    assert "customs does not answer" in caplog.text

"""The sandbox's file under load: its log is copied beside the work, and who looks on holds nobody up."""

from __future__ import annotations

import shutil
import sqlite3
import threading

import pytest
from starlette.testclient import TestClient

from adapters.sandbox.cn_customs import app, books, checkpoint
from adapters.sandbox.cn_customs.store import Store
from tests.contract import cn_sandbox_company as make

ADD = "INSERT INTO event (at, body) VALUES (?, 'x')"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "customs.sqlite")
    yield store
    store.close()


def add(store: Store, count: int) -> None:
    with store.transaction():
        store.many(ADD, [(n,) for n in range(count)])


def test_the_log_is_copied_and_begins_anew(store, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY", 1000)
    sizes = []
    for _ in range(20):
        add(store, 2000)
        store._checkpoints.wait()
        sizes.append((tmp_path / "customs.sqlite-wal").stat().st_size)
    assert sizes[-1] == sizes[1], "the log does not grow"
    shutil.copy(tmp_path / "customs.sqlite", tmp_path / "copied.sqlite")  # without its log
    with sqlite3.connect(tmp_path / "copied.sqlite") as copied:
        assert copied.execute("SELECT count(*) FROM event").fetchone() == (40_000,)
    copied.close()


def test_a_file_with_few_rows_starts_no_thread(store):
    add(store, 10)
    store._checkpoints.wait()
    assert store._checkpoints._copying is None


def test_nobody_waits_for_a_booking_to_look_on_and_sees_what_is_committed(store):
    add(store, 3)
    seen: list[int] = []
    with store.transaction():
        store.many(ADD, [(9,)])
        looking = threading.Thread(target=lambda: seen.append(len(store.seen("SELECT * FROM event"))))
        looking.start()
        looking.join(5)
        assert seen == [3]
        assert books.health(store)["status"] == "up"
    assert len(store.seen("SELECT * FROM event")) == 4


def test_a_long_message_is_booked_beside_the_event_loop_with_the_same_answer(tmp_path, monkeypatch):
    with make.company(tmp_path, monkeypatch) as company, TestClient(app.build(company.customs)) as http:
        threads, receive = [], company.customs.receive
        monkeypatch.setattr(
            company.customs, "receive", lambda *given: (threads.append(threading.current_thread()), receive(*given))[1]
        )
        codes = []
        for number, at_once in (("O1", app.AT_ONCE), ("O2", 0)):
            monkeypatch.setattr(app, "AT_ONCE", at_once)
            answer = http.post("/dxp/messages", content=company.sealed("CEB303", make.order(number)))
            codes.append(make.code_of(answer.content))
        assert codes == ["0000", "0000"]
        assert threads[0] is not threads[1]

"""Commands about keys and about people's data: filing a signing key, rotating the ledger's, erasing a person."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import select, text, update

from adapters import home as homes
from adapters.keys import store
from adapters.ledger import events, open_ledger, shipments, sources
from adapters.ledger.sealed import KEY_FILE
from adapters.ledger.tables import event, shipment
from deployments.settings import Running
from mappings import clock
from mappings.canonical.batch import Batch
from tasks.clearing.batches import BATCH
from tests.unit import signing
from tests.unit.test_cli import answer, run
from tests.unit.world import captured, home, prefect, truck

__all__ = ["captured", "home", "prefect", "truck"]


@pytest.fixture
def filed(captured: int) -> tuple[str, Path, Path]:
    """A company whose key and certificate lie in the home's folder."""
    folder, company = homes.folder() / "keys", signing.SELLER.code
    signing.rsa_keys(homes.folder(), signing.SELLER)
    return company, store.path(folder, company, "key"), store.path(folder, company, "cert")


def test_a_signing_key_is_filed_listed_and_not_replaced_by_accident(
    filed: tuple[str, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company, key, cert = filed
    mine, theirs = tmp_path / "key.pem", tmp_path / "cert.pem"
    secret = store.read_private(key.read_bytes())
    assert not isinstance(secret, int)
    locked = serialization.BestAvailableEncryption(b"made up")
    mine.write_bytes(secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    theirs.write_bytes(cert.read_bytes())
    given = ("keys", "add", company, "--key", mine, "--cert", theirs)
    assert run(capsys, *given)[0] == 3, "one is here already"
    assert run(capsys, *given, "--replace")[0] == 3, "the key has a passphrase"
    key.unlink()
    cert.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.prompt", lambda *_, **__: "made up")
        told = answer(capsys, *given, "--locked")
    assert told["company"] == company
    assert key.stat().st_mode & 0o077 == 0
    listed = {row["company"]: row for row in answer(capsys, "keys", "list")}
    assert listed[company]["number"] == told["certificate"]
    assert listed[company]["algorithm"] == "rsa-sha1"
    code, out, _ = run(capsys, "keys", "list")
    assert (code, company in out) == (0, True)


def test_a_key_of_another_company_is_refused(filed: tuple[str, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    _, key, cert = filed
    code, _, err = run(capsys, "keys", "add", "91440400MA5NOBODY1", "--key", key, "--cert", cert)
    assert code == 3
    assert "证书不属于该企业" in err


def test_the_ledgers_key_is_rotated_and_what_was_sealed_before_is_read(
    captured: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = answer(capsys, "status")
    old = (homes.folder() / KEY_FILE).read_bytes()
    assert answer(capsys, "keys", "rotate")["keys"] == 2
    assert (homes.folder() / KEY_FILE).read_bytes().endswith(old)
    assert answer(capsys, "status") == before
    assert run(capsys, "keys", "rotate")[0] == 0


def test_no_rotation_under_what_runs(prefect: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import os

    Running(os.getpid(), "sandbox", "", "").write(homes.folder())
    code, _, err = run(capsys, "keys", "rotate")
    assert (code, "tongguan down" in err) == (3, True)


def test_a_persons_words_are_sealed_in_the_ledger_and_older_ones_still_read(captured: int) -> None:
    here = open_ledger(homes.folder())
    shipments.hold(here, captured, "Ada Sample rang", "tester")
    with here.begin() as tx:
        raw = tx.execute(
            text("SELECT held_reason FROM shipment UNION ALL SELECT CAST(detail AS TEXT) FROM event")
        ).all()
        assert not any("Ada" in row[0] for row in raw)
        assert shipments.get(tx, captured).held_reason == "Ada Sample rang"
        assert events.timeline(tx, captured)[-1].detail == {"reason": "Ada Sample rang"}
        tx.execute(text("UPDATE shipment SET held_reason = 'as it was'"))
        tx.execute(text("UPDATE event SET detail = '{\"reason\": \"as it was\"}' WHERE kind = 'held'"))
        assert shipments.get(tx, captured).held_reason == "as it was"
        assert events.timeline(tx, captured)[-1].detail == {"reason": "as it was"}
        tx.execute(update(shipment).values(held_reason=""))
        assert tx.execute(select(shipment.c.held_reason)).scalar() == ""
    here.close()


def test_a_person_is_erased_after_the_keeping_time_and_not_before(
    captured: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = open_ledger(homes.folder())
    batch = Batch.from_bytes(sources.load_snapshot(here, captured, BATCH) or b"")
    row = batch.parcels.iloc[0]
    name, number = row["waybill.consignee_name"], row["waybill.waybill_no"]
    shipments.hold(here, captured, f"{name} rang", "tester")
    assert answer(capsys, "erase", "--waybill", number, "--yes")["kept"] == [captured]
    monkeypatch.setenv(clock.VARIABLE, "2036-11-23T21:30:00+08:00@1e-09@1790000000")
    long_ago = clock.now() - timedelta(days=365 * 5)
    with here.begin() as tx:
        tx.execute(update(shipment).values(closed_at=long_ago))
    monkeypatch.setattr("typer.prompt", lambda *_, **__: name)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert run(capsys, "erase", "--name")[0] == 3, "asked once more, and no"
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    done = answer(capsys, "erase", "--name")
    assert done["shipments"] == [captured]
    assert done["raws"] > 0
    with here.begin() as tx:
        words = json.dumps([r.detail for r in tx.execute(select(event.c.detail))], ensure_ascii=False)
        assert name not in words
        assert shipments.get(tx, captured).held_reason == ""
    left = Batch.from_bytes(sources.load_snapshot(here, captured, BATCH) or b"")
    assert name not in set(left.parcels["waybill.consignee_name"])
    here.close()


def test_nobody_is_nobody(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "erase", "--yes")
    assert (code, "Say whom" in err) == (3, True)


@pytest.mark.parametrize("command", ["list", "add", "rotate"])
def test_help_in_both_languages(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "keys", command, "--help")
    assert code == 0
    assert any("\u4e00" <= c <= "\u9fff" for c in out)

"""The folder channel: whole files or none, both ways; renames, duplicates, a client that says no."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapters.cn_ecommerce import ChinaEcommerce, envelope
from adapters.cn_ecommerce.channels.folder import Folder
from adapters.cn_ecommerce.channels.settings import FolderSettings
from adapters.ledger import Ledger
from mappings import clock
from mappings.errors import AuthorityRejected, AuthorityUnavailable, OutcomeUnknown
from tasks.receipts.receive import receive
from tests.unit.customs import quick, receipt

DXP = "DXPENT0000000001"
KEY = {"ebpCode": "P", "ebcCode": "S", "orderNo": "O1"}
GUID = "4C8B9BD0-0E46-4BD2-9F4F-7E2B2F7F8D10"
ORDER = (
    f'<ceb:CEB303Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" guid="{GUID}"><ceb:BaseTransfer>'
    f"<ceb:dxpId>{DXP}</ceb:dxpId></ceb:BaseTransfer></ceb:CEB303Message>"
).encode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("send", "sent", "failed", "receive"):
        (tmp_path / DXP / name).mkdir(parents=True)
    return tmp_path / DXP


def channel(place: Path, **more: object) -> Folder:
    given = {"path": f"{place.parent}/{{dxp_id}}", "quiet_seconds": 0, **more}
    return Folder(FolderSettings.model_validate(given), quick(answers_per_poll=3))


def said(status: str) -> bytes:
    return receipt("CEB304Message", [KEY | {"returnStatus": status}])


def names(folder: Path) -> list[str]:
    return sorted(f.name for f in folder.iterdir() if not f.name.startswith("."))


def test_a_message_is_one_file_under_a_name_that_says_what_it_is(place: Path) -> None:
    channel(place).send(ORDER, GUID)
    (file,) = (place / "send").iterdir()
    assert file.name.startswith(f"CEB303Message{GUID}_M20")
    assert file.suffix == ".xml"
    assert file.read_bytes() == ORDER


def test_a_message_in_its_envelope_finds_the_same_folder(place: Path) -> None:
    sealed = envelope.write(ORDER, "CEB303Message", DXP, "R", GUID, clock.now())
    channel(place, envelope="DxpMsg").send(sealed, GUID)
    assert [f.read_bytes() for f in (place / "send").iterdir()] == [sealed]


def test_without_its_folder_nothing_is_sent(place: Path) -> None:
    (place / "send").rmdir()
    with pytest.raises(AuthorityUnavailable):
        channel(place).send(ORDER, GUID)
    with pytest.raises(AuthorityUnavailable):
        channel(place).poll(DXP, "")
    assert names(place) == ["failed", "receive", "sent"], "a share that is gone is not replaced by a folder of ours"


def test_a_file_that_cannot_be_written_is_surely_not_sent(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AuthorityUnavailable, match="No space left"):
        channel(place).send(ORDER, GUID)
    assert list((place / "send").iterdir()) == [], "and no half of it lies there"


def test_a_rename_that_failed_is_an_unknown_outcome(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise OSError(5, "share is gone")

    monkeypatch.setattr(Path, "replace", lost)
    with pytest.raises(OutcomeUnknown):
        channel(place).send(ORDER, GUID)


@pytest.mark.parametrize("left", ["send", "sent"])
def test_a_recovery_finds_the_file_that_it_left(place: Path, left: str) -> None:
    ours = channel(place)
    ours.send(ORDER, GUID)
    (file,) = (place / "send").iterdir()
    file.rename(place / left / f"renamed {file.name}")
    assert ours.send(ORDER, GUID, recovery=True).duplicate
    assert len(names(place / "send")) == (left == "send")


def test_a_recovery_of_what_failed_is_refused_and_of_what_vanished_is_sent_marked(place: Path) -> None:
    ours = channel(place)
    assert not ours.send(ORDER, GUID, recovery=True).duplicate
    (file,) = (place / "send").iterdir()
    assert file.stem.endswith("_R")
    file.rename(place / "failed" / file.name)
    with pytest.raises(AuthorityRejected):
        ours.send(ORDER, GUID, recovery=True)


def test_receipts_stay_until_they_are_stored(place: Path) -> None:
    (place / "receive" / "a.xml").write_bytes(said("2"))
    (place / "receive" / "b.XML").write_bytes(said("120"))
    ours = channel(place)
    assert len(ours.poll(DXP, "").messages) == 2
    page = ours.poll(DXP, "")
    page.stored()
    assert (page.channel, len(page.messages)) == ("folder", 2)
    assert ours.poll(DXP, "").messages == []
    assert names(place / "taken") == ["a.xml", "b.XML"]
    page.stored()  # again: somebody else was faster


def test_a_name_that_comes_twice_keeps_both_files(place: Path) -> None:
    ours = channel(place)
    for status in ("2", "120"):
        (place / "receive" / "same.xml").write_bytes(said(status))
        ours.poll(DXP, "").stored()
    assert names(place / "taken") == ["same.xml", "same~2.xml"]


def test_a_half_written_file_is_never_read(place: Path) -> None:
    whole = said("2")
    half = place / "receive" / "half.xml"
    half.write_bytes(whole[:200])
    for name in (".hidden.xml", "~lock.xml", "x.xml.tmp", "x.part"):
        (place / "receive" / name).write_bytes(whole)
    assert channel(place).poll(DXP, "").messages == []
    assert channel(place, quiet_seconds=60, whole_seconds=0).poll(DXP, "").messages == [], "it changed just now"
    half.write_bytes(whole)
    assert channel(place, quiet_seconds=60).poll(DXP, "").messages == []
    assert channel(place).poll(DXP, "").messages == [whole]


def test_an_old_time_stamp_of_a_file_being_copied_deceives_nobody(place: Path) -> None:
    file = place / "receive" / "copied.xml"
    file.write_bytes(said("2"))
    os.utime(file, (1, 1))
    assert channel(place, quiet_seconds=60).poll(DXP, "").messages == []


def test_what_never_becomes_a_document_is_parked_in_the_end(place: Path, ledger: Ledger) -> None:
    (place / "receive" / "broken.xml").write_bytes(said("2")[:200])
    (place / "receive" / "doctype.xml").write_bytes(b"<!DOCTYPE x><x/>")
    ours = ChinaEcommerce(channel={"kind": "folder", "path": str(place), "quiet_seconds": 0, "whole_seconds": 0})
    done = receive(ledger, ours, [DXP])
    assert (done.raw, len(done.parked)) == (2, 2)
    assert names(place / "taken") == ["broken.xml", "doctype.xml"]


def test_the_same_receipt_under_two_names_is_one(place: Path, ledger: Ledger) -> None:
    body = said("2")
    for name in ("a.xml", "b.xml", "c.xml", "d.xml", "e.xml"):
        (place / "receive" / name).write_bytes(body if name != "e.xml" else said("120"))
    ours = ChinaEcommerce(channel={"kind": "folder", "path": str(place), "quiet_seconds": 0})
    done = receive(ledger, ours, [DXP])
    assert (done.raw, done.receipts) == (2, 2)
    assert names(place / "receive") == []


def test_a_file_in_failed_is_the_refusal_of_its_message(place: Path, ledger: Ledger) -> None:
    ours = ChinaEcommerce(channel={"kind": "folder", "path": str(place), "quiet_seconds": 0})
    ours.send(ORDER, GUID)
    (file,) = (place / "send").iterdir()
    file.rename(place / "failed" / file.name)
    (place / "failed" / "renamed.xml").write_bytes(ORDER)
    page = ours.poll(DXP, "")
    refused = [ours.open(raw) for raw in page.messages]
    assert [(one.kind, one.code, one.cop_msg_id) for one in refused] == [("refusal", "0999", GUID)] * 2
    assert {one.text.split(" ")[0] for one in refused} == {file.name, "renamed.xml"}
    done = receive(ledger, ours, [DXP])
    assert (done.raw, done.receipts, done.parked) == (2, 2, {})
    assert names(place / "failed") == []


def test_the_clients_own_answer_is_taken_where_it_gives_one(place: Path) -> None:
    (place / "failed" / "x.xml").write_bytes(ORDER)
    answer = envelope.refusal("1004", "签名与数据不符", DXP, "CEB303Message", GUID, clock.now())
    (place / "failed" / "x.rep.xml").write_bytes(answer)
    page = channel(place).poll(DXP, "")
    assert page.messages == [answer]
    page.stored()
    assert names(place / "taken") == ["x.rep.xml", "x.xml"]
    (place / "failed" / "odd.xml").write_bytes(b"<nothing/>")
    (raw,) = channel(place).poll(DXP, "").messages
    assert envelope.open_message(raw).cop_msg_id == ""

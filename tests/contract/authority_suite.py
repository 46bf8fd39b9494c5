"""What every authority adapter must keep, junk included: inherit AuthoritySuite and give it your adapter's fixtures."""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.contract import Authority, Opened, OutMessageLike, Profile, ReceiptRow
from adapters.keys.provider import KeyProvider
from mappings import states
from mappings.canonical.model import Party
from mappings.engine import spec
from mappings.errors import AuthorityUnavailable, ConfigurationError, DataFault, OutcomeUnknown, Unsupported
from tests.contract.loopback import Server, closed_port, reply, reset

FILES = {"__init__.py", "profile.yaml", "envelope.py", "signature.py", "wire.py", "receipts.py"}
CAPABILITIES = {"query_by_key", "poll", "push", "change", "cancel"}
JUNK = (
    b"", b" ", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"null", b"{}", b"<", b"<a", b"<a/>", b"<a></b>", b"<?xml",
    b"<?xml version='1.0' encoding='utf-16'?><a/>", b"<?xml version='1.0' encoding='nonsense'?><a/>",
    b"<!DOCTYPE a><a/>", b"<!doctype a [<!ENTITY e 'x'>]><a>&e;</a>", b"<a>&undefined;</a>", b"<a xmlns:b='c' b:d=''/>",
    b"<x>" * 3000, b"\x1f\x8b\x08\x00", "<订单/>".encode(), "<订单/>".encode("gb18030"), b"%PDF-1.4", b"<!-- -->",
)  # fmt: skip


class AuthoritySuite:
    """Fixtures to give: `authority(url)` makes the adapter, `message`, `party`, `keys`, `receipts` (business bytes)."""

    package: ClassVar[str]

    @pytest.fixture
    def server(self) -> Iterator[Server]:
        made = Server()
        yield made
        made.http.shutdown()
        made.http.server_close()

    def authority(self, url: str = "") -> Authority:
        raise NotImplementedError

    @pytest.fixture
    def message(self) -> OutMessageLike:
        raise NotImplementedError

    @pytest.fixture
    def party(self) -> Party:
        raise NotImplementedError

    @pytest.fixture
    def keys(self) -> KeyProvider:
        raise NotImplementedError

    @pytest.fixture
    def receipts(self) -> list[bytes]:
        raise NotImplementedError

    def test_the_same_file_names_as_every_adapter(self) -> None:
        folder = Path(str(importlib.import_module(self.package).__file__)).parent
        assert {path.name for path in folder.iterdir()} >= FILES

    def test_the_profile_says_what_it_is_and_what_nobody_verified(self) -> None:
        profile = self.authority().profile
        assert profile.name == self.authority().name == self.package.rsplit(".", 1)[-1]
        assert re.search(r"[\u4e00-\u9fff]", profile.title_zh)
        assert re.search(r"[A-Za-z]", profile.title_en)
        assert set(profile.capabilities) >= CAPABILITIES
        assert profile.unverified(), "an adapter that nobody ran against the live authority has unverified facts"
        assert all(setting.source for setting in profile.settings.values())
        assert set(profile.unverified()) < set(profile.settings)
        with pytest.raises(ConfigurationError):
            profile.value("no such setting")
        assert profile.value("no such setting", 5) == 5
        assert isinstance(profile, Profile)

    def test_every_message_it_sends_has_a_file_and_states(self) -> None:
        authority = self.authority()
        assert authority.profile.messages
        known = states.document_states(authority.name)
        for type_ in authority.profile.messages:
            assert spec.load(type_).authority == authority.name
            assert type_ in known

    def test_what_is_sealed_can_be_opened(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> None:
        sealed = self.authority().seal(message, party, keys)
        opened = self.authority().open(sealed)
        assert isinstance(opened, Opened)
        assert (opened.kind, opened.type, opened.cop_msg_id) == ("business", message.type, message.guid)

    def test_only_its_own_messages_are_sealed(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> None:
        class Other:
            type, guid, body = "NoSuchMessage", message.guid, message.body

        with pytest.raises(Unsupported):
            self.authority().seal(Other(), party, keys)

    def test_without_an_address_nothing_leaves(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> None:
        authority = self.authority()
        sealed = authority.seal(message, party, keys)
        with pytest.raises(ConfigurationError):
            authority.send(sealed, message.guid)
        with pytest.raises(ConfigurationError):
            authority.poll(party.dxp_id, "")

    def test_nobody_there_is_unavailable(self, message: OutMessageLike, party: Party, keys: KeyProvider) -> None:
        authority = self.authority(f"http://127.0.0.1:{closed_port()}")
        with pytest.raises(AuthorityUnavailable):
            authority.send(authority.seal(message, party, keys), message.guid)
        with pytest.raises(AuthorityUnavailable):
            authority.poll(party.dxp_id, "")

    def test_a_lost_answer_is_unknown_and_not_resent(
        self, server: Server, message: OutMessageLike, party: Party, keys: KeyProvider
    ) -> None:
        server.handle = reset
        authority = self.authority(server.url)
        with pytest.raises(OutcomeUnknown):
            authority.send(authority.seal(message, party, keys), message.guid)
        assert len(server.seen) == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_broken_gateway_is_unknown(
        self, server: Server, message: OutMessageLike, party: Party, keys: KeyProvider, status: int
    ) -> None:
        server.handle = lambda request: reply(request, status, "<html/>")
        authority = self.authority(server.url)
        with pytest.raises(OutcomeUnknown):
            authority.send(authority.seal(message, party, keys), message.guid)
        assert len(server.seen) == 1
        with pytest.raises(AuthorityUnavailable):
            authority.poll(party.dxp_id, "")

    def test_the_same_bytes_are_posted_again_and_marked(
        self, server: Server, message: OutMessageLike, party: Party, keys: KeyProvider
    ) -> None:
        server.handle = reset
        authority = self.authority(server.url)
        sealed = authority.seal(message, party, keys)
        for recovery in (False, True):
            with pytest.raises(OutcomeUnknown):
                authority.send(sealed, message.guid, recovery=recovery)
        (_, first, plain), (_, second, again) = server.seen
        assert plain == again
        assert "X-Tongguan-Recovery" not in first
        assert second["X-Tongguan-Recovery"] == "1"

    def test_it_can_be_asked_just_when_it_says_so(self, server: Server) -> None:
        if not self.authority().profile.capabilities["query_by_key"]:
            with pytest.raises(Unsupported):
                self.authority(server.url).ask(b"")

    @pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
    def test_junk_is_refused_and_never_breaks_it(self, junk: bytes) -> None:
        self._opened(junk)
        self._received(junk)

    def test_damaged_messages_are_refused_or_read(
        self, message: OutMessageLike, party: Party, keys: KeyProvider, receipts: list[bytes]
    ) -> None:
        """Cut, doubled and flipped bytes of real messages: an answer or DataFault, nothing else."""
        source = random.Random(7)
        for whole in (self.authority().seal(message, party, keys), *receipts):
            for damaged in damages(whole, source, 40):
                self._opened(damaged)
                self._received(damaged)

    def test_receipts_are_normalised(self, receipts: list[bytes]) -> None:
        authority = self.authority()
        for business in receipts:
            rows = authority.receipts(business)
            assert rows
            for row in rows:
                self._checked(row, authority)

    def _checked(self, row: ReceiptRow, authority: Authority) -> None:
        assert isinstance(row, ReceiptRow)
        assert row.authority == authority.name
        assert row.business_key or row.cop_msg_id
        assert row.problem or (row.return_time is not None and row.return_time.tzinfo is not None)
        assert row.type in states.document_states(authority.name)
        assert states.rank_table(authority.name).get((row.type, row.status)) is not None

    def _opened(self, raw: bytes) -> None:
        try:
            opened: Any = self.authority().open(raw)
        except (DataFault, Unsupported) as error:
            assert str(error)
        else:
            assert isinstance(opened, Opened)

    def _received(self, business: bytes) -> None:
        try:
            rows: Any = self.authority().receipts(business)
        except (DataFault, Unsupported) as error:
            assert str(error)
        else:
            assert all(isinstance(row, ReceiptRow) for row in rows)


def damages(whole: bytes, source: random.Random, count: int) -> Iterator[bytes]:
    """Variations of a message that some relay might have broken."""
    for _ in range(count):
        at, to = sorted(source.sample(range(len(whole)), 2))
        yield whole[:at]
        yield whole[:at] + whole[to:]
        yield whole[:to] + whole[at:]
        yield whole[:at] + bytes([source.randrange(256)]) + whole[at + 1 :]

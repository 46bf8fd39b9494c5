"""The two alternatives make what they are measured for: valid, signed documents. Nothing is timed."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier

from mappings.engine import schema
from mappings.identity import seeded
from tasks.conversion.declare import declarations
from tasks.conversion.messages import Making, OutMessage
from tests.bench import alternatives
from tests.factory import make_batch
from tests.long import LONG


@pytest.fixture(scope="module")
def messages() -> list[OutMessage]:
    return declarations(make_batch(12, 2.5), Making(seeded(1), datetime(2026, 11, 23, tzinfo=UTC)))


def test_the_loop_stores_a_valid_signed_message_for_every_document(messages: list[OutMessage], tmp_path: Path) -> None:
    cost = alternatives.loop(messages, tmp_path, 5)
    assert cost.parcels == 5
    assert cost.each() > 0
    with sqlite3.connect(tmp_path / "loop.sqlite") as database:
        rows = database.execute("SELECT type, body FROM document").fetchall()
    assert sorted({kind for kind, _ in rows}) == ["CEB303Message", "CEB403Message", "CEB505Message", "CEB603Message"]
    assert len(rows) == 4 * 5
    allowed = SignatureConfiguration(
        signature_methods=frozenset({SignatureMethod.RSA_SHA1}), digest_algorithms=frozenset({DigestAlgorithm.SHA1})
    )
    for kind, body in rows:
        root = etree.fromstring(body)
        certificate = root.findtext(".//{*}X509Certificate")
        assert XMLVerifier().verify(root, x509_cert=certificate, expect_config=allowed).signed_xml is not None
        assert schema.validator(kind, True).validate(root)


def test_values_are_those_of_the_product(messages: list[OutMessage]) -> None:
    parcels = alternatives.parcels_of(messages, 3)
    assert [len(documents) for documents in parcels] == [4, 4, 4]
    order = next(told for told in parcels[0] if told.type == "CEB303Message")
    head = dict(dict(order.content[1])["OrderHead"])
    assert head["guid"] == order.guid == messages[0].documents[0].guid


@LONG  # it starts a Prefect server to run two parcels
@pytest.mark.slow
def test_a_flow_a_parcel_runs_in_prefect(messages: list[OutMessage], tmp_path: Path) -> None:
    cost = alternatives.flow_a_parcel(messages, tmp_path, 2)
    assert cost.parcels == 2
    with sqlite3.connect(tmp_path / "flows.sqlite") as database:
        assert database.execute("SELECT count(*) FROM document").fetchone() == (4 * 3,)  # one to warm up

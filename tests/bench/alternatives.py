"""What a user would otherwise pick, written as one would write it well, for the same documents as ours.

1. a loop: each document a message of its own, built with lxml elements, checked by its schema, signed with signxml,
   inserted; one commit a parcel
2. the same loop inside Prefect: a flow a parcel, a task a document, one local Prefect server

Both start from values that are ready (no files are read, nothing is cleaned or matched) and encrypt nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.testing.utilities import prefect_test_harness
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod, XMLSigner

from mappings.engine import schema, spec
from tasks.conversion.messages import OutMessage

_INSERT = "INSERT INTO document (guid, type, body) VALUES (?, ?, ?)"


@dataclass(frozen=True)
class Told:
    """One document as values: its type, and its segments as (tag, text or children) pairs."""

    type: str
    guid: str
    content: tuple[str, Any]
    sender: tuple[str, Any]


def _values(element: Any) -> tuple[str, Any]:
    tag = etree.QName(element).localname
    return (tag, [_values(child) for child in element] if len(element) else element.text or "")


def parcels_of(messages: Sequence[OutMessage], most: int) -> list[list[Told]]:
    """The documents of the first `most` parcels, as values."""
    found: dict[int, list[Told]] = defaultdict(list)
    for message in messages:
        root, kind = etree.fromstring(message.body), spec.load(message.type)
        said = [child for child in root if etree.QName(child).localname == kind.document]
        sender = next(child for child in root if etree.QName(child).localname == "BaseTransfer")
        for document, element in zip(message.documents, said, strict=True):
            if document.parcel_seq is not None and (document.parcel_seq in found or len(found) < most):
                told = Told(message.type, document.guid, _values(element), _values(sender))
                found[document.parcel_seq].append(told)
    return list(found.values())


class _Sha1Signer(XMLSigner):
    """The interface asks for SHA-1, which signxml refuses unless told."""

    def check_deprecated_methods(self) -> None:
        """Allowed here."""


@dataclass
class Loop:
    """The loop's tools, made once: a key, its certificate, a signer, a database."""

    file: Path
    signer: XMLSigner = field(
        default_factory=lambda: _Sha1Signer(
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=SignatureMethod.RSA_SHA1,
            digest_algorithm=DigestAlgorithm.SHA1,
            c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
        )
    )

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name, start = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")]), datetime(2026, 1, 1, tzinfo=UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        made = made.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=3650))
        self.certificate = made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.database = sqlite3.connect(self.file)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")
        self.database.execute("CREATE TABLE document (id INTEGER PRIMARY KEY, guid, type, body, UNIQUE (guid))")

    def document(self, told: Told) -> bytes:
        """One document as a signed message of its own. Raises ValueError where it does not pass its schema."""
        kind = spec.load(told.type)
        ceb = etree.QName(kind.namespace, told.type)
        root = etree.Element(ceb, nsmap={"ceb": kind.namespace}, guid=told.guid, version=kind.version)
        for name, content in (told.content, told.sender):
            _append(root, kind.namespace, name, content)
        if not schema.validator(told.type, True).validate(root):
            raise ValueError(schema.validator(told.type, True).error_log)
        return etree.tostring(self.signer.sign(root, key=self.key, cert=self.certificate), encoding="utf-8")

    def parcel(self, documents: list[Told]) -> None:
        """Every document of a parcel, stored with one commit."""
        self.store([(told.guid, told.type, self.document(told)) for told in documents])

    def store(self, rows: list[tuple[str, str, bytes]]) -> None:
        """Insert rows and commit."""
        with self.database:
            self.database.executemany(_INSERT, rows)


def _append(parent: Any, namespace: str, name: str, content: Any) -> None:
    element = etree.SubElement(parent, etree.QName(namespace, name))
    if isinstance(content, str):
        element.text = content
        return
    for child, value in content:
        _append(element, namespace, child, value)


@dataclass(frozen=True)
class Cost:
    """How many parcels were done, and the seconds that it took."""

    parcels: int
    cpu: float
    wall: float

    def each(self) -> float:
        """Wall milliseconds a parcel."""
        return 1000 * self.wall / self.parcels


def _timed(parcels: list[list[Told]], one: Callable[[list[Told]], Any]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    for documents in parcels:
        one(documents)
    return Cost(len(parcels), time.process_time() - cpu, time.perf_counter() - wall)


def loop(messages: Sequence[OutMessage], folder: Path, most: int = 200) -> Cost:
    """The loop over the first `most` parcels."""
    parcels, tools = parcels_of(messages, most), Loop(folder / "loop.sqlite")
    tools.document(parcels[0][0])  # warmed up: its schema is compiled
    return _timed(parcels, tools.parcel)


def flow_a_parcel(messages: Sequence[OutMessage], folder: Path, most: int = 10) -> Cost:
    """A Prefect flow for each of the first `most` parcels, against a local Prefect server on SQLite."""
    parcels, tools = parcels_of(messages, most + 1), Loop(folder / "flows.sqlite")

    @task(cache_policy=NO_CACHE)
    def document(number: int, which: int) -> bytes:
        return tools.document(parcels[number][which])

    @flow
    def parcel(number: int) -> None:
        made = [document(number, which) for which in range(len(parcels[number]))]
        tools.store([(t.guid, t.type, body) for t, body in zip(parcels[number], made, strict=True)])

    with prefect_test_harness(server_startup_timeout=60):
        parcel(0)
        numbers = iter(range(1, len(parcels)))
        return _timed(parcels[1:], lambda _: parcel(next(numbers)))

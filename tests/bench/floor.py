"""The floor: what the same bytes cost with the least that can be done. Each part is one cheap loop over known tools.

1. template: one precompiled string template, filled once a document, and the documents joined to messages
2. parse: lxml.fromstring of each message
3. schema: a precompiled XMLSchema over those trees
4. sign: one RSA-2048 signature over each message of 100 documents
5. insert: one bulk insert of all documents into SQLite, on disk
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from mappings.engine import schema, spec
from tasks.conversion.messages import OutMessage
from tests.bench.stopwatch import Rounds

_TEXT = re.compile(r">([^<]+)<")
_INSERT = "INSERT INTO document (guid, type, business_key, attempt, state, body) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Shape:
    """A message as templates and values: the head and foot, and for each document its template and values."""

    type: str
    head: str
    foot: str
    documents: list[tuple[str, tuple[str, ...]]]

    def filled(self) -> bytes:
        """The message's bytes."""
        return "".join([self.head, *[template % values for template, values in self.documents], self.foot]).encode()


def shape(message: OutMessage) -> Shape:
    """The templates and values of a message; documents of the same structure share one template."""
    kind = spec.load(message.type)
    text, start, end = message.body.decode(), f"<{kind.prefix}:{kind.document}>", f"</{kind.prefix}:{kind.document}>"
    first, last = text.index(start), text.rindex(end) + len(end)
    documents = [part + end for part in text[first:last].split(end)[:-1]]
    known: dict[str, str] = {}
    found = []
    for document in documents:
        template = _TEXT.sub(">%s<", document.replace("%", "%%"))
        found.append((known.setdefault(template, template), tuple(_TEXT.findall(document))))
    return Shape(message.type, text[:first], text[last:], found)


def floor(messages: list[OutMessage], folder: Path) -> Callable[[Rounds], None]:
    """One round of the five parts, for the bytes of these messages; the database of each stands in `folder`."""
    shapes = [shape(message) for message in messages]
    key = rsa.generate_private_key(65537, 2048)
    for kind in {message.type for message in messages}:
        schema.validator(kind, True)
    count = [0]

    def once(rounds: Rounds) -> None:
        count[0] += 1
        with rounds.stage("template"):
            bodies = [one.filled() for one in shapes]
        if bodies != [message.body for message in messages]:
            raise ValueError("The floor's bytes are not the product's")
        with rounds.stage("parse"):
            trees = [etree.fromstring(body) for body in bodies]
        with rounds.stage("schema"):
            valid = [schema.validator(m.type, True).validate(t) for m, t in zip(messages, trees, strict=True)]
        if not all(valid):
            raise ValueError("A message does not pass its schema")
        with rounds.stage("sign"):
            for body in bodies:
                key.sign(body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - as the interface asks
        with rounds.stage("insert"):
            _insert(folder / f"floor{count[0]}.sqlite", messages, shapes)

    return once


def _insert(file: Path, messages: list[OutMessage], shapes: list[Shape]) -> None:
    rows = [
        (document.guid, message.type, document.business_key, document.attempt, "prepared", template % values)
        for message, one in zip(messages, shapes, strict=True)
        for document, (template, values) in zip(message.documents, one.documents, strict=True)
    ]
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(
            "CREATE TABLE document (id INTEGER PRIMARY KEY, guid, type, business_key, attempt, state, body, "
            "UNIQUE (type, business_key, attempt))"
        )
        database.executemany(_INSERT, rows)
    database.close()

"""A file is taken into the pool: kept raw in pieces, recognised, read a bounded number of rows at once, then published.

Running it again is harmless: the same bytes are the same file, and one that was left half-way goes on where it stood.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from adapters.ledger import events, pool
from mappings import bounds, clock, faults, profiles
from mappings.errors import ConfigurationError, DataFault
from tasks.capture import recognise
from tasks.capture.captured import Trouble
from tasks.capture.document import Document
from tasks.capture.extract import Rows
from tasks.clearing.alone import held
from tasks.clearing.standing import RECEIVED
from tasks.office import Office
from tasks.pool import keys
from tasks.pool.stream import HEAD, Pieces, Reading, layout_of, streamed
from tasks.reporting.faults import explained

_TRUCKS = ("truck", "waybill")
Key = tuple[str, str] | None
Record = tuple[int, Any, Key]  # row number, record, and what finds it


@dataclass
class Taken:
    """What became of a file: rows read, entries that were there unchanged, its faults, and whom it concerns."""

    file_id: int
    name: str
    new: bool
    rows: int = 0
    unchanged: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    shipments: list[int] = field(default_factory=list)


def take_file(office: Office, path: Path, platform_code: str = "") -> Taken:
    """Take one file into the pool. Raises DataFault, with every fault, where it cannot be used."""
    limits = bounds.pool(clock.now().date(), office.home.profiles)
    digest, size = _digest(path)
    if size == 0:
        raise DataFault(f"{path.name}: 文件为空 the file is empty")
    row, new = pool.open_file(office.ledger, path.name, digest, size, platform_code)
    if row.state == pool.READ:
        return Taken(row.id, row.name, False, row.rows)
    with held(office, f"pool:{row.id}") as mine:
        if not mine:
            raise ConfigurationError(f"{path.name}: 另一进程正在读取。Another process is reading this file.")
        _keep(office, row.id, path, digest, limits["piece_bytes"])
        try:
            return _read(office, Taken(row.id, path.name, new), size, limits)
        except Trouble as trouble:
            fault = {"file": path.name, "stage": "capture", **trouble.fault}
            pool.refuse(office.ledger, row.id, {"counts": {trouble.fault["code"]: 1}, "some": [fault]})
            told = explained(faults.frame([fault]))
            raise DataFault(f"{path.name}: 无法读入 cannot be taken into the pool", [*told]) from trouble


def _digest(path: Path) -> tuple[str, int]:
    made, size = hashlib.sha256(), 0
    for body in _bodies(path, 1 << 20):
        made.update(body)
        size += len(body)
    return made.hexdigest(), size


def _bodies(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while body := file.read(size):
            yield body


def _keep(office: Office, file_id: int, path: Path, digest: str, size: int) -> None:
    """The bytes, raw, before anything reads them. Raises DataFault where they changed meanwhile."""
    made = hashlib.sha256()
    for number, body in enumerate(_bodies(path, size)):
        made.update(body)
        pool.keep_piece(office.ledger, file_id, number, path.name, body)
    if made.hexdigest() != digest:
        pool.drop(office.ledger, file_id)
        raise DataFault(f"{path.name}: 读取时文件仍在变化，请稍后重试 the file changed while it was read: try again")


def _read(office: Office, taken: Taken, size: int, limits: Any) -> Taken:
    fit = _recognised(office, taken, size, limits)
    profile, source = fit.profile, Pieces(office.ledger, taken.file_id)
    pooled = [name for name in profile.tables if name in keys.POOLED]
    wrong = [name for name in profile.tables if name in _TRUCKS] or ([] if pooled else [profile.name])
    if wrong:
        raise Trouble("POOL-003", ", ".join(wrong))
    encoding = _encoding(office, taken.file_id, fit) if streamed(profile) else ""
    pool.describe(
        office.ledger, taken.file_id, kind="+".join(pooled), profile=profile.name, sender=profile.sender
    )  # fmt: skip
    reading = Reading(taken.name, fit, encoding, limits["rows_at_once"])
    _add_all(office, taken, reading, source if streamed(profile) else io.BufferedReader(source).read())
    return _published(office, taken, reading, limits["faults_kept"])


def _recognised(office: Office, taken: Taken, size: int, limits: Any) -> recognise.Fit:
    """Its layout: by its first rows, or, of what cannot be read piece by piece, by all of it. Raises Trouble."""
    known = profiles.profiles(office.home.profiles)
    head = io.BufferedReader(Pieces(office.ledger, taken.file_id)).read(HEAD)
    document = Document(taken.name, head)
    if document.family in ("csv", "json"):
        cut = head[: head.rfind(b"\n") + 1] or head if size > HEAD else head
        try:
            return recognise.recognise(Document(taken.name, cut), [p for p in known if streamed(p)])
        except Trouble:
            if size > limits["whole_bytes"]:
                raise
    if size > limits["whole_bytes"]:
        raise Trouble("POOL-004", str(size), str(limits["whole_bytes"]))
    whole = io.BufferedReader(Pieces(office.ledger, taken.file_id)).read()
    return recognise.recognise(Document(taken.name, whole), known)


def _encoding(office: Office, file_id: int, fit: recognise.Fit) -> str:
    """The first of the profile's encodings in which all bytes make sense. Raises Trouble, the first one's."""
    first: Trouble | None = None
    mark = Document("", pool.piece(office.ledger, file_id, 0)[:8]).bom
    for encoding in dict.fromkeys((mark or fit.encoding or "utf-8", *fit.profile.source.encodings)):
        name = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
        decoder, row, number = codecs.getincrementaldecoder(name)(), 1, 0
        try:
            while body := pool.piece(office.ledger, file_id, number):
                decoder.decode(body)
                row, number = row + body.count(b"\n"), number + 1
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            row += error.object.count(b"\n", 0, error.start)
            first = first or Trouble("CAP-006", encoding, f"第{row}行 / row {row}", row)
        else:
            return name
    raise first or Trouble("CAP-006")


def _add_all(office: Office, taken: Taken, reading: Reading, source: Any) -> None:
    done, layout, waiting = tuple(pool.file(office.ledger, taken.file_id).done), dict[str, Any](), list[Record]()
    before: Rows | None = None
    for rows in reading.rows(source):
        if str(rows.place) not in layout:
            if before is not None:
                _add(office, taken, before, waiting, done)
                waiting = []
            layout = layout_of(rows, layout)
            pool.describe(office.ledger, taken.file_id, layout=layout)
        named = zip(rows.numbers.tolist(), rows.records, keys.of_rows(rows), strict=True)
        some = [*waiting, *((n, record, key) for n, record, key in named if key is not None)]
        tail = _last_run(some)
        _add(office, taken, rows, some[: len(some) - tail], done)
        waiting, before = some[len(some) - tail :], rows
    if before is not None:
        _add(office, taken, before, waiting, done)
    reading.notes += taken.examples
    taken.examples = []


def _last_run(some: list[Record]) -> int:
    """How many rows at the end have one key: they wait for the next rows, so that an order is kept together."""
    run = len(next((list(g) for _, g in groupby(reversed(some), key=lambda r: r[2])), []))
    return run if run < len(some) else 0


def _add(office: Office, taken: Taken, rows: Rows, some: list[Record], done: tuple[int, ...]) -> None:
    """Rows into the ledger, those of one key as one entry; rows up to `done` are there from an earlier try."""
    for number, _, key in some:
        if key is not None and not key[1]:
            taken.examples.append({"code": "POOL-002", "row": number, "value": "", "sheet": rows.sheet})
    news = [record for record in some if (rows.place, record[0]) > done]
    taken.rows += len(some)
    if not news:
        return
    grouped: dict[tuple[str, str], list[list[Any]]] = {}
    for number, record, key in news:
        if key is not None and key[1]:
            grouped.setdefault(key, []).append([number, record])
    secret = office.ledger.vault.pseudonym
    entries = [
        pool.Entry(by, key, secret(_content(rows, found))[:32], [rows.place, found])
        for (by, key), found in grouped.items()
    ]
    file = pool.file(office.ledger, taken.file_id)
    taken.unchanged += pool.add(office.ledger, taken.file_id, file.platform_code, entries, [rows.place, news[-1][0]])


def _content(rows: Rows, found: list[list[Any]]) -> str:
    """What decides whether rows are the same as before: layout and texts, not the number of the row."""
    return orjson.dumps([rows.profile.name, rows.place, rows.headings, [record for _, record in found]]).decode()


def _published(office: Office, taken: Taken, reading: Reading, kept: int) -> Taken:
    notes = [{"file": taken.name, "stage": "capture", **note} for note in reading.notes]
    taken.faults, taken.examples = dict(Counter(str(note["code"]) for note in notes)), notes[:kept]
    told = {"counts": taken.faults, "some": taken.examples}
    with office.ledger.begin() as tx:
        taken.shipments = pool.publish(tx, taken.file_id, told)
        for ident in taken.shipments:  # a delivery to each truck: it is worked up anew, and its pulse sees it
            events.record(tx, ident, RECEIVED, actor="pool", detail={"files": [], "pool": taken.name})
    return taken

"""What conversion hands on to submission."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np

from adapters.cn_ecommerce import profile
from mappings.engine.writer import Written
from mappings.identity import Identities

BATCH_OF = int(profile().value("documents_per_message"))


class OutDocument(NamedTuple):
    """One document of a message. `parcel_seq` is None for a document about the whole truck."""

    guid: str
    business_key: str
    parcel_seq: int | None
    attempt: int = 1
    app_type: str = "1"
    lists: tuple[int, ...] = ()  # parcel.seq of the parcels that a list document names


class Framed(NamedTuple):
    """A body whose documents were seen to pass the schema as they were written, and its frame (writer.Written)."""

    body: bytes
    frame: bytes

    @classmethod
    def of(cls, written: Written) -> Framed | None:
        """What the writer has seen; None where the message must be read whole."""
        return cls(written.body, written.frame) if written.frame else None


@dataclass(frozen=True)
class OutMessage:
    """One message: unsigned canonical XML and the documents in it. `owner_role` says whose key signs it."""

    authority: str
    type: str
    seq: int
    guid: str
    body: bytes
    owner_role: str
    documents: list[OutDocument] = field(default_factory=list)
    framed: Framed | None = field(default=None, repr=False, compare=False)

    @property
    def to_check(self) -> bytes:
        """What of the message must still be read against its schema: all of it, or what holds its documents."""
        return self.framed.frame if self.framed is not None and self.framed.body is self.body else self.body


@dataclass(frozen=True)
class Making:
    """What every message of one conversion shares: identities, the time, and how this time differs from the first.

    `attempts` gives per message type one attempt number a parcel (1 where absent); `app_types` likewise 1 add or
    2 change; `first_seq` the number of the first message of each type; `supplement` counts further lists of a truck.
    """

    identities: Identities
    at: datetime
    batch_of: int = BATCH_OF
    attempts: dict[str, np.ndarray] = field(default_factory=dict)
    app_types: dict[str, np.ndarray] = field(default_factory=dict)
    first_seq: dict[str, int] = field(default_factory=dict)
    supplement: int = 1

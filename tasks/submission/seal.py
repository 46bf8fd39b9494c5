"""Seals messages when they are prepared: signed by the owner's key, in their envelope, as the very bytes to be posted.

So the ledger's raw rows hold exactly what leaves, and a recovery sends the same bytes with the same ids. Nothing is
signed that the message's schema refuses (strict out: DESIGN, promise 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from lxml import etree

from adapters.contract import Authority
from adapters.keys.provider import KeyProvider
from adapters.ledger.preparing import MessageLike, Outgoing
from mappings.canonical.model import Party, Truck
from mappings.engine import explain, schema, spec
from mappings.engine.schema import DS
from mappings.errors import ConfigurationError, DataFault
from tasks.conversion.messages import OutMessage

_NAMED = 5  # faults that the error's text names; all of them are with it


def owner(truck: Truck, role: str) -> Party:
    """The company in that role. Raises ConfigurationError when the truck names none."""
    party = truck.parties.get(role)
    if party is None:
        raise ConfigurationError(f"The truck names no {role} / 车辆资料缺少 {role}")
    return party


class _Reading:
    """A parser's target that keeps nothing: the message is read and checked, and no tree of it is built."""

    def close(self) -> None:
        """Nothing was kept."""


@cache
def _checking(message_type: str) -> etree.XMLParser:
    """Reads our own bytes past the strict schema as they come (a fifth cheaper than a tree that is checked after)."""
    target, known = cast(Any, _Reading()), schema.validator(message_type, True)
    return etree.XMLParser(target=target, schema=known, collect_ids=False, resolve_entities=False)


def as_signed(message_type: str, body: bytes) -> bytes:
    """A message as the schema sees it once it is signed: some types must have a signature, at their end."""
    must = any(segment.signature and segment.least for segment in spec.load(message_type).segments.values())
    if not must:
        return body
    cut, whole = body.rindex(b"</"), memoryview(body)
    return b"".join((whole[:cut], f'<ds:Signature xmlns:ds="{DS}"/>'.encode(), whole[cut:]))


def passes(message: OutMessage) -> bool:
    """Whether a message passes its schema: read is what was not seen to pass as it was written (engine/proof.py).

    With a target nothing is raised: the parser's log is the verdict.
    """
    parser = _checking(message.type)
    etree.fromstring(as_signed(message.type, message.to_check), parser)
    return not len(parser.error_log)


def check(message: OutMessage) -> None:
    """Raises DataFault where a message does not pass its schema, with every element and line (no person's values)."""
    if passes(message):
        return
    found = explain.check(as_signed(message.type, message.body), strict=True)
    named = "; ".join(f"{p.element} (line {p.line} 行): {p.message_zh} / {p.message_en}" for p in found[:_NAMED])
    raise DataFault(
        f"{message.type} {message.seq} does not pass its schema and was not signed 报文未通过格式校验，未签名: {named}",
        [p.as_dict() for p in found],
    )


def seal_messages(
    messages: Sequence[OutMessage], truck: Truck, authority: Authority, keys: KeyProvider
) -> list[Outgoing]:
    """The messages as they will leave, in order, for the ledger's `add_messages`."""
    return [_seal(message, owner(truck, message.owner_role), authority, keys) for message in messages]


def _seal(message: OutMessage, party: Party, authority: Authority, keys: KeyProvider) -> Outgoing:
    check(message)
    sealed = authority.seal(message, party, keys)
    sender = authority.sender(party)
    return Outgoing(cast(MessageLike, message), sealed, message.guid, sender, authority.channel(sender))

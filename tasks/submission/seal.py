"""Seals messages when they are prepared: signed by the owner's key, in their envelope, as the very bytes to be posted.

So the ledger's raw rows hold exactly what leaves, and a recovery sends the same bytes with the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from adapters.contract import Authority
from adapters.keys.provider import KeyProvider
from adapters.ledger.messages import MessageLike, Outgoing
from mappings.canonical.model import Party, Truck
from mappings.errors import ConfigurationError
from tasks.conversion.messages import OutMessage


def owner(truck: Truck, role: str) -> Party:
    """The company in that role. Raises ConfigurationError when the truck names none."""
    party = truck.parties.get(role)
    if party is None:
        raise ConfigurationError(f"The truck names no {role} / 车辆资料缺少 {role}")
    return party


def seal_messages(
    messages: Sequence[OutMessage], truck: Truck, authority: Authority, keys: KeyProvider
) -> list[Outgoing]:
    """The messages as they will leave, in order, for the ledger's `add_messages`."""
    return [_seal(message, owner(truck, message.owner_role), authority, keys) for message in messages]


def _seal(message: OutMessage, party: Party, authority: Authority, keys: KeyProvider) -> Outgoing:
    sealed = authority.seal(message, party, keys)
    return Outgoing(cast(MessageLike, message), sealed, cop_msg_id=message.guid, sender_dxp=authority.sender(party))

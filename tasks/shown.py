"""What Prefect was shown of a shipment last, by digests in the ledger: a run need not show again what has not changed.

Where Prefect has lost it (another database) the sweep shows everything again, as every run does but the pulse's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adapters.ledger import leases
from adapters.ledger.ledger import Ledger

SHOWN = "shown"  # under which the ledger keeps the digests of each shipment


@contextmanager
def of(ledger: Ledger, shipment_id: int, again: bool) -> Iterator[Callable[..., bool]]:
    """Inside the block: whether a thing differs from how it was shown last (always, with `again`); then it is shown.

    It is noted at the end of the block; of one that breaks off all but the last thing that was asked for.
    """
    before = json.loads(leases.get_cursor(ledger, SHOWN, str(shipment_id), "{}"))
    now, asked = dict(before), list[str]()

    def differs(what: str, *content: object) -> bool:
        asked.append(what)
        now[what] = hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]
        return again or now[what] != before.get(what)

    try:
        yield differs
    except BaseException:
        for what in asked[-1:]:
            now.pop(what)
        raise
    finally:
        if now != before:
            leases.set_cursor(ledger, SHOWN, str(shipment_id), json.dumps(now))


def forget(ledger: Ledger, shipment_id: int) -> None:
    """What was shown of a shipment last is not where it is looked for: everything is shown again."""
    leases.set_cursor(ledger, SHOWN, str(shipment_id), "{}")

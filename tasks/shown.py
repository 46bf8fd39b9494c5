"""What Prefect was shown of a shipment last, by digests in the ledger: a run need not show again what has not changed.

Beside them stands which run's page has it, and as which artifacts: what changes is changed there. Where Prefect has
lost it (another database) the sweep shows everything again, as every run does but the pulse's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from adapters.ledger import leases
from adapters.ledger.ledger import Ledger

SHOWN = "shown"  # under which the ledger keeps the digests of each shipment
_PAGE, _RUN = "page", "run"  # beside them: the run whose page it is, and what it has as which artifact


@dataclass
class Shown:
    """What was shown last, and is being shown; `again`: everything is to be."""

    said: dict[str, str]
    page: dict[str, str]
    again: bool = False
    asked: list[str] = field(default_factory=list)

    def differs(self, what: str, *content: object) -> bool:
        """Whether a thing differs from how it was shown last (always, with `again`); then it is shown."""
        before, said = self.said.get(what), json.dumps(content, default=str)
        self.asked.append(what)
        self.said[what] = hashlib.sha256(said.encode()).hexdigest()[:16]
        return self.again or self.said[what] != before

    def artifact(self, what: str, run_id: str) -> str:
        """As which artifact a run's page has it; '' where it has not."""
        return self.page.get(what, "") if run_id and self.page.get(_RUN) == run_id else ""

    def stands(self, what: str, run_id: str, artifact_id: str) -> None:
        """Notes that a run's page has it now, as that artifact."""
        if self.page.get(_RUN) != run_id:
            self.page = {_RUN: run_id}
        self.page[what] = artifact_id


@contextmanager
def of(ledger: Ledger, shipment_id: int, again: bool) -> Iterator[Shown]:
    """What a shipment was shown as; noted at the end of the block.

    Of one that breaks off all is noted but that the last thing that was asked for was shown.
    """
    noted = leases.get_cursor(ledger, SHOWN, str(shipment_id), "{}")
    said: dict[str, Any] = json.loads(noted)
    shown = Shown(said, said.pop(_PAGE, {}), again)
    try:
        yield shown
    except BaseException:
        for what in shown.asked[-1:]:
            shown.said.pop(what)
        raise
    finally:
        now = json.dumps(shown.said | ({_PAGE: shown.page} if shown.page else {}))
        if now != noted:
            leases.set_cursor(ledger, SHOWN, str(shipment_id), now)


def forget(ledger: Ledger, shipment_id: int) -> None:
    """What was shown of a shipment last is not where it is looked for: everything is shown again.

    Where its page has it as which artifacts stays known: if the same run shows it, it is changed there.
    """
    page = json.loads(leases.get_cursor(ledger, SHOWN, str(shipment_id), "{}")).get(_PAGE)
    leases.set_cursor(ledger, SHOWN, str(shipment_id), json.dumps({_PAGE: page} if page else {}))

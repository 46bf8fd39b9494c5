"""Which open shipments a sweep takes on: all of them where no pulse runs, else those that the pulse cannot know of.

A pulse takes on what changes, and the ledger keeps that it has to until a run has shown it. A sweep beside it looks
whether something was left all the same, and whether Prefect still has what it was shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey

from adapters.ledger import leases, shipments
from mappings import clock
from tasks import ears, looks, publishing, stages
from tasks.office import office

PAGE = 100  # artifacts that are asked for together
PATIENCE = 900.0  # real seconds that the pulse may have a change in hand
SWEEP, SEEN = "sweep", "seen"  # under which the ledger keeps since when sweeps have seen what the pulse has in hand


def due() -> list[int]:
    """The shipments that the sweep is to run, oldest first."""
    waiting = stages.open_shipments()
    if not ears.lives(office(), ears.WAKER):
        return waiting
    in_hand = _in_hand()
    quiet = [i for i in waiting if i not in in_hand and not stages.worked_on(i)]
    lost = unknown_to_prefect(quiet)
    return [i for i in quiet if i in lost or _left(i)]


def _in_hand() -> set[int]:
    """Those that the pulse has to look at, but for those that wait for long: in a lane, say, that nobody serves."""
    here, now, touched = office(), clock.now(), stages.touched()
    before = json.loads(leases.get_cursor(here.ledger, SWEEP, SEEN, "{}"))
    seen = {name: before.get(name, now.isoformat()) for rows in touched.values() for name in rows}
    leases.set_cursor(here.ledger, SWEEP, SEEN, json.dumps(seen))
    oldest = now - timedelta(seconds=PATIENCE * clock.clock().speed)
    old = {name for name, since in seen.items() if datetime.fromisoformat(since) < oldest}
    return {shipment_id for shipment_id, rows in touched.items() if not old & rows.keys()}


def _left(shipment_id: int) -> bool:
    """Whether it looks otherwise than at the end of its last run, or something is left to do."""
    try:
        found = looks.look(shipment_id)
    except Exception:  # whatever is wrong with it, its run says so, and the others are swept
        return True
    return found.mark != found.noted or found.left or found.waits_for_time


def unknown_to_prefect(shipment_ids: Sequence[int]) -> set[int]:
    """Those of which Prefect has no summary: it has lost it, or none of their runs has come to its end."""
    ledger = office().ledger
    keys = {i: publishing.key(shipments.get(ledger, i).master_waybill, "summary") for i in shipment_ids}
    known: set[str] = set()
    with get_client(sync_client=True) as client:
        for first in range(0, len(keys), PAGE):
            some = list(keys.values())[first : first + PAGE]
            wanted = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=some))
            known |= {str(one.key) for one in client.read_latest_artifacts(artifact_filter=wanted, limit=PAGE)}
    return {i for i, name in keys.items() if name not in known}

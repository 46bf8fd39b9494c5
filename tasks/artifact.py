"""An artifact as Prefect's API takes it: a page of Markdown or the rows of a table, under the key of its page.

Whoever makes one through Prefect's own client has its server told of it twice: the server itself says that the page has
changed, and the client says that an artifact was created. An event costs the server as much as half an artifact
(decision 0030), so the pages of a shipment are made by these calls alone (Prefect 3.8.8). One that a run has already is
changed where it stands: that is a quarter of the work of a new version, and no event (decision 0032).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson

PATH: Final = "/artifacts/"
ONE: Final = "/artifacts/{id}"
THERE: Final = "/artifacts/filter"
UNSURE: Final = "?"  # in place of an id: one that was to be made, of which nobody knows whether it was
Content = str | list[dict[str, Any]]  # a text in Markdown, or the rows of a table
Call = Callable[[str, str, dict[str, Any]], Any]  # method, path and body of a call: its answer; LookupError for a 404


def put(call: Call, run_id: str, content: Content, key: str, description: str, artifact_id: str) -> str:
    """Makes an artifact of a run, or changes the one that it has as `artifact_id` (UNSURE: it is looked for first).

    Returns its id. One that somebody has deleted is made anew.
    """
    if artifact_id == UNSURE:
        there = call("POST", THERE, asked(key, run_id))
        artifact_id = str(there[0]["id"]) if there else ""
    if artifact_id:
        with suppress(LookupError):
            call("PATCH", ONE.format(id=artifact_id), change(content, description))
            return artifact_id
    return str(call("POST", PATH, body(content, key, description, run_id))["id"])


def body(content: Content, key: str, description: str, run_id: str | None) -> dict[str, Any]:
    """What to send to PATH for a new one of a run (None: of none)."""
    kind = {"key": key, "type": "markdown" if isinstance(content, str) else "table"}
    return kind | change(content, description) | ({"flow_run_id": run_id} if run_id else {})


def asked(key: str, run_id: str) -> dict[str, Any]:
    """What to send to THERE for the newest one of a run under a key."""
    return {
        "artifacts": {"key": {"any_": [key]}, "flow_run_id": {"any_": [run_id]}},
        "sort": "CREATED_DESC",
        "limit": 1,
    }


def change(content: Content, description: str) -> dict[str, Any]:
    """What to send to ONE, where it has another content now."""
    data = content if isinstance(content, str) else orjson.dumps(content).decode()
    return {"description": description, "data": data}

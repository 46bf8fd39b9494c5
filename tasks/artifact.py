"""An artifact as Prefect's API takes it: a page of Markdown or the rows of a table, under the key of its page.

Whoever makes one through Prefect's own client has its server told of it twice: the server itself says that the page has
changed, and the client says that an artifact was created. An event costs the server as much as half an artifact
(decision 0030), so the pages of a shipment are made by this call alone (Prefect 3.8.8).
"""

from __future__ import annotations

from typing import Any, Final

import orjson

PATH: Final = "/artifacts/"


def body(content: str | list[dict[str, Any]], key: str, description: str, run_id: str | None) -> dict[str, Any]:
    """What to send to PATH: a text in Markdown, or the rows of a table, of a run (None: of none)."""
    text = isinstance(content, str)
    return {
        "key": key,
        "type": "markdown" if text else "table",
        "description": description,
        "data": content if text else orjson.dumps(content).decode(),
        **({"flow_run_id": run_id} if run_id else {}),
    }

"""What the admin's calls take and give: JSON."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request, Response

from mappings.errors import DataFault


async def given(request: Request) -> dict[str, Any]:
    """The object in a request. Raises DataFault."""
    try:
        found = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise DataFault("The body is no JSON") from error
    if not isinstance(found, dict):
        raise DataFault("The body is no JSON object")
    return found


def json(content: Any, status: int = 200) -> Response:
    """An answer."""
    return Response(orjson.dumps(content), status, media_type="application/json")

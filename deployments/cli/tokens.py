"""`tongguan tokens`: what opens the gateway."""

from __future__ import annotations

from deployments import settings
from deployments.cli.common import Json, Live, installation, put_json, screen


def tokens(live: Live = False, as_json: Json = False) -> None:
    """The gateway's tokens: `api` for your programs (Authorization: Bearer), `push` for the authority. 网关令牌"""
    made = settings.tokens(installation(live).path)
    if as_json:
        return put_json(made)
    for name, value in made.items():
        screen.print(f"{name}: {value}", highlight=False)
    return None

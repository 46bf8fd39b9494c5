"""`tongguan pages`: where to look."""

from __future__ import annotations

from deployments import settings
from deployments.cli.common import Json, Live, installation, put_json, screen
from deployments.cli.up import show_addresses
from mappings.errors import ConfigurationError


def pages(live: Live = False, as_json: Json = False) -> None:
    """The addresses of what runs: Prefect's UI, the gateway, the sandboxes. 显示各页面地址"""
    now = settings.running(installation(live).path)
    if now is None:
        raise ConfigurationError("服务未运行。Nothing runs: start it with `tongguan up`.")
    if as_json:
        return put_json({"prefect": now.prefect, "gateway": now.gateway, **now.authorities})
    return show_addresses(screen, now)

"""Addresses on a narrow screen stay in one piece, so that they can be clicked and copied."""

from __future__ import annotations

import io

from rich.console import Console

from deployments.cli.up import show_addresses
from deployments.settings import Running


def test_an_address_is_never_broken() -> None:
    screen = Console(file=io.StringIO(), width=24)
    address = "http://127.0.0.1:65535/a/long/address/indeed"
    show_addresses(screen, Running(1, "sandbox", address, address, {"cn_ecommerce": address}))
    assert isinstance(screen.file, io.StringIO)
    lines = screen.file.getvalue().splitlines()
    assert sum(line.endswith((address, f"{address}/docs")) for line in lines) == 3

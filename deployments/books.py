"""The sandboxes' books, for the audit: a second receipt that was no recovery, change or re-declaration is told."""

from __future__ import annotations

import requests

from adapters import home as homes
from adapters.ledger.audit import Finding
from deployments.settings import running


def findings(home: homes.Home) -> list[Finding]:
    """What the books of the sandboxes that run say was received twice; a warning where they are not at hand."""
    if home.mode != "sandbox" or running(home.path) is None:
        return []
    found = []
    for name, address in home.authorities.items():
        try:
            answer = requests.get(f"{address}/admin/books/audit", timeout=(5, 60))
            answer.raise_for_status()
        except requests.RequestException as error:
            zh, en = f"{name} 沙箱账本无法查询，未核对", f"the books of {name} were not at hand: {error}"
            found.append(Finding("books-not-at-hand", "warning", None, zh, en))
            continue
        for twice in answer.json()["second_receipts"]:
            zh = f"{name} 收到重复单证 {twice['type']} {twice['key']}"
            en = f"{name} received {twice['type']} {twice['key']} a second time, not marked as a recovery"
            found.append(Finding("received-twice", "error", None, zh, en))
    return found

"""`tongguan audit`."""

from __future__ import annotations

import typer

from deployments.cli.common import Json, Live, installation, put_json, screen, table
from deployments.errors import NOT_IN_ORDER


def audit(live: Live = False, as_json: Json = False) -> None:
    """Checks that every captured parcel is in exactly one place and nothing was sent twice. 核对账本

    Where a sandbox's books are at hand they are held against the ledger: a second receipt must be a marked recovery, a
    change or a re-declaration. Ends with 1 when something is wrong.
    """
    home = installation(live)
    from deployments import services  # noqa: PLC0415

    found = services.audit(services.office(home))
    wrong = [f for f in found if f.severity == "error"]
    if as_json:
        put_json({"in_order": not wrong, "findings": [f._asdict() for f in found]})
    elif not found:
        screen.print("[green]✓[/] 账本无误。 All is in order.")
    else:
        made = table("核对结果 Findings", "代码 code", "级别 severity", "#货运 shipment", "说明 what")
        for f in found:
            made.add_row(f.code, f.severity, str(f.shipment_id or ""), f"{f.message_zh}\n{f.message_en}")
        screen.print(made)
    if wrong:
        raise typer.Exit(NOT_IN_ORDER)

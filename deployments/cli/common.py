"""What every command shares: options, the two-language panel of an error, tables, and who is asking."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from adapters import home as homes
from deployments import settings
from deployments.errors import as_json, kind_of

screen = Console()
errors = Console(stderr=True)

Live = Annotated[bool, typer.Option("--live", help="The live authorities, not the sandbox. 正式环境")]
Json = Annotated[bool, typer.Option("--json", help="The answer as JSON on standard output. 以 JSON 输出")]
Reference = Annotated[
    str, typer.Argument(metavar="SHIPMENT", help="Its id, master waybill or plate. 编号、总运单号或车牌")
]
Reason = Annotated[
    str,
    typer.Option("--reason", help="Why, for the timeline: no names, no personal data. 原因；请勿填写姓名等个人信息"),
]
PerSender = Annotated[
    bool,
    typer.Option("--per-sender", help="Also faults-ROLE.csv, each with its own faults alone. 另按责任方分别导出"),
]


def installation(live: bool) -> homes.Home:
    """This installation, on the clock of what runs there."""
    home = settings.installation(live)
    settings.share_clock(settings.running(home.path))
    return home


def actor() -> str:
    """Who asks, for the timeline."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def put_json(value: Any) -> None:
    """A value as JSON on standard output, and nothing else there."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


MOST = 20  # faults that an error shows; a file has them all


def told(fault: object) -> str:
    """One fault as a person reads it: code, place, what is wrong and what to do, in both languages."""
    if not isinstance(fault, dict):
        return str(fault)
    where = " / ".join(str(fault[k]) for k in ("file", "sheet", "row", "column") if fault.get(k))
    said = f"{fault['message_zh']} {fault['message_en']}"
    parts = [fault["code"], where, said, f"→ {fault['remedy_zh']} {fault['remedy_en']}"]
    return "".join(c if c.isprintable() else "\ufffd" for c in "  ".join(part for part in parts if part))


def show_error(error: BaseException, as_text: bool = True) -> int:
    """Shows an error in both languages (or as JSON) and returns the exit code that belongs to it."""
    kind = kind_of(error)
    if as_text:
        lines = [escape(str(error))]
        lines += [f"· {escape(told(fault))}" for fault in as_json(error)["faults"][:MOST]]
        errors.print(Panel("\n".join(lines), title=f"{kind.zh} · {kind.en}", border_style="red", title_align="left"))
    else:
        put_json(as_json(error))
    return kind.exit_code


def table(title: str, *columns: str) -> Table:
    """A table with a title and columns; a column that starts with # is a number."""
    made = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        # folded: where words are cut off instead, Chinese texts lose what they say
        made.add_column(column.lstrip("#"), justify="right" if column.startswith("#") else "left", overflow="fold")
    return made

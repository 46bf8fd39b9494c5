"""The `tongguan` command: one small module a command (typer). Exit codes are those of deployments.errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import typer
from sqlalchemy.exc import OperationalError

from deployments.cli import (
    applications,
    audit,
    books,
    clear,
    convert,
    correct,
    erase,
    event,
    hold,
    keys,
    messages,
    pages,
    prepare,
    sandbox,
    scale,
    status,
    take_in,
    tokens,
    up,
    validate,
)  # fmt: skip
from deployments.cli.common import show_error
from deployments.errors import INTERRUPTED, SHOWN, of_machine

HELP = """Tongguan 通关: clears cross-border shipments, from company files to closed.

跨境货物通关：把平台、支付、物流、运输各方文件变为申报，并跟踪到结关。

Start everything with `tongguan up`, then `tongguan clear FOLDER` in another window. The sandbox is the default;
live authorities are asked for by name, with --live. The home folder is TONGGUAN_HOME, or .tongguan in yours.

Exit codes 退出码: 0 done · 1 audit or check found something · 2 wrong usage · 3 set-up · 4 data · 5 refused by the
authority · 6 authority unreachable, nothing sent · 7 outcome unknown · 8 signature · 9 not supported · 10 other ·
130 interrupted.
"""
COMMANDS: dict[str, Callable[..., None]] = {
    "up": up.up, "down": up.down, "clear": clear.clear, "take-in": take_in.take_in, "prepare": prepare.prepare,
    "event": event.event,
    "hold": hold.hold, "resume": hold.resume, "approve": hold.approve, "correct": correct.correct,
    "cancel": applications.cancel, "return": applications.give_back, "summarise": applications.summarise,
    "redeclare": applications.redeclare,
    "status": status.status, "validate": validate.validate,
    "messages": messages.messages, "convert": convert.convert, "audit": audit.audit, "sandbox": sandbox.sandbox,
    "erase": erase.erase, "pages": pages.pages, "tokens": tokens.tokens, "deploy": scale.deploy, "work": scale.worker,
}  # fmt: skip

app = typer.Typer(help=HELP, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(keys.keys, name="keys")
app.add_typer(books.books, name="books")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command. An error that we raise on purpose is shown in both languages, never as a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given, prog_name="tongguan")
    except SHOWN as error:
        if os.environ.get("TONGGUAN_DEBUG"):
            raise
        raise SystemExit(show_error(error, as_text="--json" not in given)) from error
    except (OSError, OperationalError) as error:
        refused = of_machine(error)
        if refused is None or os.environ.get("TONGGUAN_DEBUG"):
            raise
        raise SystemExit(show_error(refused, as_text="--json" not in given)) from error
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None

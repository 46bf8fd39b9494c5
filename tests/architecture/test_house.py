"""The house rules that no linter knows: one clock, no host path, no package index, rooms kept apart."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.contract import load_profile

ROOT = Path(__file__).parents[2]
ROOMS = ("mappings", "adapters", "tasks", "flows", "deployments")
CODE = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
CLOCK = ROOT / "mappings/clock.py"
TELL_TIME = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
             ("time", "time_ns"), ("time", "monotonic"), ("time", "perf_counter"), ("time", "localtime"),
             ("time", "gmtime"), ("Timestamp", "now"), ("Timestamp", "utcnow"), ("func", "now")}  # fmt: skip
# Absolute paths of people's machines, and addresses that a package index or a private network would have.
HOST = re.compile(r"(?<![\w.])/(?:home|Users|work|root)/[\w.-]+|://[\w.-]+/simple\b|--(?:extra-)?index-url[ =]\S")
ALLOWED = ("/home/tongguan",)  # inside the containers of compose.yaml


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    return [file for file in files if file.is_file() and file != Path(__file__)]


def calls(tree: ast.AST) -> list[tuple[str, str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            found.append((name.lstrip("_"), node.attr, node.lineno))
    return found


@pytest.mark.parametrize("file", CODE, ids=lambda f: str(f.relative_to(ROOT)))
def test_only_the_clock_asks_the_system_for_the_time(file: Path) -> None:
    if file == CLOCK:
        return
    asked = [(o, a, line) for o, a, line in calls(ast.parse(file.read_text("utf-8"))) if (o, a) in TELL_TIME]
    assert not asked, f"{file.relative_to(ROOT)} asks the system for the time: {asked}"


def test_the_rule_of_the_clock_sees_what_it_forbids() -> None:
    source = "import datetime as d, time\nd.datetime.now()\ntime.time()\nfrom sqlalchemy import func\nfunc.now()\n"
    assert {(o, a) for o, a, _ in calls(ast.parse(source))} & TELL_TIME == {
        ("datetime", "now"), ("time", "time"), ("func", "now")}  # fmt: skip
    assert calls(ast.parse(CLOCK.read_text("utf-8")))


def test_no_file_names_a_host_path_or_the_package_index() -> None:
    wrong = []
    for file in tracked():
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        wrong += [(str(file.relative_to(ROOT)), m[0]) for m in HOST.finditer(text) if not m[0].startswith(ALLOWED)]
    assert not wrong


@pytest.mark.parametrize(
    "text", ["/home/someone/x", "see /Users/a", "https://index.example/simple", "--index-url https://x"]
)
def test_the_rule_of_the_host_sees_what_it_forbids(text: str) -> None:
    assert HOST.search(text)


def test_the_rooms_keep_their_order() -> None:
    # in a process of its own: import-linter configures logging, and silences every logger that is there already
    order = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    python = [sys.executable, "-c", order]
    told = subprocess.run(python, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize(
    "file", [f for f in CODE if f.name != "__init__.py" or f.stat().st_size], ids=lambda f: str(f.relative_to(ROOT))
)
def test_every_module_says_what_it_is(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), f"{file.relative_to(ROOT)} has no docstring"


def test_no_product_code_checks_input_with_assert() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in CODE
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert not found


@pytest.mark.parametrize("file", sorted((ROOT / "adapters").glob("*/profile.yaml")), ids=lambda f: f.parent.name)
def test_every_setting_of_a_profile_is_read(file: Path) -> None:
    code = "".join(
        path.read_text("utf-8") for room in ("adapters", "tasks", "deployments") for path in (ROOT / room).rglob("*.py")
    )
    unread = [name for name in load_profile(file).settings if f'"{name}"' not in code]
    assert unread == [], "state it among the facts, or use it"

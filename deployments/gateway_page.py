"""The gateway's page about itself: every call, from its own description, with nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import Template
from typing import Any

_PAGE = Template(Path(__file__).with_name("gateway_page.html").read_text(encoding="utf-8"))
TITLES = {
    "shipments": "货运 Shipments",
    "applications": "申报之后 After a declaration",
    "books": "进口账簿 Books of imports",
    "authorities": "主管机关 Authorities",
    "": "运行 Running",
}
_CALLER = "-H 'Authorization: Bearer …'  # tongguan tokens: api"
TOKENS = {
    **dict.fromkeys(("shipments", "applications", "books"), _CALLER), "authorities": "# tongguan tokens: push", "": "",
}  # fmt: skip
_PUSHED = ("token", "authorization")  # the tokens: said once, not for each call


def page(described: dict[str, Any]) -> str:
    """The page of an OpenAPI description."""
    calls = [(path, verb, call) for path, verbs in described["paths"].items() for verb, call in verbs.items()]
    body = [part for tag in TITLES for part in _group(tag, calls, described)]
    return _PAGE.substitute(description=escape(described["info"]["description"]), body="\n".join(body))


def _group(tag: str, calls: list[tuple[str, str, dict[str, Any]]], described: dict[str, Any]) -> Iterator[str]:
    mine = [(path, verb, call) for path, verb, call in calls if (call.get("tags") or [""])[0] == tag]
    if mine:
        yield f"<h2>{escape(TITLES[tag])}</h2>"
    for path, verb, call in mine:
        yield (
            f"<article><h3><b>{verb.upper()}</b>{escape(path)}</h3><p>{escape(call.get('description', ''))}</p>"
            f"{_parameters(call, described)}<pre>{escape(_example(path, verb, call, tag))}</pre></article>"
        )


def _parameters(call: dict[str, Any], described: dict[str, Any]) -> str:
    rows = [
        (p["name"], p["in"], p["schema"].get("type", ""), p["schema"].get("default", ""))
        for p in call.get("parameters", ())
        if p["name"] not in _PUSHED
    ]
    rows += [(name, "body", _kind(one), one.get("default", "")) for name, one in _body(call, described).items()]
    cells = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    lines = "".join(f"<tr>{row}</tr>" for row in cells)
    head = "<tr><th>参数 name</th><th>位置 in</th><th>类型 type</th><th>默认 default</th></tr>"
    return f"<table>{head}{lines}</table>" if rows else ""


def _body(call: dict[str, Any], described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields of a JSON body that the description knows."""
    schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = str(schema.get("$ref") or next((s["$ref"] for s in schema.get("allOf", ()) if "$ref" in s), ""))
    found: dict[str, dict[str, Any]] = described.get("components", {}).get("schemas", {})
    properties: dict[str, dict[str, Any]] = found.get(named.rpartition("/")[2], {}).get("properties", {})
    return properties


def _kind(one: dict[str, Any]) -> str:
    if "enum" in one:
        return " | ".join(map(str, one["enum"]))
    either = (str(s.get("format") or s.get("type", "")) for s in one.get("anyOf", ()))
    return " | ".join(either) or str(one.get("format") or one.get("type", ""))


def _example(path: str, verb: str, call: dict[str, Any], tag: str) -> str:
    data = " --data-binary @FILE" if verb in ("post", "put") and "requestBody" not in call and tag else ""
    data = " --json '{…}'" if "requestBody" in call else data
    query = "?token=…" if tag == "authorities" and "{token}" not in path else ""
    return f"curl -X {verb.upper()} '…{path}{query}'{data} {TOKENS[tag]}".rstrip()

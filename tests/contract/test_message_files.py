"""Every message file of every authority: complete, compiled, and, for what we send, written and read back unchanged."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import yaml
from lxml import etree

from mappings.canonical.columns import columns
from mappings.canonical.model import TABLES, Party, Plan, Truck
from mappings.engine import codes, document, schema, spec
from mappings.engine.rows import TIMES

TYPES = spec.all_types()
KEYS = {
    "top": {
        "message", "title", "direction", "receipt", "answers", "namespace", "prefix", "version", "unverified", "notes",
        "mandatory_text", "document", "tail", "before", "after", "attributes", "segments",
    },
    "segment": {"occurs", "zh", "en", "contains", "fields", "signature", "any"},
    "field": {
        "tag", "type", "use", "from", "value", "default", "code", "format", "personal", "needed", "differs", "zh", "en",
    },
}  # fmt: skip
ROLES = {"platform", "seller", "owner", "area", "guarantor", "payment_company", "carrier", "agent", "yard",
         "hk_consignee", "hk_agent"}  # fmt: skip
# What stages and flows give besides the canonical model: path -> kind
GIVEN = {
    "document.guid": "text", "document.app_type": "text", "document.app_time": "time", "document.cop_no": "text",
    "document.part_count": "integer", "document.part": "integer", "document.function": "integer",
    "document.reference": "text", "message.sender_code": "text", "message.sender_name": "text",
    "message.sender_dxp": "text", "list.gnum": "integer", "list.gross_weight": "decimal", "event.departed": "time",
    "parcel.seq": "integer", "parcel.net_weight": "decimal", "hk.ccrn": "text", "hk.packages": "",
    "hk.package_kind": "text", "hk.package_description": "text", "hk.article_description": "text",
    "hk.consignor_line": "text", "hk.consignor_line2": "text", "hk.consignee_line": "text",
    "hk.consignee_line2": "text", "regime.order_type": "text", "regime.departure_country": "text",
    "original.invt_no": "text", "application.reason": "text",
    "return.trade_mode": "text", "return.vehicle": "text", "return.voyage_no": "text", "return.bill_no": "text",
    "return.location": "text", "return.quantity": "decimal", "return.quantity1": "decimal",
    "return.quantity2": "decimal", "buyer.id_type": "text", "buyer.id_number": "text", "buyer.name": "text",
    "buyer.phone": "text",
}  # fmt: skip
PERSONAL = re.compile(r"^(buyer|payer|consignee)(Name|IdNumber|Telephone|Address)?$|^telephone$", re.IGNORECASE)


def known_paths() -> dict[str, str]:
    """Every path that a message file may name, with its kind ('' where only texts come)."""
    paths = {path: column.kind for table in TABLES for path, column in columns(table).items()} | GIVEN
    paths |= {f"truck.{name}": "text" for name in Truck.model_fields if name not in ("parties", "planned")}
    paths |= {f"truck.planned.{name}": "time" for name in Plan.model_fields}
    return paths | {f"party.{role}.{name}": "text" for role in ROLES for name in Party.model_fields}


def raw(message_type: str) -> dict[str, Any]:
    return yaml.safe_load(spec.load(message_type).path.read_text(encoding="utf-8"))


def test_the_seven_and_their_receipts_are_there_with_all_others() -> None:
    ours = {f"CEB{n}Message" for n in (303, 403, 505, 603, 607, 507, 509, 304, 404, 506, 604, 608, 508, 510, 900)}
    assert ours <= set(spec.all_types("cn_ecommerce"))
    assert len(spec.all_types("cn_ecommerce")) == 42
    assert set(spec.all_types("hk_road")) <= set(TYPES)


@pytest.mark.parametrize("message_type", TYPES)
def test_file_holds_only_known_words(message_type: str) -> None:
    content = raw(message_type)
    assert set(content) <= KEYS["top"]
    for segment in content["segments"].values():
        assert set(segment) <= KEYS["segment"]
        for item in segment.get("fields", ()):
            assert set(item) <= KEYS["field"]


@pytest.mark.parametrize("message_type", TYPES)
def test_every_field_is_explained_and_typed(message_type: str) -> None:
    message = spec.load(message_type)
    assert message.title["zh"]
    assert message.title["en"]
    for segment, item in message.walk():
        where = f"{message_type} {segment.tag}/{item.tag}"
        assert item.zh and item.en, where
        assert item.use in ("M", "O", "C"), where
        assert item.use == "C" or not item.needed, where
        assert item.format in ("", *TIMES), where
        assert not (item.value and item.source), where
        assert not (item.code and item.default), f"{where}: a default would hide a value without a code"
        assert item.personal or not PERSONAL.match(item.tag), f"{where}: a person's datum"
    for segment in message.segments.values():
        assert segment.zh, f"{message_type} {segment.tag}"
        tags = [item.tag for item in segment.fields] + list(segment.contains)
        assert len(tags) == len(set(tags)), f"{message_type} {segment.tag}"


@pytest.mark.parametrize("message_type", TYPES)
def test_segments_hang_together(message_type: str) -> None:
    message = spec.load(message_type)
    named = {tag for segment in message.segments.values() for tag in segment.contains} | set(message.root)
    assert named == set(message.segments), "a segment is named but not described, or the other way round"
    assert message.document in message.root
    for other in filter(None, (message.receipt, message.answers)):
        assert other in TYPES
    if message.receipt and not spec.load(message.receipt).unverified:
        assert spec.load(message.receipt).answers == message_type


@pytest.mark.parametrize("message_type", TYPES)
def test_code_lists_are_there_and_fit_their_field(message_type: str) -> None:
    message = spec.load(message_type)
    for segment, item in message.walk():
        if item.code:
            listed = codes.load(message.authority, item.code)
            where = f"{message_type} {segment.tag}/{item.tag}: {item.code}"
            assert listed.codes, where
            assert {"title", "version", "agency", "source"} <= set(listed.head), where
            assert not item.value or item.value in listed.codes, where
            wrong = [c for c in listed.codes if item.kind == "C" and item.length and len(c) > item.length]
            assert not wrong, where


@pytest.mark.parametrize("message_type", TYPES)
def test_sources_exist_and_have_the_field_s_kind(message_type: str) -> None:
    paths = known_paths()
    for segment, item in spec.load(message_type).walk():
        if not item.source:
            continue
        where = f"{message_type} {segment.tag}/{item.tag} from {item.source}"
        assert item.source in paths, where
        kind = paths[item.source]
        assert (kind == "time") == bool(item.format), where
        assert kind != "decimal" or item.decimals, where
        assert kind != "integer" or (item.kind == "N" and not item.decimals), where
        assert item.kind == "C" or kind in ("decimal", "integer", ""), where


@pytest.mark.parametrize("message_type", TYPES)
@pytest.mark.parametrize("strict", [False, True])
def test_schema_compiles_and_names_every_element(message_type: str, strict: bool) -> None:
    assert schema.validator(message_type, strict) is schema.validator(message_type, strict)
    tree = etree.fromstring(schema.xsd(message_type, strict))
    names = Counter(e.get("name") for e in tree.iter("{*}element"))
    message = spec.load(message_type)
    segments = Counter(s.tag for s in message.segments.values() if not s.signature)
    assert names == Counter(item.tag for _, item in message.walk()) + segments + Counter([message_type])


@pytest.mark.parametrize("message_type", TYPES)
def test_page_shows_every_field_in_both_languages(message_type: str) -> None:
    page = document.page(message_type)
    for _, item in spec.load(message_type).walk():
        assert f"| {item.tag} | {item.notation} |" in page
        assert item.zh.replace("|", "\\|") in page
        assert item.en.replace("|", "\\|") in page

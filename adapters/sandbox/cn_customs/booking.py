"""Books the documents of one message: each taken, saved, refused or a duplicate, and what is said at once.

Where nothing of a message can meet anything, in the book or in itself, all its documents are taken at once; else one
after the other, since what becomes of the first may decide on the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import repeat
from typing import Any

import orjson

from adapters.sandbox.cn_customs import checks, docs, earlier, facts, lists, settings, verdict
from adapters.sandbox.cn_customs.behaviours import DOCUMENT_ACTIONS, Behaviours
from adapters.sandbox.cn_customs.docs import Doc
from adapters.sandbox.cn_customs.earlier import Earlier
from adapters.sandbox.cn_customs.plan import Plan, moment
from adapters.sandbox.cn_customs.reading import Business, Document, joined
from adapters.sandbox.cn_customs.store import Store
from adapters.sandbox.cn_customs.verdict import Verdict
from mappings import clock

Pairs = list[tuple[Doc, Document]]


class Booking:
    """One message's booking (inside a transaction)."""

    def __init__(self, store: Store, behaviours: Behaviours, plan: Plan, message_id: int, business: Business) -> None:
        self._store, self._behaviours, self._plan, self._message_id = store, behaviours, plan, message_id
        self._documents, self._declared = business.documents, business.declared
        self._serials: Iterator[int] = iter(())
        self._seal = facts.Seal(store.secret())
        self._day = moment(plan.now).astimezone(clock.CHINA).strftime("%Y%m%d")

    def book(self, dxp: str, refusal: Verdict | None) -> list[Doc]:
        """One row of the book for each document. `refusal` is a verdict on the whole message."""
        declared, documents = self._declared, self._documents
        keys, orders = joined(documents, declared.key), joined(documents, declared.order_ref)
        known = earlier.look(self._store, declared.type, keys, orders)
        found = self._docs(keys, orders, dxp)
        for place, quirks in self._quirks(keys, dxp).items():
            found[place].act_up(quirks)
        self._serials = iter(self._store.serials("pre_no", len(keys)) if declared.numbers else ())
        pairs = list(zip(found, documents, strict=True))
        if refusal is None and known.meets_nothing(found):
            self._number(pairs)
            self._take(pairs, known.paid)
        else:
            for doc, document in pairs:
                self._one(doc, document, known, refusal)
        return found

    def _one(self, doc: Doc, document: Document, known: Earlier, refusal: Verdict | None) -> None:
        """A document that may meet another: preNo and invtNo are those of one that stands (receipts.md, section 6)."""
        doc.attempt, prior = known.attempt(doc.key), known.standing.get(doc.key)
        if prior is not None and not settings.over(prior.status):
            doc.pre_no, doc.invt_no = prior.pre_no, prior.invt_no
            docs.name([doc], [document])
        else:
            self._number([(doc, document)])
        against = refusal or verdict.against(doc, known, self._plan.now)
        if against:
            self._refuse(doc, against)
        else:
            self._take([(doc, document)], known.paid)
            known.replace(doc)

    def _docs(self, keys: list[str], orders: list[str], dxp: str) -> list[Doc]:
        """The documents as they came."""
        declared, documents = self._declared, self._documents
        heads = [document.head for document in documents]
        found = list(map(
            Doc, self._store.next_ids("document", len(keys)), repeat(self._message_id), repeat(self._plan.now),
            repeat(declared.type), keys, repeat(1), [head["appType"] for head in heads],
            [head["guid"] for head in heads], repeat(dxp), repeat("accepted"), repeat(""), repeat(0), repeat(""),
            repeat(""), orders, joined(documents, declared.waybill_ref), joined(documents, declared.group),
        ))  # fmt: skip
        if "msgSeqNo" in declared.columns or "msgCount" in declared.columns:
            for doc, head in zip(found, heads, strict=True):
                doc.part, doc.parts = int(head.get("msgSeqNo") or 0), int(head.get("msgCount") or 0)
        return found

    def _quirks(self, keys: list[str], dxp: str) -> dict[int, dict[str, Any]]:
        if not self._behaviours.any_for(DOCUMENT_ACTIONS, self._declared.type):
            return {}
        heads = [document.head for document in self._documents]
        columns = {
            "key": keys, "dxp_id": [dxp] * len(keys), "order_no": [head.get("orderNo", "") for head in heads],
            "waybill_no": [head.get("logisticsNo", "") for head in heads],
        }  # fmt: skip
        found = self._behaviours.per_document(self._declared.type, columns)
        return {
            place: {action: {k: v for k, v in rule.body.items() if k != "match"} for action, rule in rules.items()}
            for place, rules in found.items()
        }

    def _number(self, pairs: Pairs) -> None:
        """New numbers for these documents, and the part of their receipts that names them."""
        numbers, day = self._declared.numbers, self._day
        if numbers:
            year, given, form = day[:4], numbers.get("given"), numbers.get("form", "")
            for doc, document in pairs:
                serial = next(self._serials) % 10**9
                doc.pre_no = f"{numbers['pre_no']}{day}{serial:09d}"
                if given:
                    named = {"customsCode": document.head["customsCode"], "year": year, "day": day}
                    doc.invt_no = form.format(**named, serial=serial, short=serial % 10**6)
        docs.name([doc for doc, _ in pairs], [document for _, document in pairs])

    def _refuse(self, doc: Doc, against: Verdict) -> None:
        doc.outcome = against.outcome
        step = "duplicate" if against.outcome == "duplicate" else "refused"
        self._plan.say(doc, step, self._plan.now, against.text, against.status)

    def _take(self, pairs: Pairs, paid: frozenset[str] | None) -> None:
        declared: Pairs = []
        for pair in pairs:
            doc, document = pair
            doc.current = 1
            if document.head["appStatus"] == "1":
                doc.outcome = "saved"
                self._plan.say(doc, "saved", self._plan.now)
            else:
                declared.append(pair)
        texts = _accepted_texts(declared, paid)
        self._plan.walk_all([doc for doc, _ in declared], "accepted", repeat(self._plan.now), texts)
        self._remember(declared)
        own = checks.Own(self._declared.type)
        for doc, document in declared:
            self._go_on(doc, document, *_told(doc) or own.rejection(document))

    def _go_on(self, doc: Doc, document: Document, reason: str, status: str) -> None:
        if doc.app_type == "3":
            self._plan.say(doc, "stored", doc.status_at)
            doc.status = "deleted"
        elif reason:
            self._plan.say(doc, "rejected", doc.status_at, reason, status)
        elif document.lines and self._declared.names:
            self._store.many("INSERT INTO listed VALUES (?, ?)", [(doc.id, ref) for ref in _named(doc, document)])

    def _remember(self, pairs: Pairs) -> None:
        """What later steps need: of a list of an export its carrier and bill, else what is compared."""
        if self._declared.type in lists.TYPES:
            for doc, document in pairs:
                doc.facts = f"{document.head['logisticsCode']}|{document.head['billNo']}"
        else:
            self._compared(pairs)

    def _compared(self, pairs: Pairs) -> None:
        of = facts.of(self._declared.type, self._seal)
        if of is not None:
            for doc, document in pairs:
                doc.known = of(document)
                doc.facts = orjson.dumps(doc.known).decode()


def _told(doc: Doc) -> tuple[str, str] | None:
    """Text and status of a rejection that a rule asked for."""
    quirk = doc.quirks.get("reject")
    if not quirk:
        return None
    text = str(quirk.get("text") or f"[Code:{quirk.get('code', '1300')};Desc:{quirk.get('info', '人工退单')}]")
    return text, str(quirk.get("status", ""))


def _named(doc: Doc, document: Document) -> list[str]:
    """What the lines of a list name: waybills with their carrier, or inventories."""
    declared = settings.declared()[doc.type]
    place = declared.lines.index(declared.names["line"])
    before = f"{document.head[declared.names['with']]}|" if "with" in declared.names else ""
    return [before + line[place] for line in document.lines]


@cache
def _accepted(type_: str, app_type: str) -> Callable[..., str]:
    """Makes the first text of a type's documents from what is the document's own."""
    cycle = settings.cycle()
    text = str(cycle["accepted_texts"].get(type_, cycle["steps"]["accepted"]["text"]))
    fixed = {"name": settings.declared()[type_].name, "action": cycle["actions"][app_type]}
    for name, value in fixed.items():
        text = text.replace(f"{{{name}}}", value)
    for place, name in enumerate(("guid", "company", "order_no")):
        text = text.replace(f"{{{name}}}", f"{{{place}}}")
    return text.format


def _accepted_texts(pairs: Pairs, paid: frozenset[str] | None) -> list[str]:
    forms = {kind: _accepted(*kind) for kind in {(doc.type, doc.app_type) for doc, _ in pairs}}
    texts = [
        forms[doc.type, doc.app_type](doc.guid, document.head.get("ebcCode", ""), document.head.get("orderNo", ""))
        for doc, document in pairs
    ]
    if paid is None:
        return texts
    missing = settings.cycle()["missing_payment"].format
    return [
        text
        if doc.order_ref in paid
        else f"{text},{missing(platform=document.head['ebpCode'], order_no=document.head['orderNo'])}"
        for text, (doc, document) in zip(texts, pairs, strict=True)
    ]

"""Books the documents of one message: each taken, saved, refused or a duplicate, and what is said at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from adapters.sandbox.cn_customs import checks, earlier, facts, lists, settings, verdict
from adapters.sandbox.cn_customs.behaviours import DOCUMENT_ACTIONS, Behaviours
from adapters.sandbox.cn_customs.docs import Doc, face
from adapters.sandbox.cn_customs.plan import Plan, moment
from adapters.sandbox.cn_customs.reading import Business, Document
from adapters.sandbox.cn_customs.store import Store
from adapters.sandbox.cn_customs.verdict import Verdict
from mappings import clock


class Booking:
    """One message's booking (inside a transaction)."""

    def __init__(self, store: Store, behaviours: Behaviours, plan: Plan, message_id: int) -> None:
        self._store, self._behaviours, self._plan, self._message_id = store, behaviours, plan, message_id
        self._serials: Iterator[int] = iter(())
        self._seal = facts.Seal(store.secret())
        self._day = moment(plan.now).astimezone(clock.CHINA).strftime("%Y%m%d")

    def book(self, business: Business, dxp: str, refusal: Verdict | None) -> list[Doc]:
        """One row of the book for each document. `refusal` is a verdict on the whole message."""
        declared = business.declared
        keys = [document.joined(declared.key) for document in business.documents]
        known = earlier.look(self._store, business, keys)
        quirks = self._quirks(business, keys, dxp)
        self._serials = iter(self._store.serials("pre_no", len(keys)) if declared.numbers else ())
        docs = []
        for place, id_ in enumerate(self._store.next_ids("document", len(keys))):
            document, key = business.documents[place], keys[place]
            doc = self._doc(business, document, key, id_, dxp)
            doc.attempt, doc.quirks = known.attempt(key), quirks.get(place, {})
            self._numbers(doc, document, known.standing.get(key))
            against = refusal or verdict.against(doc, known, self._plan.now)
            if against:
                self._refuse(doc, against)
            else:
                self._take(doc, document, known.paid)
                known.replace(doc)
            docs.append(doc)
        return docs

    def _doc(self, business: Business, document: Document, key: str, id_: int, dxp: str) -> Doc:
        declared, head = business.declared, document.head
        return Doc(
            id_, self._message_id, self._plan.now, declared.type, key, 0, head["appType"], head["guid"], dxp,
            order_ref=document.joined(declared.order_ref), waybill_ref=document.joined(declared.waybill_ref),
            grp=document.joined(declared.group),
            part=int(head.get("msgSeqNo") or 0), parts=int(head.get("msgCount") or 0),
        )  # fmt: skip

    def _quirks(self, business: Business, keys: list[str], dxp: str) -> dict[int, dict[str, Any]]:
        if not self._behaviours.any_for(DOCUMENT_ACTIONS, business.declared.type):
            return {}
        heads = [document.head for document in business.documents]
        columns = {
            "key": keys, "dxp_id": [dxp] * len(keys), "order_no": [head.get("orderNo", "") for head in heads],
            "waybill_no": [head.get("logisticsNo", "") for head in heads],
        }  # fmt: skip
        found = self._behaviours.per_document(business.declared.type, columns)
        return {
            place: {action: {k: v for k, v in rule.body.items() if k != "match"} for action, rule in rules.items()}
            for place, rules in found.items()
        }

    def _numbers(self, doc: Doc, document: Document, prior: Doc | None) -> None:
        """preNo and invtNo: those of the document that stands, else new ones (receipts.md, section 6)."""
        declared = settings.declared()[doc.type]
        if prior is not None and not settings.over(prior.status):
            doc.pre_no, doc.invt_no = prior.pre_no, prior.invt_no
        elif declared.numbers:
            serial = next(self._serials) % 10**9
            day = self._day
            doc.pre_no = f"{declared.numbers['pre_no']}{day}{serial:09d}"
            if declared.numbers.get("given"):
                named = {"customsCode": document.head["customsCode"], "year": day[:4], "day": day}
                doc.invt_no = declared.numbers["form"].format(**named, serial=serial, short=serial % 10**6)
        doc.face = face(declared, document, doc.pre_no, doc.invt_no)

    def _refuse(self, doc: Doc, against: Verdict) -> None:
        doc.outcome = against.outcome
        step = "duplicate" if against.outcome == "duplicate" else "refused"
        self._plan.say(doc, step, self._plan.now, against.text, against.status)

    def _take(self, doc: Doc, document: Document, paid: frozenset[str] | None) -> None:
        doc.current = 1
        if document.head["appStatus"] == "1":
            doc.outcome = "saved"
            self._plan.say(doc, "saved", self._plan.now)
            return
        doc.facts = self._facts(doc, document)
        self._plan.walk(doc, "accepted", self._plan.now, _accepted_text(doc, document, paid))
        reason, status = self._rejection(doc, document)
        if doc.app_type == "3":
            self._plan.say(doc, "stored", doc.status_at)
            doc.status = "deleted"
        elif reason:
            self._plan.say(doc, "rejected", doc.status_at, reason, status)
        elif document.lines and settings.declared()[doc.type].names:
            self._store.many("INSERT INTO listed VALUES (?, ?)", [(doc.id, ref) for ref in _named(doc, document)])

    def _rejection(self, doc: Doc, document: Document) -> tuple[str, str]:
        """Text and status of a rejection that needs no other document; empty for none."""
        quirk = doc.quirks.get("reject")
        if quirk:
            text = str(quirk.get("text") or f"[Code:{quirk.get('code', '1300')};Desc:{quirk.get('info', '人工退单')}]")
            return text, str(quirk.get("status", ""))
        return checks.own(doc.type, document)

    def _facts(self, doc: Doc, document: Document) -> str:
        """What later steps need: of a list of an export its carrier and bill, else what is compared."""
        if doc.type in lists.TYPES:
            return f"{document.head['logisticsCode']}|{document.head['billNo']}"
        return orjson.dumps(facts.of(doc.type, document, self._seal)).decode()


def _named(doc: Doc, document: Document) -> list[str]:
    """What the lines of a list name: waybills with their carrier, or inventories."""
    declared = settings.declared()[doc.type]
    place = declared.lines.index(declared.names["line"])
    before = f"{document.head[declared.names['with']]}|" if "with" in declared.names else ""
    return [before + line[place] for line in document.lines]


def _accepted_text(doc: Doc, document: Document, paid: frozenset[str] | None) -> str:
    cycle, head = settings.cycle(), document.head
    text = str(cycle["accepted_texts"].get(doc.type, cycle["steps"]["accepted"]["text"])).format(
        name=settings.declared()[doc.type].name, action=cycle["actions"][doc.app_type], guid=doc.guid,
        company=head.get("ebcCode", ""), order_no=head.get("orderNo", ""),
    )  # fmt: skip
    if paid is None or doc.order_ref in paid:
        return text
    return f"{text},{cycle['missing_payment'].format(platform=head['ebpCode'], order_no=head['orderNo'])}"

"""What customs decides of each received document: taken, saved, refused, duplicate; new, change or delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from adapters.sandbox.cn_customs import checks, settings
from adapters.sandbox.cn_customs.behaviours import DOCUMENT_ACTIONS, Behaviours
from adapters.sandbox.cn_customs.docs import Doc, face, from_row
from adapters.sandbox.cn_customs.plan import Plan, moment
from adapters.sandbox.cn_customs.reading import Business, Document
from adapters.sandbox.cn_customs.store import Store
from mappings import clock

_VERBS = {"1": "new", "2": "change", "3": "delete"}
INVENTORY = "CEB603Message"


@dataclass(frozen=True)
class Refusal:
    """Why the documents of a message are refused as a whole: a receipt status and its text."""

    status: str
    text: str


class Booking:
    """Books the documents of one message (inside a transaction)."""

    def __init__(self, store: Store, behaviours: Behaviours, plan: Plan, message_id: int) -> None:
        self._store, self._behaviours, self._plan, self._message_id = store, behaviours, plan, message_id

    def book(self, business: Business, dxp: str, refusal: Refusal | None) -> list[Doc]:
        """One row of the book for each document; the receipts that answer it at once are planned."""
        declared = business.declared
        keys = [document.joined(declared.key) for document in business.documents]
        standing, attempts = self._earlier(declared.type, keys)
        quirks = self._quirks(business, keys, dxp)
        docs = []
        self._serials = iter(self._store.serials("pre_no", len(keys)) if declared.numbers else ())
        others = self._of_same_order(business) if declared.type == INVENTORY else {}
        payments = self._with_payment(business) if declared.type == INVENTORY else None
        for document, key, id_ in zip(
            business.documents, keys, self._store.next_ids("document", len(keys)), strict=True
        ):
            doc = self._doc(business, document, key, id_, dxp)
            doc.attempt = attempts[key] = attempts.get(key, 0) + 1
            if len(docs) in quirks:
                doc.quirks = quirks[len(docs)]
            prior = standing.get(key)
            self._numbers(doc, business, document, prior)
            if refusal:
                self._refuse(doc, "refused", refusal.status, refusal.text)
            else:
                self._decide(doc, business, document, prior, others.get(doc.order_ref), payments)
            if doc.current:
                self._replace(doc, prior, standing, others)
            docs.append(doc)
        return docs

    def _replace(self, doc: Doc, prior: Doc | None, standing: dict[str, Doc], others: dict[str, str]) -> None:
        if prior is not None:
            prior.current = 0
        standing[doc.key] = doc
        if doc.type == INVENTORY:
            others[doc.order_ref] = doc.key

    def _doc(self, business: Business, document: Document, key: str, id_: int, dxp: str) -> Doc:
        declared, head = business.declared, document.head
        return Doc(
            id_, self._message_id, self._plan.now, declared.type, key, 0, head["appType"], head["guid"], dxp,
            order_ref=document.joined(declared.order_ref), waybill_ref=document.joined(declared.waybill_ref),
            grp=document.joined(declared.group),
            part=int(head.get("msgSeqNo") or 0), parts=int(head.get("msgCount") or 0),
        )  # fmt: skip

    def _earlier(self, type_: str, keys: list[str]) -> tuple[dict[str, Doc], dict[str, int]]:
        """The document that stands for each key, and how often the key was declared so far."""
        standing: dict[str, Doc] = {}
        attempts: dict[str, int] = {}
        for row in self._store.of_keys(type_, keys):
            attempts[row["key"]] = attempts.get(row["key"], 0) + 1
            if row["current"]:
                standing[row["key"]] = from_row(row)
        return standing, attempts

    def _of_same_order(self, business: Business) -> dict[str, str]:
        """The key of the inventory that stands for each order."""
        may_follow = settings.cycle()["may_follow"]["new"]
        found = self._store.brief("order_ref", INVENTORY, self._orders(business))
        return {row["order_ref"]: row["key"] for row in found if row["status"] not in may_follow}

    def _with_payment(self, business: Business) -> frozenset[str]:
        dead = settings.cycle()["dead"]
        found = self._store.brief("order_ref", "CEB403Message", self._orders(business))
        return frozenset(row["order_ref"] for row in found if row["status"] not in dead)

    def _orders(self, business: Business) -> set[str]:
        return {document.joined(business.declared.order_ref) for document in business.documents}

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

    def _numbers(self, doc: Doc, business: Business, document: Document, prior: Doc | None) -> None:
        wanted = business.declared.numbers
        if prior is not None and prior.status not in settings.cycle()["may_follow"]["new"]:
            doc.pre_no, doc.invt_no = prior.pre_no, prior.invt_no
        elif wanted:
            serial = next(self._serials)
            local = moment(self._plan.now).astimezone(clock.CHINA)
            doc.pre_no = f"{wanted['pre_no']}{local:%Y%m%d}{serial % 10**9:09d}"
            if wanted.get("invt_no"):
                doc.invt_no = f"{document.head['customsCode'][:4]:>4}{local:%Y}E{serial % 10**9:09d}"
        doc.face = face(business.declared, document, doc.pre_no, doc.invt_no)

    def _decide(
        self, doc: Doc, business: Business, document: Document, prior: Doc | None, other: str | None, payments: frozenset[str] | None
    ) -> None:  # fmt: skip
        verb = _VERBS.get(doc.app_type)
        codes = business.declared.codes
        if verb is None:
            self._refuse(doc, "refused", codes["nothing"], "[Code:1300;Desc:申报类型appType不在1、2、3之内]")
        elif verb == "new" and (self._blocks(prior) or (other is not None and other != doc.key)):
            text = settings.cycle()["steps"]["duplicate"]["text"].format(key=doc.key)
            self._refuse(doc, "duplicate", settings.cycle()["steps"]["duplicate"]["status"], text)
        elif verb != "new" and (prior is None or prior.status in ("deleted", "refused")):
            self._refuse(doc, "refused", codes["nothing"], "没有可以变更或删除的申报数据")
        elif (
            verb != "new"
            and prior is not None
            and (prior.locked or prior.status not in settings.cycle()["may_follow"][verb])
        ):
            self._refuse(doc, "refused", codes["state"], f"当前状态[{prior.status}]不允许变更或删除")
        else:
            self._take(doc, document, payments)

    def _blocks(self, prior: Doc | None) -> bool:
        if prior is None:
            return False
        return prior.status not in settings.cycle()["may_follow"]["new"] or prior.status_at > self._plan.now

    def _refuse(self, doc: Doc, outcome: str, status: str, text: str) -> None:
        doc.outcome = outcome
        self._plan.say(doc, "duplicate" if outcome == "duplicate" else "refused", self._plan.now, text, status)

    def _take(self, doc: Doc, document: Document, payments: frozenset[str] | None) -> None:
        doc.current = 1
        if document.head["appStatus"] == "1":
            doc.outcome = "saved"
            self._plan.say(doc, "saved", self._plan.now)
            return
        bill = f"{document.head['logisticsCode']}|{document.head['billNo']}" if doc.grp else ""
        doc.facts = bill or orjson.dumps(checks.facts(doc.type, document)).decode()
        self._plan.say(doc, "accepted", self._plan.now, self._accepted_text(doc, document, payments))
        reason = self._rejection(doc, document)
        if doc.app_type == "3":
            self._plan.say(doc, "stored", doc.status_at)
            doc.status = "deleted"
        elif reason:
            quirk = doc.quirks.get("reject", {})
            self._plan.say(doc, "rejected", doc.status_at, reason, str(quirk.get("status", "")))
        elif document.lines and doc.grp:
            carrier = document.head["logisticsCode"]
            self._store.many(
                "INSERT INTO listed VALUES (?, ?)", [(doc.id, f"{carrier}|{line[1]}") for line in document.lines]
            )

    def _accepted_text(self, doc: Doc, document: Document, payments: frozenset[str] | None) -> str:
        cycle = settings.cycle()
        text = cycle["accepted_texts"].get(doc.type, cycle["steps"]["accepted"]["text"])
        head = document.head
        said = str(text).format(
            name=settings.declared()[doc.type].name, action=cycle["actions"][doc.app_type], guid=doc.guid,
            company=head.get("ebcCode", ""), order_no=head.get("orderNo", ""),
        )  # fmt: skip
        if payments is None or doc.order_ref in payments:
            return said
        return f"{said},{cycle['missing_payment'].format(platform=head['ebpCode'], order_no=head['orderNo'])}"

    def _rejection(self, doc: Doc, document: Document) -> str:
        quirk = doc.quirks.get("reject")
        if quirk:
            return str(quirk.get("text") or f"[Code:{quirk.get('code', '1300')};Desc:{quirk.get('info', '人工退单')}]")
        return checks.own(doc.type, document)

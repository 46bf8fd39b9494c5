"""What customs decides of each received document: taken, saved, refused, duplicate; new, change or delete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from adapters.sandbox.cn_customs import checks, settings
from adapters.sandbox.cn_customs.behaviours import DOCUMENT_ACTIONS, Behaviours, Rule
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
        standing = {row["key"]: from_row(row) for row in self._store.standing("key", [declared.type], keys)}
        attempts = self._attempts(declared.type, keys)
        rules = self._behaviours.any_for(DOCUMENT_ACTIONS, declared.type)
        docs = []
        self._serials = iter(self._store.serials("pre_no", len(keys)) if declared.numbers else ())
        others = self._of_same_order(business) if declared.type == INVENTORY else {}
        payments = self._with_payment(business) if declared.type == INVENTORY else None
        for document, key, id_ in zip(
            business.documents, keys, self._store.next_ids("document", len(keys)), strict=True
        ):
            doc = self._doc(business, document, key, id_, dxp)
            doc.attempt = attempts[key] = attempts.get(key, 0) + 1
            if rules:
                self._quirks(doc, document)
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

    def _replace(self, doc: Doc, prior: Doc | None, standing: dict[str, Doc], others: dict[str, Doc]) -> None:
        if prior is not None:
            prior.current = 0
        standing[doc.key] = doc
        if doc.type == INVENTORY:
            others[doc.order_ref] = doc

    def _doc(self, business: Business, document: Document, key: str, id_: int, dxp: str) -> Doc:
        declared, head = business.declared, document.head
        return Doc(
            id_, self._message_id, self._plan.now, declared.type, key, 0, head["appType"], head["guid"], dxp,
            order_ref=document.joined(declared.order_ref), waybill_ref=document.joined(declared.waybill_ref),
            grp=document.joined(declared.group),
            part=int(head.get("msgSeqNo") or 0), parts=int(head.get("msgCount") or 0),
        )  # fmt: skip

    def _attempts(self, type_: str, keys: list[str]) -> dict[str, int]:
        rows = self._store.rows(
            "SELECT d.key, count(*) FROM json_each(?) AS w CROSS JOIN document AS d ON d.type = ? AND d.key = w.value"
            " GROUP BY d.key",
            orjson.dumps(list(set(keys))).decode(), type_,
        )  # fmt: skip
        return {row[0]: row[1] for row in rows}

    def _of_same_order(self, business: Business) -> dict[str, Doc]:
        found = self._by_order(business, INVENTORY)
        may_follow = settings.cycle()["may_follow"]["new"]
        return {doc.order_ref: doc for doc in found if doc.status not in may_follow}

    def _with_payment(self, business: Business) -> frozenset[str]:
        return frozenset(doc.order_ref for doc in self._by_order(business, "CEB403Message") if doc.alive)

    def _by_order(self, business: Business, type_: str) -> Iterable[Doc]:
        refs = {document.joined(business.declared.order_ref) for document in business.documents}
        return [from_row(row) for row in self._store.standing("order_ref", [type_], refs)]

    def _quirks(self, doc: Doc, document: Document) -> None:
        head = document.head
        subject = {
            "type": doc.type, "order_no": head.get("orderNo", ""), "waybill_no": head.get("logisticsNo", ""),
            "key": doc.key, "dxp_id": doc.dxp,
        }  # fmt: skip
        found: dict[str, Rule] = self._behaviours.of([subject], DOCUMENT_ACTIONS)
        doc.quirks = {action: {k: v for k, v in rule.body.items() if k != "match"} for action, rule in found.items()}

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
        self, doc: Doc, business: Business, document: Document, prior: Doc | None, other: Doc | None, payments: frozenset[str] | None
    ) -> None:  # fmt: skip
        verb = _VERBS.get(doc.app_type)
        codes = business.declared.codes
        if verb is None:
            self._refuse(doc, "refused", codes["nothing"], "[Code:1300;Desc:申报类型appType不在1、2、3之内]")
        elif verb == "new" and (self._blocks(prior) or (other is not None and other.key != doc.key)):
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

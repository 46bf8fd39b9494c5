"""The monthly summary (701): closed inventories of one company and month, each once; its result is 792."""

from __future__ import annotations

from datetime import datetime

import orjson

from adapters.sandbox.cn_customs import settings
from adapters.sandbox.cn_customs.amounts import plain, scaled
from adapters.sandbox.cn_customs.applications import standing
from adapters.sandbox.cn_customs.docs import Doc
from adapters.sandbox.cn_customs.facts import Facts
from adapters.sandbox.cn_customs.parts import Parts
from adapters.sandbox.cn_customs.receipts import cells, instant, local, return_time
from mappings import clock

INVENTORY = "CEB603Message"
_NAMED = 5


class Summary(Parts):
    """Acts when the last part is there (inside a transaction)."""

    def act(self, type_: str, parts: list[Doc]) -> None:
        """All or nothing: one inventory that does not belong rejects the request."""
        parts.sort(key=lambda doc: doc.part)
        head = orjson.loads(parts[0].facts)
        rules = settings.cycle()["applications"][type_]
        listed = [number for part in parts for number in self.named([part])]
        numbers = self._period(head) if head["startTime"] and head["endTime"] else list(dict.fromkeys(listed))
        found = standing.inventories(self._store, rules["inventory"], numbers)
        closed = self._closed(found)
        wrong = self._wrong(numbers, found, closed, head, rules["from"])
        if wrong or not numbers:
            kind, names = wrong or ("nothing", [])
            info = f"[Code:1300;Desc:{_TEXTS[kind]}],[invtNo:{','.join(names[:_NAMED])}]"
            self.reject(parts, info, rules["codes"].get(kind, "100"))
            return
        first = parts[0]
        for part in parts:  # one number for all parts of a request
            part.face, part.invt_no = part.face.replace(f">{part.invt_no}<", f">{first.invt_no}<"), first.invt_no
        at = self.complete(parts)
        self._store.many("INSERT INTO summed VALUES (?, ?)", [(number, first.invt_no) for number in numbers])
        self._result(first, head, [found[number] for number in numbers], at)

    def _period(self, head: Facts) -> list[str]:
        """The inventories of the company that closed within the period and were not summed yet."""
        start, end = (_parsed(head[name]) for name in ("startTime", "endTime"))
        rows = self._store.rows(
            "SELECT d.* FROM passed AS p JOIN document AS d ON d.id = p.document_id WHERE p.status = '899'"
            " AND p.at BETWEEN ? AND ? AND d.type = ? AND d.current = 1"
            " AND d.invt_no NOT IN (SELECT invt_no FROM summed) ORDER BY d.id", start, end, INVENTORY,
        )  # fmt: skip
        facts = [(row["invt_no"], orjson.loads(row["facts"])) for row in rows]
        return [
            n
            for n, f in facts
            if f["flag"] == "B" and (f["seller"], f["agent"]) == (head["ebcCode"], head["agentCode"])
        ]

    def _closed(self, found: dict[str, Doc]) -> dict[str, int]:
        ids = orjson.dumps([doc.id for doc in found.values()]).decode()
        sql = "SELECT p.document_id, p.at FROM json_each(?) AS w JOIN passed AS p ON p.document_id = w.value"
        times = {row["document_id"]: row["at"] for row in self._store.rows(f"{sql} WHERE p.status = '899'", ids)}
        return {number: times.get(doc.id, 0) for number, doc in found.items()}

    def _wrong(
        self, numbers: list[str], found: dict[str, Doc], closed: dict[str, int], head: Facts, statuses: list[str]
    ) -> tuple[str, list[str]] | None:
        """The first rule that an inventory breaks, and all that break it."""
        facts = {number: orjson.loads(doc.facts) for number, doc in found.items()}
        now = self._plan.now
        tests = [
            ("nothing", [n for n in numbers if n not in found]),
            (
                "card",
                [n for n, f in facts.items() if (f["seller"], f["agent"]) != (head["ebcCode"], head["agentCode"])],
            ),
            ("state", [n for n, d in found.items() if d.status not in statuses or d.status_at > now]),
            ("flag", [n for n, f in facts.items() if f["flag"] != "B"]),
            ("again", [n for n in numbers if self._store.value("SELECT 1 FROM summed WHERE invt_no = ?", n)]),
            ("month", _other_months(closed)),
        ]
        return next(((kind, names) for kind, names in tests if names), None)

    def _result(self, doc: Doc, head: Facts, inventories: list[Doc], after: int) -> None:
        """792, in parts of so many inventories."""
        low, high = settings.cycle()["notice_delays"]["summary"]
        at = after + self._plan.jitter(low, high, f"{doc.key}|792")
        most = settings.profile()["summary_result_inventories"]
        chunks = [inventories[start : start + most] for start in range(0, len(inventories), most)]
        serial = self._store.serials("entry", 1)[0]
        year = f"{local(at):%Y}"
        numbers: dict[str, object] = {
            "declSeqNo": f"{head['customsCode']}{year}D{serial:09d}",
            "entryId": f"{head['customsCode']}{year}0{serial:09d}",
            "decState": "1",
        }
        goods = [line for inventory in inventories for line in _lines(inventory)]
        sequence = {gcode: n + 1 for n, gcode in enumerate(dict.fromkeys(line[3] for line in goods))}
        for place, chunk in enumerate(chunks):
            part = _result(doc, head, numbers, chunk, (len(chunks), place + 1), sequence, at)
            self._plan.tell(doc, "CEB792Message", "792", at, part)


_TEXTS = {
    "nothing": "清单不存在", "card": "清单不属于该申报企业和电商企业", "state": "清单未结关",
    "flag": "清单统计标志不为B", "again": "清单已汇总", "month": "清单不在同一月份",
}  # fmt: skip


def _parsed(text: str) -> int:
    return instant(datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=clock.CHINA))


def _other_months(closed: dict[str, int]) -> list[str]:
    months = {number: f"{local(at):%Y%m}" for number, at in closed.items()}
    first = next(iter(months.values()), "")
    return [number for number, month in months.items() if month != first]


def _lines(inventory: Doc) -> list[tuple[str, str, str, str]]:
    facts = orjson.loads(inventory.facts)
    return [(inventory.invt_no, facts["waybill"], goods[0], goods[1]) for goods in facts["goods"]]


def _result(
    doc: Doc, head: Facts, numbers: dict[str, object], chunk: list[Doc], part: tuple[int, int],
    sequence: dict[str, int], at: int,
) -> tuple[str, str]:  # fmt: skip
    weights = {
        name: plain(sum(scaled(orjson.loads(inventory.facts)[short]) for inventory in chunk))
        for name, short in (("grossWeight", "gross"), ("netWeight", "net"))
    }
    kept = ("agentCode", "agentName", "ebcCode", "ebcName", "declAgentCode", "declAgentName")
    after: dict[str, object] = {"customsCode": head["customsCode"], "sumNo": doc.invt_no, "opDate": return_time(at)}
    after |= numbers | {name: head[name] for name in kept} | weights
    after |= {"msgCount": part[0], "msgSeqNo": part[1]}
    rows = "".join(
        "<ceb:SummaryResultList>"
        + cells({"invtNo": n, "logisticsNo": w, "gseqno": sequence[c], "gnum": g, "gcode": c}, "ceb:")
        + "</ceb:SummaryResultList>"
        for inventory in chunk
        for n, w, g, c in _lines(inventory)
    )
    start = "<ceb:SummaryResult><ceb:SummaryResultHead><ceb:guid>"
    return start, f"</ceb:guid>{cells(after, 'ceb:')}</ceb:SummaryResultHead>{rows}</ceb:SummaryResult>"

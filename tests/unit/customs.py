"""A small customs over real HTTP for tests of submission and receipts: keeps what it is sent, says what it is told."""

from __future__ import annotations

import atexit
import base64
import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from adapters.cn_ecommerce import ChinaEcommerce, envelope, profile
from adapters.contract import Profile
from adapters.keys import SoftwareKeys
from adapters.ledger import Ledger, parcels, preparing, shipments
from mappings import clock
from mappings.canonical.batch import Batch
from mappings.engine import spec
from mappings.identity import seeded
from tasks.conversion import declare
from tasks.conversion.messages import Making, OutMessage
from tasks.submission.seal import seal_messages
from tests.contract.loopback import REP, Server, reply, reset
from tests.factory import make_batch, make_truck
from tests.unit import signing

IDENTITIES = seeded(11)


def quick(**values: object) -> Profile:
    """The real profile with these settings changed, and no waiting."""
    values = {"connect_wait_seconds": 0, "read_timeout_seconds": 2, "messages_per_second": 1e9} | values
    settings = dict(profile().settings)
    for name, value in values.items():
        settings[name] = settings[name].model_copy(update={"value": value})
    return profile().model_copy(update={"settings": settings})


class Customs:
    """Accepts, loses, refuses or is silent by `fates` (one for each message to come, then accepts)."""

    def __init__(self) -> None:
        self.server = Server()
        self.server.handle = self._handle
        self.received: list[tuple[bytes, bool]] = []
        self.queued: list[tuple[str, bytes]] = []
        self.fates: list[str] = []
        self.spoiled: list[str] = []  # items of a page that are no messages
        self.page = ""  # instead of a page

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url

    def authority(self, **settings: object) -> ChinaEcommerce:
        """Our adapter to it, with these settings of the profile changed."""
        made = ChinaEcommerce(self.url)
        made.profile = quick(**settings)
        made.wire.profile = made.profile
        made.wire.timeout = (5, made.profile.value("read_timeout_seconds"))
        made.wire.breaker.failures = int(made.profile.value("breaker_failures"))
        return made

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        if request.command == "GET":
            self._receipts(request)
            return
        fate = self.fates.pop(0) if self.fates else "accept"
        if fate not in ("busy", "refuse"):
            body = self.server.seen[-1][2]
            self.received.append((body, request.headers.get("X-Tongguan-Recovery") == "1"))
        if fate == "lose":
            reset(request)
        elif fate == "busy":
            reply(request, 429, "")
        elif fate == "refuse":
            reply(request, 200, REP.format(code="0002", text="no"))
        else:
            reply(request, 200, REP.format(code="0000", text=""))

    def _receipts(self, request: BaseHTTPRequestHandler) -> None:
        asked = parse_qs(urlsplit(request.path).query)
        since = asked.get("since", [""])[0]
        start = int(since) if since.isdigit() else 0
        page = self.queued[start : start + 2]
        found = [base64.b64encode(body).decode() for dxp_id, body in page if dxp_id == asked["dxpId"][0]]
        answer = json.dumps({"messages": self.spoiled + found, "next": str(start + len(page))})
        reply(request, 200, self.page or answer)

    def say(self, dxp_id: str, business: bytes, type_: str = "CEB304Message") -> bytes:
        """Puts a message out for a DXP id. Returns the envelope."""
        cop = IDENTITIES.guid()
        sealed = envelope.write(business, type_, "DXPEDCCEB0000003", dxp_id, cop, clock.now())
        self.queued.append((dxp_id, sealed))
        return sealed

    def close(self) -> None:
        """Stop."""
        self.server.http.shutdown()
        self.server.http.server_close()


def receipt(type_: str, rows: Sequence[dict[str, str]], prefix: str = "ceb:") -> bytes:
    """A receipt message with these rows; what a row leaves out gets a filler."""
    message = spec.load(type_)
    segment = message.segments[message.document]
    now = (clock.now() + timedelta(hours=8)).strftime("%Y%m%d%H%M%S") + "000"
    groups = []
    for row in rows:
        fill = {"guid": IDENTITIES.guid(), "returnTime": now, "returnStatus": "2", "returnInfo": "新增申报成功"} | row
        items = "".join(f"<{prefix}{f.tag}>{fill.get(f.tag, '')}</{prefix}{f.tag}>" for f in segment.fields)
        groups.append(f"<{prefix}{segment.tag}>{items}</{prefix}{segment.tag}>")
    name = f"xmlns{':ceb' if prefix else ''}"
    head = f'<{prefix}{type_} {name}="http://www.chinaport.gov.cn/ceb" guid="{IDENTITIES.guid()}" version="1.0">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{"".join(groups)}</{prefix}{type_}>'.encode()


def key_fields(type_: str, business_key: str) -> dict[str, str]:
    """The key fields of a receipt that answers this document."""
    fields = {
        "CEB303Message": ("ebpCode", "ebcCode", "orderNo"),
        "CEB403Message": ("ebcCode", "orderNo", "payNo"),
        "CEB505Message": ("logisticsCode", "logisticsNo"),
        "CEB603Message": ("agentCode", "copNo"),
    }[type_]
    return dict(zip(fields, business_key.split("|"), strict=True))


def stamp(at: datetime) -> str:
    """A returnTime."""
    return (at.astimezone(UTC) + timedelta(hours=8)).strftime("%Y%m%d%H%M%S%f")[:17]


def declared(batch: Batch, batch_of: int = 2) -> list[OutMessage]:
    """The messages that declare this truck."""
    return declare.declarations(batch, Making(seeded(5), clock.now(), batch_of=batch_of))


@lru_cache(maxsize=1)
def keys() -> SoftwareKeys:
    """Keys for the companies of the factory's truck, made once."""
    folder = Path(tempfile.mkdtemp(prefix="tongguan-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return signing.rsa_keys(folder, *(p for p in make_truck().parties.values() if p.code))


def prepared(ledger: Ledger, n: int = 3) -> tuple[int, Batch]:
    """A shipment whose messages are sealed and stored. Returns its id and the truck."""
    batch = make_batch(n)
    truck = batch.truck
    ident, _ = shipments.open_shipment(
        ledger, truck.parties["agent"].code, truck.master_waybill, truck.model_dump(mode="json"), truck.mainland_plate
    )
    parcels.sync_parcels(ledger, ident, parcels.rows_of(batch))
    sealed = seal_messages(declared(batch), truck, ChinaEcommerce(), keys())
    preparing.add_messages(ledger, ident, sealed)
    return ident, batch

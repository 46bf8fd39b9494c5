"""Hong Kong's road cargo adapter keeps the contract of authorities."""

from __future__ import annotations

import pytest

from adapters.contract import Authority, OutMessageLike
from adapters.hk_road import HongKongRoad
from adapters.keys.provider import KeyProvider
from mappings.canonical.model import Party
from mappings.identity import seeded
from tasks import hongkong
from tests.contract.authority_suite import AuthoritySuite
from tests.factory import START, make_truck
from tests.unit import customs
from tests.unit.test_hk_items import truck_batch

RESPONSE = """<hk:HKRoadResponse xmlns:hk="urn:tongguan:hk:road:1" guid="{guid}" version="1"><hk:Response>
<hk:FunctionCode>11</hk:FunctionCode><hk:IssueDateTime>2026-11-23T14:00:00+08:00</hk:IssueDateTime>{errors}
<hk:Status><hk:EffectiveDateTime>2026-11-23T14:00:00+08:00</hk:EffectiveDateTime><hk:NameCode>{status}</hk:NameCode>
</hk:Status><hk:Declaration><hk:FunctionalReferenceID>HZMB0099000001-A1</hk:FunctionalReferenceID><hk:ID>CCRN1</hk:ID>
<hk:TypeCode>{subject}</hk:TypeCode>{vehicle}</hk:Declaration></hk:Response></hk:HKRoadResponse>"""
ERROR = "<hk:Error><hk:Description>x</hk:Description><hk:ValidationCode>E1</hk:ValidationCode></hk:Error>"
VEHICLE = "<hk:BorderTransportMeans><hk:ID>TT1001</hk:ID></hk:BorderTransportMeans>"


def response(status: str, subject: str, errors: str = "", vehicle: str = "") -> bytes:
    guid = seeded(3).guid()
    return RESPONSE.format(guid=guid, status=status, subject=subject, errors=errors, vehicle=vehicle).encode()


class TestHongKongRoad(AuthoritySuite):
    package = "adapters.hk_road"

    def authority(self, url: str = "") -> Authority:
        made = HongKongRoad(url)
        settings = {**made.profile.settings}
        for name, value in {"connect_attempts": 1, "connect_wait_seconds": 0}.items():
            settings[name] = settings[name].model_copy(update={"value": value})
        made.profile = made.profile.model_copy(update={"settings": settings})
        if url:
            made.wire.profile = made.profile
        return made

    @pytest.fixture
    def message(self) -> OutMessageLike:
        return hongkong.lodge(truck_batch(), START, seeded(7)).messages[0]

    @pytest.fixture
    def party(self) -> Party:
        return make_truck().parties["hk_agent"]

    @pytest.fixture
    def keys(self) -> KeyProvider:
        return customs.keys()

    @pytest.fixture
    def receipts(self) -> list[bytes]:
        return [response("CCR", "ACI"), response("REJ", "ACI", ERROR), response("BND", "BND", vehicle=VEHICLE)]

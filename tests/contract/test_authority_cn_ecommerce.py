"""China Customs' e-commerce adapter keeps the contract of authorities."""

from __future__ import annotations

import pytest

from adapters.cn_ecommerce import ChinaEcommerce
from adapters.contract import Authority, OutMessageLike
from adapters.keys.provider import KeyProvider
from mappings.canonical.model import Party
from tests.contract.authority_suite import AuthoritySuite
from tests.factory import make_batch, make_truck
from tests.unit import customs


class TestChinaEcommerce(AuthoritySuite):
    package = "adapters.cn_ecommerce"

    def authority(self, url: str = "") -> Authority:
        made = ChinaEcommerce(url)
        made.profile = customs.quick(connect_attempts=1)
        if url:
            made.wire.profile = made.profile
        return made

    @pytest.fixture
    def message(self) -> OutMessageLike:
        return customs.declared(make_batch(2))[0]

    @pytest.fixture
    def party(self) -> Party:
        return make_truck().parties["platform"]

    @pytest.fixture
    def keys(self) -> KeyProvider:
        return customs.keys()

    @pytest.fixture
    def receipts(self) -> list[bytes]:
        keyed = {
            "CEB304Message": {"ebpCode": "P", "ebcCode": "S", "orderNo": "O"},
            "CEB404Message": {"ebcCode": "S", "orderNo": "O"},
            "CEB506Message": {"logisticsCode": "L", "logisticsNo": "W"},
            "CEB604Message": {"agentCode": "A", "copNo": "C", "returnStatus": "800"},
            "CEB900Message": {"oriCopMsgId": "X", "oriMessageType": "CEB303Message", "returnStatus": "-1"},
        }
        return [customs.receipt(type_, [row]) for type_, row in keyed.items()]

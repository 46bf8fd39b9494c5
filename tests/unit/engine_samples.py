"""Messages for the tests of the engine."""

from __future__ import annotations

from mappings.identity import seeded
from tasks.conversion.declare import declarations
from tasks.conversion.messages import Making
from tests.factory import START, make_batch

RECEIPT = (
    '<ceb:CEB604Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" guid="4CDE1CFD-EDED-46B1-946C-B8022E42FC94" '
    'version="1.0">'
    "<ceb:InventoryReturn><ceb:guid>11111111-EDED-46B1-946C-B8022E42FC94</ceb:guid><ceb:agentCode>A1</ceb:agentCode>"
    "<ceb:copNo>C-1</ceb:copNo><ceb:preNo></ceb:preNo><ceb:invtNo>I</ceb:invtNo><ceb:ebcCode>S</ceb:ebcCode>"
    "<ceb:ebpCode>P</ceb:ebpCode><ceb:orderNo>0001</ceb:orderNo><ceb:statisticsFlag>A</ceb:statisticsFlag>"
    "<ceb:returnStatus>2</ceb:returnStatus><ceb:returnTime>20261123140000123</ceb:returnTime>"
    "<ceb:returnInfo>电子口岸申报中 &amp; &lt;好&gt;</ceb:returnInfo></ceb:InventoryReturn>"
    "<ceb:InventoryReturn><ceb:guid>22222222-EDED-46B1-946C-B8022E42FC94</ceb:guid><ceb:agentCode>A1</ceb:agentCode>"
    "<ceb:copNo>C-2</ceb:copNo><ceb:preNo>123456789012345678</ceb:preNo><ceb:returnStatus>-301020</ceb:returnStatus>"
    "</ceb:InventoryReturn></ceb:CEB604Message>"
)


def inventory_message(parcels: int, lines: list[int] | None = None) -> bytes:
    """One 603 of the made-up truck, with so many lines per parcel."""
    batch = make_batch(parcels, max(lines or [2]))
    if lines:
        keep = [gnum <= lines[p] for p, gnum in zip(batch.lines["parcel"], batch.lines["line.gnum"], strict=True)]
        batch = type(batch)(batch.truck, batch.parcels, batch.lines[keep].reset_index(drop=True), batch.faults)
    return declarations(batch, Making(seeded(1), START), ("CEB603Message",))[0].body

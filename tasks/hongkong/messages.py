"""Messages to Hong Kong: road cargo information (lodge, amend, cancel) and bundling (bundle, unbundle).

One master waybill is one consignment is one CCRN. Every message has a functional reference of its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

from mappings.canonical.batch import Batch
from mappings.canonical.model import Truck
from mappings.engine import schema, writer
from mappings.engine.rows import Rows
from mappings.engine.spec import load
from mappings.errors import DataFault
from mappings.identity import Identities
from tasks.conversion.messages import OutDocument, OutMessage
from tasks.hongkong import record
from tasks.hongkong.check import item_faults, plate_faults, refuse, window_faults
from tasks.hongkong.items import Items, lines, party, project
from tasks.hongkong.record import Entry

AUTHORITY, ACI, BUNDLE = "hk_road", "HKRoadACI", "HKRoadBundle"
FUNCTIONS = {"original": "9", "replace": "5", "cancellation": "1"}  # EDIFACT 1225, codes/function.csv
_REFERENCE_LENGTH = 35  # WCO D026 an..35
_HASH = 8


@dataclass(frozen=True)
class Filing:
    """What is to be sent, the conversion record (rows for the ledger), and the digest of the content."""

    messages: list[OutMessage]
    conversion: list[dict[str, Any]]
    digest: str = ""


def reference(master_waybill: str, room: int = _REFERENCE_LENGTH - len("-A999")) -> str:
    """The consignment's reference in `room` characters: the waybill, or its head and a hash."""
    if len(master_waybill) <= room:
        return master_waybill
    return f"{master_waybill[: room - _HASH - 1]}.{_hash(master_waybill)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH].upper()


def _bundle_reference(truck: Truck, key: str, attempt: int) -> str:
    """A reference that no other bundling of this consignment has, whatever its vehicle, CCRN and attempt."""
    suffix = f"-B{attempt}-{_hash(key)}"
    return reference(truck.master_waybill, _REFERENCE_LENGTH - len(suffix)) + suffix


def aci_key(truck: Truck) -> str:
    """The ledger's business key of the consignment."""
    return f"ACI|{reference(truck.master_waybill)}"


def bundle_key(truck: Truck, ccrn: str, vehicle: str = "") -> str:
    """The ledger's business key of a consignment's bundling with the truck's vehicle, or another one's."""
    return f"BND|{ccrn}|{vehicle or plate(truck)}"


def plate(truck: Truck) -> str:
    """The Hong Kong registration mark as it is written there: no blanks, capital letters."""
    return re.sub(r"\s+", "", truck.hk_plate).upper()


def lodge(batch: Batch, now: datetime, identities: Identities, attempt: int = 1) -> Filing:
    """The road cargo information of the parcels in `batch`. Raises DataFault with every fault of the eight items."""
    return _aci(batch, now, identities, attempt, "original", "")


def amend(batch: Batch, ccrn: str, now: datetime, identities: Identities, attempt: int) -> Filing:
    """The same consignment as it is now. Allowed only while it is not bundled. Raises DataFault."""
    return _aci(batch, now, identities, attempt, "replace", ccrn)


def cancel(truck: Truck, ccrn: str, identities: Identities, attempt: int) -> Filing:
    """Takes the consignment back. Allowed only while it is not bundled."""
    values = _head(truck, "cancellation", ccrn, f"{reference(truck.master_waybill)}-A{attempt}")
    return Filing([_message(ACI, values, identities, aci_key(truck), attempt, "cancellation")], [])


def bundle(truck: Truck, ccrn: str, identities: Identities, attempt: int = 1) -> OutMessage:
    """Bundles the consignment with the truck's vehicle. Raises DataFault without a usable plate."""
    return _bundle(truck, ccrn, identities, attempt, "original")


def unbundle(truck: Truck, ccrn: str, identities: Identities, attempt: int, vehicle: str = "") -> OutMessage:
    """Takes the consignment off the vehicle again, so that it can be amended; `vehicle` where the truck has changed."""
    return _bundle(truck, ccrn, identities, attempt, "cancellation", vehicle)


def _aci(batch: Batch, now: datetime, identities: Identities, attempt: int, function: str, ccrn: str) -> Filing:
    items, entries = project(batch)
    refuse([*item_faults(items, batch.truck), *window_faults(batch.truck, now)])
    values = _head(batch.truck, function, ccrn, f"{reference(batch.truck.master_waybill)}-A{attempt}") | _values(items)
    seqs = tuple(int(seq) for seq in batch.parcels["parcel.seq"])
    message = _message(ACI, values, identities, aci_key(batch.truck), attempt, function, seqs)
    constants = [Entry("Declaration/TypeCode", "-", "constant", 1, "ACI", "the kind of message (ours)")]
    return Filing([message], record.rows([*entries, *constants, *record.dropped(batch)], ACI), items.digest)


def _bundle(
    truck: Truck, ccrn: str, identities: Identities, attempt: int, function: str, vehicle: str = ""
) -> OutMessage:
    mark = vehicle or plate(truck)
    refuse(plate_faults(mark))
    key = bundle_key(truck, ccrn, mark)
    values = _head(truck, function, ccrn, _bundle_reference(truck, key, attempt)) | {"truck.hk_plate": mark}
    return _message(BUNDLE, values, identities, key, attempt, function)


def _head(truck: Truck, function: str, ccrn: str, own: str) -> dict[str, object]:
    return {
        "document.function": function,
        "document.reference": own,
        "hk.ccrn": ccrn,
        "party.hk_agent.name": party(truck, "hk_agent").name,
    }


def _values(items: Items) -> dict[str, object]:
    consignor, consignee = lines(items.consignor_address), lines(items.consignee_address)
    return {
        "hk.packages": str(items.packages),
        "hk.package_kind": items.package_kind,
        "hk.package_description": items.package_description,
        "hk.article_description": items.article_description,
        "party.seller.name": items.consignor_name,
        "hk.consignor_line": consignor[0],
        "hk.consignor_line2": " ".join(consignor[1:]),
        "party.hk_consignee.name": items.consignee_name,
        "hk.consignee_line": consignee[0],
        "hk.consignee_line2": " ".join(consignee[1:]),
        "truck.planned.crossing": f"{items.arrival_date:%Y%m%d}",
    }


def _message(
    message_type: str,
    values: dict[str, object],
    identities: Identities,
    key: str,
    attempt: int,
    function: str,
    parcels: tuple[int, ...] = (),
) -> OutMessage:
    guid = identities.guid()
    [written] = writer.write(message_type, Rows(values, 1), None, {}, [guid])
    body = _without_empty(message_type, written.body)
    document = OutDocument(guid, key, None, attempt, FUNCTIONS[function], parcels)
    return OutMessage(AUTHORITY, message_type, 1, guid, body, "hk_agent", [document])


def _without_empty(message_type: str, body: bytes) -> bytes:
    """The canonical bytes without optional groups that hold nothing; checked against the strict schema."""
    root = etree.fromstring(body)
    spec = load(message_type)
    for group in list(root[0]):
        segment = spec.segments.get(etree.QName(group).localname)
        if segment is not None and not segment.least and not "".join(map(str, group.itertext())):
            root[0].remove(group)
    validator = schema.validator(message_type, True)
    if not validator.validate(root):
        raise DataFault(str(validator.error_log))
    return etree.tostring(root, method="c14n")

"""The eight mandatory items of the road cargo information, projected from a truck (hk.md 2 [S01], standards.md 4).

Weight, value and HS code are not among them and never block a consignment.
"""

from __future__ import annotations

import hashlib
import textwrap
from dataclasses import astuple, dataclass
from datetime import date

from mappings.canonical.batch import Batch
from mappings.canonical.model import Party, Truck
from mappings.engine import codes
from mappings.hk_road.tables import HONG_KONG, table
from tasks.hongkong.description import article
from tasks.hongkong.record import Entry

_NOBODY = Party(name="")


@dataclass(frozen=True)
class Items:
    """What Hong Kong is told of a consignment."""

    packages: int
    package_kind: str
    package_description: str
    article_description: str
    consignor_name: str
    consignor_address: str
    consignee_name: str
    consignee_address: str
    arrival_date: date

    @property
    def digest(self) -> str:
        """Identity of the content: equal digests need no amendment. '' when no package is left."""
        text = "\x1f".join(str(value) for value in astuple(self))
        return hashlib.sha256(text.encode()).hexdigest() if self.packages else ""


def party(truck: Truck, role: str) -> Party:
    """The truck's party in a role, an empty one where it has none."""
    return truck.parties.get(role, _NOBODY)


def project(batch: Batch) -> tuple[Items, list[Entry]]:
    """The items of the parcels in `batch` (those that really go), and what was defaulted or had no equal."""
    truck = batch.truck
    packages, counted = _packages(batch)
    kind, description, kinds = _kind(truck.package_kind)
    text, summarised = article(batch)
    seller, consignee = party(truck, "seller"), party(truck, "hk_consignee")
    items = Items(
        packages=packages,
        package_kind=kind,
        package_description=description,
        article_description=text,
        consignor_name=seller.name,
        consignor_address=seller.address,
        consignee_name=consignee.name,
        consignee_address=consignee.address,
        arrival_date=truck.planned.crossing.astimezone(HONG_KONG).date(),
    )
    return items, [*counted, *kinds, *summarised, _day(truck), *_characters(items)]


def content_digest(batch: Batch) -> str:
    """Identity of what Hong Kong would be told of this truck now; '' when no parcel is left."""
    return project(batch)[0].digest


def lines(address: str) -> list[str]:
    """An address in lines of the allowed length, broken at blanks where there are any."""
    width = table("description")["address_line"]
    return textwrap.wrap(address, width, break_on_hyphens=False) or [""]


def _packages(batch: Batch) -> tuple[int, list[Entry]]:
    pieces, missing = batch.parcels["waybill.pieces"], table("description")["packages"]["missing"]
    unsaid = int(pieces.isna().sum())
    note = f"a parcel without a number of pieces counts as {missing}"
    entry = Entry("Packaging/QuantityQuantity", "waybill.pieces", "defaulted", unsaid, str(missing), note)
    return int(pieces.fillna(missing).sum()), [entry] if unsaid else []


def _kind(canonical: str) -> tuple[str, str, list[Entry]]:
    listed = codes.load("hk_road", "package")
    found = listed.outward(canonical)
    target = "Packaging/TypeCode"
    if found is None:
        other = listed.codes[table("description")["packages"]["unknown"]]
        note = f"no such package kind in UN/ECE Rec 21; {other.code} ({other.name_en}) is given instead"
        return other.code, other.name_en, [Entry(target, "truck.package_kind", "no_equal", 1, canonical, note)]
    if found.fit == "nearest":
        note = f"mainland kind {found.name_zh} has no exact equal in Rec 21; {found.name_en} is the nearest [nearest]"
        return found.code, found.name_en, [Entry(target, "truck.package_kind", "no_equal", 1, canonical, note)]
    return found.code, found.name_en, []


def _day(truck: Truck) -> Entry:
    crossing = truck.planned.crossing.astimezone(HONG_KONG)
    note = "the time of day is left out: the mandatory item is a date, in Hong Kong time"
    return Entry("Consignment/ArrivalDateTime", "truck.planned.crossing", "rounded", 1, f"{crossing:%H:%M}", note)


def _outside(text: str) -> str:
    return "".join(dict.fromkeys(c for c in text if not _held(c)))


def _held(character: str) -> bool:
    try:
        return bool(character.encode("big5hkscs"))
    except UnicodeEncodeError:
        return False


def _characters(items: Items) -> list[Entry]:
    """Characters that HKSCS does not hold (hk.md 2 [S02]); they are sent as they are."""
    places = {
        "Consignor/Name": ("party.seller.name", items.consignor_name),
        "Consignor/Line": ("party.seller.address", items.consignor_address),
        "Consignee/Name": ("party.hk_consignee.name", items.consignee_name),
        "Consignee/Line": ("party.hk_consignee.address", items.consignee_address),
    }
    note = "characters outside Hong Kong's HKSCS set; sent as they are, and accepted or not (unverified)"
    return [
        Entry(target, source, "no_equal", len(_outside(text)), _outside(text), note)
        for target, (source, text) in places.items()
        if _outside(text)
    ]

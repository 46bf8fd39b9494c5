"""The canonical model, defined once: pydantic for one shipment in an API call, typed columns for a truck.

Codes are WCO, ISO and UN codes: country ISO 3166-1 alpha-2, currency ISO 4217 alpha, unit UN/ECE Rec 20 (or the
customs unit as "CN:nnn" where Rec 20 has no equal), package kind Rec 21, transport mode Rec 19, port UN/LOCODE or
IATA. Weights are kilograms. Money and quantities are Decimal here and integers scaled by 100,000 in columns.
A field's path ("order.order_no") is its name everywhere: in columns, faults, message files and rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError


@dataclass(frozen=True)
class Personal:
    """Marks a person's datum: encrypted at rest, masked on every screen, absent from Prefect."""


Money = Annotated[Decimal, Field(max_digits=19, decimal_places=5)]
Quantity = Annotated[Decimal, Field(max_digits=19, decimal_places=5)]
Weight = Annotated[Decimal, Field(max_digits=19, decimal_places=5, description="kilograms")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]
Unit = Annotated[str, Field(description="UN/ECE Rec 20, or CN:nnn")]
Person = Annotated[str, Personal()]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


Declared = Literal["order", "payment", "waybill", "list", "arrival", "departure"]


class Party(_Model):
    """A company in one of its roles; `code` is what it signs and declares under.

    `sends_itself` names what it declares on its own: of that we prepare nothing and wait for nothing. The inventory is
    no such thing: a parcel's state is its inventory's.
    """

    code: str = ""
    customs_code: str = ""
    name: str
    dxp_id: str = ""
    address: str = ""
    sends_itself: list[Declared] = Field(default_factory=list)

    @field_validator("sends_itself", mode="before")
    @classmethod
    def _from_text(cls, given: object) -> object:
        return given.replace(",", " ").split() if isinstance(given, str) else given


class Driver(_Model):
    """Who drives the truck."""

    name: Person = ""
    licence: Person = ""


class Plan(_Model):
    """When the truck is meant to be where."""

    arrival_at_yard: AwareDatetime
    departure: AwareDatetime
    crossing: AwareDatetime


class Truck(_Model):
    """The truck and the consignment on it: one master waybill, one declaration agent.

    What leaves a bonded zone (import 1210) has no vehicle and no master waybill: `master_waybill` holds the batch's own
    reference there, which tells shipments apart and which no message carries as a waybill.
    """

    master_waybill: str = Field(min_length=1)
    batch_no: str = ""
    regime: Literal["9610", "9710", "9810", "1210"] = "9610"
    direction: Literal["export", "import"] = "export"
    corridor: str = "zhuhai-hongkong"
    customs_office: str
    exit_port: str = Field(default="", validate_default=True, description="export: where it leaves the country")
    ie_port: str = Field(default="", validate_default=True, description="import: where it enters the country")
    ems_no: str = Field(default="", description="1210: account book of the bonded warehouse")
    transport_mode: str = Field(default="3", description="UN/ECE Rec 19")
    port_of_destination: str = Field(default="", validate_default=True, description="export")
    package_kind: str = Field(default="CT", description="UN/ECE Rec 21")
    statistics_flag: Literal["A", "B"] = "A"
    mainland_plate: str = Field(default="", validate_default=True, description="all but import 1210")
    hk_plate: str = ""
    trailer: str = ""
    e_lock: str = ""
    via: str = ""
    yard_location: str = Field(default="", description="supervised place code, where a district has several")
    transit_country: Country = "HK"
    driver: Driver = Field(default_factory=Driver)
    planned: Plan
    parties: dict[str, Party] = Field(
        description="by role: platform, seller, owner (producer, where it is not the seller), payment_company, "
        "carrier, agent, yard, area (company in the bonded zone), guarantor (of the taxes), hk_consignee, hk_agent"
    )

    @field_validator("exit_port", "ie_port", "port_of_destination", "mainland_plate")
    @classmethod
    def _needed(cls, value: str, info: ValidationInfo) -> str:
        crossing = (info.data.get("direction"), info.data.get("regime"))
        if not value and None not in crossing and crossing not in _WITHOUT[str(info.field_name)]:
            raise PydanticCustomError("missing", "Field required")
        return value


_EXPORTS = {("export", regime) for regime in ("9610", "9710", "9810", "1210")}
_IMPORTS = {("import", regime) for regime in ("9610", "9710", "9810", "1210")}
_WITHOUT = {  # kinds of crossing (direction, regime) that do without a field
    "exit_port": _IMPORTS,
    "ie_port": _EXPORTS,
    "port_of_destination": _IMPORTS,
    "mainland_plate": {("import", "1210")},
}


class Order(_Model):
    """An order of the platform. `goods_value` is FOB, without freight."""

    order_no: str
    ordered_at: datetime | None = None
    currency: Currency
    goods_value: Money
    freight: Money = Decimal(0)
    buyer_country: Country | None = None
    cancelled: bool = False
    tax_total: Money | None = Field(default=None, description="import: taxes that the seller collected in advance")
    discount: Money | None = Field(default=None, description="import: what was not paid in money")
    paid: Money | None = Field(default=None, description="import: goods value + freight + taxes - discount")
    insurance: Money | None = None
    batch_numbers: str = ""
    consignee_name: Person = ""
    consignee_phone: Person = ""
    consignee_address: Person = ""
    consignee_district: str = Field(default="", description="6 digits, GB/T 2260")
    note: str = ""


class Buyer(_Model):
    """Who bought an order: a natural person, whom an import names."""

    order_no: str
    reg_no: Person = Field(default="", description="the buyer's account at the platform")
    name: Person = ""
    id_type: str = Field(default="", description="1: identity card of the People's Republic, 2: other")
    id_number: Person = ""
    phone: Person = ""


class Payment(_Model):
    """Money received for an order."""

    order_no: str
    pay_no: str = ""
    amount: Money
    currency: Currency
    paid_at: datetime | None = None
    payer_name: Person = ""
    payer_id_type: str = ""
    payer_id_number: Person = ""
    payer_phone: Person = ""


class Waybill(_Model):
    """A parcel's waybill."""

    order_no: str
    waybill_no: str
    pieces: int = 1
    gross_weight: Weight
    freight: Money = Decimal(0)
    insured_fee: Money = Decimal(0)
    currency: Currency | None = None
    big_bag_no: str = ""
    goods_info: str = ""
    consignee_name: Person = ""
    consignee_phone: Person = ""
    consignee_address: Person = ""
    consignee_country: Country | None = None
    delivered_at: datetime | None = Field(default=None, description="signed for")


class GoodsLine(_Model):
    """A line of goods; what the registered goods add (HS code, legal units, net weight) is filled in by cleaning."""

    order_no: str
    gnum: int = 0
    item_no: str
    item_name: str = ""
    hs_code: str = Field(default="", description="10 digits, customs tariff")
    goods_name: str = ""
    goods_model: str = ""
    bar_code: str = ""
    origin: Country | None = None
    currency: Currency
    quantity: Quantity
    unit: Unit = ""
    price: Money
    total_price: Money
    quantity1: Quantity | None = None
    unit1: Unit = ""
    quantity2: Quantity | None = None
    unit2: Unit = ""
    net_weight: Weight | None = Field(default=None, description="of the whole line, kilograms")
    item_record_no: str = Field(default="", description="1210: the good's number in the account book")
    note: str = ""


class Goods(_Model):
    """A registered good of the seller, by item number."""

    item_no: str
    hs_code: str
    goods_name: str
    item_name: str = ""
    unit: Unit
    unit1: Unit
    unit2: Unit = ""
    net_weight: Weight = Field(description="of one trade unit, kilograms")
    origin: Country | None = None
    goods_model: str = ""
    bar_code: str = ""
    item_record_no: str = ""


class InventoryLine(_Model):
    """A line of the inventory as whoever draws it up has it: held against the order's line, and declared nowhere.

    `gnum` is the number of the order's line that it stands for; 0 or left out: they follow one another.
    """

    order_no: str
    gnum: int | None = None
    item_no: str = ""
    hs_code: str = ""
    currency: Currency | None = None
    quantity: Quantity | None = None
    unit: Unit = ""
    price: Money | None = None
    total_price: Money | None = None


class Parcel(_Model):
    """One order with its buyer, payments, waybill and lines; and the inventory's own lines, where they are given."""

    order: Order
    buyer: Buyer | None = None
    payments: list[Payment] = Field(default_factory=list)
    waybill: Waybill | None = None
    lines: list[GoodsLine]
    inventory: list[InventoryLine] = Field(default_factory=list)


class Shipment(_Model):
    """What one API call hands in: a truck and its parcels."""

    truck: Truck
    parcels: list[Parcel]
    goods: list[Goods] = Field(default_factory=list)


TABLES: dict[str, type[_Model]] = {
    "order": Order,
    "buyer": Buyer,
    "payment": Payment,
    "waybill": Waybill,
    "line": GoodsLine,
    "inventory": InventoryLine,
    "goods": Goods,
}

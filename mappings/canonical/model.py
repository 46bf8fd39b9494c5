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

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator


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
    """The truck and the consignment on it: one master waybill, one declaration agent."""

    master_waybill: str = Field(min_length=1)
    batch_no: str = ""
    regime: Literal["9610", "9710", "9810", "1210"] = "9610"
    direction: Literal["export", "import"] = "export"
    corridor: str = "zhuhai-hongkong"
    customs_office: str
    exit_port: str
    transport_mode: str = Field(default="3", description="UN/ECE Rec 19")
    port_of_destination: str
    package_kind: str = Field(default="CT", description="UN/ECE Rec 21")
    statistics_flag: Literal["A", "B"] = "A"
    mainland_plate: str
    hk_plate: str = ""
    trailer: str = ""
    e_lock: str = ""
    via: str = ""
    yard_location: str = Field(default="", description="supervised place code, where a district has several")
    transit_country: Country = "HK"
    driver: Driver = Field(default_factory=Driver)
    planned: Plan
    parties: dict[str, Party] = Field(
        description="by role: platform, seller, payment_company, carrier, agent, yard, hk_consignee, hk_agent"
    )


class Order(_Model):
    """An order of the platform. `goods_value` is FOB, without freight."""

    order_no: str
    ordered_at: datetime | None = None
    currency: Currency
    goods_value: Money
    freight: Money = Decimal(0)
    buyer_country: Country | None = None
    cancelled: bool = False


class Payment(_Model):
    """Money received for an order."""

    order_no: str
    pay_no: str = ""
    amount: Money
    currency: Currency
    paid_at: datetime | None = None
    payer_name: Person = ""


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


class Parcel(_Model):
    """One order with its payments, waybill and lines."""

    order: Order
    payments: list[Payment] = Field(default_factory=list)
    waybill: Waybill | None = None
    lines: list[GoodsLine]


class Shipment(_Model):
    """What one API call hands in: a truck and its parcels."""

    truck: Truck
    parcels: list[Parcel]
    goods: list[Goods] = Field(default_factory=list)


TABLES: dict[str, type[_Model]] = {
    "order": Order,
    "payment": Payment,
    "waybill": Waybill,
    "line": GoodsLine,
    "goods": Goods,
}

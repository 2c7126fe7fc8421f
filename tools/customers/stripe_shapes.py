"""What Stripe's objects hold of what we read (API version 2024-06-20), and what it means in our words."""

from decimal import Decimal
from typing import Generic, TypeVar

from pydantic import BaseModel

from tools.customers.directory import Charge
from tools.customers.loose import day, text

_WHOLE = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
_INVOICE_STATES = {"uncollectible": "failed"}
_CHARGE_STATES = {"succeeded": "paid", "pending": "open"}
_MONTHS = {"day": Decimal(12) / 365, "week": Decimal(12) / 52, "month": Decimal(1), "year": Decimal(12)}
"""Months that an interval is long."""
_CENT = Decimal("0.01")
_LINE = 200


def of_minor(amount: int, currency: str) -> Decimal:
    """An amount as people write it, of one in the currency's smallest unit.

    By docs.stripe.com/currencies, where ISK and UGX, which have no fractions any more, still count hundredths.
    """
    code = currency.upper()
    return Decimal(amount).scaleb(0 if code in _WHOLE else -3 if code in _THOUSANDTHS else -2)


class Identified(BaseModel):
    """Anything that stands in a list."""

    id: str


Thing = TypeVar("Thing", bound=Identified)


class Listed(BaseModel, Generic[Thing]):
    """A page of a list or of a search."""

    data: list[Thing]
    has_more: bool = False

    @property
    def cursor(self) -> str:
        """What the next page comes after; empty: this was the last."""
        return self.data[-1].id if self.has_more and self.data else ""


class Customer(Identified):
    """Somebody who pays."""

    email: str | None = None
    name: str | None = None
    created: int
    delinquent: bool | None = None
    description: str | None = None


class Recurring(BaseModel):
    """How often a price is due."""

    interval: str
    interval_count: int = 1


class Price(BaseModel):
    """What something costs."""

    nickname: str | None = None
    product: str
    currency: str
    unit_amount: int | None = None
    recurring: Recurring | None = None


class Item(BaseModel):
    """One line of a subscription."""

    price: Price
    quantity: int | None = None
    """None for what is paid by use."""

    @property
    def monthly(self) -> Decimal | None:
        """What it costs a month; None when that depends on use."""
        if self.price.unit_amount is None or self.price.recurring is None or self.quantity is None:
            return None
        months = _MONTHS.get(self.price.recurring.interval, Decimal(1)) * self.price.recurring.interval_count
        due = of_minor(self.price.unit_amount, self.price.currency) * self.quantity
        return (due / months).quantize(_CENT) if due % months else due / months


class Items(BaseModel):
    """The lines of a subscription."""

    data: list[Item] = []


class Subscription(Identified):
    """What somebody has subscribed to."""

    status: str
    created: int
    start_date: int | None = None
    current_period_end: int | None = None
    cancel_at_period_end: bool = False
    items: Items = Items()


class Product(BaseModel):
    """What a price is for."""

    name: str = ""


class Invoice(Identified):
    """A bill."""

    number: str | None = None
    status: str | None = None
    created: int
    total: int
    currency: str
    description: str | None = None
    charge: str | None = None

    def line(self) -> Charge:
        """As our history has it."""
        status = self.status or ""
        return Charge(
            date=day(self.created),
            description=text(self.description)[:_LINE] or "Invoice",
            amount=of_minor(self.total, self.currency),
            status=_INVOICE_STATES.get(status, status),
            invoice=self.number or self.id,
            currency=self.currency.upper(),
        )


class Payment(Identified):
    """A charge of a card or account (Stripe: Charge)."""

    amount: int
    amount_refunded: int = 0
    currency: str
    created: int
    status: str
    refunded: bool = False
    description: str | None = None
    invoice: str | None = None
    receipt_number: str | None = None

    def line(self) -> Charge:
        """As our history has it."""
        return Charge(
            date=day(self.created),
            description=text(self.description)[:_LINE] or "Payment",
            amount=of_minor(self.amount, self.currency),
            status=self.state,
            invoice=self.receipt_number or self.id,
            currency=self.currency.upper(),
        )

    @property
    def state(self) -> str:
        """In our words; a refund of a part names the amount."""
        if self.refunded:
            return "refunded"
        if self.amount_refunded:
            back = of_minor(self.amount_refunded, self.currency)
            return f"paid, {back:f} {self.currency.upper()} of it refunded"
        return _CHARGE_STATES.get(self.status, self.status)

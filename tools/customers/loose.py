"""A customer record out of loose values, as other systems hold them: what does not fit is left out, never guessed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal
from uuid import UUID

from tools.customers.directory import Charge, CustomerRecord

HISTORY = 24
"""Lines of the billing history that are kept, newest first."""
Field = Literal["name", "company", "plan", "status", "seats", "since", "renews_on", "monthly", "currency", "notes"]
"""What other systems may know of a customer, by the names of `CustomerRecord`."""
HistoryField = Literal["date", "description", "amount", "currency", "status", "invoice", "email"]
"""The same for a line of the billing history, by the names of `Charge`; and whose it is, where that is told."""
_LONGEST = 2000
_FIRST_TIME = 1e8
"""Unix seconds of 1973; smaller numbers are years, or dates without their hyphens."""
_MILLISECONDS = 1e11
"""Times from here on are in milliseconds: as seconds they would lie 3,000 years ahead."""
_CODE, _SIGN = 3, 12
"""Characters of an ISO code; of what other systems may have instead, such as `US$`."""
_LARGEST = Decimal(10) ** 15
_DIGITS = 30
"""Behind the point, or zeros before it; more would fill the memory when it is written out."""


def record_of(email: str, values: Mapping[str, object], history: Iterable[Charge] = ()) -> CustomerRecord:
    """The record; history in any order."""
    newest_first = sorted(history, key=lambda line: (line.date, line.invoice), reverse=True)
    return CustomerRecord(
        email=email,
        name=text(values.get("name")),
        company=text(values.get("company")),
        plan=text(values.get("plan")),
        status=text(values.get("status")),
        seats=whole(values.get("seats")),
        since=day(values.get("since")),
        renews_on=day(values.get("renews_on")) or None,
        monthly=amount(values.get("monthly")),
        notes=text(values.get("notes")),
        billing_history=tuple(newest_first[:HISTORY]),
        currency=currency(values.get("currency")),
    )


def charge_of(values: Mapping[str, object], scale: int = 0) -> Charge | None:
    """A line of the billing history, its amount divided by 10 to the `scale`; None without an amount."""
    paid = amount(values.get("amount"))
    if paid is None:
        return None
    return Charge(
        date=day(values.get("date")),
        description=text(values.get("description")),
        amount=paid.scaleb(-scale),
        status=text(values.get("status")),
        invoice=text(values.get("invoice")),
        currency=currency(values.get("currency")),
    )


def text(value: object) -> str:
    """Text, numbers, dates and ids as text, bounded; everything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal | date | UUID):
        return ""
    return str(value).replace("\0", "").strip()[:_LONGEST]


def whole(value: object) -> int | None:
    """A count."""
    number = amount(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def amount(value: object) -> Decimal | None:
    """A finite number, its digits as they were written."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except (InvalidOperation, ValueError):  # ValueError: thousands of digits
        return None
    if not number.is_finite() or abs(number) >= _LARGEST:
        return None
    return number if abs(int(number.as_tuple().exponent)) <= _DIGITS else None


def currency(value: object) -> str:
    """An ISO code in capitals, or whatever else says which one it is; US dollars when nothing is said."""
    told = text(value)
    is_code = len(told) == _CODE and told.isalpha() and told.isascii()
    return told.upper() if is_code else " ".join(told.split())[:_SIGN] or "USD"


def day(value: object) -> str:
    """ISO date of a date, an ISO time, or Unix seconds or milliseconds (also written out); empty when it is none."""
    if isinstance(value, date):  # datetime is one, too
        return value.isoformat()[:10]
    number = amount(value)
    if number is not None and number >= _FIRST_TIME:
        return _of_unix(float(number))
    try:
        return datetime.fromisoformat(text(value)).date().isoformat()
    except ValueError:
        return ""


def _of_unix(seconds: float) -> str:
    if seconds >= _MILLISECONDS:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return ""

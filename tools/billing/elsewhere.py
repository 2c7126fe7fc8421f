"""The books of a company whose payments are kept in a system that we only read, or do not know at all."""

from decimal import Decimal

from tools.base import ToolError
from tools.billing.books import NewRefund, Refund, Terms

_NOT_HERE = (
    "Refunds cannot be made from here: this company's payments are kept in another system. Nothing was refunded. Say "
    "so honestly, and call escalate_to_human with the amount and the reason, so that a person decides and makes it."
)
_NOT_KNOWN = "not known here: the billing history says what it knows of refunds"


class BooksElsewhere:
    """Says of every refund that a person has to make it; that nothing was paid would be no honest answer."""

    async def refund(self, refund: NewRefund, key: str, terms: Terms) -> Refund:  # noqa: ARG002 - the same for all
        raise ToolError(_NOT_HERE)

    async def look(self, refund: NewRefund) -> tuple[Decimal, Refund | None]:  # noqa: ARG002 - as above
        raise ToolError(_NOT_HERE)

    async def recent(self, email: str) -> tuple[Refund, ...]:  # noqa: ARG002 - as above
        raise ToolError(_NOT_KNOWN)

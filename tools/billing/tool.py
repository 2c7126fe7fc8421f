"""issue_refund: give a customer money back. Which refunds need a person is not decided here but by the policy."""

import math
import re
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from tools.base import Arguments, ConsentNeededError, Tool, ToolContext, ToolError, ToolOutput
from tools.billing.books import Books, NewRefund, Refund, RefundRefusedError, Terms
from tools.ownership import permitted_email
from tools.resilience import Guard

_DESCRIPTION = (
    "Refund money that the person who is writing has paid. Use it only when they ask for a refund and the account and "
    "the articles show that it is due; once per refund, with the exact amount. Some refunds wait for a colleague's "
    "consent: then nothing was refunded yet. The result says what really happened; tell the customer that and no more."
)
_SORRY = (
    "The billing system does not answer right now. It is not known whether the refund was made, so do not say that it "
    "was. Tell the customer honestly, and call escalate_to_human."
)
_EXAMPLE = (
    '{"customer_email": "ana@cobalt-studio.example", "amount_usd": 30.5, '
    '"reason": "INV-2026-15477 was charged twice on 2026-11-18."}'
)
_NEXT = "Say so honestly; call escalate_to_human if they disagree."
_LARGEST = Decimal(1_000_000)
_CENT = Decimal("0.01")
_DIGITS = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?", re.ASCII)
_WRITE_IT = "write it as a plain number of dollars, at most two digits after the point, e.g. 30 or 30.50"


def _exact(value: object) -> Decimal:
    """Dollars and cents; nothing is rounded or guessed."""
    match value:
        case bool():
            raise ValueError(_WRITE_IT)
        case str() if _DIGITS.fullmatch(value):
            amount = Decimal(value)
        case int() | Decimal():
            amount = Decimal(value)
        case float() if math.isfinite(value):
            amount = Decimal(repr(value))
        case _:
            raise ValueError(_WRITE_IT)
    if not amount.is_finite() or abs(amount) > _LARGEST or amount != amount.quantize(_CENT):
        raise ValueError(_WRITE_IT)
    if amount <= 0:
        raise ValueError("it must be more than 0")
    return amount.quantize(_CENT)


class RefundArguments(Arguments):
    """A refund to make."""

    summed: ClassVar[str] = "amount_usd"

    customer_email: Annotated[str, Field(max_length=320, description="The customer's verified e-mail address.")]
    amount_usd: Annotated[
        Decimal,
        BeforeValidator(_exact),
        WithJsonSchema({"type": "number", "description": "US dollars, at most two digits after the point."}),
    ]
    reason: Annotated[
        str,
        Field(
            min_length=5,
            max_length=500,
            description="Which charge (invoice, date) and why it is given back, 5 to 500 characters.",
        ),
    ]


class IssueRefund:
    """The tool's work."""

    def __init__(self, books: Books, guard: Guard) -> None:
        self._books = books
        self._guard = guard

    def tool(self) -> Tool[RefundArguments]:
        """As the catalogue lists it."""
        return Tool(
            "issue_refund", _DESCRIPTION, RefundArguments, self.run, "Looking into a refund", self.prepare,
            safe_to_repeat=True, examples=(_EXAMPLE,),
        )  # fmt: skip

    async def prepare(self, arguments: RefundArguments, context: ToolContext) -> RefundArguments:
        """Whose money it is, and whether so much was paid; nobody is asked about a refund that cannot be made."""
        wanted = _wanted(arguments, context)
        left, made = await self._guard.call(lambda: self._books.look(wanted), context, sorry=_SORRY)
        if made is not None and not context.is_consented:
            raise ToolError(_told(made, is_new=False))
        if wanted.amount > left:
            raise ToolError(_too_much(wanted.customer_email, left))
        return arguments.model_copy(update={"customer_email": wanted.customer_email})

    async def run(self, arguments: RefundArguments, context: ToolContext) -> ToolOutput:
        """Make the refund, or find the one that was made before."""
        wanted = _wanted(arguments, context)
        terms = Terms(None, again=True) if context.is_consented else Terms(context.allowance)

        async def book() -> Refund | RefundRefusedError | ConsentNeededError:
            try:
                return await self._books.refund(wanted, context.key, terms)
            except (RefundRefusedError, ConsentNeededError) as refused:  # an answer: the back-end works
                return refused

        made = await self._guard.call(book, context, sorry=_SORRY)
        if isinstance(made, ConsentNeededError):
            raise made
        if isinstance(made, RefundRefusedError):
            raise ToolError(f"{made} {_NEXT}")
        return ToolOutput(_told(made, is_new=made.key == context.key), note=f"{made.id} ${made.amount:.2f}")


def _wanted(arguments: RefundArguments, context: ToolContext) -> NewRefund:
    email = permitted_email(arguments.customer_email, context.principal)
    return NewRefund(email, arguments.amount_usd, arguments.reason, context.conversation_id)


def _too_much(email: str, left: Decimal) -> str:
    if left <= 0:
        return f"Nothing that could be refunded was paid by {email}. Nothing was refunded. {_NEXT}"
    return f"At most ${left:.2f} were paid by {email} and not given back yet. Nothing was refunded. {_NEXT}"


def _told(refund: Refund, *, is_new: bool) -> str:
    if is_new:
        return (
            f"Refund {refund.id} of ${refund.amount:.2f} to {refund.customer_email} was issued, to the original "
            "payment method. Nothing is known about when it arrives beyond what the articles say."
        )
    return (
        f"Refund {refund.id} of ${refund.amount:.2f} was issued already in this conversation. No second one was made. "
        "If they are entitled to the same amount once more, call escalate_to_human."
    )

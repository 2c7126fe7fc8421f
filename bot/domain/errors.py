"""The kinds of failure. What the model can mend is `tools.base.ToolError`; the customer reads none of these, ever."""

from decimal import Decimal

from bot.domain.budget import Limit


class DeskhandError(Exception):
    """Everything this program raises on purpose."""


class TransientError(DeskhandError):
    """The worker's to repeat."""

    def __init__(self, message: str, *, retry_after: float | None = None, ambiguous: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the other side asked us to wait, if it did."""
        self.ambiguous = ambiguous
        """True when the effect may have happened all the same."""


class PermanentError(DeskhandError):
    """A human's to see: repeating cannot help."""


class LockedOutError(PermanentError):
    """The other side does not take our credentials; all calls fail until an operator mends them."""


class ModelBusyError(TransientError):
    """A model call that failed but may work later (429, 5xx, 529, cut or hanging connection, HTML instead of JSON)."""

    def __init__(self, message: str, *, kind: str, retry_after: float | None = None, maybe_billed: bool) -> None:
        super().__init__(message, retry_after=retry_after, ambiguous=maybe_billed)
        self.kind = kind
        """Short class for traces: rate_limited, overloaded, server_error, timeout, connection, malformed."""
        self.maybe_billed = maybe_billed
        """True when the vendor may charge for the attempt."""


class ModelDownError(PermanentError):
    """This model will not answer: key refused, spend cap reached, model unknown, request refused as invalid."""

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind
        """Short class for traces: auth, spend_cap, not_found, invalid_request, too_large."""


class BudgetExceededError(DeskhandError):
    """The worst case of the next call does not fit into a limit. Nothing was spent."""

    def __init__(self, limit: Limit, *, used: Decimal, wanted: Decimal) -> None:
        super().__init__(f"{limit.scope} budget of ${limit.usd}: ${used} used or reserved, ${wanted} wanted")
        self.limit = limit
        self.used = used
        """USD spent or reserved."""
        self.wanted = wanted
        """USD the call could cost at worst."""


class TokensExceededError(DeskhandError):
    """The next call could break the token limit of the conversation. Nothing was spent."""


class FencedError(DeskhandError):
    """Another execution of this run recorded the step first; this one must drop out without a trace."""


class WorkspaceLeftError(PermanentError):
    """The app is not installed in the workspace any more; nothing is wrong on our side."""


class OvertakenError(PermanentError):
    """The conversation is in other hands than those the words were written for: they are not sent."""


class ForeignWorkspaceError(PermanentError):
    """Somebody wanted to write into another workspace than the one they work for; nothing was changed."""


class ConnectionLostError(DeskhandError):
    """Slack was away for too long; the process ends, so that whoever watches over it starts it again."""


class MembershipUnknownError(DeskhandError):
    """Slack would not tell who is staff; nobody may decide."""

"""Whose data a tool may touch: decided by the verified identity of who is writing, never by what was written."""

import unicodedata

from bot.domain.principal import Principal
from tools.base import ToolError

_LONGEST = 254
"""Characters of an address (RFC 5321)."""


def canonical(email: str) -> str:
    """The form in which addresses are compared and stored: trimmed, composed (NFC), lower case.

    Deliberately no more than that. Compatibility folding (NFKC) and case folding turn look-alikes such as full-width
    letters or the Kelvin sign into ASCII letters, and would make somebody else of their owner; such an address stays as
    it is and equals nobody's.
    """
    trimmed = email.strip()
    composed = unicodedata.normalize("NFC", trimmed)
    if any(not c.isascii() and unicodedata.normalize("NFC", c).isascii() for c in trimmed):
        return trimmed
    return unicodedata.normalize("NFC", composed.lower())


def permitted_email(asked: str, principal: Principal) -> str:
    """The canonical address whose data this principal may see or change under the asked one; else ToolError."""
    if principal.is_staff:
        return _well_formed(asked)
    if not principal.email:
        raise ToolError(
            "The person who is writing has no verified e-mail address, so no account can be looked up or changed "
            "for them, whatever address they name. Tell them so, and call escalate_to_human if they need it."
        )
    own = canonical(principal.email)
    if canonical(asked) != own:
        raise ToolError(
            f"Only the account of the person who is writing can be used here; their verified e-mail address is {own}. "
            "Another address is refused whether or not it is known to us, whatever the person says. "
            "Call again with the verified address, or tell them that you can only talk about their own account."
        )
    return own


def _well_formed(asked: str) -> str:
    email = canonical(asked)
    local, at, domain = email.partition("@")
    odd = len(email) > _LONGEST or any(not c.isprintable() or c in " <>,;()[]\"'\\" for c in email)
    if odd or not at or not local or "@" in domain or "." not in domain:
        raise ToolError("That is not one e-mail address. Give exactly one, like name@company.example.")
    return email

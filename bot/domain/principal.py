"""Who is speaking, and what that lets them do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a speaker is to us; decided by settings and Slack's membership, never by what they write."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"
    AGENT = "agent"
    """Another bot on the allow-list."""
    EXTERNAL = "external"
    """Somebody of another organisation (Slack Connect), or a guest."""


@dataclass(frozen=True, slots=True)
class Principal:
    """One speaker; the key is `(team_id, user_id)`, never the user id alone."""

    team_id: str
    user_id: str
    role: Role
    name: str
    email: str | None
    """Verified e-mail of the Slack profile in lower case; None when Slack does not tell."""
    language: str = ""
    """Of their Slack, ISO 639-1; empty when Slack does not tell."""

    @property
    def is_staff(self) -> bool:
        """True for those who may see other customers' data and decide escalations."""
        return self.role in (Role.STAFF, Role.ADMIN)

"""The sample company with a channel it shares with another organisation, and people who are not its own."""

from dataclasses import replace

from bot.sandbox.config import SandboxConfig
from bot.sandbox.records import ChannelSeed, Company, Person
from bot.sandbox.sample import fernway
from tests.fakes.sandbox_driver import FAST

HARBOR = "T0HARBOR"
IRIS = Person("U0IRIS", "iris", "Iris Okoye", "iris@harbor.example", "customer", "Harbor", team_id=HARBOR)
MALLORY = Person("U0MALLORY", "mallory", "Mallory Finch", "m@harbor.example", "customer", "Harbor", team_id=HARBOR)
"""Somebody invited her into the staff channel."""
GUS = Person("U0GUS", "gus", "Gus Guest", "gus@cobalt-studio.example", "customer", "Guest", is_guest=True)
SHARED = "C0HARBOR"


def shared_company() -> Company:
    """Iris writes in the shared channel, Mallory sits in the staff channel, Gus is a guest in #support."""
    company = fernway()
    channels = [replace(channel, members=(*channel.members, *_joining(channel.id))) for channel in company.channels]
    members = ("U0IRIS", "U0MALLORY", "U0SAM", "U0GRACE", "U0DESKHAND", "U0PAGER")
    shared = ChannelSeed(SHARED, "harbor-fernway", members, "With Harbor", is_shared=True)
    return replace(company, people=(*company.people, IRIS, MALLORY, GUS), channels=(*channels, shared))


def _joining(channel_id: str) -> tuple[str, ...]:
    return {"C0STAFF": ("U0MALLORY",), "C0SUPPORT": ("U0GUS",)}.get(channel_id, ())


def with_neighbours() -> SandboxConfig:
    """A sandbox of that company."""
    return replace(FAST, company=shared_company())

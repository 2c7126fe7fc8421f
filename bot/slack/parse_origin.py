"""Where an event comes from, as the event itself says: which channels are shared, which authors are not of ours."""

from dataclasses import dataclass

from bot.slack.identity import Identity
from bot.slack.reading import Json, first, items, obj, word

_GUEST = ("is_restricted", "is_ultra_restricted", "is_stranger")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What Slack says around an event."""

    me: Identity
    event_id: str | None = None
    is_shared: bool = False
    """The channel is shared with another organisation (Slack Connect)."""
    enterprise_id: str = ""
    """Our organisation, on Enterprise Grid."""


def envelope_of(body: Json, me: Identity) -> Envelope:
    """Read what stands around the event of an `event_callback`."""
    grants = items(body.get("authorizations"))
    enterprise = word(grants[0].get("enterprise_id")) if grants else ""
    shared = body.get("is_ext_shared_channel") is True or obj(body.get("event")).get("is_ext_shared_channel") is True
    return Envelope(me, word(body.get("event_id")) or None, shared, enterprise)


def author_team(message: Json, around: Envelope) -> str:
    """The author's own workspace. Slack names it in several fields, not all of them always; any foreign one counts.

    Our organisation's id stands for our workspace; `team` is read last, for it may be that of the channel.
    """
    ours = {around.me.team_id, around.enterprise_id}
    profile = obj(message.get("user_profile"))
    named = [word(name) for name in (message.get("user_team"), message.get("source_team"), profile.get("team"))]
    foreign = next((team for team in named if team and team not in ours), "")
    if foreign or any(named):
        return foreign or around.me.team_id
    return first(message.get("team"), around.me.team_id)


def is_guest(message: Json) -> bool:
    """Whether the author is a guest, as far as the message itself tells."""
    profile = obj(message.get("user_profile"))
    return any(profile.get(name) is True or message.get(name) is True for name in _GUEST)

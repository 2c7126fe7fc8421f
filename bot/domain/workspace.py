"""What one workspace may set for itself."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from bot.domain.escalation import Team
from bot.domain.zones import ZoneName

_ChannelId = Annotated[str, Field(pattern=r"^[CGDU][A-Z0-9]{1,30}$")]
_UserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{1,30}$")]
_BotId = Annotated[str, Field(pattern=r"^[UWB][A-Z0-9]{1,30}$")]
_LISTS = frozenset({"admins", "agent_bots"})
_NUMBERS = frozenset({"monthly_usd", "quiet_seconds"})
_PAIRS = frozenset({"staff_channels", "agent_profiles"})


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """Staff, admins and habits of one workspace. Stored as JSON; set by `deskhand workspace set` or typed in Slack."""

    staff_channel: Annotated[str, Field(pattern=r"^([CGDU][A-Z0-9]{1,30})?$")] = ""
    """Where cases go; its members are staff. A user's id stands for the direct conversation with them."""
    staff_channels: dict[Team, _ChannelId] = field(default_factory=dict)
    """Channels of teams that have their own."""
    admins: tuple[_UserId, ...] = ()
    """Who may change budgets and settings."""
    agent_bots: tuple[_BotId, ...] = ()
    """Other bots that may ask for a handoff or a question answered."""
    agent_profiles: dict[_ChannelId, str] = field(default_factory=dict)
    """Agent profile of channels that do not use `support`."""
    shares_data: bool = False
    """Whether the operator vouches for its admins: then it works with the operator's customers and articles for staff,
    and the e-mail addresses in its profiles count as verified."""
    monthly_usd: Annotated[Decimal, Field(gt=0)] | None = None
    """What the operator lets it cost in a month, whatever its admins set; None: GUEST_MONTHLY_USD."""
    timezone: ZoneName = ""
    """Whose days, weeks and months budgets count by; empty: TIMEZONE."""
    quiet_seconds: Annotated[float, Field(ge=0, le=10)] | None = None
    """How long a burst of messages is waited for; None: as the process is set."""

    def with_value(self, name: str, value: str) -> "WorkspaceSettings":
        """These settings with one changed, written as in `.env`; ValueError, a sentence, when it makes no sense."""
        if name not in NAMES:
            raise ValueError(f"there is no setting {name}; there are {', '.join(NAMES)}")
        items = [item.strip() for item in value.split(",") if item.strip()]
        read: object = value.strip()
        if name in _LISTS:
            read = items
        elif name in _PAIRS:
            if any(item.count("=") != 1 for item in items):
                raise ValueError(f"{name}: write it as name=value pairs separated by commas")
            read = {key.strip(): target.strip() for key, target in (item.split("=") for item in items)}
        elif name in _NUMBERS:
            read = value.strip() or None
        try:
            return replace(self, **{name: getattr(SETTINGS.validate_python({name: read}), name)})
        except ValidationError as error:
            raise ValueError(f"{name}: {error.errors()[0]['msg']}") from None


NAMES = tuple(WorkspaceSettings.__dataclass_fields__)
"""Names of the settings."""
SETTINGS: TypeAdapter[WorkspaceSettings] = TypeAdapter(WorkspaceSettings)
"""Reads and writes the JSON of a workspace's settings; unknown names are refused."""

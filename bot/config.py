"""Settings: the only reader of the environment. Wrong or missing ones are told one line each, without their values."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.domain.escalation import Team
from bot.domain.links import host_named, named_hosts
from bot.domain.redaction import Redactor, redactor_of
from bot.domain.workspace import WorkspaceSettings
from bot.domain.zones import ZoneName


class SettingsError(Exception):
    """One sentence per wrong setting: its name and the remedy."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


Port = Annotated[int, Field(ge=0, le=65535)]
KeptDays = Annotated[int, Field(ge=0, le=36_500)]
"""Days; 0 keeps for ever."""
_SHORTEST_EVENTS, _SHORTEST_COSTS = 2, 40
"""Days: Slack repeats events for a day, and budgets count a calendar month."""
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Settings(BaseModel):
    """Everything an operator can set; the names are those of `.env.example` in lower case."""

    model_config = ConfigDict(alias_generator=str.upper, extra="ignore", frozen=True, hide_input_in_errors=True)

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    """Set: Socket Mode. Empty: signed HTTP at /slack/events."""
    slack_signing_secret: SecretStr = SecretStr("")
    slack_api_url: str = "https://slack.com/api/"
    slack_client_id: str = ""
    """Set: the app can be installed into further workspaces (`/slack/install`)."""
    slack_client_secret: SecretStr = SecretStr("")
    token_keys: SecretStr = SecretStr("")
    """Keys separated by commas; the first locks the tokens of installed workspaces, each of them opens."""
    guest_monthly_usd: Annotated[Decimal, Field(gt=0)] = Decimal(50)
    """What each workspace that installed the app may cost in a month at most, whatever its admins set."""
    public_url: str = ""
    """Where browsers reach this process, without a path."""
    slack_pace: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Times Slack's published rates; 0: as fast as Slack lets us."""
    staff_channel: str = ""
    staff_channels: str = ""
    """team=channel,…"""
    admin_users: str = ""
    agent_bots: str = ""
    external_tools: str = "search_knowledge_base,create_ticket,escalate_to_human"
    agent_profiles: str = ""
    """channel=profile,…"""
    service_file: str = ""
    """Path of a TOML file with business hours and who is asked when nobody answers; empty: prompts/service.toml."""
    pager: Literal["", "pagerduty", "opsgenie"] = ""
    """Alert service that is told when nobody answers a case."""
    pager_key: SecretStr = SecretStr("")
    pager_url: str = ""
    """Empty: the service's own."""
    anthropic_api_key: SecretStr = SecretStr("")
    anthropic_base_url: str = "https://api.anthropic.com"
    model: str = "claude-sonnet-5-5"
    helper_model: str = "claude-haiku-5-5"
    timezone: ZoneName = ""
    """Whose days, weeks and months budgets count by; empty: that of the business hours (SERVICE_FILE)."""
    model_prices: str = ""
    """Path of a TOML file with prices of further models."""
    model_seconds: Annotated[float, Field(gt=0, le=240)] = 120.0
    """The longest call of a model may take so long; calls with less to write get less."""
    socket_loss_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """Without a connection to Slack for so long, the process ends, for a supervisor to start it again."""
    database_url: str = "sqlite:///data/deskhand.db"
    policy_file: str = ""
    """Path of a TOML file that says what needs a person's consent; empty: prompts/policy.toml."""
    connectors_file: str = ""
    """Path of a TOML file that says which other services there are; empty: all is in the bot's own database."""
    embedder: str = "minilm"
    """Who makes the vectors of the search: minilm, none, a folder with an ONNX model, fastembed:MODEL, voyage:MODEL."""
    reranker: str = ""
    """What orders the articles that were found: a folder with an ONNX cross-encoder, voyage:MODEL; empty: nothing."""
    voyage_api_key: SecretStr = SecretStr("")
    kb_scale_from: Annotated[int, Field(ge=0)] = 50_000
    """On PostgreSQL: more articles than this are searched there (pgvector) and in a folder (tantivy), not in memory."""
    kb_scale_folder: str = ""
    """That folder, of this process alone; empty: a temporary one, filled anew at every start."""
    link_domains: str = ""
    """Domains that links in answers may lead to, besides those where public articles lie; separated by commas."""
    knowledge_dir: str = ""
    """Folder of Markdown articles; empty: the sample company's."""
    redact: Annotated[str, Field(repr=False)] = "cards,ibans,passwords,secrets"  # its words would look like a leak
    """What is hidden wherever people wrote it; `none`: nothing."""
    keep_events_days: KeptDays = 14
    keep_traces_days: KeptDays = 90
    keep_conversations_days: KeptDays = 365
    keep_costs_days: KeptDays = 400
    keep_left_days: KeptDays = 30
    purge_hour: Annotated[int, Field(ge=0, le=23)] = 3
    """Hour of the business's own time at which what is too old is deleted."""
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    log_level: str = "INFO"
    quiet_seconds: Annotated[float, Field(ge=0, le=10)] = 0.6
    """How long a conversation must be quiet before a burst of messages is answered."""
    stream_in_dms: bool = True
    """Whether steps and answers are streamed in direct messages."""
    runs_at_once: Annotated[int, Field(ge=1, le=2000)] = 256
    """Causes one process handles side by side; further ones wait in the queue, in order."""
    otel_exporter_otlp_endpoint: str = ""
    """Where spans and figures go; OpenTelemetry's other variables are read by its SDK, see `lent`."""
    metrics: bool = False
    """Whether /metrics tells the figures to Prometheus."""
    metrics_token: SecretStr = SecretStr("")
    metrics_by_workspace: bool = False

    _environment: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in _LOG_LEVELS:
            raise ValueError(f"use one of {', '.join(_LOG_LEVELS)}")
        return value.upper()

    @field_validator("keep_events_days")
    @classmethod
    def _keeps_doubles_away(cls, value: int) -> int:
        if 0 < value < _SHORTEST_EVENTS:
            raise ValueError(f"use at least {_SHORTEST_EVENTS} days (or 0 for ever): Slack repeats events for a day")
        return value

    @field_validator("keep_costs_days")
    @classmethod
    def _keeps_the_month(cls, value: int) -> int:
        if 0 < value < _SHORTEST_COSTS:
            raise ValueError(f"use at least {_SHORTEST_COSTS} days (or 0 for ever): budgets count whole months")
        return value

    @field_validator("slack_api_url", "anthropic_base_url", "pager_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("use a URL that starts with https:// (or http:// on this machine)")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        parts = urlsplit(value)
        is_here = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
        if value and not ((parts.scheme == "https" or is_here) and parts.hostname and not parts.path.strip("/")):
            raise ValueError("use an address that starts with https:// and has no path")
        return value.rstrip("/")

    @field_validator("slack_api_url")
    @classmethod
    def _with_slash(cls, value: str) -> str:
        return value if value.endswith("/") else f"{value}/"

    @field_validator("staff_channels")
    @classmethod
    def _known_teams(cls, value: str) -> str:
        unknown = sorted(set(_parse_pairs(value)) - {team.value for team in Team})
        if unknown:
            raise ValueError(f"unknown team {unknown[0]!r}; there are {', '.join(Team)}")
        return value

    @field_validator("link_domains")
    @classmethod
    def _domains(cls, value: str) -> str:
        for one in _parse_list(value):
            if not host_named(one):
                raise ValueError(f"{one!r} is no domain; write them as in app.example.com, docs.example.com")
        return value

    @field_validator("redact")
    @classmethod
    def _known_kinds(cls, value: str) -> str:
        redactor_of(value)
        return value

    @field_validator("staff_channels", "agent_profiles")
    @classmethod
    def _pairs(cls, value: str) -> str:
        _parse_pairs(value)
        return value

    def model_post_init(self, context: object, /) -> None:
        """Keep the variables that came along, which CONNECTORS_FILE may name."""
        if isinstance(context, Mapping):
            self._environment = context

    @property
    def environment(self) -> Mapping[str, str]:
        """Every variable that was there, secrets too: only for who looks up one by a name that an operator wrote."""
        return self._environment

    @model_validator(mode="after")
    def _token_shapes(self) -> "Settings":
        bot, app = self.slack_bot_token.get_secret_value(), self.slack_app_token.get_secret_value()
        if bot and not bot.startswith("xoxb-"):
            raise ValueError("SLACK_BOT_TOKEN must start with xoxb- (OAuth & Permissions → Bot User OAuth Token)")
        if app and not app.startswith("xapp-"):
            raise ValueError("SLACK_APP_TOKEN must start with xapp- (Basic Information → App-Level Tokens)")
        return self

    @model_validator(mode="after")
    def _pager_has_a_key(self) -> "Settings":
        if self.pager and not self.pager_key.get_secret_value():
            raise ValueError("PAGER_KEY is missing: the routing key of PagerDuty, or the API key of Opsgenie")
        return self

    @cached_property
    def channels_by_team(self) -> Mapping[str, str]:
        """Staff channel of each team that has its own."""
        return _parse_pairs(self.staff_channels)

    @cached_property
    def profiles_by_channel(self) -> Mapping[str, str]:
        """Agent profile of each channel that has its own."""
        return _parse_pairs(self.agent_profiles)

    @cached_property
    def admins(self) -> frozenset[str]:
        """User ids of admins."""
        return frozenset(_parse_list(self.admin_users))

    @cached_property
    def allowed_bots(self) -> frozenset[str]:
        """User or bot ids of other agents that may ask for a handoff or a question answered."""
        return frozenset(_parse_list(self.agent_bots))

    @cached_property
    def link_hosts(self) -> frozenset[str]:
        """LINK_DOMAINS one by one, with their subdomains ours."""
        return named_hosts(_parse_list(self.link_domains))

    @cached_property
    def redactor(self) -> Redactor:
        """Hides what REDACT names."""
        return redactor_of(self.redact)

    @cached_property
    def tools_for_outsiders(self) -> frozenset[str]:
        """Names of the tools that are used for people of other organisations, guests and other bots."""
        return frozenset(_parse_list(self.external_tools))

    @cached_property
    def workspace(self) -> WorkspaceSettings:
        """What is set for the workspace of SLACK_BOT_TOKEN."""
        return WorkspaceSettings(
            staff_channel=self.staff_channel,
            staff_channels={Team(team): channel for team, channel in self.channels_by_team.items()},
            admins=tuple(sorted(self.admins)),
            agent_bots=tuple(sorted(self.allowed_bots)),
            agent_profiles=dict(self.profiles_by_channel),
            timezone=self.timezone,
            quiet_seconds=self.quiet_seconds,
        )

    @property
    def keys(self) -> list[str]:
        """TOKEN_KEYS one by one."""
        return _parse_list(self.token_keys.get_secret_value())

    @property
    def takes_installations(self) -> bool:
        """Whether the app can be installed into further workspaces."""
        return bool(self.slack_client_id)

    @property
    def socket_mode(self) -> bool:
        """Whether events come by Socket Mode."""
        return bool(self.slack_app_token.get_secret_value())

    @property
    def offline(self) -> bool:
        """Whether the offline model stands in because there is no key."""
        return not self.anthropic_api_key.get_secret_value()


@contextmanager
def lent(environment: Mapping[str, str], prefix: str) -> Iterator[None]:
    """Let a library that reads the environment itself find there what `.env` says, too, while it is set up."""
    missing = {k: v for k, v in environment.items() if k.startswith(prefix) and k not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def load_settings(overrides: Mapping[str, str] | None = None, *, env_file: Path | None = None) -> Settings:
    """Read `.env` (working directory unless named), then the environment, then overrides; SettingsError when wrong."""
    from_file = {k: v for k, v in dotenv_values(env_file or Path(".env")).items() if v is not None}
    merged = {**from_file, **os.environ, **(overrides or {})}
    present = {k: v.strip() for k, v in merged.items() if v.strip()}
    try:
        return Settings.model_validate(present, context=present)
    except ValidationError as error:
        raise SettingsError([_line(e["loc"], e["msg"]) for e in error.errors()]) from None


def check_ready_to_run(settings: Settings) -> None:
    """Check what `deskhand run` cannot do without; SettingsError names each missing setting and where to find it."""
    missing: list[str] = []
    has_token = bool(settings.slack_bot_token.get_secret_value())
    if not has_token and not settings.takes_installations:
        missing.append(
            "SLACK_BOT_TOKEN: missing. Copy it from your Slack app (OAuth & Permissions → Bot User OAuth Token)."
        )
    if not settings.socket_mode and not settings.slack_signing_secret.get_secret_value():
        missing.append(
            "SLACK_SIGNING_SECRET: missing. Set it (Basic Information → App Credentials), "
            "or set SLACK_APP_TOKEN to use Socket Mode."
        )
    if not settings.staff_channel and (has_token or not settings.takes_installations):
        missing.append("STAFF_CHANNEL: missing. Set the id of the channel where escalations go (C…, from its details).")
    if settings.takes_installations:
        missing += _missing_for_installations(settings)
    if missing:
        raise SettingsError(missing)


def _missing_for_installations(settings: Settings) -> list[str]:
    needed = {
        "SLACK_CLIENT_SECRET": "Copy it from Basic Information → App Credentials.",
        "TOKEN_KEYS": "Tokens of installed workspaces are encrypted; make a key with `deskhand workspace new-key`.",
        "PUBLIC_URL": "Set the https:// address where browsers reach this process.",
    }
    given = {
        "SLACK_CLIENT_SECRET": settings.slack_client_secret.get_secret_value(),
        "TOKEN_KEYS": settings.token_keys.get_secret_value(),
        "PUBLIC_URL": settings.public_url,
    }
    return [f"{name}: missing. {remedy}" for name, remedy in needed.items() if not given[name]]


def _line(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{location[0]}: {text}" if location else text


def _parse_list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _parse_pairs(value: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in _parse_list(value):
        name, sign, target = item.partition("=")
        if not sign or not name.strip() or not target.strip():
            raise ValueError("write it as name=value pairs separated by commas")
        pairs[name.strip()] = target.strip()
    return pairs

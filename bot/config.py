"""Settings: the only reader of the environment. Wrong or missing ones are told one line each, without their values."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from bot.domain.escalation import Team


class SettingsError(Exception):
    """One sentence per wrong setting: its name and the remedy."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


Port = Annotated[int, Field(ge=0, le=65535)]
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Settings(BaseModel):
    """Everything an operator can set; the names are those of `.env.example` in lower case."""

    model_config = ConfigDict(alias_generator=str.upper, extra="ignore", frozen=True, hide_input_in_errors=True)

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    """Set: Socket Mode. Empty: signed HTTP at /slack/events."""
    slack_signing_secret: SecretStr = SecretStr("")
    slack_api_url: str = "https://slack.com/api/"
    staff_channel: str = ""
    staff_channels: str = ""
    """team=channel,…"""
    admin_users: str = ""
    agent_bots: str = ""
    agent_profiles: str = ""
    """channel=profile,…"""
    anthropic_api_key: SecretStr = SecretStr("")
    anthropic_base_url: str = "https://api.anthropic.com"
    model: str = "claude-sonnet-5-5"
    helper_model: str = "claude-haiku-5-5"
    model_prices: str = ""
    """Path of a TOML file with prices of further models."""
    database_url: str = "sqlite:///data/deskhand.db"
    knowledge_dir: str = ""
    """Folder of Markdown articles; empty: the sample company's."""
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    log_level: str = "INFO"
    quiet_seconds: Annotated[float, Field(ge=0, le=10)] = 0.6
    """How long a conversation must be quiet before a burst of messages is answered."""

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in _LOG_LEVELS:
            raise ValueError(f"use one of {', '.join(_LOG_LEVELS)}")
        return value.upper()

    @field_validator("slack_api_url", "anthropic_base_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("use a URL that starts with https:// (or http:// on this machine)")
        return value

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

    @field_validator("staff_channels", "agent_profiles")
    @classmethod
    def _pairs(cls, value: str) -> str:
        _parse_pairs(value)
        return value

    @model_validator(mode="after")
    def _token_shapes(self) -> "Settings":
        bot, app = self.slack_bot_token.get_secret_value(), self.slack_app_token.get_secret_value()
        if bot and not bot.startswith("xoxb-"):
            raise ValueError("SLACK_BOT_TOKEN must start with xoxb- (OAuth & Permissions → Bot User OAuth Token)")
        if app and not app.startswith("xapp-"):
            raise ValueError("SLACK_APP_TOKEN must start with xapp- (Basic Information → App-Level Tokens)")
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
        """User or bot ids of other agents that may ask for a handoff."""
        return frozenset(_parse_list(self.agent_bots))

    @property
    def socket_mode(self) -> bool:
        """Whether events come by Socket Mode."""
        return bool(self.slack_app_token.get_secret_value())

    @property
    def offline(self) -> bool:
        """Whether the offline model stands in because there is no key."""
        return not self.anthropic_api_key.get_secret_value()


def load_settings(overrides: Mapping[str, str] | None = None, *, env_file: Path | None = None) -> Settings:
    """Read `.env` (working directory unless named), then the environment, then overrides; SettingsError when wrong."""
    from_file = {k: v for k, v in dotenv_values(env_file or Path(".env")).items() if v is not None}
    merged = {**from_file, **os.environ, **(overrides or {})}
    present = {k: v.strip() for k, v in merged.items() if v.strip()}
    try:
        return Settings.model_validate(present)
    except ValidationError as error:
        raise SettingsError([_line(e["loc"], e["msg"]) for e in error.errors()]) from None


def check_ready_to_run(settings: Settings) -> None:
    """Check what `deskhand run` cannot do without; SettingsError names each missing setting and where to find it."""
    missing: list[str] = []
    if not settings.slack_bot_token.get_secret_value():
        missing.append(
            "SLACK_BOT_TOKEN: missing. Copy it from your Slack app (OAuth & Permissions → Bot User OAuth Token)."
        )
    if not settings.socket_mode and not settings.slack_signing_secret.get_secret_value():
        missing.append(
            "SLACK_SIGNING_SECRET: missing. Set it (Basic Information → App Credentials), "
            "or set SLACK_APP_TOKEN to use Socket Mode."
        )
    if not settings.staff_channel:
        missing.append("STAFF_CHANNEL: missing. Set the id of the channel where escalations go (C…, from its details).")
    if missing:
        raise SettingsError(missing)


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

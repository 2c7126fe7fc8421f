"""Reads `service.toml`: business hours, times for the first answer, who is asked. Faults are told with the remedy."""

import tomllib
from collections.abc import Mapping
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

import prompts
from bot.domain.escalation import Team
from bot.domain.hours import DAY_MINUTES, WEEKDAYS, Hours, Span
from bot.domain.service import Desks, Priority, Service

_Minutes = Annotated[float, Field(gt=0, le=100_000)]
_Responder = Annotated[str, Field(pattern=r"^[UWS][A-Z0-9]{2,30}$")]
_Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_PATTERNS = {
    "rota": "Use ids of users (U…) or user groups (S…), not names.",
    "backup_channel": "Use the id of a channel (C…, from its details).",
}


class ServiceError(Exception):
    """The file cannot be used; one sentence that names the place and the remedy."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _FirstAnswer(_Model):
    normal: _Minutes = 60
    urgent: _Minutes = 15

    def seconds(self) -> Mapping[Priority, float]:
        return {Priority.NORMAL: self.normal * 60, Priority.URGENT: self.urgent * 60}


class _TeamFile(_Model):
    rota: tuple[_Responder, ...] | None = None
    first_answer: _FirstAnswer | None = None


class _ServiceFile(_Model):
    time_zone: str = "UTC"
    holidays: tuple[date, ...] = ()
    rota: tuple[_Responder, ...] = ()
    backup_channel: Annotated[str, Field(pattern=r"^([CG][A-Z0-9]{2,30})?$")] = ""
    urgent_words: tuple[str, ...] = ()
    quiet_owner_minutes: _Minutes = 30
    tells_position: bool = True
    hours: dict[_Day, tuple[str, ...]] = {}
    first_answer: _FirstAnswer = _FirstAnswer()
    teams: dict[Team, _TeamFile] = {}

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("there is no such time zone. Use a name such as Europe/Berlin.") from None
        return value

    @field_validator("hours")
    @classmethod
    def _readable_spans(cls, value: dict[_Day, tuple[str, ...]]) -> dict[_Day, tuple[str, ...]]:
        for spans in value.values():
            _spans(spans)
        return value

    def service(self) -> Service:
        """As the desk uses it."""
        week = {WEEKDAYS.index(day.capitalize()): _spans(spans) for day, spans in self.hours.items()}
        default = Desks(self.first_answer.seconds(), self.rota)
        return Service(
            hours=Hours(ZoneInfo(self.time_zone), week, frozenset(self.holidays)),
            default=default,
            teams={team: _desks(own, default) for team, own in self.teams.items()},
            urgent_words=frozenset(one for words in self.urgent_words if (one := " ".join(words.lower().split()))),
            backup_channel=self.backup_channel,
            quiet_owner=self.quiet_owner_minutes * 60,
            tells_position=self.tells_position,
        )


def load_service(path: str = "") -> Service:
    """The rules in a file; without a path those shipped. ServiceError when it cannot be used."""
    try:
        text = Path(path).read_text(encoding="utf-8") if path else prompts.read("service.toml")
        return _ServiceFile.model_validate(tomllib.loads(text)).service()
    except ValidationError as error:
        raise ServiceError(_sentence(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise ServiceError(f"it is not TOML: {error}. Compare it with prompts/service.toml.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ServiceError(f"it cannot be read ({type(error).__name__}). Check the path and its permissions.") from None


def _desks(own: _TeamFile, default: Desks) -> Desks:
    return Desks(
        default.first_answer if own.first_answer is None else own.first_answer.seconds(),
        default.rota if own.rota is None else own.rota,
    )


def _spans(texts: tuple[str, ...]) -> tuple[Span, ...]:
    spans = tuple(sorted(_span(text) for text in texts))
    if any(one.closes > other.opens for one, other in pairwise(spans)):
        raise ValueError("two spans of a day overlap. Write them one after the other.")
    return spans


def _span(text: str) -> Span:
    try:
        opens, closes = (_minutes(part) for part in text.split("-"))
        return Span(opens, closes)
    except ValueError:
        remedy = 'Write "09:00-17:00", within one day; a night is the end of one day and the beginning of the next.'
        raise ValueError(f"{text!r} is no span of hours. {remedy}") from None


def _minutes(text: str) -> int:
    if text.strip() == "24:00":
        return DAY_MINUTES
    at = time.fromisoformat(text.strip())
    return at.hour * 60 + at.minute


def _sentence(error: ValidationError) -> str:
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{place}: there is no such setting. Compare it with prompts/service.toml."
    if fault["type"] == "string_pattern_mismatch":
        return f"{place}: {_PATTERNS[next(name for name in _PATTERNS if name in place)]}"
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"

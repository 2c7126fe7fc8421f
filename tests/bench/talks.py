"""Recorded conversations (`talks.toml`), as values."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Turn:
    """One question and how it was answered."""

    asked: str
    answered: str
    steps: tuple[tuple[Call, ...], ...]
    """Tool calls, step by step; those of one step were made at once."""
    minutes: float
    """Since the answer before."""


@dataclass(frozen=True)
class Talk:
    """One thread."""

    name: str
    turns: tuple[Turn, ...]
    recap: str
    """What the helper makes of its older part."""


def recorded() -> tuple[Talk, ...]:
    """All recordings, the longest last."""
    told = tomllib.loads(Path(__file__).with_name("talks.toml").read_text(encoding="utf-8"))
    return tuple(_talk(talk) for talk in told["talk"])


def _talk(talk: dict[str, Any]) -> Talk:
    turns = [_turn(turn) for turn in talk["turn"]]
    every = [turns[i % len(turns)] for i in range(talk.get("repeated_to", len(turns)))]
    return Talk(talk["name"], tuple(every), talk.get("recap", ""))


def _turn(turn: dict[str, Any]) -> Turn:
    steps = tuple(tuple((call["tool"], call["arguments"]) for call in step) for step in turn.get("steps", ()))
    return Turn(turn["asked"], turn["answered"], steps, turn["minutes"])

"""Texts for the model and for people, read as package data."""

import tomllib
from importlib.resources import files


def read(name: str) -> str:
    """The text file of this name, e.g. `judge.md` or `agents/support.md`."""
    return files("prompts").joinpath(name).read_text(encoding="utf-8")


def agent_names() -> tuple[str, ...]:
    """Names of the agent profiles shipped in `prompts/agents`."""
    folder = files("prompts").joinpath("agents")
    return tuple(sorted(f.name.removesuffix(".md") for f in folder.iterdir() if f.name.endswith(".md")))


def suggested() -> tuple[tuple[str, str], ...]:
    """(title, message) of the prompts offered in the Messages tab, at most four."""
    return tuple((title, str(message)) for title, message in tomllib.loads(read("suggested.toml")).items())


def sentences() -> dict[str, str]:
    """The fixed sentences people read, by name."""
    return {name: str(text) for name, text in tomllib.loads(read("sentences.toml")).items()}

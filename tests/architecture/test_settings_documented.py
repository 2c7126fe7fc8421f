"""`.env.example` and the settings say the same."""

import re

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from bot.config import Settings
from tests.architecture.tree import ROOT

EXAMPLE = ROOT / ".env.example"
WRITTEN = dotenv_values(EXAMPLE)


def test_every_setting_stands_in_the_example_and_nothing_else() -> None:
    assert set(WRITTEN) == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", sorted(name.upper() for name in Settings.model_fields))
def test_a_setting_is_explained_right_above_it(name: str) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    position = next(index for index, line in enumerate(lines) if line.startswith(f"{name}="))
    assert re.match(r"# \w.{20,}", lines[position - 1])


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_example_shows_the_default(name: str) -> None:
    default = Settings.model_fields[name].default
    text = default.get_secret_value() if isinstance(default, SecretStr) else str(default)
    assert WRITTEN[name.upper()] == text

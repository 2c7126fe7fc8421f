"""What the settings of all sources have in common: one `[[knowledge]]` table each, or one word on the command line."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator

from tools.connector_settings import Connector, Wires
from tools.knowledge_base.sources.base import Source

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SHORTEST = 60.0
"""Seconds between two readings of a source, so that a slip of the pen is no siege."""


def seconds(text: object) -> float:
    """`90m`, `1h`, `2d` in seconds; ValueError for anything else, and for less than a minute."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", text.strip().lower()) if isinstance(text, str) else None
    length = int(found.group(1)) * _UNITS[found.group(2)] if found else 0
    if length < SHORTEST:
        raise ValueError("write a time such as 30m, 1h or 1d, of at least a minute")
    return float(length)


class KnowledgeConnector(Connector):
    """Base of a source's settings. Each adapter keeps its own beside itself, with a `kind` and `open`."""

    every: Annotated[float, BeforeValidator(seconds)] = 3600.0
    """Seconds between two readings by the running bot; in the file `every = "1h"`."""

    def open(self, wires: Wires) -> Source:
        """The source. Nothing is read yet; raises nothing."""
        raise NotImplementedError

    @classmethod
    def of_text(cls, rest: str) -> Mapping[str, object]:
        """The table that `kind:rest` on the command line stands for, secrets by the names of their variables.

        Raises ValueError with a sentence that says how to write it.
        """
        raise NotImplementedError

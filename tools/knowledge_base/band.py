"""How well what was found fits: strong, weak, or nothing at all. The model is told, and judges the weak ones itself.

The cosine of a question and its nearest passage tells questions about something else entirely from those the articles
are about. Where the line lies differs from one help centre to the next, so it is measured: two hundred everyday
questions that no help centre of a product answers (off_topic.txt) are asked of the very index, and what nearly all of
them stay below is chance. Some articles do answer a few of them, those of a bank or a travel agency, and others are
about nothing of this world; so an embedder whose scale is known says within which bounds a line may lie.

No line can tell "about our subject, but not covered". Only reading can, so the tool's text asks the model to.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from tools.knowledge_base.embedder import Embedder, Vectors, vector_of

_OFF_TOPIC = Path(__file__).with_name("off_topic.txt")
_WEAK_AT, _STRONG_AT = 92, 99
"""Percentiles of what the off-topic questions reach."""
_SHARE_NONE, _SHARE_STRONG = 0.3, 0.6
"""Without vectors: share of the question's weight (rare words weigh more) that one article found must hold.

On three public sets the first loses 0 to 2 % of the answerable questions (17 % where articles are two sentences long)
and refuses 8 to 80 % of the off-topic ones.
"""


class Band(StrEnum):
    """How sure it is that the articles found are about the question."""

    STRONG = "strong"
    WEAK = "weak"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Cosines of the nearest passage at which a band begins."""

    weak: float
    strong: float

    def band(self, cosine: float) -> Band:
        """Where a question lies."""
        if cosine < self.weak:
            return Band.NONE
        return Band.WEAK if cosine < self.strong else Band.STRONG

    def json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Thresholds | None":
        """What was stored; None when it is something else."""
        try:
            fields = json.loads(text)
            made = cls(float(fields["weak"]), float(fields["strong"]))
        except (ValueError, TypeError, KeyError):
            return None
        return made if math.isfinite(made.weak) and math.isfinite(made.strong) else None


def by_words(share: float) -> Band:
    """The band where there are no vectors to go by."""
    if share < _SHARE_NONE:
        return Band.NONE
    return Band.WEAK if share < _SHARE_STRONG else Band.STRONG


def calibrate(nearest: Callable[[Vectors], float], embedder: Embedder) -> Thresholds:
    """Where the bands of an index begin; `nearest` is the cosine of its passage nearest to a vector.

    Raises EmbedderUnavailableError.
    """
    reached = [nearest(vector_of(embedder, question)) for question in off_topic_questions()]
    lines = np.percentile(reached, [_WEAK_AT, _STRONG_AT])
    weak, strong = (round(float(np.clip(line, *b)), 4) for line, b in zip(lines, embedder.bounds, strict=True))
    return Thresholds(weak, strong)


def off_topic_questions() -> tuple[str, ...]:
    """Questions no help centre answers."""
    return tuple(_OFF_TOPIC.read_text(encoding="utf-8").splitlines())

"""Articles and questions that never were: English words in Zipf's frequency, as much work for an index as any."""

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.articles import Article, Audience
from tools.knowledge_base.minilm import HERE

_CATEGORIES = ("billing", "technical", "account", "product")


class Writer:
    """Writes; the same seed, the same text."""

    def __init__(self, seed: int = 7) -> None:
        self._numbers = np.random.default_rng(seed)
        self._words = _words()
        self._shares = 1 / np.arange(1, len(self._words) + 1)
        self._shares /= self._shares.sum()

    def articles(self, count: int) -> list[Article]:
        """Of two passages and a third on the average, as help centres have."""
        lengths = self._numbers.lognormal(5.5, 0.7, count).astype(int).clip(30, 3000)
        return [self._article(number, int(length)) for number, length in enumerate(lengths)]

    def questions(self, count: int) -> list[str]:
        """Mostly short; one of ten is a whole ticket."""
        lengths = [60 if number % 10 == 0 else 8 + number % 9 for number in range(count)]
        return [f"how do i {self._text(length)}?" for length in lengths]

    def vectors(self, count: int, dimensions: int) -> NDArray[np.float32]:
        """Random ones: a product takes as long whatever they say."""
        made = self._numbers.standard_normal((count, dimensions)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    def _article(self, number: int, length: int) -> Article:
        paragraphs = [self._text(min(70, length - start)) for start in range(0, length, 70)]
        title, category = self._text(6), _CATEGORIES[number % len(_CATEGORIES)]
        return Article(f"a/{number:06}", title, category, "", "", Audience.PUBLIC, "\n\n".join(paragraphs))

    def _text(self, length: int) -> str:
        return " ".join(self._words[i] for i in self._numbers.choice(len(self._words), length, p=self._shares))


def _words() -> list[str]:
    """English, the frequent ones first more or less, and as many again that only articles about a product have."""
    lines = (HERE / "vocab.txt").read_text(encoding="utf-8").splitlines()
    plain = [line for line in lines if line.isascii() and line.isalpha() and len(line) > 1]
    return plain + [f"{a}{b}" for a, b in zip(plain[::2], plain[1::2], strict=False)]

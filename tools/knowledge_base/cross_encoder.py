"""Any BERT-like cross-encoder exported to ONNX: a folder with `model.onnx` and `vocab.txt` (WordPiece, lower case).

It reads question and passage as one text and gives one number for them. Pairs are scored one after the other: a batch
would have to be padded to its longest, and on one core takes no less time.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.knowledge_base.embedder import EmbedderUnavailableError
from tools.knowledge_base.minilm import digest_of, open_session, shrinking
from tools.knowledge_base.reranking import RerankerUnavailableError
from tools.knowledge_base.wordpiece import WordPiece

_QUERY_TOKENS, _PASSAGE_TOKENS = 64, 256


class CrossEncoder:
    """A model of one's own."""

    def __init__(self, folder: Path, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`seconds`: after which nobody waits for its scores. Raises RerankerUnavailableError without such a model."""
        try:
            self.name = f"onnx-{digest_of(folder / 'model.onnx')[:16]}"
            self._tokens = WordPiece((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
            self._session = open_session(folder / "model.onnx")
        except OSError as error:
            raise RerankerUnavailableError(f"{error.filename}: {error.strerror}.") from None
        except (ValueError, KeyError):
            raise RerankerUnavailableError(f"{folder} holds no WordPiece vocabulary.") from None
        except EmbedderUnavailableError as error:
            raise RerankerUnavailableError(str(error)) from error
        self._inputs = {value.name for value in self._session.get_inputs()}
        self._seconds, self._clock = seconds, clock

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """The model's number for each pair; gives up between two of them when it has taken too long."""
        start = self._tokens.encode(question, _QUERY_TOKENS)
        latest = self._clock() + self._seconds
        made: list[float] = []
        for text in texts:
            if self._clock() > latest:
                raise RerankerUnavailableError(f"It read {len(made)} of {len(texts)} passages in {self._seconds:g} s.")
            made.append(self._one(start, self._tokens.encode(text, _PASSAGE_TOKENS)[1:]))
        return made

    def _one(self, question: list[int], passage: list[int]) -> float:
        ids = np.array([question + passage], np.int64)
        kinds = np.array([[0] * len(question) + [1] * len(passage)], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": kinds}
        try:
            run: Any = self._session.run(None, {name: given[name] for name in self._inputs}, shrinking())
        except Exception as error:  # the runtime's own classes have no common base but this; KeyError: another input
            raise RerankerUnavailableError(f"The model cannot read a pair ({type(error).__name__}).") from error
        logit = np.ravel(run[0])
        if len(logit) != 1:
            raise RerankerUnavailableError(f"The model gives {len(logit)} numbers for a pair; one is needed.")
        return float(logit[0])

"""Voyage AI's embeddings: many languages, made elsewhere for money; passages and questions leave this machine.

The vendor's own client brings a tokenizer, a text splitter and 15 further distributions for what is one request, so it
is written here with the standard library. It blocks, as every embedder does, and runs in a thread.
"""

import http.client
import json
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from tools.knowledge_base.embedder import UNKNOWN, EmbedderUnavailableError, Vectors
from tools.knowledge_base.voyage_wire import LaterError, VoyageWire

_URL = "https://api.voyageai.com/v1/embeddings"
_DIMENSIONS = 512
"""Half of what the models give by default: half the memory for less than a point of recall, says the vendor."""
_BATCH = 64
_QUERY_SECONDS, _PASSAGE_SECONDS = 3.0, 60.0
_ATTEMPTS = 5
_LONGEST_WAIT = 30.0
_REST_SECONDS = 10.0
"""After a question without an answer, in which no other is asked: not every customer waits for what is broken."""


class _One(BaseModel):
    embedding: list[float]
    index: int


class _Answer(BaseModel):
    data: list[_One]


class Voyage:
    """`voyage-4-lite`, `voyage-4`, …"""

    languages = frozenset[str]()
    bounds = UNKNOWN
    dimensions = _DIMENSIONS

    def __init__(
        self,
        model: str,
        key: str,
        *,
        url: str = _URL,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sleep`: waits between attempts."""
        if not key:
            raise EmbedderUnavailableError("VOYAGE_API_KEY is not set, and EMBEDDER asks for Voyage.")
        self.name = f"voyage-{model}-{_DIMENSIONS}"
        self._model, self._wire, self._sleep, self._clock = model, VoyageWire(url, key), sleep, clock
        self._rests_until = -math.inf

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text; waits and tries again while the service is busy."""
        parts = [self._patiently(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, _DIMENSIONS), np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question, at once or not at all: a customer waits."""
        if self._clock() < self._rests_until:
            raise EmbedderUnavailableError("Voyage did not answer a moment ago.")
        try:
            vector: NDArray[np.float32] = self._ask([text], "query", _QUERY_SECONDS)[0]
        except LaterError as error:
            self._rests_until = self._clock() + _REST_SECONDS
            raise EmbedderUnavailableError(str(error)) from None
        return vector

    def _patiently(self, texts: Sequence[str]) -> Vectors:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._ask(texts, "document", _PASSAGE_SECONDS)
            except LaterError as error:
                if attempt == _ATTEMPTS:
                    raise EmbedderUnavailableError(f"{error} The next import goes on from here.") from None
                self._sleep(min(error.seconds if error.seconds is not None else 2.0**attempt, _LONGEST_WAIT))
        raise AssertionError

    def _ask(self, texts: Sequence[str], kind: str, seconds: float) -> Vectors:
        body = {"input": list(texts), "model": self._model, "input_type": kind, "output_dimension": _DIMENSIONS}
        status, answer = self._wire.post(json.dumps(body).encode(), seconds)
        if status != http.client.OK:
            raise EmbedderUnavailableError(f"Voyage refuses {self._model!r} (HTTP {status}). Check VOYAGE_API_KEY.")
        return _vectors(answer, len(texts))


def _vectors(answer: bytes, count: int) -> Vectors:
    try:
        data = sorted(_Answer.model_validate_json(answer).data, key=lambda one: one.index)
        made = np.array([one.embedding for one in data], np.float32).reshape(count, _DIMENSIONS)
    except (ValidationError, ValueError):
        raise EmbedderUnavailableError("Voyage's answer has another shape than its description says.") from None
    lengths = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
    vectors: Vectors = made / lengths
    return vectors

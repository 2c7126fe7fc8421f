"""Voyage AI's rerankers: many languages, made elsewhere for money; questions and candidates leave this machine."""

import http.client
import json
from collections.abc import Sequence

from pydantic import BaseModel, ValidationError

from tools.knowledge_base.reranking import RerankerUnavailableError
from tools.knowledge_base.voyage_wire import LaterError, VoyageWire

_URL = "https://api.voyageai.com/v1/rerank"


class _One(BaseModel):
    relevance_score: float
    index: int


class _Answer(BaseModel):
    data: list[_One]


class VoyageReranker:
    """`rerank-2.5-lite`, `rerank-2.5`, …"""

    def __init__(self, model: str, key: str, *, seconds: float, url: str = _URL) -> None:
        """`seconds`: after which nobody waits for its scores. Raises RerankerUnavailableError without a key."""
        if not key:
            raise RerankerUnavailableError("VOYAGE_API_KEY is not set, and RERANKER asks for Voyage.")
        self.name = f"voyage-{model}"
        self._model, self._seconds, self._wire = model, seconds, VoyageWire(url, key)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """At once or not at all: a customer waits."""
        body = {"query": question, "documents": list(texts), "model": self._model, "top_k": len(texts)}
        try:
            status, answer = self._wire.post(json.dumps(body).encode(), self._seconds)
        except LaterError as error:
            raise RerankerUnavailableError(str(error)) from None
        if status != http.client.OK:
            raise RerankerUnavailableError(f"Voyage refuses {self._model!r} (HTTP {status}). Check VOYAGE_API_KEY.")
        return _scores(answer, len(texts))


def _scores(answer: bytes, count: int) -> list[float]:
    """In the order of the texts; the answer is in that of the scores."""
    try:
        scores = {one.index: one.relevance_score for one in _Answer.model_validate_json(answer).data}
        return [scores[place] for place in range(count)]
    except (ValidationError, KeyError):
        raise RerankerUnavailableError("Voyage's answer has another shape than its description says.") from None

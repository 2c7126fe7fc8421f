"""Any model of the fastembed library (the extra `fastembed`); it is downloaded once, when it is first used."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.embedder import UNKNOWN, EmbedderUnavailableError, Vectors

_BATCH = 16
"""More texts at once take much more memory and hardly less time."""


class FastEmbed:
    """`BAAI/bge-small-en-v1.5`, `intfloat/multilingual-e5-large`, …"""

    languages = frozenset[str]()
    bounds = UNKNOWN

    def __init__(self, model: str) -> None:
        """Loads the model, which blocks for minutes the first time; EmbedderUnavailableError when it cannot be had."""
        try:
            import fastembed  # noqa: PLC0415 — an extra
        except ImportError:
            raise EmbedderUnavailableError("fastembed is not installed: `pip install 'deskhand[fastembed]'`.") from None
        try:
            self._model: Any = fastembed.TextEmbedding(model, threads=1, cuda=False)
        except Exception as error:  # whatever the library and the hub it downloads from raise
            reason = f"fastembed cannot load {model!r} ({type(error).__name__})"
            raise EmbedderUnavailableError(f"{reason}. Check its name and the network.") from error
        self.name = f"fastembed-{model}"
        self.dimensions = int(self._model.embedding_size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text."""
        made = list(self._model.passage_embed(list(texts), batch_size=_BATCH))
        return _unit(np.array(made, np.float32).reshape(len(texts), self.dimensions))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question, with whatever the model wants in front of one."""
        (made,) = self._model.query_embed([text])
        vector: NDArray[np.float32] = _unit(np.asarray([made], np.float32))[0]
        return vector


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    made: Vectors = vectors / np.maximum(lengths, 1e-9)
    return made

"""Any BERT-like embedding model exported to ONNX: a folder with `model.onnx` and `vocab.txt` (WordPiece, lower case).

Read as well, if they are there: `1_Pooling/config.json` (first token or mean) and the query prompt of
`config_sentence_transformers.json`. Such folders are what the usual model hubs offer for download.
"""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.embedder import UNKNOWN, EmbedderUnavailableError, Vectors
from tools.knowledge_base.minilm import digest_of, open_session, shrinking
from tools.knowledge_base.wordpiece import WordPiece

_QUERY_TOKENS, _PASSAGE_TOKENS = 64, 256


class OnnxFolder:
    """A model of one's own."""

    languages = frozenset[str]()
    bounds = UNKNOWN

    def __init__(self, folder: Path, *, workers: int = 1) -> None:
        """Raises EmbedderUnavailableError when the folder holds no such model."""
        try:
            digest = digest_of(folder / "model.onnx")
            vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
            pooling = _json(folder / "1_Pooling" / "config.json")
            prompts = _json(folder / "config_sentence_transformers.json").get("prompts")
            self._tokens = WordPiece(vocabulary)
        except OSError as error:
            raise EmbedderUnavailableError(f"EMBEDDER: {error.filename}: {error.strerror}.") from None
        except (ValueError, KeyError):
            raise EmbedderUnavailableError(f"EMBEDDER: {folder} holds no WordPiece vocabulary or odd JSON.") from None
        self._session = open_session(folder / "model.onnx")
        self._inputs = {value.name for value in self._session.get_inputs()}
        self._first_token = bool(pooling.get("pooling_mode_cls_token"))
        self._prompt = str(prompts.get("query", "")) if isinstance(prompts, dict) else ""
        self._workers = workers
        told = json.dumps((digest, vocabulary, self._first_token, self._prompt))
        self.name = f"onnx-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
        try:
            self.dimensions = len(self._one("probe", _QUERY_TOKENS))
        except Exception as error:  # the runtime's own classes have no common base but this; KeyError: another input
            why = f"EMBEDDER: the model in {folder} cannot read a text ({type(error).__name__})."
            raise EmbedderUnavailableError(why) from error

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text."""
        with ThreadPoolExecutor(self._workers) as pool:
            made = list(pool.map(lambda text: self._one(text, _PASSAGE_TOKENS), texts))
        return np.stack(made) if made else np.zeros((0, self.dimensions), np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of the question's first 64 tokens."""
        return self._one(self._prompt + text, _QUERY_TOKENS)

    def _one(self, text: str, tokens: int) -> NDArray[np.float32]:
        ids = np.array([self._tokens.encode(text, tokens)], np.int64)
        run = shrinking() if ids.shape[1] > _QUERY_TOKENS else None
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        made: Any = self._session.run(None, {name: given[name] for name in self._inputs}, run)[0]
        vector: NDArray[np.float32] = self._pooled(made[0].astype(np.float32))
        return vector / max(float(np.linalg.norm(vector)), 1e-9)

    def _pooled(self, made: NDArray[np.float32]) -> NDArray[np.float32]:
        """Models give either a vector for each token or, pooled already, one."""
        if made.ndim == 1:
            return made
        pooled: NDArray[np.float32] = made[0] if self._first_token else made.mean(axis=0)
        return pooled


def _json(path: Path) -> dict[str, Any]:
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return told if isinstance(told, dict) else {}
